"""The audit log, on every driver."""

import json

import pytest

from notifier.models import THE_SERVER, Actor
from notifier.storage.operations.audit import (
    AddEntry,
    AddRepetitions,
    AuditEntries,
    RemoveEntries,
    Repetition,
)
from notifier.storage.store import Store
from tests.storage.databases import Database, opened
from tests.storage.plans import MANY, goes_by, plan
from tests.support.moments import Clock

ANN = Actor("user:ann", "192.0.2.1")
FAILED = Repetition("sign_in_failed", "", "user:ann", "192.0.2.7", 3, 1000, 1500)


async def fill(store: Store) -> None:
    """Six entries."""
    for _ in "123":
        await store.submit(AddEntry("started", THE_SERVER))
        await store.submit(AddEntry("signed_in", ANN, "session:1", {"a": "ü\n\x00"}))


async def ids(store: Store, limit: int = 100, **which: object) -> list[int]:
    """Of the entries that are found."""
    return [entry.id for entry in await store.read(AuditEntries(limit, **which))]


async def test_recorded(store: Store, time: Clock):
    """An entry says who, when, from where and what, in whatever characters."""
    await store.submit(AddEntry("signed_in", ANN, "session:1", {"a": "ü\n\x00"}))
    (entry,) = await store.read(AuditEntries(10))
    assert (entry.action, entry.actor, entry.subject) == ("signed_in", "user:ann", "session:1")
    assert (entry.address, json.loads(entry.details)) == ("192.0.2.1", {"a": "ü\n\x00"})
    assert (entry.count, entry.created_at, entry.last_at) == (1, time.moment, time.moment)


async def test_read(store: Store):
    """The newest come first, page by page, all or by action and actor; or those behind one."""
    await fill(store)
    assert await ids(store) == [6, 5, 4, 3, 2, 1]
    assert await ids(store, 2, before=5) == [4, 3]
    assert await ids(store, action="started") == [5, 3, 1]
    assert await ids(store, actor="user:ann", before=6) == [4, 2]
    assert await ids(store, action="started", actor="user:ann") == []
    assert await ids(store, action="signed_in", actor="user:ann", since=2) == [4, 6]
    assert await ids(store, 2, since=3) == [4, 5]
    assert await ids(store, since=6) == []


async def test_repeated(store: Store):
    """What happens again is counted in its entry; a new one is made where that is gone."""
    (first,) = await store.submit(AddRepetitions([FAILED]))
    again = Repetition("sign_in_failed", "", "user:ann", "192.0.2.7", 2, 1600, 1700, first)
    lost = Repetition("sign_in_failed", "", "", "192.0.2.8", 1, 1800, 1800, 999)
    assert await store.submit(AddRepetitions([again, lost])) == [first, first + 1]
    new, entry = await store.read(AuditEntries(10))
    assert (entry.count, entry.created_at, entry.last_at) == (5, 1000, 1700)
    assert (entry.actor, entry.subject, entry.address) == ("", "user:ann", "192.0.2.7")
    assert (new.count, new.subject, new.address) == (1, "", "192.0.2.8")


async def test_removed(store: Store):
    """The oldest go first, in batches; one that went on until lately stays."""
    entries = [
        Repetition("sign_in_failed", "", "", str(number), 1, 0, last_at)
        for number, last_at in enumerate((10, 500, 20, 30, 1000))
    ]
    await store.submit(AddRepetitions(entries))
    assert await store.submit(RemoveEntries(500, 2)) == 2
    assert await ids(store) == [5, 4, 2]
    assert await store.submit(RemoveEntries(500, 2)) == 1
    assert await store.submit(RemoveEntries(500, 2)) == 0
    assert await ids(store) == [5, 2]


@pytest.mark.parametrize(
    ("index", "which"),
    [
        ("audit_action", {"action": "started"}),
        ("audit_actor(_action)?", {"actor": "user:7"}),
        ("audit_actor_action", {"actor": "user:7", "action": "started"}),
    ],
)
async def test_filters_go_by_an_index(database: Database, index: str, which: dict[str, str]):
    """However long the log is, no other entries are read than those that are wanted."""
    async with opened(database.driver()):
        database.execute(
            "INSERT INTO audit "
            "(action, actor, subject, address, details, created_at, last_at) "
            f"{MANY} SELECT CASE WHEN i % 101 < 9 THEN 'started' ELSE 'signed_in' END, "
            "'user:' || i % 97, '', '', '{}', 0, 0 FROM many"
        )
        for query in (AuditEntries(50, **which, before=9000), AuditEntries(50, **which, since=10)):
            how = plan(database, query)
            assert goes_by(how, index), how
