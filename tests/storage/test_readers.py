"""The threads that ask the store."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from notifier.errors import Unavailable
from notifier.storage.contract import Query, ReadSession
from notifier.storage.operations.users import Users
from notifier.storage.sqlite import SqliteReadSession
from notifier.storage.store import Store
from tests.storage.databases import SqliteDatabase, opened
from tests.storage.held import HeldDriver


@pytest.fixture
def driver(tmp_path: Path) -> HeldDriver:
    """A driver that fails on command."""
    return HeldDriver(SqliteDatabase(tmp_path / "data").driver())


class Number(Query[int], frozen=True):
    """Its own number, which the database has to say."""

    number: int

    def ask(self, session: ReadSession) -> int:
        (answer,) = session.first(f"SELECT {self.number}", ()) or (0,)
        return answer


class Gate:
    """Where a question waits in its thread."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()


class Slow(Query[str], frozen=True):
    """Takes as long as the gate is shut."""

    gate: Gate

    def ask(self, session: ReadSession) -> str:
        self.gate.reached.set()
        self.gate.open.wait()
        return "slow"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is shut, and open at the end."""
    gate = Gate()
    yield gate
    gate.open.set()


class Mistaken(Query[str], frozen=True):
    """Has a fault."""

    def ask(self, session: ReadSession) -> str:
        raise ZeroDivisionError


class FlakyReader:
    """Read sessions that fail as often as they are told to."""

    def __init__(self, driver: HeldDriver, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failures = 0
        self.opened = 0
        run, reader = SqliteReadSession.run, driver.reader

        def failing_run(session: Any, *arguments: Any) -> Any:
            if self.failures:
                self.failures -= 1
                raise Unavailable
            return run(session, *arguments)

        def counting_reader() -> Any:
            self.opened += 1
            return reader()

        monkeypatch.setattr(SqliteReadSession, "run", failing_run)
        monkeypatch.setattr(driver, "reader", counting_reader)


@pytest.fixture
def reader(driver: HeldDriver, monkeypatch: pytest.MonkeyPatch) -> FlakyReader:
    """What the store's only reader does."""
    return FlakyReader(driver, monkeypatch)


@pytest.fixture
async def store(reader: FlakyReader, driver: HeldDriver) -> AsyncIterator[Store]:
    """A store with a single reader."""
    async with opened(driver, readers=1) as store:
        yield store


async def test_kept(store: Store, reader: FlakyReader) -> None:
    """A session serves many reads."""
    for _ in range(5):
        await store.read(Users())
    assert reader.opened == 1


async def test_replaced(store: Store, reader: FlakyReader) -> None:
    """A session that died unnoticed is replaced, and the read succeeds."""
    await store.read(Users())
    reader.failures = 1
    assert await store.read(Users()) == []
    assert reader.opened == 2


async def test_away(store: Store, reader: FlakyReader, caplog: pytest.LogCaptureFixture) -> None:
    """If a new session fails as well the read does, which is logged once; later it works."""
    await store.read(Users())
    reader.failures = 3
    for _ in range(2):
        with pytest.raises(Unavailable):
            await store.read(Users())
    assert await store.read(Users()) == []
    assert [record.message for record in caplog.records] == ["Reading failed"]


@pytest.mark.parametrize("readers", [1, 2, 5])
async def test_everyone_gets_their_own_answer(driver: HeldDriver, readers: int) -> None:
    """However many ask at once, and again as soon as they know."""

    async def ask(start: int) -> None:
        for number in range(start, start + 20):
            assert await store.read(Number(number)) == number

    async with opened(driver, readers=readers) as store:
        await asyncio.gather(*(ask(100 * start) for start in range(50)))


async def test_a_slow_question_holds_up_nobody(driver: HeldDriver, gate: Gate) -> None:
    """Others are answered by the other thread meanwhile."""
    async with opened(driver, readers=2) as store:
        slow = asyncio.ensure_future(store.read(Slow(gate)))
        await asyncio.to_thread(gate.reached.wait)
        answers = await asyncio.gather(*(store.read(Number(number)) for number in range(50)))
        assert answers == list(range(50))
        assert not slow.done()
        gate.open.set()
        assert await slow == "slow"


async def test_answers_do_not_wait_for_the_next_question(store: Store, gate: Gate) -> None:
    """What a thread knows is told, also while it is busy with what was asked behind."""
    quick = asyncio.ensure_future(store.read(Number(1)))
    slow = asyncio.ensure_future(store.read(Slow(gate)))
    assert await quick == 1
    assert not slow.done()
    gate.open.set()
    await slow


async def test_an_error_is_told_to_whoever_asked(store: Store) -> None:
    """The others, before and behind, have their answers."""
    questions = [store.read(Number(1)), store.read(Mistaken()), store.read(Number(2))]
    first, error, last = await asyncio.gather(*questions, return_exceptions=True)
    assert (first, type(error), last) == (1, ZeroDivisionError, 2)


async def test_nobody_waits_for_it(store: Store, gate: Gate) -> None:
    """A question is not put whose asker has left before its turn."""
    slow = asyncio.ensure_future(store.read(Slow(gate)))
    await asyncio.to_thread(gate.reached.wait)
    other = Gate()
    left = asyncio.ensure_future(store.read(Slow(other)))
    await asyncio.sleep(0)
    left.cancel()
    gate.open.set()
    await slow
    assert await store.read(Number(3)) == 3
    assert not other.reached.is_set()


async def test_too_slow(driver: HeldDriver, gate: Gate) -> None:
    """A read that takes too long is answered with unavailable, and its late answer to nobody."""
    async with opened(driver, readers=1, timeout=0.1) as store:
        with pytest.raises(Unavailable):
            await store.read(Slow(gate))
        gate.open.set()


async def test_too_many(driver: HeldDriver, gate: Gate) -> None:
    """No more may be under way than changes may."""
    async with opened(driver, readers=1, max_operations=4) as store:
        slow = asyncio.ensure_future(store.read(Slow(gate)))
        await asyncio.to_thread(gate.reached.wait)
        waiting = [asyncio.ensure_future(store.read(Number(number))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="Too many reads"):
            await store.read(Number(4))
        gate.open.set()
        assert await asyncio.gather(*waiting) == [0, 1, 2]
        await slow


async def test_closed_while_asked(driver: HeldDriver, gate: Gate) -> None:
    """Closing waits for what is being answered; what waits behind is answered no more."""
    async with opened(driver, readers=1) as store:
        slow = asyncio.ensure_future(store.read(Slow(gate)))
        await asyncio.to_thread(gate.reached.wait)
        behind = asyncio.ensure_future(store.read(Number(1)))
        await asyncio.sleep(0)
        behind.add_done_callback(lambda _: gate.open.set())
    assert await slow == "slow"
    assert behind.cancelled()
