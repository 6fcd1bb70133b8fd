"""The service over a store that can be held back: many sends at once, in pieces."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from notifier.errors import InvalidField, KeyConflict, NotifierError, Unavailable, UnknownUser
from notifier.events import Appended
from notifier.sending.service import NotificationService
from notifier.storage.operations.notifications import Append
from notifier.storage.store import Store
from notifier.wire import SendRequest
from tests.storage.databases import Database, make_user, opened
from tests.storage.held import HeldDriver
from tests.support.harness import until


@pytest.fixture
def driver(database: Database) -> HeldDriver:
    """Of each kind."""
    return HeldDriver(database.driver())


@pytest.fixture
async def store(driver: HeldDriver) -> AsyncIterator[Store]:
    """With one user, whose id is 1."""
    async with opened(driver) as store:
        await make_user(store, "ann")
        yield store


def sends(count: int, first: int = 0) -> list[SendRequest | NotifierError]:
    """So many, with keys."""
    return [
        SendRequest(user_id=1, payload=msgspec.Raw(b"%d" % n), key=f"k{n}")
        for n in range(first, first + count)
    ]


def seqs(outcomes: object) -> list[int]:
    """The places of what is stored."""
    assert isinstance(outcomes, list)
    return [each.notification.seq for each in outcomes if isinstance(each, Appended)]


async def test_others_have_their_turn(store: Store, driver: HeldDriver):
    """A send that comes after a batch has begun waits for a piece of it, and not for all."""
    service = NotificationService(store)
    driver.hold()
    batch = asyncio.create_task(service.send_all(sends(1000)))
    await asyncio.to_thread(driver.arrived.wait)
    piece = store.waiting
    alone = service.submit(SendRequest(user_id=1, payload=msgspec.Raw(b"1")))
    driver.release()
    assert (await alone).notification.seq == piece + 1 <= 251
    assert len(seqs(await batch)) == 1000


async def test_a_piece_is_one_commit(store: Store, driver: HeldDriver):
    """Whoever sends many at once costs few transactions, and each has its outcome."""
    driver.batches.clear()
    requests = [*sends(100), InvalidField("ttl", "No."), *sends(100, 100)]
    requests[7] = SendRequest(user_id=99, payload=msgspec.Raw(b"1"))
    requests[8] = SendRequest(user_id=1, payload=msgspec.Raw(b"7"), key="k6")
    outcomes = await NotificationService(store).send_all(requests)
    assert driver.batches == [200]
    assert isinstance(outcomes[7], UnknownUser)
    assert isinstance(outcomes[8], KeyConflict)
    assert outcomes[100] is requests[100]
    assert seqs(outcomes) == list(range(1, 199))


async def test_nobody_waits_for_the_rest(store: Store):
    """Once nobody wants them, nothing more is begun; what could never succeed stays refused."""
    wrong = InvalidField("ttl", "No.")
    outcomes = await NotificationService(store).send_all(
        [*sends(999), wrong], is_wanted=lambda: False
    )
    stored = len(seqs(outcomes))
    assert 0 < stored < 999
    assert {type(each) for each in outcomes[stored:-1]} == {Unavailable}
    assert outcomes[-1] is wrong


@pytest.mark.parametrize("after", [True, False])
async def test_store_away(
    store: Store, driver: HeldDriver, after: bool, expected_errors: list[str]
):
    """Nobody knows of the piece that was under way; sent again, each is there once, in order."""
    expected_errors.append("The store is away")
    service = NotificationService(store)
    driver.hold()
    first = asyncio.create_task(service.send_all(sends(600)))
    await asyncio.to_thread(driver.arrived.wait)
    (driver.failures_after if after else driver.failures).append(Unavailable())
    driver.release()
    assert {type(each) for each in await first} == {Unavailable}
    await asyncio.wait_for(store.wait_available(), 30)
    again = await service.send_all(sends(600))
    assert seqs(again) == list(range(1, 601))
    replayed = [each.replayed for each in again if isinstance(each, Appended)]
    assert replayed[0] is after
    assert not any(replayed[250:])


async def test_no_answer_in_time(driver: HeldDriver):
    """Who waits for too long is told of all of them, and the rest is not begun."""
    async with opened(driver, timeout=0.2) as store:
        await make_user(store, "ann")
        driver.hold()
        try:
            outcomes = await NotificationService(store).send_all(sends(600))
        finally:
            driver.release()
        assert {type(each) for each in outcomes} == {Unavailable}
        await until(lambda: not store.waiting)
        assert driver.batches[-1] < 600


async def test_no_room(driver: HeldDriver):
    """A piece is taken while there is any room, and counts in full until it is stored."""
    async with opened(driver, max_operations=10) as store:
        await make_user(store, "ann")
        driver.hold()
        batch = asyncio.create_task(NotificationService(store).send_all(sends(20)))
        await asyncio.to_thread(driver.arrived.wait)
        try:
            assert store.waiting == 20
            with pytest.raises(Unavailable):
                store.submit(Append(1, "one too many", b"1"))
            with pytest.raises(Unavailable):
                store.submit_all([Append(1, "one too many", b"1")])
        finally:
            driver.release()
        assert len(seqs(await batch)) == 20
        assert store.waiting == 0
