"""The store under test, over each driver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifier import clock
from notifier.storage.store import Store
from tests.storage.databases import Database, PostgresDatabase, SqliteDatabase, make_user, opened


class Clock:
    """The present moment, as the test wants it."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self.moment += milliseconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still unless advanced."""
    stopped = Clock(clock.now())
    monkeypatch.setattr(clock, "now", lambda: stopped.moment)
    return stopped


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    return SqliteDatabase(tmp_path / "data") if request.param == "sqlite" else PostgresDatabase()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """An open store over an empty database."""
    async with opened(database.driver()) as store:
        yield store


@pytest.fixture
async def ann(store: Store) -> int:
    """The id of a user."""
    return await make_user(store, "ann")


@pytest.fixture
async def bob(store: Store, ann: int) -> int:
    """The id of another user."""
    return await make_user(store, "bob")
