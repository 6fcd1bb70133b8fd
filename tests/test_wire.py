"""What crosses the wire: depth, equality of payloads, keys and frames."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from notifier import clock, limits, wire
from notifier.errors import InvalidField, InvalidFields, MalformedJSON
from notifier.models import Notification, WhoseUsers

decode = wire.Decoder(wire.SendRequest)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('[]{}"\\a'),
    lambda children: st.lists(children) | st.dictionaries(st.text('[]{}"\\a'), children),
    max_leaves=60,
)


def depth(value: object) -> int:
    """How deep arrays and objects nest, worked out the plain way."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(json_values, st.integers(0, 130))
def test_depth_is_exact(value: object, levels: int) -> None:
    """A body is refused just when it nests too deeply, brackets in strings notwithstanding."""
    for _ in range(levels):
        value = [value]
    body = json.dumps({"user_id": 1, "payload": [value, "x"]}).encode()
    if depth(value) + 2 > limits.MAX_DEPTH:
        with pytest.raises(MalformedJSON):
            decode(body)
    else:
        assert json.loads(bytes(decode(body).payload)) == [value, "x"]


digits = st.integers(0, 30).flatmap(
    lambda spare: st.sampled_from([b"7" * (limits.MAX_DIGITS - 15 + spare), b"7" * spare])
)


