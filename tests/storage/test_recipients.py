"""Logs of recipients, whom only a name is known of."""

import asyncio

import pytest

from notifier.errors import UnknownNotification
from notifier.events import Appended, Withdrawn
from notifier.models import THE_SERVER
from notifier.sending.removal import Removal
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.names import Place
from notifier.storage.operations.notifications import NOBODY, Append, Pending
from notifier.storage.operations.recipients import (
    CreateRecipient,
    FindRecipients,
    RecipientByName,
)
from notifier.storage.store import Store
from notifier.storage.writer import Commit
from tests.storage.databases import Database, make_recipient, make_user, opened
from tests.storage.held import HeldDriver


async def send(store: Store, name: str, key: str, *, number: int = NOBODY) -> Appended:
    """Send to a recipient whose number is known or not, under a key of the sender's choice."""
    return await store.submit(Append(number, key, b"1", key_given=True, user=name))


async def test_the_first_send(store: Store, database: Database):
    """Whoever was never heard of comes into being with the first send, and stays who they are."""
    first = await send(store, "auth0|5f7c", "a")
    second = await send(store, "auth0|5f7c", "b")
    recipient = await store.read(RecipientByName("auth0|5f7c"))
    assert recipient is not None
    assert recipient.number < 0
    for seq, appended in enumerate((first, second), start=1):
        assert appended.notification.user_id == recipient.number
        assert appended.notification.seq == seq
    assert await store.submit(CreateRecipient("auth0|5f7c")) == recipient
    assert database.count("recipients") == database.count("inboxes") == 1


async def test_one_commit(database: Database):
    """The first send to somebody takes no commit more than any other."""
    commits: list[Commit] = []
    async with opened(database.driver(), listeners=[commits.append]) as store:
        for key in "ab":
            await send(store, "ann", key)
    assert [len(each.operations) for each in commits if each.operations] == [1, 1]


