"""Empty databases for the tests, one class for each driver."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, ClassVar

from notifier.storage.contract import Driver
from notifier.storage.operations.recipients import CreateRecipient
from notifier.storage.operations.users import CreateUser
from notifier.storage.postgres import PostgresDriver
from notifier.storage.sqlite import FILE_NAME, SqliteDriver
from notifier.storage.store import Store
from servers import postgres


class Database(ABC):
    """An empty database, and ways into it."""

    @abstractmethod
    def driver(self, **options: Any) -> Driver:
        """A driver for it, such as a process of its own would have."""

    @abstractmethod
    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Look inside, past the store."""

    def give_back(self) -> None:  # noqa: B027 (nothing to do is an answer)
        """The test is over."""

    def count(self, table: str) -> int:
        """How many rows ``table`` has."""
        return self.execute(f"SELECT count(*) FROM {table}")[0][0]


class SqliteDatabase(Database):
    """A data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME

    def driver(self, **options: Any) -> SqliteDriver:
        return SqliteDriver(self.folder, **options)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()


class PostgresDatabase(Database):
    """An empty database of the shared server."""

    _returned: ClassVar[list[str]] = []

    def __init__(self) -> None:
        # Making one takes longer than most tests do.
        returned = self._returned
        self.address = returned.pop() if returned else postgres.shared().create_database()

    def give_back(self) -> None:
        """Empty it for the next test. Fails if a transaction has been left open."""
        self.execute("SET lock_timeout = '5s'; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._returned.append(self.address)

    def driver(self, **options: Any) -> PostgresDriver:
        return PostgresDriver(self.address, **options)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        return postgres.execute(self.address, statement)


@asynccontextmanager
async def opened(driver: Driver, **options: Any) -> AsyncIterator[Store]:
    """A store over ``driver``, open inside the block."""
    store = Store(driver, **options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def make_user(store: Store, name: str) -> int:
    """The id of a new user."""
    user = await store.submit(CreateUser(name, f"hash of {name}", is_superuser=False))
    assert user is not None
    return user.id


async def make_recipient(store: Store, name: str) -> int:
    """The number of a new recipient."""
    return (await store.submit(CreateRecipient(name))).number