@given(st.lists(digits | digits.map(lambda run: b'"%b"' % run)), st.binary(max_size=60))
def test_digits_are_counted_exactly(items: list[bytes], before: bytes) -> None:
    """A body is refused just when a number has too many digits; in strings they are free."""
    body = json.dumps(before.hex()).encode() + b", ".join([b"", *items])
    if any(len(item) > limits.MAX_DIGITS and item[:1] != b'"' for item in items):
        with pytest.raises(MalformedJSON):
            limits.check_text(body)
    else:
        limits.check_text(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b"9" * 1_000_000,
        b'"' + b'\\"' * 500_000,
        b'"' * 1_000_000,
        b"9," * 500_000,
        (b"9" * 1000 + b",") * 1000,
        b'"' + b"9" * 500_000 + b"\\" * 500_000,
    ],
)
def test_checks_take_linear_time(body: bytes) -> None:
    """Ten times as much text takes about ten times as long, whatever it is."""

    def seconds(text: bytes) -> float:
        def once() -> float:
            began = time.perf_counter()
            limits.check_text(text)
            return time.perf_counter() - began

        return min(once() for _ in range(5))

    assert seconds(body) < 50 * seconds(body[: len(body) // 10]) + 0.01


def test_words_of_refusal() -> None:
    """Every fault of a request is named at once, in words of JSON."""
    with pytest.raises(InvalidFields) as refused:
        decode(b'{"user_id": null, "key": "", "ttl": "1", "userId": 3, "Payload": 1, "x": 1}')
    assert refused.value.errors == {
        "user_id": ["This field may not be null."],
        "payload": ["This field is required."],
        "key": [
            "Expected a string of 1 to 200 characters, "
            "without control characters or line separators."
        ],
        "ttl": ["Expected a whole number of seconds, from 1 to 315360000."],
        "userId": ["Unknown field."],
        "Payload": ["Unknown field; did you mean payload?"],
        "x": ["Unknown field."],
    }


REQUIRED = "This field is required."
NO_NAMES = "Not taken with NOTIFIER_USERS=accounts: give user_id instead."
NO_IDS = "Not taken with NOTIFIER_USERS=external: give user instead."


@pytest.mark.parametrize(
    ("users", "body", "problems"),
    [
        ("accounts", b'{"payload": 1}', {"user_id": REQUIRED}),
        ("accounts", b'{"user": "a", "payload": 1}', {"user": NO_NAMES}),
        ("accounts", b'{"user": "a", "user_id": 1, "payload": 1}', {"user": NO_NAMES}),
        ("accounts", b'{"user": "", "user_id": null}', None),
        ("external", b'{"payload": 1}', {"user": REQUIRED}),
        ("external", b'{"user_id": 1, "payload": 1}', {"user_id": NO_IDS}),
        ("external", b'{"user_id": 1, "user": "a", "payload": 1}', {"user_id": NO_IDS}),
        ("both", b'{"payload": 1}', {"user_id": "One of user_id and user is required."}),
        (
            "both",
            b'{"user": "a", "user_id": 1, "payload": 1}',
            {"user": "Only one of user_id and user can be given."},
        ),
        ("both", b'{"user": "a", "user": "b"}', {"payload": REQUIRED}),
    ],
)
def test_exactly_one_names_the_user(
    users: WhoseUsers, body: bytes, problems: dict[str, str] | None
) -> None:
    """Which fields may name somebody is a setting, and every refusal says what is wrong."""
    with pytest.raises(InvalidFields) as refused:
        wire.Decoder(wire.SendRequest, users)(body)
    expected = problems or {
        "user": NO_NAMES,
        "user_id": "This field may not be null.",
        "payload": REQUIRED,
    }
    assert refused.value.errors == {name: [problem] for name, problem in expected.items()}


def test_the_choice_is_one_fault_among_others() -> None:
    """What is wrong beside the choice is named in the same answer."""
    with pytest.raises(InvalidFields) as refused:
        wire.Decoder(wire.SendRequest, "both")(b'{"ttl": 0, "User": "ann"}')
    assert refused.value.errors == {
        "user_id": ["One of user_id and user is required."],
        "payload": [REQUIRED],
        "ttl": ["Expected a whole number of seconds, from 1 to 315360000."],
        "User": ["Unknown field; did you mean user?"],
    }


NAME_PROBLEM = "Expected a string of 1 to 128 characters, without control characters."


@pytest.mark.parametrize(
    "name", ["", "x" * 129, "\0", "a\nb", "a\x1f", "\x7f", "a\x80b", "a\x9fb", 42, ["a"], True]
)
def test_not_names(name: object) -> None:
    """A name is a text of limited length, without control characters."""
    body = json.dumps({"user": name, "payload": 1}).encode()
    with pytest.raises(InvalidFields) as refused:
        wire.Decoder(wire.SendRequest, "both")(body)
    assert refused.value.errors == {"user": [NAME_PROBLEM]}
    if isinstance(name, str):
        with pytest.raises(InvalidField):
            wire.check_name(name)


@pytest.mark.parametrize("escaped", [b"\\ud800", b"\\udc00", b"a\\ud83d b", b"\xed\xa0\x80"])
def test_no_surrogates_in_names(escaped: bytes) -> None:
    """Half of a pair is no text."""
    with pytest.raises(MalformedJSON):
        wire.Decoder(wire.SendRequest, "both")(b'{"user": "%b", "payload": 1}' % escaped)


def test_no_surrogates_in_names_from_elsewhere() -> None:
    """Nor is a lone surrogate one in a name that was no JSON of ours, such as a token's claim."""
    with pytest.raises(InvalidField):
        wire.check_name("a\ud800")


@pytest.mark.parametrize(
    "name",
    ["a", "42", " ", "auth0|5f7c", "x" * 128, "😀" * 128, "\u2028", "e\u0301", "\ufffd", "\u202e"],
)
def test_names(name: str) -> None:
    """Any other text is a name, as it is, and none is a number."""
    body = json.dumps({"user": name, "payload": 1}).encode()
    found = wire.Decoder(wire.SendRequest, "both")(body)
    assert (found.user, found.user_id) == (name, UNSET)
    assert wire.check_name(name) == name


def test_unknown_fields_do_not_fill_the_answer() -> None:
    """However many unknown fields there are, and however long, the answer stays short."""
    body = json.dumps({"user_id": 1, "payload": 1} | {"x" * 10_000 + str(n): 1 for n in range(99)})
    with pytest.raises(InvalidFields) as refused:
        decode(body.encode())
    assert len(refused.value.message) < 2000


def test_faults_of_tagged_forms() -> None:
    """Where the type decides about the form, its faults are named, or the type's own."""
    frame: wire.Decoder[wire.ClientFrame] = wire.Decoder(wire.ClientFrame)
    for body, problem in (
        (b"{}", "type: This field is required."),
        (b'{"type": "x"}', 'type: Expected "message_ack" or "command".'),
        (b'{"type": "message_ack", "key": 1}', "key: Expected the key of a notification."),
        (b'{"type": "message_ack", "up_to": -1}', "up_to: Expected a seq, a whole number."),
        (b'{"type": "command", "key": 1}', "key: Expected a string."),
    ):
        with pytest.raises(InvalidFields) as refused:
            frame(body)
        assert refused.value.message == problem


@pytest.mark.parametrize(
    "character", ["\0", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029"]
)
def test_not_in_keys(character: str) -> None:
    """Control characters and what ends a line are in no key."""
    with pytest.raises(InvalidField):
        wire.check_key(f"a{character}b")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"1", b" 1", True),
        (b'{"a":1,"b":[]}', b'{ "b": [], "a": 1 }', True),
        (b"1.10", b"1.1", False),
        (b"1", b"1.0", False),
        (b"1", b"true", False),
        (b"1", b'"1"', False),
        (b"[1]", b'["1"]', False),
        (b'"\\u00e9"', '"é"'.encode(), True),
        (b"9" * 5000, b"9" * 5000 + b" ", True),
        (b"9" * 5000, b"9" * 4999 + b"8", False),
    ],
)
def test_same_json(one: bytes, other: bytes, same: bool) -> None:
    """White space, key order and escapes do not matter; how a number is written does."""
    assert wire.same_json(one, other) is same


