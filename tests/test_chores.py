"""What a server does by itself: retention, user changes, and dying loudly."""

import asyncio
from typing import Any

import pytest

from notifier import clock
from notifier.errors import Unavailable
from notifier.process import chores
from notifier.process.chores import Retention, every
from notifier.storage.contract import Operation
from notifier.storage.operations.audit import AddRepetitions, AuditEntries, Repetition
from notifier.storage.operations.notifications import Acknowledge, Pending, RemoveNotifications
from notifier.storage.operations.users import EndSessions
from tests.support.harness import Harness, until


async def test_retention_keeps_what_is_young_or_pending(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledged and expired notifications go when they are old enough; pending ones stay."""
    ann = await server.user()
    store = server.server.store
    for key in ("acked", "pending"):
        await server.send(ann, 1, key=key)
    await server.send(ann, 1, key="expiring", ttl=3600)
    await store.submit(Acknowledge(ann.id, "acked"))
    retention = Retention(store, days=30, audit_days=365)
    assert await retention.remove() == 0
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 31 * clock.DAY)
    assert await retention.remove() == 2
    assert await server.pending(ann) == [2]
    assert (await server.send(ann, 1))["seq"] == 4, "places are never used twice"


async def test_the_audit_log_has_a_retention_of_its_own(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entries go, in batches, when they are old enough; with 0 days at once."""
    store = server.server.store
    retention = Retention(store, days=30, audit_days=10)
    failed = [Repetition("sign_in_failed", "", "", str(n), 1, 0, clock.now()) for n in range(1001)]
    await store.submit(AddRepetitions(failed))
    assert await retention.remove() == 0
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 11 * clock.DAY)
    assert await retention.remove() >= 1001
    assert await store.read(AuditEntries(10)) == []
    await server.user()
    monkeypatch.setattr(clock, "now", lambda: now + 11 * clock.DAY + 1)
    assert await Retention(store, days=30, audit_days=0).remove() == 1


async def test_retention_works_in_small_batches(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is due, no single transaction removes more than a batch."""
    ann = await server.user()
    store = server.server.store
    await server.append(ann, *[b"1"] * 1201)
    page = await store.read(Pending(ann.id, 0, rows=2000, size=1 << 30))
    await asyncio.gather(
        *[store.submit(Acknowledge(ann.id, each.key)) for each in page.notifications]
    )
    sizes: list[int] = []
    submit = store.submit

    def counted(operation: Operation[Any]) -> "asyncio.Future[Any]":
        removed = submit(operation)
        if isinstance(operation, RemoveNotifications):
            removed.add_done_callback(lambda done: sizes.append(done.result()))
        return removed

    monkeypatch.setattr(store, "submit", counted)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 31 * clock.DAY)
    assert await Retention(store, days=30, audit_days=365).remove() == 1201
    assert sizes == [500, 500, 201]
    assert await store.submit(RemoveNotifications(1 << 60, 1 << 60, 10)) == 0


async def test_a_chore_waits_for_a_store_that_is_away() -> None:
    """Unavailable postpones a chore; it goes on afterwards."""
    calls = 0

    async def chore() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable

    task = asyncio.create_task(every(0.001, chore))
    await until(lambda: calls > 2)
    task.cancel()


async def test_a_chore_that_dies_stops_the_service(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in a chore is not survived in silence: the server reports it and ends."""

    async def broken(*_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(server.server.hub, "sweep", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(server.server.wait(), 5)


async def test_user_changes_of_another_process(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process did to a user reaches connections within about a second."""
    assert chores.USER_CHANGES_INTERVAL <= 0.5
    ann = await server.user()
    async with server.connect(ann) as device:
        await device.nothing_more()
        other = server.server.store  # the same rows that a command line would write
        await other.submit(EndSessions(ann.id))
        code, reason = await device.closed(seconds=3)
    assert (code, reason) == (4403, "signed out everywhere")


async def test_old_user_changes_are_removed(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes of users are kept for a day, however long notifications are."""
    ann = await server.user()
    store = server.server.store
    for _ in "12":
        await store.submit(EndSessions(1))
    async with server.connect(ann) as device:
        await store.submit(EndSessions(ann.id))
        await device.closed()  # so that the server has heard of all three
    retention = Retention(store, days=30, audit_days=365)
    assert await retention.remove() == 0
    now = clock.now()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: now + clock.DAY + 1)
        assert await retention.remove() == 2
    async with server.connect(ann, token=server.token(ann, version=1)) as device:
        await device.nothing_more()
        await store.submit(EndSessions(ann.id))
        assert (await device.closed())[0] == 4403, "what happens next is heard of all the same"
