"""Sends to the application's own users, by their names."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from notifier.models import THE_SERVER, WhoseUsers
from notifier.sending.removal import Removal
from notifier.storage.operations.notifications import Acknowledge, Pending
from notifier.storage.operations.recipients import RecipientByName
from tests.support.harness import JSON, Harness, ServerWith, until
from tests.support.naming import users_of

NAME = "auth0|5f7c"


@pytest_asyncio.fixture
async def server(server_with: ServerWith, each_database_url: str) -> AsyncIterator[Harness]:
    """A server that takes both, on each database."""
    async with server_with(**users_of(), database_url=each_database_url) as harness:
        yield harness


async def send(server: Harness, user: str, payload: object, **fields: object) -> dict[str, Any]:
    """Send one notification, which has to succeed."""
    response = await server.post({"user": user, "payload": payload, **fields})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def number_of(server: Harness, name: str) -> int:
    """The number of a recipient, who must exist."""
    recipient = await server.server.store.read(RecipientByName(name))
    assert recipient is not None
    return recipient.number


async def pending(server: Harness, name: str) -> list[tuple[int, bytes]]:
    """Places and payloads of what waits for a recipient."""
    query = Pending(await number_of(server, name), 0, rows=10_000, size=1 << 30)
    page = await server.server.store.read(query)
    return [(each.seq, each.payload) for each in page.notifications]


async def test_the_answer(server: Harness) -> None:
    """The answer names the user as the request did, never by a number, and goes on counting."""
    for seq in (1, 2):
        answer = await send(server, NAME, {"n": seq}, key=f"k{seq}")
        assert answer == {"user": NAME, "payload": {"n": seq}, "key": f"k{seq}", "seq": seq}
    assert await pending(server, NAME) == [(1, b'{"n": 1}'), (2, b'{"n": 2}')]


async def test_accounts_are_others(server: Harness) -> None:
    """A name that is an account's is another's, and digits are a name."""
    for name in ("admin", "1"):
        assert (await send(server, name, 1))["seq"] == 1
    assert await server.pending(server.admin) == []
    answer = await server.send(server.admin, 1)
    assert (answer["user_id"], answer["seq"], "user" in answer) == (1, 1, False)


async def test_no_number_is_a_recipient(server: Harness) -> None:
    """The number of a recipient's log, should anybody guess it, is nobody's id."""
    await send(server, NAME, 1)
    number = await number_of(server, NAME)
    for user_id, status in ((number, 404), (str(number), 400)):
        refused = await server.post({"user_id": user_id, "payload": 1})
        assert refused.status_code == status
    assert len(await pending(server, NAME)) == 1


@pytest.mark.parametrize(
    "name",
    ["a", "42", " ", "é", "e\u0301", "\u2028", "\u202e", "😀" * 128, "a/b?c=%00#", "'\"\\%_"],
)
async def test_odd_names_that_are_fine(server: Harness, name: str) -> None:
    """A name is any text, and comes back as it was."""
    for payload in (1, 2):
        assert (await send(server, name, payload))["user"] == name
    assert len(await pending(server, name)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"user": "", "payload": 1}',
        b'{"user": "%b", "payload": 1}' % (b"x" * 129),
        b'{"user": "a\\u0000", "payload": 1}',
        b'{"user": "a\\n", "payload": 1}',
        b'{"user": "a\\u009f", "payload": 1}',
        b'{"user": "\\ud800", "payload": 1}',
        b'{"user": "\\udc00\\ud800", "payload": 1}',
        b'{"user": "\xed\xa0\x80", "payload": 1}',
        b'{"user": "\xff", "payload": 1}',
        b'{"user": 42, "payload": 1}',
        b'{"user": null, "payload": 1}',
        b'{"user": ["ann"], "payload": 1}',
        b'{"user": "ann", "user_id": 1, "payload": 1}',
        b'{"user": "ann", "user_id": null, "payload": 1}',
        b'{"payload": 1}',
        b'{"user": "ann", "payload": null}',
        b'{"user": "ann"}',
    ],
)
async def test_refused(server: Harness, body: bytes) -> None:
    """What names nobody, or two, or is no name, is refused, and nobody comes into being."""
    refused = await server.post(body)
    assert refused.status_code == 400, refused.text
    assert await server.server.store.read(RecipientByName("ann")) is None
    assert await server.pending(server.admin) == []


@pytest.mark.parametrize(
    ("users", "body", "field"),
    [
        ("accounts", {"user": "ann", "payload": 1}, "user"),
        ("accounts", {"user": "ann", "user_id": 1, "payload": 1}, "user"),
        ("accounts", {"payload": 1}, "user_id"),
        ("external", {"user_id": 1, "payload": 1}, "user_id"),
        ("external", {"payload": 1}, "user"),
    ],
)
async def test_the_setting_decides(
    server_with: ServerWith, users: WhoseUsers, body: dict[str, object], field: str
) -> None:
    """Whom this server does not have cannot be named, and the refusal names the setting."""
    async with server_with(**users_of(users)) as server:
        refused = await server.post(body)
        assert refused.status_code == 400
        ((name, (problem,)),) = refused.json().items()
        assert name == field
        assert (f"NOTIFIER_USERS={users}" in problem) is (field in body)
        taken = {"user": "ann"} if users == "external" else {"user_id": 1}
        assert (await server.post(taken | {"payload": 1})).status_code == 200


async def test_retry_with_the_same_key(server: Harness) -> None:
    """Keys are each user's own, and hold after the acknowledgement, as for accounts."""
    first = await send(server, NAME, 1, key="k")
    number = await number_of(server, NAME)
    for _ in range(2):
        again = await server.post({"user": NAME, "payload": 1, "key": "k"})
        assert again.json() == first
        assert again.headers["Idempotency-Replayed"] == "true"
        await server.server.store.submit(Acknowledge(number, "k"))
    other = await server.post({"user": NAME, "payload": 2, "key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "key_conflict")
    assert (await send(server, "somebody else", 2, key="k"))["seq"] == 1
    in_header = await server.post({"user": NAME, "payload": 3}, headers={"Idempotency-Key": "h"})
    assert in_header.json()["key"] == "h"


async def test_first_sends_at_once(server: Harness) -> None:
    """Many sends to somebody who was never heard of make one log without holes."""
    answers = await asyncio.gather(*[send(server, NAME, n) for n in range(100)])
    assert sorted(answer["seq"] for answer in answers) == list(range(1, 101))
    by_payload = {int(payload): seq for seq, payload in await pending(server, NAME)}
    assert by_payload == {answer["payload"]: answer["seq"] for answer in answers}


async def test_quota(server_with: ServerWith, each_database_url: str) -> None:
    """As much may be pending for a recipient as for an account."""
    async with server_with(**users_of(), max_pending=10, database_url=each_database_url) as server:
        sends = [server.post({"user": NAME, "payload": n}) for n in range(25)]
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*sends))
        assert statuses == {200: 10, 429: 15}
        assert (await send(server, "somebody else", 1))["seq"] == 1