@pytest.mark.parametrize(
    ("value", "user_id"),
    [(1, 1), ("1", 1), ("007", 7), (2**63 - 1, 2**63 - 1), (2**63, None), (0, None), ("0", None)],
)
def test_user_ids(value: int | str, user_id: int | None) -> None:
    """Integers and decimal digits name users, within what a store can hold."""
    assert wire.parse_user_id(value) == user_id


@pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", " 1", "1_000", "\u0661", "\u00b2"])
def test_not_user_ids(value: str) -> None:
    """Nothing but ASCII digits is a user's id."""
    with pytest.raises(InvalidField):
        wire.parse_user_id(value)


def test_made_keys_grow() -> None:
    """Keys that the server makes are valid, unique, and sort by time."""
    keys = [wire.make_key() for _ in range(100)]
    assert len(set(keys)) == 100
    assert [key[:12] for key in keys] == sorted(key[:12] for key in keys)
    assert all(wire.check_key(key) == key for key in keys)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 100_000])
def test_text_frames(size: int) -> None:
    """Frames of every length form carry their length as RFC 6455 §5.2 says."""
    frame = wire.text_frame(b"x" * size)
    assert frame[0] == 0x81
    assert frame.endswith(b"x" * size)
    head = len(frame) - size
    assert head == (2 if size < 126 else 4 if size < 65536 else 10)
    length = frame[1] if size < 126 else int.from_bytes(frame[2:head], "big")
    assert length == size


def test_notification_frame() -> None:
    """A notification's frame embeds the payload's very bytes."""
    frame = wire.notification_frame(Notification(1, 7, 'k"', b'{"a": 1.10}', 1_700_000_000_123))
    assert frame[2:] == (
        b'{"type":"server_notification","key":"k\\"","value":{"a": 1.10},"seq":7,'
        b'"created_at":"2023-11-14T22:13:20.123Z"}'
    )


def test_isoformat() -> None:
    """Moments are written with milliseconds, in UTC."""
    assert clock.isoformat(0) == "1970-01-01T00:00:00.000Z"
    assert clock.isoformat(1_001) == "1970-01-01T00:00:01.001Z"
