"""Removing somebody with everything that was kept for them."""

import asyncio
import json

import psycopg2
import pytest

from notifier.errors import InvalidField, UnknownUser
from notifier.models import Actor
from notifier.sending.removal import Removal
from notifier.storage.operations.notifications import Append, Pending
from notifier.storage.operations.recipients import CreateRecipient, RecipientByName
from notifier.storage.operations.removal import LockOut, Remove
from notifier.storage.operations.users import CreateUser, SetActive, UserById, UserChangesSince
from notifier.storage.store import Store
from tests.storage.conftest import MakeDatabase
from tests.storage.databases import Database, make_user, opened
from tests.support.harness import until
from tests.support.moments import Clock

ADMIN = Actor("user:admin", "203.0.113.7")


@pytest.fixture(params=["account", "recipient"])
async def whose(request: pytest.FixtureRequest, store: Store, ann: int) -> int:
    """Who is removed."""
    if request.param == "account":
        return ann
    return (await store.submit(CreateRecipient("auth0|5f7c"))).number


async def test_nothing_is_left(store: Store, whose: int, bob: int, database: Database):
    """Log, inbox, sessions and whoever it was are gone, however long the log; others' are not."""
    for number in (whose, bob):
        await asyncio.gather(*[store.submit(Append(number, f"k{n}", b"1")) for n in range(1234)])
        nonce = "X'aa'" if database.driver().name == "sqlite" else "'\\xaa'"
        database.execute(
            "INSERT INTO sessions (user_id, nonce, address, user_agent, created_at, used_at, "
            f"expires_at, ends_at) VALUES ({number}, {nonce}, '', '', 0, 0, 0, 0)"
        )
    await Removal(store).remove(whose, ADMIN)
    for table in ("notifications", "inboxes", "sessions"):
        left = database.execute(f"SELECT DISTINCT user_id FROM {table}")
        assert (bob,) in left
        assert (whose,) not in left
    assert await store.read(UserById(whose)) is None
    assert await store.read(RecipientByName("auth0|5f7c")) is None
    with pytest.raises(UnknownUser):
        await store.submit(Append(whose, "k", b"1"))


async def test_servers_hear_of_it(store: Store, whose: int):
    """All devices end: at first those with tokens of before, and in the end every one."""
    await Removal(store).remove(whose, ADMIN)
    changes = await store.read(UserChangesSince(0))
    assert changes is not None
    assert [(each.user_id, each.reason, each.version) for each in changes] == [
        (whose, "deleted", None)
    ] * 2


async def test_recorded(store: Store, whose: int, ann: int, database: Database):
    """The audit log says who did it and to whom."""
    await Removal(store).remove(whose, ADMIN)
    subject = "user:ann" if whose == ann else "recipient:auth0|5f7c"
    assert database.execute(
        "SELECT action, actor, address, subject FROM audit WHERE action <> 'user_created'"
    ) == [("user_deleted", "user:admin", "203.0.113.7", subject)]


async def test_locked_out_first(store: Store, whose: int, ann: int, time: Clock):
    """While the log goes, no token holds any more, and nothing is sent to an account."""
    await store.submit(LockOut(whose))
    if whose == ann:
        user = await store.read(UserById(ann))
        assert user is not None
        assert (user.is_active, user.token_version) == (False, 1)
        with pytest.raises(UnknownUser):
            await store.submit(Append(whose, "k", b"1"))
    else:
        recipient = await store.read(RecipientByName("auth0|5f7c"))
        assert recipient is not None
        assert recipient.token_version == time.moment + 1


async def test_interrupted(store: Store, whose: int, database: Database):
    """A removal that was interrupted is finished by the next one."""
    await asyncio.gather(*[store.submit(Append(whose, f"k{n}", b"1")) for n in range(30)])
    await store.submit(LockOut(whose))
    assert await store.submit(Remove(whose, ADMIN, 10)) is False
    assert database.count("notifications") == 20
    await Removal(store).remove(whose, ADMIN)
    assert database.count("notifications") == 0


async def test_nobody(store: Store):
    """Who does not exist cannot be removed, and is not removed twice."""
    for number in (99, -99):
        with pytest.raises(UnknownUser):
            await Removal(store).remove(number, ADMIN)
        assert await store.submit(Remove(number, ADMIN, 500)) is True


async def test_the_last_superuser(store: Store):
    """Of two superusers who delete each other, one stays; deactivated ones do not count."""
    ids = []
    for name in ("one", "two", "gone"):
        user = await store.submit(CreateUser(name, "hash", is_superuser=True))
        assert user is not None
        ids.append(user.id)
    await store.submit(SetActive(ids[2], False))
    removals = [Removal(store).remove(number, ADMIN) for number in ids[:2]]
    outcomes = await asyncio.gather(*removals, return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), InvalidField]
    left = await store.read(UserById(ids[1]))
    assert left is not None
    assert left.is_active
    await Removal(store).remove(ids[2], ADMIN)


async def test_numbers_are_not_given_again(store: Store, database: Database):
    """Whoever comes next has a number of their own."""
    ann = await make_user(store, "ann")
    named = await store.submit(CreateRecipient("x"))
    for number in (ann, named.number):
        await Removal(store).remove(number, ADMIN)
    async with opened(database.driver()) as again:
        assert await make_user(again, "ann") == ann + 1
        assert (await again.submit(CreateRecipient("x"))).number == named.number - 1


async def test_sends_of_others_meanwhile(store: Store, bob: int, database: Database):
    """Sends to somebody go on while a long log of somebody else is removed."""
    named = await store.submit(CreateRecipient("x"))
    await asyncio.gather(*[store.submit(Append(named.number, f"k{n}", b"1")) for n in range(3000)])
    removing = asyncio.ensure_future(Removal(store).remove(named.number, ADMIN))
    sent = 0
    while not removing.done():
        await store.submit(Append(bob, f"k{sent}", b"1"))
        sent += 1
    await removing
    assert sent >= 6, "one for each batch at least"
    assert database.count("notifications") == sent


async def test_nobody_is_waited_for(make_database: MakeDatabase):
    """While another process appends to it, the removal of a log waits without a lock."""
    database = make_database("postgres")
    async with opened(database.driver()) as store:
        named = await store.submit(CreateRecipient("x"))
        bob = await make_user(store, "bob")
        other = psycopg2.connect(database.address)  # type: ignore[attr-defined]
        try:
            with other.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM inboxes WHERE user_id = %s FOR NO KEY UPDATE", (named.number,)
                )
            removing = asyncio.ensure_future(Removal(store).remove(named.number, ADMIN))
            await until(lambda: database.count("user_changes"))
            for number in range(20):
                await store.submit(Append(bob, f"k{number}", b"1"))
            assert not removing.done()
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO notifications (user_id, seq, key, payload, created_at) "
                    "VALUES (%s, 1, 'k', '1', 0)",
                    (named.number,),
                )
            other.commit()
            await removing
        finally:
            other.close()
        assert database.execute("SELECT DISTINCT user_id FROM notifications") == [(bob,)]
        page = await store.read(Pending(named.number, 0, rows=1, size=1))
        assert json.dumps([page.last_seq, *page.notifications]) == "[0]"
