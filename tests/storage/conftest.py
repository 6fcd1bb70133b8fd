"""The store under test, over each driver."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from notifier.storage.store import Store
from tests.storage.databases import Database, PostgresDatabase, SqliteDatabase, make_user, opened
from tests.support.moments import Clock

MakeDatabase = Callable[[str], Database]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still unless advanced."""
    return Clock(monkeypatch)


@pytest.fixture
def make_database(tmp_path: Path) -> Iterator[MakeDatabase]:
    """Make empty databases of a kind, ``sqlite`` or ``postgres``."""
    made: list[Database] = []

    def make(kind: str) -> Database:
        folder = tmp_path / f"data{len(made)}"
        made.append(SqliteDatabase(folder) if kind == "sqlite" else PostgresDatabase())
        return made[-1]

    yield make
    for database in made:
        database.give_back()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    """An empty database of each kind."""
    return make_database(request.param)


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
