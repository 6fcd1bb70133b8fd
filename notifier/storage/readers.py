"""The threads that ask the store, beside the one that writes to it.

What a question costs is mostly the way to a thread and back: SQLite itself takes a fifth of it.
So what is asked at the same moment shares the way. A thread that is awake answers one question
after the other until none waits, and the loop takes all answers that are there when it looks.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from notifier.errors import Unavailable
from notifier.storage.contract import Driver, Query, ReadSession

_PAUSE: Final = 0.0005
"""Seconds for which answers gather while their thread goes on."""

logger = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")


class _Question(NamedTuple):
    query: Query[Any]
    answer: "asyncio.Future[Any]"
    deadline: asyncio.TimerHandle


class Readers:
    """A few threads, each with a read session that it replaces once it has failed.

    Asked on the loop. ``timeout`` is in seconds.
    """

    def __init__(self, driver: Driver, threads: int, max_waiting: int, timeout: float) -> None:
        self._driver = driver
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._failing = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="notifier-reader")
        self._unanswered = 0
        self._resting = threads
        """Threads that have to be woken. Counted on the loop."""
        self._questions: deque[_Question] = deque()
        self._answers: deque[tuple[_Question, Any, BaseException | None]] = deque()
        self._announced = False
        """The loop is going to look at the answers."""
        self._own = threading.local()
        self._sessions: set[ReadSession] = set()
        self._lock = threading.Lock()

    def ask(self, query: Query[R]) -> "asyncio.Future[R]":
        """The answer to ``query``, or Unavailable. Raises it where too much waits."""
        if self._unanswered >= self._max_waiting:
            raise Unavailable("Too many reads are waiting; try again soon.")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        deadline = loop.call_later(self._timeout, _give_up, answer)
        self._questions.append(_Question(query, answer, deadline))
        self._unanswered += 1
        if self._resting:
            self._wake(loop)
        return answer

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._resting -= 1
        self._pool.submit(self._work, loop)

    async def close(self) -> None:
        """Answer nothing more, and let the sessions go."""
        for question in _taken_from(self._questions):
            question.answer.cancel()
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    # In a thread.

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        for question in _taken_from(self._questions):
            if question.answer.done():
                self._answers.append((question, None, None))  # nobody waits for it any more
                continue
            try:
                self._answers.append((question, self._answer(question.query), None))
            except BaseException as error:
                self._answers.append((question, None, error))
            # Behind the last one the loop hears that this thread rests, and looks anyway.
            if self._questions and not self._announced:
                self._announced = True
                loop.call_soon_threadsafe(loop.call_later, _PAUSE, self._hand_out)
        loop.call_soon_threadsafe(self._rest, loop)

    def _answer(self, query: Query[R]) -> R:
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

    # On the loop again.

    def _hand_out(self) -> None:
        self._announced = False  # first, so that what comes from now on is announced again
        for question, value, error in _taken_from(self._answers):
            self._unanswered -= 1
            question.deadline.cancel()
            if question.answer.done():
                continue
            if error is None:
                question.answer.set_result(value)
            else:
                question.answer.set_exception(error)

    def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        self._hand_out()
        self._resting += 1
        if self._questions:
            self._wake(loop)


def _taken_from(waiting: deque[T]) -> Iterator[T]:
    """All of it, one after the other, also where others take and add."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()


def _give_up(answer: "asyncio.Future[Any]") -> None:
    if not answer.done():
        answer.set_exception(Unavailable("The store did not answer in time."))