async def test_order(database: Database):
    """Sends to one name keep their order, whichever of them know the number."""
    driver = HeldDriver(database.driver())
    async with opened(driver) as store:
        number = await make_recipient(store, "known")
        driver.hold()
        before = store.submit(Append(number, "before", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        sends = [
            send(store, name, f"{name} {n}", number=number if name == "known" and n % 2 else NOBODY)
            for n in range(100)
            for name in ("known", "new", "newer")
        ]
        outcomes = asyncio.gather(*sends)
        await asyncio.sleep(0)
        driver.release()
        await before
        found = [each.notification for each in await outcomes]
        assert driver.batches[-1] == 300, "all in one"
        for name, first in (("known", 2), ("new", 1), ("newer", 1)):
            own = [each for each in found if each.key.startswith(f"{name} ")]
            assert [each.key for each in own] == [f"{name} {n}" for n in range(100)]
            assert [each.seq for each in own] == list(range(first, first + 100))


async def test_withdrawn_by_name(database: Database):
    """A withdrawal by name comes behind the send that made the recipient, also in one batch."""
    driver = HeldDriver(database.driver())
    async with opened(driver) as store:
        number = await make_recipient(store, "known")
        driver.hold()
        before = store.submit(Append(number, "before", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        together = asyncio.gather(
            store.submit(Withdraw(NOBODY, "k", "ann")),
            store.submit(Append(NOBODY, "k", b"1", key_given=True, user="ann")),
            store.submit(Withdraw(NOBODY, "k", "ann")),
            store.submit(Withdraw(NOBODY, "k", "Ann")),
            return_exceptions=True,
        )
        driver.release()
        await before
        early, sent, withdrawn, another = await together
        assert isinstance(early, UnknownNotification)
        assert isinstance(another, UnknownNotification)
        assert isinstance(sent, Appended)
        assert isinstance(withdrawn, Withdrawn)
        assert (withdrawn.user_id, withdrawn.seq) == (sent.user_id, 1)
        assert (await store.read(Pending(sent.user_id, 0, rows=10, size=1000))).notifications == []


async def test_names_are_compared_byte_for_byte(store: Store):
    """Names that look alike are different people, and none of them is an account."""
    ids = [await make_user(store, name) for name in ("ann", "1")]
    names = ["ann", "Ann", "ann ", " ann", "é", "e\u0301", "ß", "ss", "1", "01", "\uff11", "'\"%"]
    numbers = {(await send(store, name, "k")).notification.user_id for name in names}
    assert len(numbers) == len(names)
    assert not numbers & set(ids)
    assert max(numbers) < 0


async def test_replay(store: Store):
    """A key that was used before for the same name is answered with the first, also of a batch."""
    first = await send(store, "ann", "k")
    number = first.notification.user_id
    for known in (NOBODY, number):
        assert await send(store, "ann", "k", number=known) == Appended(first.notification, True)
    appended = await asyncio.gather(*[send(store, "bob", "k") for _ in range(20)])
    assert [each.replayed for each in appended] == [False] + [True] * 19


async def test_many_names(store: Store, database: Database):
    """A batch may be for many names, new ones and others."""
    for count in (150, 1500):
        names = [f"user {n}" for n in range(count)]
        found = await asyncio.gather(*[send(store, name, f"to {count}") for name in names])
        assert len({each.notification.user_id for each in found}) == count
    assert database.count("recipients") == database.count("inboxes") == 1500


async def test_two_processes_at_once(database: Database):
    """Whichever process is the first to hear of somebody, they are one and the same."""
    async with opened(database.driver()) as one, opened(database.driver()) as other:
        names = [f"user {n % 50}" for n in range(1000)]
        found = await asyncio.gather(
            *[send((one, other)[n % 2], name, f"k{n}") for n, name in enumerate(names)]
        )
    by_name: dict[str, list[int]] = {}
    for name, each in zip(names, found, strict=True):
        by_name.setdefault(name, []).append(each.notification.user_id)
    assert all(len(set(numbers)) == 1 for numbers in by_name.values())
    assert database.count("recipients") == 50
    assert database.execute("SELECT sum(last_seq) FROM inboxes") == [(1000,)]


@pytest.mark.parametrize("knows", [True, False])
async def test_removed_meanwhile(store: Store, knows: bool):
    """Somebody who was removed comes into being again with the next send, in a new log."""
    old = (await send(store, "ann", "k")).notification.user_id
    other = (await send(store, "bob", "k")).notification.user_id
    await Removal(store).remove(old, THE_SERVER)
    hint = old if knows else NOBODY
    found = await asyncio.gather(
        *[send(store, "ann", f"k{n}", number=hint) for n in range(10)],
        send(store, "bob", "l", number=other),
    )
    numbers = {each.notification.user_id for each in found[:-1]}
    assert len(numbers) == 1
    assert not numbers & {old, other}
    assert [each.notification.seq for each in found] == [*range(1, 11), 2]


async def listed(store: Store, beginning: str = "", limit: int = 100) -> list[str]:
    """The names that are found, page by page."""
    names: list[str] = []
    place: Place | None = None
    while True:
        page = await store.read(FindRecipients(beginning, place, limit))
        assert len(page.found) <= limit
        names += [recipient.name for recipient in page.found]
        place = page.next
        if place is None:
            return names
        assert len(page.found) == limit, "no page ends early"


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_listed(store: Store, limit: int):
    """They are found by the beginning of their names, in any case, in the order of their bytes."""
    odd = ["\ud7ff", "\ue000", "\U0010ffff", "\U0010ffff\U0010ffff", "a\U0010ffffb"]
    names = ["Bob", "ann", "Ann", "anna", "aNnE", "b", "B", "%", "_", "42", "\u00e9", *odd]
    for name in names:
        await make_recipient(store, name)
    everybody = await listed(store, limit=limit)
    assert sorted(everybody) == sorted(names)
    assert [name.lower() for name in everybody] == sorted(name.lower() for name in names)
    assert await listed(store, "ANN", limit) == ["ann", "Ann", "anna", "aNnE"]
    assert await listed(store, "b", limit) == ["b", "B", "Bob"]
    for beginning in ("%", "_", "4", "\ud7ff", "\ue000", "a\U0010ffff"):
        found = await listed(store, beginning, limit)
        assert len(found) == 1, beginning
        assert found[0].startswith(beginning)
    assert len(await listed(store, "\U0010ffff", limit)) == 2
    assert await listed(store, "nobody", limit) == []


async def test_listed_by_index(store: Store, database: Database):
    """However many there are, a page costs no more than its rows."""
    numbers = range(5000)
    await asyncio.gather(*[send(store, f"User {n:05}", "k") for n in numbers])
    page = await store.read(FindRecipients("uSER 04", None, 3))
    assert [each.name for each in page.found] == [f"User 0400{n}" for n in range(3)]
    is_sqlite = database.driver().name == "sqlite"
    lowered = "lower(name) " + ("COLLATE BINARY" if is_sqlite else 'COLLATE "C"')
    plan = database.execute(
        f"EXPLAIN {'QUERY PLAN' if is_sqlite else ''} SELECT name FROM recipients "
        f"WHERE {lowered} >= 'user 04' AND ({lowered} > 'user 04' OR id > 0) "
        f"AND {lowered} < 'user 05' ORDER BY {lowered}, id LIMIT 4"
    )
    assert "recipients_name" in str(plan)
    assert "sort" not in str(plan).lower()
    assert "TEMP B-TREE" not in str(plan)
