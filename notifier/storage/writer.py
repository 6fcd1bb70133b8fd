"""Group commit: one thread that commits everything that waits, in one transaction.

The loop submits operations and gets a future for each. The thread takes all that has
gathered while it was busy with the last batch, commits it, and hands the outcomes back in
one call. Hence a durable write costs little under load, and an idle server answers at
once. Order is kept: outcomes are announced in the order of submission, which for one
user is the order of ``seq``.

The queue is bounded in number and in bytes; what does not fit is refused at once with
Unavailable, and so is what has waited for longer than the time limit. In the latter
case, and when the database goes away in the middle of a commit, nobody can know whether
it happened: a retry with the same key finds out.

While the database is away the thread keeps trying it, with back-off, so that the writer
becomes available again even if nobody dares to submit anything until it is: as soon as
something as large as what failed could be stored. And while all is well it looks, every
second, for what would break promises, also when nobody writes. On a disk that is nearly
full it refuses what grows, and does what makes room.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

from notifier.backoff import Backoff
from notifier.errors import DiskLow, NotCommitted, NotifierError, Unavailable
from notifier.events import Appended, Event, InboxChanged, Withdrawn
from notifier.storage.contract import AWAY, Operation, Outcome, WriteSession
from notifier.storage.operations.notifications import RemoveTrials, Trial

logger = logging.getLogger(__name__)

_GATHER: Final = 0.001
"""Seconds for which a commit waits for company, if the last one served several who waited for
it: under load, each commit then serves several times as many. Whoever is alone, such as one
sender whose answers are awaited one after the other, is answered at once."""

PATIENCE: Final = 0.05
"""Seconds for which a patient operation waits for a commit that is made anyway. One commit less
for each is worth an fsync and about 70 µs of CPU."""

MOST_PATIENT: Final = 128
"""Patient operations that wait together: half of what one connection may have unsettled
(handlers.websocket.socket), so that the wait never limits how quickly it acknowledges."""

MAX_BATCH: Final = 1000
"""Most operations in one transaction, so that nobody waits long for a huge one."""

MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
"""Payloads in one transaction, for the same reason; the last of them may exceed it."""

CHECK_SECONDS: Final = 1.0
"""Between two looks at whether commits can go on, and last."""

_LARGEST_TRIAL: Final = 1024 * 1024
"""Bytes: as large as a send, and not as a batch."""

R = TypeVar("R")


class Commit:
    """What one transaction did: operations, and the outcome of each. It took ``seconds``."""

    def __init__(
        self, operations: Sequence[Operation[Any]], outcomes: Sequence[Outcome], seconds: float
    ) -> None:
        self.operations = operations
        self.outcomes = outcomes
        self.seconds = seconds

    @cached_property
    def events(self) -> Sequence[Event]:
        """What is news, in order."""
        found: list[Event] = []
        withdrawn: set[tuple[int, int]] = set()
        for outcome in self.outcomes:
            if isinstance(outcome, Appended):
                if not outcome.replayed:
                    found.append(outcome)
                    found.extend(outcome.superseded)
            elif isinstance(outcome, Withdrawn):
                found.append(outcome)
                withdrawn.add((outcome.user_id, outcome.seq))
            elif isinstance(outcome, InboxChanged) and outcome.changed:
                found.append(outcome)
        return [event for event in found if not _came_to_nothing(event, withdrawn)]


def _came_to_nothing(event: Event, withdrawn: Collection[tuple[int, int]]) -> bool:
    """Whether the same commit has taken it back."""
    return isinstance(event, Appended) and (
        event.withdrawn or (event.user_id, event.last_seq) in withdrawn
    )


Listener = Callable[[Commit], None]
"""Told of each commit, on the loop, in order, before those who submitted hear of it."""


class _Waiting(NamedTuple):
    """Operations with one who waits for them. They are committed together."""

    operations: Sequence[Operation[Any]]
    future: "asyncio.Future[Any]"
    since: float
    alone: bool
    """It waits for the outcome of a single one, and not for a list of all."""
    size: int
    """Bytes that they keep in memory."""


class GroupCommitWriter:
    """Owns the writer thread and its session."""

    def __init__(
        self,
        connect: Callable[[], WriteSession],
        *,
        listeners: Sequence[Listener],
        max_operations: int,
        max_bytes: int,
        timeout: float,
        patience: float = PATIENCE,
    ) -> None:
        self._connect = connect
        self._listeners = listeners
        self._max_operations = max_operations
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._patience = patience
        self._patient: list[_Waiting] = []
        self._patience_ends: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._waiting: deque[_Waiting] = deque()
        self._operations = 0
        self._bytes = 0
        self._closing = False
        self._crowded = False
        self._disk_low = False
        self._available = asyncio.Event()
        self._available.set()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="notifier-writer", daemon=True)
        self._watch = self._loop.create_task(self._time_out())
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many operations wait or are being committed."""
        return self._operations

    @property
    def available(self) -> bool:
        """Whether what comes next can be committed, as far as is known."""
        return self._available.is_set()

    @property
    def disk_low(self) -> bool:
        """Whether the disk is too full for anything that grows."""
        return self._disk_low

    async def wait_available(self) -> None:
        """Return once :attr:`available` holds."""
        await self._available.wait()

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Done when the thread has stopped; with its exception if it died."""
        return self._ended

    def submit(self, operation: Operation[R]) -> "asyncio.Future[R]":
        """Queue ``operation``. Raises Unavailable if there is no room; nothing is queued then.

        Raises DiskLow if there is none on the disk.

        The future is done with the commit. Nobody needs to wait for it.
        """
        waiting = self._admit((operation,), operation.size, alone=True)
        if operation.patient:
            self._hold(waiting)
        else:
            self._release(waiting)
        return waiting.future

    def submit_all(
        self, operations: Sequence[Operation[Any]]
    ) -> "asyncio.Future[Sequence[Outcome]]":
        """:meth:`submit` of several for one transaction: done with the outcome of each, in order.

        Refused are all of them, or those that are refused by themselves. None is patient. Nobody
        else has a turn before they are all committed, so they should be a part of what one
        transaction takes.
        """
        size = sum(operation.size for operation in operations)
        waiting = self._admit(operations, size, alone=False)
        self._release(waiting)
        return waiting.future

    def _admit(self, operations: Sequence[Operation[Any]], size: int, *, alone: bool) -> _Waiting:
        if self._closing:
            raise Unavailable("The service is shutting down.")
        if self._disk_low and any(operation.grows for operation in operations):
            raise DiskLow
        if self._operations >= self._max_operations or self._bytes >= self._max_bytes:
            raise Unavailable("Too much is waiting to be stored; try again soon.")
        self._operations += len(operations)
        self._bytes += size
        now = self._loop.time()
        return _Waiting(operations, self._loop.create_future(), now, alone, size)

    def _hold(self, waiting: _Waiting) -> None:
        """Let it go along with the next one that is not patient, or after a while."""
        self._patient.append(waiting)
        if len(self._patient) >= MOST_PATIENT:
            self._release()
        elif self._patience_ends is None:
            self._patience_ends = self._loop.call_later(self._patience, self._release)

    def _release(self, *last: _Waiting) -> None:
        """Hand over what is patient and what comes ``last``, in one: nothing comes between."""
        if self._patience_ends is not None:
            self._patience_ends.cancel()
            self._patience_ends = None
        if together := [*self._patient, *last]:
            self._patient.clear()
            self._waiting.extend(together)
            self._queue.put(together)

    async def close(self) -> None:
        """Commit what is queued, then stop. Takes nothing new from now on."""
        self._closing = True
        self._release()
        self._queue.put(None)
        await asyncio.wait([self._ended])
        self._watch.cancel()

    # On the loop.

    def _resolve(
        self,
        batch: Sequence[_Waiting],
        outcomes: Sequence[Outcome],
        available: bool,
        disk_low: bool,
        seconds: float,
    ) -> None:
        self._disk_low = disk_low
        if available and not disk_low:
            self._available.set()
        else:
            self._available.clear()
        self._tell(Commit(_operations(batch), outcomes, seconds))
        done = 0
        for waiting in batch:
            # One batch follows the other, so those who wait are resolved in order.
            self._waiting.popleft()
            count = len(waiting.operations)
            self._operations -= count
            self._bytes -= waiting.size
            _answer(waiting, outcomes[done : done + count])
            done += count

    def _tell(self, commit: Commit) -> None:
        for listener in self._listeners:
            try:
                listener(commit)
            except Exception:
                # It is stored all the same, and those who submitted it must hear of that.
                logger.exception("A listener failed", extra={"action": "listener_failed"})

    async def _time_out(self) -> None:
        """Answer those who have waited too long. The operation itself stays in the queue."""
        interval = self._timeout / 10
        while True:
            await asyncio.sleep(interval)
            # Whoever would exceed the limit before the next round is told now.
            limit = self._loop.time() - self._timeout + interval
            for waiting in self._waiting:
                if waiting.since > limit:
                    break
                _refuse(waiting, Unavailable("The store did not answer in time."))

    def _thread_ended(self, error: BaseException | None) -> None:
        self._closing = True
        self._release()
        for waiting in self._waiting:
            _refuse(waiting, Unavailable("The store has stopped."))
        if error is None:
            self._ended.set_result(None)
        else:
            self._available.clear()
            self._ended.set_exception(error)
            # Logged already, so nobody needs to ask for it.
            self._ended.exception()

    # On the thread.

    def _run(self) -> None:
        session = _Reconnecting(self._connect)
        error: BaseException | None = None
        try:
            while (batch := self._take(session.patience)) is not None:
                began = time.monotonic()
                outcomes = session.commit(_operations(batch))
                self._loop.call_soon_threadsafe(
                    self._resolve,
                    batch,
                    outcomes,
                    session.available,
                    session.disk_low is not None,
                    time.monotonic() - began,
                )
        except BaseException as raised:
            logger.critical("The writer thread died", exc_info=True, extra={"action": "died"})
            error = raised
        finally:
            session.close()
            self._loop.call_soon_threadsafe(self._thread_ended, error)

    def _take(self, patience: float) -> list[_Waiting] | None:
        """Wait for work and take all there is. None when it is time to stop.

        Nothing after ``patience`` seconds.
        """
        batch: list[_Waiting] = []
        count = size = awaited = 0
        try:
            together = self._queue.get(timeout=patience)
            if self._crowded:
                time.sleep(_GATHER)
            while together is not None:
                batch += together
                for waiting in together:
                    count += len(waiting.operations)
                    size += waiting.size
                    awaited += _is_awaited(waiting.operations[0])
                if count >= MAX_BATCH or size >= MAX_BATCH_BYTES:
                    return batch
                together = self._queue.get_nowait()
        except queue.Empty:
            if batch:
                self._crowded = awaited > 1
            return batch
        if not batch:
            return None
        self._queue.put(None)
        return batch


def _operations(batch: Sequence[_Waiting]) -> list[Operation[Any]]:
    return [operation for waiting in batch for operation in waiting.operations]


def _answer(waiting: _Waiting, outcomes: Sequence[Outcome]) -> None:
    if waiting.alone and isinstance(outcomes[0], NotifierError):
        _refuse(waiting, outcomes[0])
    elif not waiting.future.done():
        waiting.future.set_result(outcomes[0] if waiting.alone else outcomes)


def _is_awaited(operation: Operation[Any]) -> bool:
    return not operation.patient and not operation.background


def _refuse(waiting: _Waiting, error: NotifierError) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
        # Whoever submitted it may not be interested, as with an ack.
        waiting.future.exception()


class _Reconnecting:
    """A write session that is opened when needed and replaced once it has failed."""

    _FIRST_PAUSE = 0.1
    _LONGEST_PAUSE = 2.0

    def __init__(self, connect: Callable[[], WriteSession]) -> None:
        self._connect = connect
        self._session: WriteSession | None = None
        self.available = True
        self.disk_low: DiskLow | None = None
        """Why the store should not grow, if so."""
        self._backoff = Backoff(self._FIRST_PAUSE, self._LONGEST_PAUSE)
        self._due = 0.0
        """When the next check is due, or while the database is away the next attempt."""
        self._trial_size = 0
        """How many bytes it must take to be available again."""

    @property
    def patience(self) -> float:
        """Seconds until there is something to do, even if nobody has work."""
        return max(0.0, self._due - time.monotonic())

    def commit(self, operations: Sequence[Operation[Any]]) -> list[Outcome]:
        """The outcomes; Unavailable for each if the database is away.

        Without operations, a check, or an attempt to reach it.
        """
        if not self.available and self.patience:
            return [Unavailable(AWAY) for _ in operations]
        try:
            outcomes = self._try(operations)
        except Unavailable as error:
            size = sum(operation.size for operation in operations)
            self._trial_size = max(self._trial_size, min(size, _LARGEST_TRIAL))
            self._failed(error)
            return [Unavailable(error.message) for _ in operations]
        self._succeeded()
        return outcomes

    def _try(self, operations: Sequence[Operation[Any]]) -> list[Outcome]:
        if self._session is not None:
            try:
                return self._use(self._session, operations)
            except NotCommitted:
                # It may have been lost long ago, while nobody wrote.
                self.close()
        self._session = self._connect()
        self._due = 0.0
        return self._use(self._session, operations)

    def _use(self, session: WriteSession, operations: Sequence[Operation[Any]]) -> list[Outcome]:
        if not self.patience:
            self._look_at_the_disk(session.check())
            self._due = time.monotonic() + CHECK_SECONDS
        if not self.available:
            session.commit([RemoveTrials(), Trial(self._trial_size)])
            session.commit([RemoveTrials()])
        return session.commit(operations) if operations else []

    def _look_at_the_disk(self, disk_low: DiskLow | None) -> None:
        if disk_low and not self.disk_low:
            logger.error(
                "The disk is nearly full",
                extra={"action": "disk_low", "reason": disk_low.message},
            )
        if self.disk_low and not disk_low:
            logger.info("The disk has room again", extra={"action": "disk_has_room"})
        self.disk_low = disk_low

    def _succeeded(self) -> None:
        if not self.available:
            logger.info("The store is back", extra={"action": "store_back"})
        self.available = True
        self._trial_size = 0
        self._backoff.reset()

    def _failed(self, error: Unavailable) -> None:
        if self.available:
            reason = str(error.__cause__ or error).strip()
            logger.error("The store is away", extra={"action": "store_away", "reason": reason})
        self.available = False
        self._due = time.monotonic() + self._backoff.pause()
        self.close()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
