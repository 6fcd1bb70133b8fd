"""Bodies and properties, as they are taken apart."""

import pytest

from amqp.frames import Delivery
from amqp.messages import Job, Part, Reader
from notifier.events import Appended
from notifier.models import Notification
from notifier.wire import SendRequest

LIMIT = 100_000


def take_apart(body: bytes, message_id: bytes = b"") -> tuple[Job, list[Part]]:
    delivery = Delivery(1, b"", b"", b"", b"", message_id, body)
    return Reader(LIMIT, "accounts").read(delivery)


def keys(body: bytes, message_id: bytes = b"") -> list[str | None]:
    return [part.request.key for part in take_apart(body, message_id)[1]]


def test_message_id_is_the_key() -> None:
    """message_id is the key of a body that has none."""
    assert keys(b'{"user_id": 1, "payload": 1}', b"m") == ["m"]


def test_key_in_the_body_wins() -> None:
    """Frameworks set message_id by themselves, so a key in the body is what was meant."""
    assert keys(b'{"user_id": 1, "payload": 1, "key": "k"}', b"m") == ["k"]


def test_without_either_a_key_is_made() -> None:
    """So that our own retries are harmless; two messages still are two notifications."""
    body = b'{"user_id": 1, "payload": 1}'
    first, second = keys(body), keys(body)
    assert first[0]
    assert first != second


def test_array_items_have_indexed_keys() -> None:
    """Each item of an array has an identity that a redelivery repeats."""
    body = b' [{"user_id": 1, "payload": 1}, {"user_id": 1, "payload": 2, "key": "k"}]'
    assert keys(body, b"m") == ["m#0", "k"]


@pytest.mark.parametrize(
    ("body", "message_id", "reason"),
    [
        (b"nonsense", b"", "Not valid JSON"),
        (b"", b"", "Not valid JSON"),
        (b'"text"', b"", "Expected an object, got a string."),
        (b'{"user_id": "x"}', b"", "user_id: Expected an integer"),
        (b'{"user_id": "x"}', b"", "payload: This field is required."),
        (b'{"user_id": 1, "payload": 1, "tll": 5}', b"", "tll: Unknown field; did you mean ttl?"),
        (b'{"user_id": 1, "payload": %b}' % (b"9" * 1001), b"", "1000 digits in a row"),
        (b'[{"user_id": 1, "payload": %b}]' % (b"9" * 1001), b"", "1000 digits in a row"),
        (b'{"user_id": 1, "payload": 1}', b"a\0b", "message_id: "),
        (b'{"user_id": 1, "payload": 1}', b"a\xc2\x85b", "message_id: "),
        (b'{"user_id": 1, "payload": 1}', b"a\xe2\x80\xa8b", "message_id: "),
        (b'{"user_id": 1, "payload": "\xff"}', b"", "Not valid UTF-8"),
        (b"[" + b"[" * 200 + b"]" * 201, b"", "Nested"),
        (b"[1" + b",1" * 1000 + b"]", b"", "More than 1000"),
        (b" " * (LIMIT + 1), b"", "larger than"),
        (b'{"user_id": 1, "payload": 1}', b"x" * 201, "message_id: "),
        (b'{"user_id": 1, "payload": 1}', b"a\nb", "message_id: "),
        (b'{"user_id": 1, "payload": 1}', b"\xff", "message_id: "),
    ],
)
def test_what_cannot_be_understood(body: bytes, message_id: bytes, reason: str) -> None:
    """It fails as a whole, with the reason, and the body as it came."""
    failed, parts = take_apart(body, message_id)
    assert failed.waiting == 0
    assert parts == []
    [letter] = failed.dead_letters
    assert reason in letter.error.message
    assert letter.body == body
    assert failed.result().startswith(b'{"error":')


def test_bad_items_fail_alone() -> None:
    """One bad item of an array is dead-lettered under its own identity; the others are sent."""
    good = b'{"user_id": 1, "payload": {"n": 1.10}}'
    mixed, parts = take_apart(b"[%b, {}, 7, %b]" % (good, good), b"m")
    assert [part.index for part in parts] == [0, 3]
    assert mixed.waiting == 2
    assert [(letter.body, letter.message_id) for letter in mixed.dead_letters] == [
        (b"{}", b"m#1"),
        (b"7", b"m#2"),
    ]
    for part in parts:
        mixed.succeeded(part, stored(part))
    assert mixed.waiting == 0
    answers = mixed.result()
    assert answers.count(b'"error"') == 2
    assert b'"payload":{"n": 1.10}' in answers


def test_an_empty_array_is_done_at_once() -> None:
    """Nothing to store is no mistake."""
    empty, _ = take_apart(b"[]")
    assert (empty.waiting, empty.dead_letters, empty.result()) == (0, [], b"[]")


def stored(part: Part) -> Appended:
    assert isinstance(part.request, SendRequest)
    key, payload = part.request.key or "", bytes(part.request.payload)
    return Appended(Notification(1, part.index + 1, key, payload, 0))
