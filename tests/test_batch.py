"""Batches over HTTP: each notification as if it had been sent alone, and one answer for all."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.batch_wire import BatchDecoder
from notifier.errors import InvalidFields, InvalidRequest, Unavailable
from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey, RevokeApiKey
from notifier.wire import Decoder, SendRequest
from tests.support.harness import SEND, Harness, Person, ServerWith
from tests.support.naming import users_of

BATCH = "/api/notifications/send/batch/"


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """Each of them."""
    return each_database_url


async def post(
    server: Harness, items: Sequence[object], headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send these in one batch."""
    return await server.post({"notifications": items}, BATCH, headers=headers)


async def results(
    server: Harness, items: Sequence[object], headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """What became of each."""
    response = await post(server, items, headers)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def codes(found: Sequence[dict[str, Any]]) -> list[str]:
    """The code of each that was refused, empty for what is stored."""
    return [each.get("code", "") for each in found]


class TestAnswer:
    """What is said of each."""

    @pytest.mark.parametrize("path", [BATCH, BATCH.rstrip("/")])
    async def test_stored_in_order(self, server: Harness, path: str) -> None:
        """Each has its user, its key and its place; devices get them in the order of the batch."""
        ann, bob = await server.user(), await server.user("bob")
        items = [
            {"user_id": ann.id, "payload": {"n": 1.10}, "key": "mine"},
            {"user_id": str(bob.id), "payload": 2},
            {"user_id": ann.id, "payload": [3]},
        ]
        async with server.connect(ann) as device:
            await device.nothing_more()
            answer = await server.post({"notifications": items}, path)
            assert answer.status_code == 200
            first, second, third = answer.json()["results"]
            assert first == {"user_id": ann.id, "key": "mine", "seq": 1}
            assert (second["user_id"], second["seq"]) == (bob.id, 1)
            assert (third["user_id"], third["seq"]) == (ann.id, 2)
            frames = await device.take(2)
        assert [frame.key for frame in frames] == ["mine", third["key"]]
        assert '"value":{"n": 1.1}' in frames[0].text, "delivered byte for byte"

    async def test_one_bad_one_harms_nobody(self, server: Harness) -> None:
        """Whatever is wrong with one, it alone is refused, with the words of a single send."""
        ann = await server.user()
        await server.send(ann, "first", key="used")
        good = {"user_id": ann.id, "payload": 1}
        bad = [
            {"user_id": ann.id},
            {"payload": 1},
            {"user_id": 999, "payload": 1},
            {"user_id": "9" * 30, "payload": 1},
            {"user_id": ann.id, "payload": None},
            {"user_id": ann.id, "payload": 1, "tll": 5},
            {"user_id": ann.id, "payload": 1, "ttl": 0, "key": ""},
            {"user_id": ann.id, "payload": "another", "key": "used"},
            {"user": "ann", "payload": 1},
            "no object",
            None,
        ]
        found = await results(server, [each for item in bad for each in (item, good)])
        assert [each["seq"] for each in found[1::2]] == list(range(2, 2 + len(bad)))
        refused = found[::2]
        assert codes(refused) == [
            *("invalid", "invalid", "unknown_user", "unknown_user", "invalid", "invalid"),
            *("invalid", "key_conflict", "invalid", "invalid", "invalid"),
        ]
        assert refused[0]["fields"] == {"payload": ["This field is required."]}
        assert refused[5]["error"] == "tll: Unknown field; did you mean ttl?"
        assert set(refused[6]["fields"]) == {"ttl", "key"}
        assert "fields" not in refused[9]
        assert all("retry_after" not in each for each in refused)

    async def test_repeated(self, server: Harness) -> None:
        """The same keys again store nothing and say so; also within one batch."""
        ann = await server.user()
        items = [{"user_id": ann.id, "payload": n, "key": f"k{n}"} for n in range(3)]
        first = await results(server, items)
        again = await results(server, [*items, items[0], {"user_id": ann.id, "payload": 3}])
        assert again[:3] == [each | {"replayed": True} for each in first]
        assert again[3] == again[0]
        assert again[4]["seq"] == 4
        fresh = {"user_id": ann.id, "payload": 4, "key": "new"}
        twice = await results(server, [fresh, fresh, fresh | {"payload": 5}])
        assert [each.get("replayed") for each in twice] == [None, True, None]
        assert codes(twice) == ["", "", "key_conflict"]

    async def test_the_other_fields(self, server: Harness) -> None:
        """Each has a ttl, category, priority and collapse key of its own."""
        ann = await server.user()
        rest = {"ttl": 60, "category": "news", "priority": "low"}
        found = await results(
            server,
            [
                {"user_id": ann.id, "payload": 1, "collapse_key": "c", "key": "old"},
                {"user_id": ann.id, "payload": 2, "collapse_key": "c", **rest},
            ],
        )
        assert found[0]["withdrawn"]
        assert await server.pending(ann) == [2]
        page = await server.server.notifications.pending(ann.id, 1, rows=1, size=1 << 20)
        [notification] = page.notifications
        assert (notification.category, notification.priority) == ("news", "low")
        assert notification.expires_at == notification.created_at + 60_000


class TestUsers:
    """An item for several users."""

    async def test_one_for_each(self, server: Harness) -> None:
        """Each user has a notification of their own under the same key; a bad id harms nobody."""
        ann, bob = await server.user(), await server.user("bob")
        whose = [ann.id, 999, "x", None, str(bob.id)]
        found = await results(
            server,
            [
                {"user_ids": whose, "payload": 1, "key": "k"},
                {"user_id": ann.id, "payload": 2},
            ],
        )
        assert [each.get("user_id") for each in found] == [ann.id, None, None, None, bob.id, ann.id]
        assert codes(found) == ["", "unknown_user", "invalid", "invalid", "", ""]
        assert found[3]["fields"] == {"user_id": ["This field may not be null."]}
        assert found[0]["key"] == found[4]["key"] == "k"
        assert (found[4]["seq"], found[5]["seq"]) == (1, 2)

    async def test_by_name(self, server_with: ServerWith, each_database_url: str) -> None:
        """Users of an application are named in lists, too, beside accounts where there are both."""
        async with server_with(database_url=each_database_url, **users_of()) as server:
            found = await results(
                server,
                [
                    {"users": ["ann", "bob", ""], "payload": 1},
                    {"user": "ann", "payload": 2},
                    {"user_ids": [1], "payload": 3},
                    {"users": ["ann"], "user_ids": [1], "payload": 4},
                    {"users": ["ann", "bob"], "user": "eve", "payload": 4},
                ],
            )
        assert [each.get("user") for each in found] == ["ann", "bob", None, "ann", *[None] * 4]
        assert [each.get("user_id") for each in found][4] == 1
        assert codes(found)[2:] == ["invalid", "", "", "invalid", "invalid", "invalid"]
        assert [each["seq"] for each in found if "seq" in each] == [1, 1, 2, 1]
        assert "user_ids" in found[5]["error"]

    @pytest.mark.parametrize(
        ("item", "field", "words"),
        [
            ({"user_ids": []}, "user_ids", "a list of 1 to 1000 ids"),
            ({"user_ids": 1}, "user_ids", "a list of 1 to 1000 ids"),
            ({"user_ids": None}, "user_ids", "may not be null"),
            ({"user_ids": [1], "user_id": 1}, "user_ids", "Only one of user_id and user_ids"),
            ({"users": ["ann"]}, "users", "give user_ids instead"),
            ({"user": "ann"}, "user", "give user_id instead"),
            ({}, "user_id", "One of user_id and user_ids is required"),
        ],
    )
    async def test_not_named_well(
        self, server: Harness, item: dict[str, Any], field: str, words: str
    ) -> None:
        """Exactly one field says who gets it, as users are named here."""
        [refused] = await results(server, [item | {"payload": 1}])
        assert refused["code"] == "invalid"
        assert words in refused["fields"][field][0]

    async def test_what_is_not_valid_has_a_result_for_each(self, server: Harness) -> None:
        """So that results stay in step with the users of the batch."""
        found = await results(
            server, [{"user_ids": [1, 1, 1], "payload": 1, "ttl": 0}, {"user_id": 1, "payload": 1}]
        )
        assert codes(found) == ["invalid"] * 3 + [""]


class TestKeys:
    """A key for the whole."""

    async def test_in_the_header(self, server: Harness) -> None:
        """It begins the key of each item that has none, by its place in the list."""
        ann, bob = await server.user(), await server.user("bob")
        items = [
            {"user_id": ann.id, "payload": 1},
            {"user_id": ann.id, "payload": 2, "key": "own"},
            {"user_ids": [ann.id, bob.id], "payload": 3},
        ]
        headers = {"Idempotency-Key": "K"}
        first = await results(server, items, headers)
        assert [each["key"] for each in first] == ["K#0", "own", "K#2", "K#2"]
        again = await results(server, items, headers)
        assert again == [each | {"replayed": True} for each in first]
        assert await server.pending(ann) == [1, 2, 3]

    @pytest.mark.parametrize(("length", "status"), [(196, 200), (197, 400)])
    async def test_its_length(self, server: Harness, length: int, status: int) -> None:
        """It leaves room for the place of the last one."""
        headers = {"Idempotency-Key": "k" * length}
        answer = await post(server, [{"user_id": 1, "payload": 1}], headers)
        assert answer.status_code == status
        assert status == 200 or "1 to 196 characters" in answer.json()["key"][0]


class TestWhole:
    """What is refused as a whole."""

    @pytest.mark.parametrize(
        ("body", "status", "mentions"),
        [
            (b"", 400, "malformed_json"),
            (b"{", 400, "malformed_json"),
            (b"[]", 400, "got an array"),
            (b"{}", 400, '{"notifications":["This field is required."]}'),
            (b'{"notifications": null}', 400, "may not be null"),
            (b'{"notifications": {}}', 400, "a list of 1 to 1000 notifications"),
            (b'{"notifications": []}', 400, "a list of 1 to 1000 notifications"),
            (b'{"notifications": [1], "ttl": 5}', 400, '{"ttl":["Unknown field."]}'),
            (b'{"notifications": [1], "\xff": 5}', 400, "UTF-8"),
            (b'{"notifications": [1,]}', 400, "malformed_json"),
            (b'{"notifications": [NaN]}', 400, "malformed_json"),
            (b'{"notifications": ["\\ud800"]}', 400, "malformed_json"),
            (b'{"notifications": [' + b"1," * 1000 + b"1]}", 400, "a list of 1 to 1000"),
            (
                b'{"notifications": [{"payload": 1, "user_ids": [' + b"1," * 999 + b"1]}, 1]}",
                400,
                "one for each user",
            ),
            (
                b'{"notifications": [{"payload": 1, "user_ids": [' + b"1," * 1000 + b"1]}]}",
                400,
                "one for each user",
            ),
            (b'{"notifications": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 400, "deep"),
            (
                b'{"notifications": [{"payload": "%b", "user_ids": [1,1,1,1,1,1,1,1,1]}]}'
                % (b"x" * 1_000_000),
                413,
                "request_too_large",
            ),
            (b'{"notifications": ["%b"]}' % (b"x" * (1 << 20)), 413, "request_too_large"),
        ],
    )
    async def test_bodies(self, server: Harness, body: bytes, status: int, mentions: str) -> None:
        """A body that is no batch gets one clear error, and nothing is stored."""
        answer = await server.post(body, BATCH)
        assert answer.status_code == status, answer.text
        assert mentions in answer.text
        assert await server.pending(server.admin) == []

    async def test_other_types(self, server: Harness) -> None:
        """As for a send: JSON, and as it is."""
        for headers in ({"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}):
            answer = await server.post(b'{"notifications": [1]}', BATCH, headers=headers)
            assert answer.status_code == 415

    async def test_as_many_as_there_may_be(self, server: Harness) -> None:
        """A thousand are stored, whether each is named or all in one list."""
        items = [{"user_id": 1, "payload": n} for n in range(1000)]
        found = await results(server, items)
        assert [each["seq"] for each in found] == list(range(1, 1001))
        found = await results(server, [{"user_ids": [1] * 1000, "payload": 1}])
        assert found[-1]["seq"] == 2000

    async def test_a_thousand_faults(self, server: Harness) -> None:
        """Each is explained, while others are answered."""
        batch = asyncio.create_task(results(server, [{"user_id": 1, "tll": 1}] * 1000))
        await server.send(server.admin, 1)
        assert codes(await batch) == ["invalid"] * 1000


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'"\xff\xfe"', "malformed_json"),
        (b'"\xed\xa0\x80"', "malformed_json"),
        (b"[" * 100 + b"]" * 100, "malformed_json"),
        (b"[" * 99 + b"]" * 99, ""),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "malformed_json"),
        (b"1" * 1001, "malformed_json"),
        (b"1" * 1000, ""),
        (b'"\\u0000"', ""),
        ('"\u2028\U0001f600"'.encode(), ""),
    ],
)
async def test_hostile_payloads(server: Harness, payload: bytes, code: str) -> None:
    """What a receiver could choke on is refused by itself, at the very bounds of a single send."""
    ann = await server.user()
    body = b'{"notifications": [%b, {"user_id": %d, "payload": %b}, %b]}'
    good = b'{"user_id": %d, "payload": 1}' % ann.id
    answer = await server.post(body % (good, ann.id, payload, good), BATCH)
    assert codes(answer.json()["results"]) == ["", code, ""]
    single = await server.post(b'{"user_id": %d, "payload": %b}' % (ann.id, payload))
    assert single.json().get("code", "") == code


