"""Asking what has become of a notification."""

from typing import Any

import httpx
import pytest

from notifier import clock
from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from tests.inbox.inbox import NOTIFICATIONS, Inbox
from tests.support.harness import ServerWith, until
from tests.support.moments import Clock
from tests.support.naming import users_of

NOTHING = {
    "acked_at": None,
    "seen_at": None,
    "read_at": None,
    "withdrawn_at": None,
    "expired_at": None,
}


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still unless advanced."""
    return Clock(monkeypatch)


async def ask(inbox: Inbox, **parameters: Any) -> httpx.Response:
    """The answer to whoever may ask for everyone's."""
    token = inbox.server.token(inbox.server.admin, "access")
    return await inbox.server.http.get(
        f"{NOTIFICATIONS}receipt/",
        params={"user_id": inbox.person.id, "key": "a"} | parameters,
        headers={"Authorization": f"Bearer {token}"},
    )


async def receipt(inbox: Inbox, key: str) -> dict[str, Any]:
    """What has become of it."""
    answer = await ask(inbox, key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_its_whole_way(inbox: Inbox, time: Clock) -> None:
    """Accepted, acknowledged, seen, read: each with its moment, and only what has happened."""
    accepted = clock.isoformat(time.moment)
    await inbox.send("a")
    assert await receipt(inbox, "a") == NOTHING | {"key": "a", "seq": 1, "accepted_at": accepted}
    time.advance(1000)
    async with inbox.server.connect(inbox.person) as device:
        await device.ack(await device.next())
        await until(lambda: inbox.server.server.counts.acks)
    acked = clock.isoformat(time.moment)
    assert (await receipt(inbox, "a"))["acked_at"] == acked
    time.advance(1000)
    await inbox.do("seen", "a")
    seen = clock.isoformat(time.moment)
    time.advance(1000)
    await inbox.do("read", "a")
    read = clock.isoformat(time.moment)
    assert await receipt(inbox, "a") == NOTHING | {
        "key": "a",
        "seq": 1,
        "accepted_at": accepted,
        "acked_at": acked,
        "seen_at": seen,
        "read_at": read,
    }


async def test_a_change_of_many(inbox: Inbox) -> None:
    """What a change up to a place has marked is told, also while it is being carried out."""
    await inbox.send(*"abc")
    await inbox.do("read", up_to=3)
    found = await receipt(inbox, "a")
    assert found["read_at"]
    assert found["acked_at"] is None, "such a change settles no delivery"


async def test_withdrawn(inbox: Inbox) -> None:
    """It was taken back, which is no acknowledgement."""
    await inbox.send("a", "b")
    await inbox.do("read", "b")
    for key in "ab":
        await inbox.withdraw(key)
    never, before = await receipt(inbox, "a"), await receipt(inbox, "b")
    assert never["withdrawn_at"]
    assert never["acked_at"] is None
    assert before["withdrawn_at"]
    assert before["read_at"]


async def test_expired(inbox: Inbox, time: Clock) -> None:
    """Its time was over before anybody acknowledged it."""
    await inbox.send("a", ttl=5)
    assert (await receipt(inbox, "a"))["expired_at"] is None
    time.advance(6000)
    assert (await receipt(inbox, "a"))["expired_at"] == clock.isoformat(time.moment - 1000)


async def test_who_may_ask(inbox: Inbox) -> None:
    """A superuser or a key with the scope; not the person themselves, whose inbox tells them."""
    await inbox.send("a")
    store = inbox.server.server.store
    await store.submit(CreateApiKey("shop", digest("ntf_receipts"), ("receipts",)))
    await store.submit(CreateApiKey("other", digest("ntf_send"), ("send",)))
    parameters = {"user_id": inbox.person.id, "key": "a"}

    async def status(headers: dict[str, str]) -> int:
        answer = await inbox.server.http.get(
            f"{NOTIFICATIONS}receipt/", params=parameters, headers=headers
        )
        return answer.status_code

    assert await status({"X-API-Key": "ntf_receipts"}) == 200
    assert await status({"X-API-Key": "ntf_send"}) == 403
    assert await status({}) == 401
    own = inbox.server.token(inbox.person, "access")
    assert await status({"Authorization": f"Bearer {own}"}) == 403


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"key": "unknown"}, 404),
        ({"user_id": 99}, 404),
        ({"key": ""}, 400),
        ({"key": "x" * 300}, 400),
        ({"user_id": "x"}, 400),
        ({"what": "else"}, 400),
    ],
)
async def test_what_cannot_be(inbox: Inbox, parameters: dict[str, Any], status: int) -> None:
    """Unknown, or not to be understood."""
    await inbox.send("a")
    assert (await ask(inbox, **parameters)).status_code == status


async def test_by_name(server_with: ServerWith) -> None:
    """Of a user of the application, whom a key with a prefix may be for."""
    async with server_with(**users_of("external")) as server:
        store = server.server.store
        await store.submit(CreateApiKey("eu", digest("ntf_eu"), ("send", "receipts"), "eu:"))
        headers = {"X-API-Key": "ntf_eu"}
        sent = await server.post({"user": "eu:ann", "payload": 1, "key": "k"}, headers=headers)
        assert sent.status_code == 200, sent.text

        async def status(user: str) -> int:
            path, asked = f"{NOTIFICATIONS}receipt/", {"user": user, "key": "k"}
            return (await server.http.get(path, params=asked, headers=headers)).status_code

        assert await status("eu:ann") == 200
        assert await status("eu:bob") == 404
        assert await status("us:ann") == 403
