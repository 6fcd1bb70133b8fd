"""Brings the parts of jobs into the store: bounded, in order, and patient while it is away.

Each part's outcome goes into its job, and whoever waits for a job hears of it once, when
its last part is done.

Only so many are under way at once, so that RabbitMQ leaves room for other senders in the
store's queue. When the store turns one away, everything waits, and after a pause the
earliest one is tried alone; once it is stored the rest follows. Nothing is given up: what
waits here is unacknowledged, so that the broker's prefetch limit is the back-pressure.

Of what is to be taken back but is not there, the send may still be under way: turned away by the
store here, or in the hands of another process. So it is tried again, for a while and behind all
that waits here, before it has failed (:mod:`amqp.early`).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Any, Final

from amqp.early import Early
from amqp.messages import Job, Part, Request
from notifier.backoff import Backoff
from notifier.errors import NotifierError, Unavailable, UnknownNotification
from notifier.events import Appended, Withdrawn
from notifier.sending.service import NotificationService
from notifier.wire import WithdrawRequest

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0

Finished = Callable[[Job], None]
Broken = Callable[[Exception], None]


class Intake:
    """Everything between a message and the store."""

    def __init__(
        self,
        service: NotificationService,
        window: int,
        *,
        most_early: int,
        finished: Finished,
        broken: Broken,
    ) -> None:
        self._service = service
        self._full_window = self._window = window
        self._finished = finished
        self._broken = broken
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._backlog: deque[tuple[int, Part]] = deque()
        self._again: list[tuple[int, Part]] = []
        """A heap of what the store has turned away, the earliest first."""
        self._early = Early(most_early, again=self._put_again)
        self._number = 0
        self._under_way = 0
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def put(self, part: Part) -> None:
        """Store ``part``, or take it back, as soon as possible."""
        self._number += 1
        self._backlog.append((self._number, part))
        self._pump()

    def _put_again(self, part: Part) -> None:
        try:
            self.put(part)
        except Exception as error:
            self._broken(error)

    def close(self) -> None:
        """Give up what waits. Hear no more of what is under way."""
        self._closed = True
        self._backlog.clear()
        self._again.clear()
        self._early.close()
        if self._pause is not None:
            self._pause.cancel()

    def _pump(self) -> None:
        while self._pause is None and self._under_way < self._window:
            if self._again:
                entry = heappop(self._again)
            elif self._backlog:
                entry = self._backlog.popleft()
            else:
                return
            self._submit(entry)

    def _submit(self, entry: tuple[int, Part]) -> None:
        part = entry[1]
        try:
            future = self._begin(part.request)
        except Unavailable:
            self._turned_away(entry)
        except NotifierError as error:
            self._failed(part, error)
        else:
            self._under_way += 1
            future.add_done_callback(partial(self._done, entry))

    def _begin(self, request: Request) -> "asyncio.Future[Any]":
        if isinstance(request, WithdrawRequest):
            return self._service.submit_withdrawal(request)
        return self._service.submit(request)

    def _done(
        self, entry: tuple[int, Part], future: "asyncio.Future[Appended | Withdrawn]"
    ) -> None:
        self._under_way -= 1
        if self._closed:
            return
        part = entry[1]
        try:
            try:
                outcome = future.result()
            except Unavailable:
                self._turned_away(entry)
                return
            except NotifierError as error:
                if not (isinstance(error, UnknownNotification) and self._early.waits(part)):
                    self._failed(part, error)
            else:
                part.job.succeeded(part, outcome)
                if not part.job.waiting:
                    self._finished(part.job)
            if self._window != self._full_window:
                self._window = self._full_window
                self._backoff.reset()
            self._pump()
        except Exception as error:
            self._broken(error)

    def _failed(self, part: Part, error: NotifierError) -> None:
        part.job.failed(part, error)
        if not part.job.waiting:
            self._finished(part.job)

    def _turned_away(self, entry: tuple[int, Part]) -> None:
        heappush(self._again, entry)
        self._window = 1
        if self._pause is None:
            loop = asyncio.get_running_loop()
            self._pause = loop.call_later(self._backoff.pause(), self._resume)

    def _resume(self) -> None:
        self._pause = None
        try:
            self._pump()
        except Exception as error:
            self._broken(error)