class TestLimits:
    """How much may be sent."""

    async def test_a_full_inbox(self, server_with: ServerWith, each_database_url: str) -> None:
        """Whoever has as much as may be gets no more, and others do."""
        async with server_with(max_pending=2, database_url=each_database_url) as server:
            ann, bob = await server.user(), await server.user("bob")
            items = [{"user_id": whose.id, "payload": 1} for whose in (ann, ann, ann, bob)]
            found = await results(server, items)
            assert codes(found) == ["", "", "inbox_full", ""]
            assert found[2]["retry_after"] == 10
            assert server.server.refusals.counts["inbox_full"] == 1

    async def test_the_rate(self, server_with: ServerWith) -> None:
        """Each counts, also those that are refused; what is beyond the rate is not taken."""
        async with server_with(sends_per_second=5) as server:
            await server.server.store.submit(CreateApiKey("k", digest("ntf_k")))
            headers = {"X-API-Key": "ntf_k"}
            items = [{"user_id": 1, "payload": n} for n in range(12)]
            found = await results(server, [None, *items], headers)
            assert codes(found) == ["invalid", *[""] * 9, *["too_many_sends"] * 3]
            assert found[-1]["retry_after"] == 1
            assert server.server.refusals.counts["too_many_sends"] == 3
            refused = await post(server, items, headers)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sends")
            assert refused.headers["Retry-After"] == "1"


