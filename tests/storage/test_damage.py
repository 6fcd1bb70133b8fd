"""A file of the embedded store that is damaged, at start and while it is in use."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.errors import CannotStart, Unavailable
from notifier.storage.operations.notifications import Append
from notifier.storage.store import Store
from tests.storage.databases import SqliteDatabase, make_user, opened
from tests.support.harness import until


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    """An empty data folder."""
    return SqliteDatabase(tmp_path / "data")


def overwrite(path: Path, begin: int, end: int | None = None) -> None:
    """Write over a part of ``path``, in place."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * ((end or size) - begin))


class TestStart:
    @pytest.mark.parametrize(
        "harm",
        [
            lambda path: overwrite(path, 0),
            lambda path: overwrite(path, 4096),
            lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        ],
        ids=["header", "pages", "cut off"],
    )
    async def test_refused(self, database: SqliteDatabase, harm: Callable[[Path], None]):
        """A server does not start on a damaged file; it says what it is and what to do."""
        async with opened(database.driver(exclusive=True)) as store:
            await make_user(store, "ann")
            await asyncio.gather(
                *[store.submit(Append(1, f"k{n}", b'"%b"' % (b"x" * 1000))) for n in range(100)]
            )
        harm(database.path)
        driver = database.driver(exclusive=True)
        with pytest.raises(CannotStart, match=r"is damaged: .*backup.*\.recover"):
            driver.prepare()
        driver.close()


class TestRunning:
    @pytest.fixture
    def expected_errors(self) -> list[str]:
        """It is an error, said once."""
        return ["The store is away"]

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (lambda path: overwrite(path, 0), "overwritten"),
            (lambda path: path.write_bytes(b""), "overwritten"),
            (lambda path: path.unlink(), "removed"),
            (lambda path: path.rename(path.with_name("elsewhere")), "removed"),
            (lambda path: path.with_name("other").rename(path), "replaced"),
            (lambda path: path.with_name(path.name + "-wal").unlink(), "-wal was removed"),
        ],
        ids=["overwritten", "emptied", "removed", "moved", "replaced", "log removed"],
    )
    async def test_noticed(
        self,
        database: SqliteDatabase,
        harm: Callable[[Path], None],
        said: str,
        caplog: pytest.LogCaptureFixture,
    ):
        """Nothing more is promised, though SQLite would go on; nobody has to send to find out."""
        async with opened(database.driver(exclusive=True)) as store:
            await make_user(store, "ann")
            await store.submit(Append(1, "a", b"1"))
            database.path.with_name("other").write_bytes(database.path.read_bytes())
            harm(database.path)
            await until(lambda: not store.available)
            with pytest.raises(Unavailable):
                await store.submit(Append(1, "b", b"1"))
            assert store.state == "away"
        (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert said in line.reason  # type: ignore[attr-defined]
        assert ".recover" in line.reason  # type: ignore[attr-defined]

    async def test_met(self, database: SqliteDatabase):
        """A page that cannot be right, met by whatever reads it, ends all promises."""
        async with opened(database.driver(exclusive=True)) as store:
            await make_user(store, "ann")
            await _send_much(store)
        driver = database.driver()
        async with opened(driver) as store:
            overwrite(database.path, 4096)
            for key in ("a", "b"):
                with pytest.raises(Unavailable):
                    await store.submit(Append(1, key, b"1", key_given=True))
            assert not store.available
            # No further attempt can make it available again.
            for attempt in (driver.writer, driver.reader):
                with pytest.raises(Unavailable):
                    attempt()


async def _send_much(store: Store) -> None:
    sends = [store.submit(Append(1, f"k{n}", b'"%b"' % (b"x" * 1000))) for n in range(100)]
    await asyncio.gather(*sends)
