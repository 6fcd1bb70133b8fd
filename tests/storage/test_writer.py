"""The group-commit writer when things go wrong beneath it."""

import asyncio
from pathlib import Path

import pytest

from handlers.websocket.socket import MAX_UNSETTLED
from notifier.errors import NotCommitted, Unavailable
from notifier.events import Appended
from notifier.storage.operations.inbox.ranges import CarryOut
from notifier.storage.operations.notifications import Acknowledge, Append, Pending
from notifier.storage.operations.users import Users
from notifier.storage.store import Store
from notifier.storage.writer import MAX_BATCH, MAX_BATCH_BYTES, MOST_PATIENT
from tests.storage.databases import SqliteDatabase, make_user, opened
from tests.storage.held import HeldDriver


@pytest.fixture
def driver(tmp_path: Path) -> HeldDriver:
    """A driver that fails on command."""
    return HeldDriver(SqliteDatabase(tmp_path / "data").driver())


@pytest.fixture
async def store(driver: HeldDriver):
    """A store over it, with one user, whose id is 1."""
    async with opened(driver) as store:
        await make_user(store, "ann")
        yield store


async def send(store: Store, key: str) -> Appended:
    """Send to the one user."""
    return await store.submit(Append(1, key, b"1", key_given=True))


class TestBatches:
    async def test_gathered(self, store: Store, driver: HeldDriver):
        """What arrives during a commit goes into the next one, together and in order."""
        driver.hold()
        first = store.submit(Append(1, "first", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        driver.batches.clear()
        others = [store.submit(Append(1, f"k{n}", b"1")) for n in range(100)]
        driver.release()
        appended = await asyncio.gather(first, *others)
        assert driver.batches == [100]
        assert [each.notification.seq for each in appended] == list(range(1, 102))

    async def test_bounded(self, store: Store, driver: HeldDriver):
        """However much waits, no transaction takes more than its share."""
        driver.hold()
        sends = [store.submit(Append(1, f"k{n}", b"1")) for n in range(2 * MAX_BATCH + 5)]
        driver.release()
        await asyncio.gather(*sends)
        assert max(driver.batches) <= MAX_BATCH

    async def test_bounded_in_size(self, store: Store, driver: HeldDriver):
        """Nor does it take more than its share of bytes."""
        payload = b'"' + b"x" * (1 << 20) + b'"'
        driver.hold()
        sends = [store.submit(Append(1, f"k{n}", payload)) for n in range(20)]
        driver.release()
        await asyncio.gather(*sends)
        assert max(driver.batches) <= MAX_BATCH_BYTES // len(payload) + 1

    async def test_bounded_in_bytes(self, driver: HeldDriver):
        """Once as many bytes wait as may, nothing more is taken until they are stored."""
        async with opened(driver, max_bytes=20) as store:
            await make_user(store, "bob")
            driver.hold()
            waiting = [store.submit(Append(1, f"k{n}", b'"12345678"')) for n in range(2)]
            try:
                with pytest.raises(Unavailable):
                    store.submit(Append(1, "one too many", b"1"))
            finally:
                driver.release()
            await asyncio.gather(*waiting)
            await send(store, "fits again")

    async def test_company(self, store: Store, driver: HeldDriver, monkeypatch: pytest.MonkeyPatch):
        """A commit waits a moment for company if the one before had any, and only then."""
        pauses: list[float] = []
        monkeypatch.setattr("notifier.storage.writer.time.sleep", pauses.append)
        await send(store, "alone")
        assert not pauses
        driver.hold()
        first = store.submit(Append(1, "held", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        crowd = [store.submit(Append(1, f"k{n}", b"1")) for n in range(2)]
        driver.release()
        await asyncio.gather(first, *crowd)
        assert not pauses
        await send(store, "behind company")
        assert len(pauses) == 1
        await send(store, "behind one that was alone")
        assert len(pauses) == 1

    async def test_acks_are_no_company(
        self, store: Store, driver: HeldDriver, monkeypatch: pytest.MonkeyPatch
    ):
        """Acknowledgements that go along make nobody wait who sends alone."""
        pauses: list[float] = []
        monkeypatch.setattr("notifier.storage.writer.time.sleep", pauses.append)
        for n in range(3):
            acks = [store.submit(Acknowledge(1, f"k{m}")) for m in range(3)]
            await send(store, f"k{n}")
            await asyncio.gather(*acks)
        assert driver.batches[-3:] == [4, 4, 4]
        assert not pauses

    async def test_the_background_is_no_company(
        self, store: Store, driver: HeldDriver, monkeypatch: pytest.MonkeyPatch
    ):
        """What nobody waits for makes nobody wait who sends alone."""
        pauses: list[float] = []
        monkeypatch.setattr("notifier.storage.writer.time.sleep", pauses.append)
        driver.hold()
        first = store.submit(Append(1, "held", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        waiting = (store.submit(CarryOut(1)), store.submit(Append(1, "waits", b"1")))
        driver.release()
        await asyncio.gather(first, *waiting)
        await send(store, "behind it")
        assert not pauses

    async def test_an_ack_waits(self, driver: HeldDriver):
        """An acknowledgement has no commit of its own while another may still come."""
        async with opened(driver, patience=3600) as store:
            await make_user(store, "ann")
            driver.batches.clear()
            ack = store.submit(Acknowledge(1, "k"))
            assert store.waiting == 1
            await store.read(Users())
            assert not driver.batches
            await send(store, "next")
            assert driver.batches == [2]
            assert ack.done()

    async def test_not_for_ever(self, driver: HeldDriver):
        """After a while it goes alone, and all that wait go together."""
        async with opened(driver, patience=0.01) as store:
            driver.batches.clear()
            await asyncio.gather(*(store.submit(Acknowledge(1, f"k{n}")) for n in range(3)))
            assert driver.batches == [3]

    async def test_not_too_many(self, driver: HeldDriver):
        """As many as may wait together go at once, so that nobody acknowledges too quickly."""
        async with opened(driver, patience=3600) as store:
            driver.batches.clear()
            acks = [store.submit(Acknowledge(1, f"k{n}")) for n in range(MOST_PATIENT)]
            await asyncio.gather(*acks)
        assert MOST_PATIENT < MAX_UNSETTLED

    async def test_stopping(self, driver: HeldDriver):
        """What still waits is stored before the end."""
        async with opened(driver, patience=3600) as store:
            ann = await make_user(store, "ann")
            await store.submit(Append(ann, "k", b"1"))
            ack = store.submit(Acknowledge(ann, "k"))
        assert ack.done()
        async with opened(driver) as store:
            assert not (await store.read(Pending(ann, 0, rows=9, size=99))).notifications

    async def test_nobody_waits_any_more(self, store: Store, driver: HeldDriver):
        """Who gives up waiting disturbs nobody; the operation is still done."""
        driver.hold()
        given_up = store.submit(Append(1, "a", b"1"))
        sending = store.submit(Append(1, "b", b"1"))
        given_up.cancel()
        driver.release()
        appended = await sending
        assert isinstance(appended, Appended)
        assert appended.notification.seq == 2


class TestSessionLost:
    @pytest.fixture
    def expected_errors(self) -> list[str]:
        """The store being away is an error in the log."""
        return ["The store is away"]

    async def test_unavailable_then_back(self, store: Store, driver: HeldDriver, caplog):
        """A lost session means unavailable; the store comes back by itself, and says so once."""
        driver.failures = [Unavailable(), Unavailable()]
        with pytest.raises(Unavailable):
            await send(store, "a")
        assert not store.available
        async with asyncio.timeout(30):
            await store.wait_available()
        assert store.available
        assert not (await send(store, "a")).replayed
        assert driver.connections == 3
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
            "The store is away"
        ]

    async def test_backs_off(self, store: Store, driver: HeldDriver):
        """While the database can't be reached, senders are answered at once."""
        driver.failures = [Unavailable()]
        driver.refused_connections = [Unavailable() for _ in range(3)]
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(Unavailable):
            await send(store, "a")
        refused = 0
        while driver.refused_connections:
            async with asyncio.timeout(5):
                with pytest.raises(Unavailable):
                    await send(store, "a")
            refused += 1
            await asyncio.sleep(0.01)
        assert refused > 3, "senders waited for the pauses"
        # Three pauses lie before the third refusal: at least half of 0.1, 0.2 and 0.4 seconds.
        assert loop.time() - started > 0.34
        async with asyncio.timeout(30):
            await store.wait_available()
        await send(store, "a")

    async def test_never_away(self, driver: HeldDriver, caplog):
        """A store that was never away does not say that it is back."""
        caplog.set_level("INFO")
        async with opened(driver) as store:
            await make_user(store, "ann")
        assert driver.connections == 1
        assert not [record for record in caplog.records if "store" in record.message]

    async def test_certain_loss_is_hidden(self, store: Store, driver: HeldDriver):
        """A session that was lost before anything could be committed is replaced unnoticed."""
        driver.failures = [NotCommitted()]
        assert (await send(store, "a")).notification.seq == 1
        assert driver.connections == 2

    async def test_unknown_outcome(self, store: Store, driver: HeldDriver):
        """A commit whose outcome is unknown is no success; a retry with its key finds out."""
        driver.failures_after = [Unavailable()]
        with pytest.raises(Unavailable):
            await send(store, "a")
        await store.wait_available()
        again = await send(store, "a")
        assert again.replayed
        assert again.notification.seq == 1

    async def test_everyone_is_told(self, store: Store, driver: HeldDriver):
        """All of a failed batch hear that the store is away."""
        driver.hold()
        sends = [store.submit(Append(1, f"k{n}", b"1")) for n in range(10)]
        driver.failures = [Unavailable(), Unavailable()]
        driver.release()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}


class TestThreadDies:
    async def test_reported(self, store: Store, driver: HeldDriver, expected_errors: list[str]):
        """Whoever watches the writer learns what killed it; who waits or comes later is refused."""
        expected_errors.append("The writer thread died")
        driver.failures = [ZeroDivisionError("a bug")]
        driver.hold()
        waiting = [asyncio.ensure_future(send(store, f"k{n}")) for n in range(3)]
        await asyncio.to_thread(driver.arrived.wait)
        driver.release()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        with pytest.raises(ZeroDivisionError):
            await store.ended
        assert not store.available
        with pytest.raises(Unavailable):
            await send(store, "late")