class TestAuthority:
    """Who may send."""

    async def test_the_same_as_for_a_send(self, server: Harness) -> None:
        """A key with the scope; without, nothing is stored, and the whole is refused."""
        await server.server.store.submit(CreateApiKey("k", digest("ntf_k")))
        await server.server.store.submit(CreateApiKey("web", digest("ntf_web"), ("identity",)))
        item = {"user_id": 1, "payload": 1}
        assert codes(await results(server, [item], {"X-API-Key": "ntf_k"})) == [""]
        refusals: list[tuple[dict[str, str], int, str]] = [
            ({}, 401, "not_authenticated"),
            ({"X-API-Key": "ntf_unknown"}, 401, "api_key_not_valid"),
            ({"X-API-Key": "ntf_web"}, 403, "permission_denied"),
        ]
        for headers, status, code in refusals:
            refused = await post(server, [item], headers)
            assert (refused.status_code, refused.json()["code"]) == (status, code)

    async def test_a_revoked_key(self, server: Harness) -> None:
        """Nothing is taken from a key that was just revoked, and the whole says so."""
        await server.server.store.submit(CreateApiKey("k", digest("ntf_k")))
        headers = {"X-API-Key": "ntf_k"}
        items = [{"user_id": 1, "payload": 1}, {"user_id": 999, "payload": 1}]
        await results(server, items, headers)
        await server.server.store.submit(RevokeApiKey("k"))
        refused = await post(server, items, headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "api_key_not_valid")
        assert await server.pending(server.admin) == [1]

    async def test_a_key_for_some_users(self, server_with: ServerWith) -> None:
        """It reaches those of its prefix, one by one, and nobody else."""
        async with server_with(**users_of()) as server:
            await server.server.store.submit(
                CreateApiKey("eu", digest("ntf_eu"), user_prefix="eu:")
            )
            found = await results(
                server,
                [
                    {"users": ["eu:ann", "us:ann"], "payload": 1},
                    {"user_id": 1, "payload": 1},
                    {"user": "eu:ann", "payload": 2},
                ],
                {"X-API-Key": "ntf_eu"},
            )
        assert codes(found) == ["", "user_not_allowed", "user_not_allowed", ""]


