"""The store as the service sees it: asynchronous, bounded, never on the loop."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from notifier.errors import Unavailable
from notifier.storage.contract import Driver, Operation, Outcome, Query, ReadSession
from notifier.storage.writer import PATIENCE, GroupCommitWriter, Listener

logger = logging.getLogger(__name__)

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
        self._readers = _Readers(driver, readers, max_operations)
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
        await asyncio.get_running_loop().run_in_executor(None, self._readers.close)
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
        try:
            async with asyncio.timeout(self.timeout):
                return await self._readers.run(query)
        except TimeoutError:
            raise Unavailable("The store did not answer in time.") from None


class _Readers:
    """A few threads, each with a read session that it replaces once it has failed."""

    def __init__(self, driver: Driver, threads: int, max_waiting: int) -> None:
        self._driver = driver
        self._max_waiting = max_waiting
        self._waiting = 0
        self._failing = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="notifier-reader")
        self._own = threading.local()
        self._sessions: set[ReadSession] = set()
        self._lock = threading.Lock()

    async def run(self, query: Query[R]) -> R:
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many reads are waiting; try again soon.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._ask, query)
        finally:
            self._waiting -= 1

    def _ask(self, query: Query[R]) -> R:
        kept: ReadSession | None = getattr(self._own, "session", None)
        if kept is not None:
            try:
                return query.ask(kept)
            except Unavailable:
                # The connection may have died long ago: reads are safe to do again.
                self._discard(kept)
        try:
            session = self._open()
            answer = query.ask(session)
        except Unavailable as error:
            self._failed(error)
            raise
        self._failing = False
        return answer

    def _failed(self, error: Unavailable) -> None:
        kept: ReadSession | None = getattr(self._own, "session", None)
        if kept is not None:
            self._discard(kept)
        if not self._failing:
            self._failing = True
            reason = str(error.__cause__ or error).strip()
            logger.warning("Reading failed", extra={"action": "read_failed", "reason": reason})

    def _open(self) -> ReadSession:
        session = self._driver.reader()
        self._own.session = session
        with self._lock:
            self._sessions.add(session)
        return session

    def _discard(self, session: ReadSession) -> None:
        self._own.session = None
        with self._lock:
            self._sessions.discard(session)
        session.close()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for session in self._sessions:
            session.close()
        self._sessions.clear()
