"""The store as the service sees it: asynchronous, bounded, never on the loop."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from notifier.storage.contract import Driver, Operation, Outcome, Query
from notifier.storage.readers import Readers
from notifier.storage.writer import PATIENCE, GroupCommitWriter, Listener

R = TypeVar("R")

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds after which a caller is told that the store is unavailable."""


class Store:
    """Everything that is kept, over one driver. Errors are domain errors.

    Call :meth:`open` on the loop that will use it, :meth:`close` at the end. Any method
    may raise :class:`~notifier.errors.Unavailable`.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        listeners: Sequence[Listener] = (),
        readers: int = 2,
        max_operations: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        timeout: float = DEFAULT_TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        self._driver = driver
        self._listeners = listeners
        self._max_operations = max_operations
        self._max_bytes = max_bytes
        self.timeout = timeout
        """Seconds after which whoever waits is told that the store is unavailable."""
        self._patience = patience
        self._readers = Readers(driver, readers, max_operations, timeout)
        self._writer: GroupCommitWriter | None = None

    @property
    def driver(self) -> str:
        """The name of the database in use."""
        return self._driver.name

    @property
    def available(self) -> bool:
        """Whether a notification that comes now can be stored, as far as is known."""
        return self._open_writer.available

    @property
    def state(self) -> str:
        """``ok``, ``away``, or ``disk_low``: nothing that grows is taken."""
        if self._open_writer.disk_low:
            return "disk_low"
        return "ok" if self.available else "away"

    async def wait_available(self) -> None:
        """Return once the store is :attr:`available`."""
        await self._open_writer.wait_available()

    @property
    def waiting(self) -> int:
        """How many operations wait or are being committed."""
        return self._open_writer.depth

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Done when the store no longer writes; with the exception of what has died."""
        return self._open_writer.ended

    @property
    def _open_writer(self) -> GroupCommitWriter:
        assert self._writer is not None, "the store is not open"
        return self._writer

    async def open(self) -> int:
        """Prepare the schema and start the writer. Returns how many migrations ran.

        Raises SchemaTooNew, StoreInUse, another CannotStart, or Unavailable.
        """
        migrated = await asyncio.get_running_loop().run_in_executor(None, self._driver.prepare)
        self._writer = GroupCommitWriter(
            self._driver.writer,
            listeners=self._listeners,
            max_operations=self._max_operations,
            max_bytes=self._max_bytes,
            timeout=self.timeout,
            patience=self._patience,
        )
        return migrated

    async def close(self) -> None:
        """Commit what is queued and let everything go."""
        if self._writer is not None:
            await self._writer.close()
        await self._readers.close()
        self._driver.close()

    def submit(self, operation: Operation[R]) -> "asyncio.Future[R]":
        """Make a change: done with the commit, or with what refuses it.

        Raises Unavailable if too much is waiting.
        """
        return self._open_writer.submit(operation)

    def submit_all(
        self, operations: Sequence[Operation[Any]]
    ) -> "asyncio.Future[Sequence[Outcome]]":
        """The same for several in one transaction: done with the outcome of each.

        Raises Unavailable if too much is waiting, and so does the future where nobody knows.
        """
        return self._open_writer.submit_all(operations)

    async def read(self, query: Query[R]) -> R:
        """The answer to ``query``."""
        return await self._readers.ask(query)