class TestAway:
    """The store goes away, or has no room."""

    @staticmethod
    def _fail_behind(server: Harness, monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
        store = server.server.store
        submit_all, times = store.submit_all, iter(range(100))

        def submit(operations: Any) -> Any:
            if next(times) >= pieces:
                raise Unavailable
            return submit_all(operations)

        monkeypatch.setattr(store, "submit_all", submit)

    async def test_from_the_beginning(
        self, server: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """None was taken: one answer for all, also beside what could never succeed."""
        self._fail_behind(server, monkeypatch, 0)
        refused = await post(server, [{"user_id": 1, "payload": 1}, {"user_id": 1}])
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"]

    async def test_in_the_middle(self, server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is stored is said to be; nobody knows of the rest, of which nothing was begun."""
        self._fail_behind(server, monkeypatch, 2)
        items: list[object] = [{"user_id": 1, "payload": n} for n in range(999)]
        found = await results(server, [*items, None], {"Idempotency-Key": "K"})
        stored = [each for each in found if "seq" in each]
        assert 0 < len(stored) < 999
        assert found[: len(stored)] == stored
        rest = found[len(stored) :]
        assert codes(rest) == ["unavailable"] * (len(rest) - 1) + ["invalid"]
        assert {each["retry_after"] for each in rest[:-1]} == {1}
        monkeypatch.undo()
        again = await results(server, [*items, None], {"Idempotency-Key": "K"})
        assert [each["seq"] for each in again[:-1]] == list(range(1, 1000))
        assert [bool(each.get("replayed")) for each in again[:-1]] == [
            n < len(stored) for n in range(999)
        ]


# As if it had been sent alone.

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "x", "1", "\x00", "\xe9"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = st.dictionaries(
    st.sampled_from([*SendRequest.__struct_fields__, "x", "tll"]), VALUES, max_size=5
)


@given(st.lists(FIELDS | VALUES, min_size=1, max_size=5), st.sampled_from(["accounts", "both"]))
def test_read_as_if_alone(items: list[object], users: Any) -> None:
    """An item is what the same body is for a send, or is wrong in the same way."""
    body = json.dumps({"notifications": items}).encode()
    found = list(BatchDecoder(users).read(body, None))
    single = Decoder(SendRequest, users)
    for item, read in zip(items, found, strict=True):
        try:
            alone: Any = single(json.dumps(item).encode())
        except InvalidRequest as error:
            assert type(read) is type(error)
            assert isinstance(read, InvalidRequest)
            if isinstance(read, InvalidFields) and isinstance(error, InvalidFields):
                assert set(read.errors) - {"user_id", "user"} == set(error.errors) - {
                    "user_id",
                    "user",
                }
            else:
                assert read.message == error.message
        else:
            for name in SendRequest.__struct_fields__:
                one, other = getattr(read, name), getattr(alone, name)
                assert one == other or bytes(one) == bytes(other)


@st.composite
def sends(draw: st.DrawFn) -> dict[str, Any]:
    """A send that may succeed, or fail in one of many ways; ``whose`` is to be replaced."""
    item = {
        "whose": draw(st.sampled_from(["ann", "ann", "bob", "nobody", "x"])),
        "payload": draw(st.sampled_from([1, 1, 2, {"a": [1]}, None])),
        "key": draw(st.sampled_from([None, "a", "b", ""])),
        "ttl": draw(st.sampled_from([None, 5, 0])),
        "collapse_key": draw(st.sampled_from([None, None, "c"])),
        "priority": draw(st.sampled_from(["normal", "low", "loud"])),
    }
    return {name: each for name, each in item.items() if each is not None or name == "payload"}


def _sent_to(item: dict[str, Any], people: dict[str, Person]) -> dict[str, Any]:
    rest = {name: each for name, each in item.items() if name != "whose"}
    whose = item["whose"]
    named = people[whose].id if whose in people else {"nobody": 999_999}.get(whose, whose)
    return {"user_id": named, **rest}


async def _people(server: Harness) -> dict[str, Person]:
    return {name: await server.user(f"{name}-{uuid4()}") for name in ("ann", "bob")}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(sends(), min_size=1, max_size=8))
async def test_the_same_as_one_by_one(server: Harness, items: list[dict[str, Any]]) -> None:
    """Results, places, and what is pending in the end are those of the same sends, one by one."""
    one, other = await _people(server), await _people(server)
    found = await results(server, [_sent_to(item, one) for item in items])
    for item, result in zip(items, found, strict=True):
        answer = await server.post(_sent_to(item, other), SEND)
        body = answer.json()
        if answer.status_code == 200:
            assert (result["seq"], result["user_id"] - body["user_id"]) == (
                body["seq"],
                one[item["whose"]].id - other[item["whose"]].id,
            )
            assert result.get("replayed", False) == ("Idempotency-Replayed" in answer.headers)
            assert "key" not in item or result["key"] == body["key"]
        elif "code" in body:
            assert (result["code"], result["error"]) == (body["code"], body["detail"])
        else:
            assert (result["code"], result["fields"]) == ("invalid", body)
    for name in ("ann", "bob"):
        assert await server.pending(one[name]) == await server.pending(other[name])
