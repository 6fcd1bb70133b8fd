"""The embedded store on a disk that really fills up."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.errors import DiskLow, Unavailable
from notifier.storage.operations.notifications import Acknowledge, Append, Pending
from notifier.storage.store import Store
from tests.storage.databases import SqliteDatabase, make_user, opened
from tests.storage.disks import small_disk
from tests.storage.held import HeldDriver
from tests.support.harness import until

MB = 1024 * 1024
PAYLOAD = b'"' + b"x" * 100_000 + b'"'


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A data folder on a disk of 8 MB, half of which holds something else."""
    with small_disk(tmp_path / "disk", 8 * MB) as disk:
        (disk / "ballast").write_bytes(b"x" * 4 * MB)
        yield SqliteDatabase(disk / "data")


def throw_ballast(database: SqliteDatabase) -> None:
    (database.folder.parent / "ballast").unlink()


async def send_until_refused(store: Store) -> tuple[list[str], Unavailable]:
    """What was promised, and how it ended."""
    promised: list[str] = []
    while True:
        key = f"k{len(promised)}"
        try:
            await store.submit(Append(1, key, PAYLOAD, key_given=True))
        except Unavailable as error:
            return promised, error
        promised.append(key)


async def kept(store: Store) -> list[str]:
    page = await store.read(Pending(1, 0, rows=1000, size=1 << 30))
    return [each.key for each in page.notifications]


async def test_full(
    database: SqliteDatabase, expected_errors: list[str], caplog: pytest.LogCaptureFixture
):
    """A full disk means unavailable until there is room, and everything promised is there."""
    expected_errors.append("The store is away")
    driver = HeldDriver(database.driver())
    async with opened(driver) as store:
        await make_user(store, "ann")
        promised, _ = await send_until_refused(store)
        assert promised
        attempts = driver.connections
        while driver.connections < attempts + 4:
            assert not store.available, "it would be full again at the first send"
            await asyncio.sleep(0)
        throw_ballast(database)
        await until(lambda: store.available)
        assert await kept(store) == promised
        await store.submit(Append(1, "fits again", PAYLOAD))
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert database.execute("SELECT count(*) FROM notifications WHERE user_id = 0") == [(0,)]


async def test_floor(database: SqliteDatabase, expected_errors: list[str]):
    """Sends are refused before the disk is full; acknowledgements pass, and room is noticed."""
    expected_errors.append("The disk is nearly full")
    async with opened(database.driver(least_free=MB)) as store:
        await make_user(store, "ann")
        small = Append(1, "first", b"1", key_given=True)
        await store.submit(small)
        (database.folder.parent / "more").write_bytes(b"x" * 3 * MB)
        await until(lambda: not store.available)
        assert store.state == "disk_low"
        with pytest.raises(DiskLow):
            store.submit(Append(1, "second", b"1"))
        await store.submit(Acknowledge(1, "first"))
        assert await kept(store) == []
        throw_ballast(database)
        await until(lambda: store.available)
        assert store.state == "ok"
        await store.submit(Append(1, "third", b"1", key_given=True))
        assert await kept(store) == ["third"]


async def test_low_from_the_start(database: SqliteDatabase, expected_errors: list[str]):
    """A server that starts on such a disk says so by itself."""
    expected_errors.append("The disk is nearly full")
    async with opened(database.driver(least_free=8 * MB)) as store:
        await until(lambda: store.state == "disk_low")
