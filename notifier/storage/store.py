"""The store as the service sees it: asynchronous, bounded, never on the loop."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from notifier.errors import Unavailable
from notifier.events import Appended, Event
from notifier.models import SEND_ONLY, ApiKey, Page, Scope, User, UserChange
from notifier.storage.contract import (
    Acknowledge,
    Append,
    CreateApiKey,
    CreateUser,
    Driver,
    EndSessions,
    ReadSession,
    RemoveSettled,
    RemoveUserChanges,
    Result,
    RevokeApiKey,
    SetActive,
    SetPassword,
)
from notifier.storage.writer import Committed, GroupCommitWriter

logger = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds after which a caller is told that the store is unavailable."""


def _nobody(events: Sequence[Event]) -> None:
    """The default listener: a command line has no connections to feed."""


class Store:
    """Everything that is kept, over one driver. Errors are domain errors.

    Call :meth:`open` on the loop that will use it, :meth:`close` at the end. Any method
    may raise :class:`~notifier.errors.Unavailable`.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        committed: Committed = _nobody,
        readers: int = 2,
        max_operations: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self._driver = driver
        self._committed = committed
        self._max_operations = max_operations
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._readers = _Readers(driver, readers, max_operations)
        self._writer: GroupCommitWriter | None = None

    @property
    def driver(self) -> str:
        """The name of the database in use."""
        return self._driver.name

    @property
    def available(self) -> bool:
        """Whether the database took the last batch, or the last attempt to reach it."""
        return self.writer.available

    async def wait_available(self) -> None:
        """Return once the store is :attr:`available`."""
        await self.writer.wait_available()

    @property
    def writer(self) -> GroupCommitWriter:
        """The writer of an open store."""
        assert self._writer is not None, "the store is not open"
        return self._writer

    async def open(self) -> int:
        """Prepare the schema and start the writer. Returns how many migrations ran.

        Raises SchemaTooNew, StoreInUse, another CannotStart, or Unavailable.
        """
        migrated = await asyncio.get_running_loop().run_in_executor(None, self._driver.prepare)
        self._writer = GroupCommitWriter(
            self._driver.writer,
            committed=self._committed,
            max_operations=self._max_operations,
            max_bytes=self._max_bytes,
            timeout=self._timeout,
        )
        return migrated

    async def close(self) -> None:
        """Commit what is queued and let everything go."""
        if self._writer is not None:
            await self._writer.close()
        await asyncio.get_running_loop().run_in_executor(None, self._readers.close)
        self._driver.close()

    # Writing.

    async def append(self, append: Append) -> Appended:
        """Store one notification; returns after its commit.

        Raises UnknownUser, KeyConflict, Unauthenticated, ApiKeyNotValid or ScopeMissing.
        """
        appended = await self.writer.submit(append)
        assert isinstance(appended, Appended)
        return appended

    def acknowledge(self, user_id: int, key: str) -> "asyncio.Future[Result]":
        """Settle one notification. The future may be ignored: a lost ack only means a repeat."""
        return self.writer.submit(Acknowledge(user_id, key))

    async def create_user(
        self, username: str, password_hash: str, *, is_superuser: bool, only_as_first: bool = False
    ) -> User | None:
        """The new user; None where ``only_as_first`` and it isn't. Raises UsernameTaken."""
        user = await self.writer.submit(
            CreateUser(username, password_hash, is_superuser, only_as_first)
        )
        assert user is None or isinstance(user, User)
        return user

    async def set_password(self, user_id: int, password_hash: str) -> None:
        """Also ends every token and connection of the user. Raises UnknownUser."""
        await self.writer.submit(SetPassword(user_id, password_hash))

    async def end_sessions(self, user_id: int) -> None:
        """End every token and connection of the user. Raises UnknownUser."""
        await self.writer.submit(EndSessions(user_id))

    async def set_active(self, user_id: int, is_active: bool) -> None:
        """Deactivating ends every token and connection of the user. Raises UnknownUser."""
        await self.writer.submit(SetActive(user_id, is_active))

    async def create_api_key(
        self, name: str, digest: bytes, scopes: tuple[Scope, ...] = SEND_ONLY
    ) -> ApiKey:
        """Store the digest of a new API key, and what it may be used for."""
        key = await self.writer.submit(CreateApiKey(name, digest, scopes))
        assert isinstance(key, ApiKey)
        return key

    async def revoke_api_key(self, id_or_name: str) -> int:
        """Revoke the active keys of this id or name; returns how many there were."""
        revoked = await self.writer.submit(RevokeApiKey(id_or_name))
        assert isinstance(revoked, int)
        return revoked

    async def remove_settled(self, *, acked_before: int, expired_before: int, limit: int) -> int:
        """Remove up to ``limit`` notifications that are over; returns how many it were."""
        removed = await self.writer.submit(RemoveSettled(acked_before, expired_before, limit))
        assert isinstance(removed, int)
        return removed

    async def remove_user_changes(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` old user changes, see :class:`RemoveUserChanges`."""
        removed = await self.writer.submit(RemoveUserChanges(before, limit))
        assert isinstance(removed, int)
        return removed

    # Reading.

    async def pending(self, user_id: int, after: int, *, rows: int, size: int) -> Page:
        """A stretch of pending notifications, see :meth:`ReadSession.pending`."""
        return await self._read(
            lambda session: session.pending(user_id, after, rows=rows, size=size)
        )

    async def positions(self, user_ids: Sequence[int]) -> dict[int, int]:
        """The last ``seq`` of each of these users that exists."""
        return await self._read(lambda session: session.positions(user_ids))

    async def user(self, user_id: int) -> User | None:
        """The user with this id."""
        return await self._read(lambda session: session.user(user_id))

    async def user_by_name(self, username: str) -> User | None:
        """The user with this name."""
        return await self._read(lambda session: session.user_by_name(username))

    async def users(self) -> list[User]:
        """All users, by id."""
        return await self._read(lambda session: session.users())

    async def superusers(self) -> list[User]:
        """All superusers, deactivated ones too, by id."""
        return await self._read(lambda session: session.superusers())

    async def api_keys(self) -> list[ApiKey]:
        """All API keys, revoked ones too, by id."""
        return await self._read(lambda session: session.api_keys())

    async def scopes_of(self, digest: bytes) -> tuple[str, ...] | None:
        """What the active API key of this digest may do; None if there is no such key."""
        return await self._read(lambda session: session.scopes_of(digest))

    async def user_changes(self, after: int) -> list[UserChange] | None:
        """What happened to users behind ``after``, see :meth:`ReadSession.user_changes`."""
        return await self._read(lambda session: session.user_changes(after))

    async def last_user_change(self) -> int:
        """The id of the newest change, or 0."""
        return await self._read(lambda session: session.last_user_change())

    async def _read(self, call: Callable[[ReadSession], T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._readers.run(call)
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

    async def run(self, call: Callable[[ReadSession], T]) -> T:
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many reads are waiting; try again soon.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._call, call)
        finally:
            self._waiting -= 1

    def _call(self, call: Callable[[ReadSession], T]) -> T:
        kept: ReadSession | None = getattr(self._own, "session", None)
        if kept is not None:
            try:
                return call(kept)
            except Unavailable:
                # The connection may have died long ago: reads are safe to do again.
                self._discard(kept)
        try:
            session = self._open()
            result = call(session)
        except Unavailable as error:
            self._failed(error)
            raise
        self._failing = False
        return result

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
