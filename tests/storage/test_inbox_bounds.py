"""How much of an inbox's changes is kept."""

import pytest

from notifier.errors import UnknownChange
from notifier.storage.operations.inbox import noting
from notifier.storage.operations.inbox.changes import ChangeKeys, ChangeUpTo, Undo
from notifier.storage.operations.inbox.noting import RemoveInboxChanges
from notifier.storage.operations.inbox.ranges import CarryOut
from notifier.storage.operations.notifications import Append
from notifier.storage.store import Store
from tests.storage.databases import Database
from tests.support.moments import Clock


@pytest.fixture
async def marked(store: Store, ann: int) -> int:
    """Somebody who has read and unread a notification again and again: six changes."""
    await store.submit(Append(ann, "k", b"1"))
    for _ in range(3):
        await store.submit(ChangeKeys(ann, "read", ("k",)))
        await store.submit(ChangeKeys(ann, "unread", ("k",)))
    return ann


def versions(database: Database) -> list[int]:
    """The changes that are kept."""
    rows = database.execute("SELECT version FROM inbox_changes ORDER BY version")
    return [version for (version,) in rows]


async def test_most_changes(
    store: Store, marked: int, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Whoever marks for ever fills no disk: the last changes are kept, and can be undone."""
    monkeypatch.setattr(noting, "MOST_CHANGES", 4)
    await store.submit(ChangeKeys(marked, "read", ("k",)))
    assert versions(database) == [4, 5, 6, 7]
    with pytest.raises(UnknownChange):
        await store.submit(Undo(marked, 3))
    assert (await store.submit(Undo(marked, 7))).version == 8


async def test_what_is_under_way_stays(
    store: Store, marked: int, database: Database, time: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Neither number nor age removes anything as long as a change has to be carried out."""
    monkeypatch.setattr(noting, "MOST_CHANGES", 4)
    await store.submit(ChangeUpTo(marked, "archive", 1))
    await store.submit(Undo(marked, 7))
    kept = versions(database)
    assert kept[-1] == 8
    time.advance(1000)
    assert await store.submit(RemoveInboxChanges(time.moment, 100)) == 0
    assert versions(database) == kept
    while await store.submit(CarryOut(marked)):
        pass
    assert await store.submit(RemoveInboxChanges(time.moment, 3)) == 3
    assert await store.submit(RemoveInboxChanges(time.moment, 100)) == len(kept) - 3