async def test_expiry(server: Harness) -> None:
    """What has expired is not pending."""
    await send(server, NAME, 1, ttl=1)
    await send(server, NAME, 2, ttl=3600)
    async with asyncio.timeout(30):
        while await pending(server, NAME) != [(2, b"2")]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_removed_meanwhile(server: Harness) -> None:
    """Somebody whom another process has removed comes into being again with the next send."""
    await send(server, NAME, 1)
    old = await number_of(server, NAME)
    await Removal(server.server.store).remove(old, THE_SERVER)
    answers = await asyncio.gather(*[send(server, NAME, n) for n in range(20)])
    assert sorted(answer["seq"] for answer in answers) == list(range(1, 21))
    assert await number_of(server, NAME) != old
    assert (await send(server, NAME, 21))["seq"] == 21


async def test_a_flood_of_names(server_with: ServerWith, each_database_url: str) -> None:
    """New names have the bound of any write: what waits is bounded, the rest is told so."""
    async with server_with(**users_of(), queue_size=20, database_url=each_database_url) as server:
        store = server.server.store
        sends = [server.post({"user": f"user {n}", "payload": n}) for n in range(300)]
        flood = asyncio.gather(*sends)
        most = 0

        def watch() -> bool:
            nonlocal most
            most = max(most, store.waiting)
            return flood.done()

        await until(watch)
        assert most <= 20
        statuses = Counter(answer.status_code for answer in await flood)
        assert set(statuses) <= {200, 503}
        for n, answer in enumerate(await flood):
            if answer.status_code == 200:
                assert await pending(server, f"user {n}") == [(1, str(n).encode())]


async def test_an_api_key(server: Harness) -> None:
    """Who may send may send to recipients, and who may not makes nobody."""
    refused = await server.post({"user": NAME, "payload": 1}, headers={"X-API-Key": "wrong"})
    assert refused.status_code == 401
    access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    assert (await server.post({"user": NAME, "payload": 1}, headers=access)).status_code == 200
    ann = await server.user()
    theirs = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
    refused = await server.post({"user": "x", "payload": 1}, headers=JSON | theirs)
    assert refused.status_code == 403
    assert await server.server.store.read(RecipientByName("x")) is None
