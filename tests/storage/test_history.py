"""What superusers see of a log."""

import pytest

from notifier.models import Sent
from notifier.storage.operations.history import PAGE_BYTES, History
from notifier.storage.operations.notifications import Acknowledge, Append
from notifier.storage.operations.recipients import CreateRecipient
from notifier.storage.store import Store
from tests.storage.databases import Database
from tests.support.moments import Clock


@pytest.fixture(params=["account", "recipient"])
async def whose(request: pytest.FixtureRequest, store: Store, ann: int) -> int:
    """Whose log it is."""
    if request.param == "account":
        return ann
    return (await store.submit(CreateRecipient("auth0|5f7c"))).number


async def keys(store: Store, whose: int, before: int | None = None, limit: int = 10) -> list[str]:
    """The keys of a page."""
    found = await store.read(History(whose, before, limit))
    return [each.notification.key for each in found]


async def test_newest_first(store: Store, whose: int, bob: int):
    """A log is read from its end, page by page, and nobody else's is in it."""
    for name in "abcde":
        await store.submit(Append(whose, name, b"1"))
        await store.submit(Append(bob, f"{name} of bob", b"1"))
    assert await keys(store, whose) == ["e", "d", "c", "b", "a"]
    assert await keys(store, whose, limit=2) == ["e", "d"]
    assert await keys(store, whose, before=4, limit=2) == ["c", "b"]
    assert await keys(store, whose, before=1) == []


async def test_what_has_become_of_them(store: Store, whose: int, database: Database, time: Clock):
    """What was acknowledged or has expired is there, with the key that sent it, by name."""
    lasting = (await store.submit(Append(whose, "k", b'{"n": 1.10}'))).notification
    short = (await store.submit(Append(whose, "l", b'"\xc3\xa9"', ttl=1))).notification
    database.execute(
        "INSERT INTO api_keys (name, digest, scopes, created_at) VALUES ('billing', "
        + ("X'aa'" if database.driver().name == "sqlite" else "'\\xaa'")
        + ", 'send', 0)"
    )
    database.execute("UPDATE notifications SET api_key_id = 1 WHERE key = 'k'")
    time.advance(1000)
    await store.submit(Acknowledge(whose, "k"))
    assert await store.read(History(whose, None, 10)) == [
        Sent(short, None, None, None),
        Sent(lasting, time.moment, 1, "billing"),
    ]


async def test_large_payloads(store: Store, whose: int):
    """A page ends early with the payload that is too much, and the next one goes on behind it."""
    large = b'"%b"' % (b"x" * (PAGE_BYTES // 2))
    for name in "abcd":
        await store.submit(Append(whose, name, large))
    assert await keys(store, whose) == ["d", "c"]
    assert await keys(store, whose, before=3) == ["b", "a"]


async def test_nobody(store: Store):
    """Who does not exist has no history."""
    assert await keys(store, 99) == []
