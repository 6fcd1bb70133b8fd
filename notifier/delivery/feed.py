"""One connection's place in its user's log.

A feed is *live* (the hub offers it each fresh notification) or *catching up* (it reads
the store behind its cursor). It never skips and never repeats: it writes only what lies
behind its cursor, and goes live only when its cursor has reached the last ``seq`` that
anyone in this process has heard of for its user, with no await in between.

Nothing here knows of sockets or databases: a :class:`Transport` takes the notifications,
and a function reads the pages.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final, Protocol

from notifier import clock
from notifier.backoff import Backoff
from notifier.delivery.closing import CloseCode
from notifier.delivery.figures import Cause, DeliveryFigures
from notifier.errors import Unavailable
from notifier.inbox_wire import InboxMessage
from notifier.models import Notification, Page

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

ReadPage = Callable[[int, int], Awaitable[Page]]
"""Pending notifications of a user (first argument) behind a seq (second). May raise Unavailable."""


class Transport(Protocol):
    """Where notifications go, in frames of its own, without ever waiting."""

    @property
    def buffered(self) -> int:
        """Bytes that were sent and not yet taken by the peer, at most."""
        ...

    def send(self, notification: Notification) -> None:
        """Take ``notification``, to be sent with the next :meth:`flush`."""
        ...

    def tell(self, message: InboxMessage) -> None:
        """Take what is to be known of the inbox, to be sent with the next :meth:`flush`."""
        ...

    def flush(self) -> None:
        """Send or buffer what was taken. After :meth:`close`, or the peer's, drop it."""
        ...

    async def drained(self) -> None:
        """Return when nothing is buffered, or the peer has left."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Send what was taken, then say good-bye."""
        ...


class Log(Protocol):
    """What the hub knows of a user's log: shared by all feeds of this user."""

    user_id: int
    position: int
    """The highest seq that this process has heard of."""
    figures: DeliveryFigures

    def seen(self, seq: int) -> None:
        """Raise the position."""
        ...


class Feed:
    """Brings one connection everything that is pending for its user, once and in order."""

    __slots__ = (
        "_high_water",
        "_log",
        "_read",
        "_task",
        "_withdrawn",
        "cursor",
        "delivered",
        "live",
        "transport",
    )

    def __init__(self, log: Log, transport: Transport, read: ReadPage, high_water: int) -> None:
        self.transport = transport
        self.cursor = 0
        """The last seq that this connection was given or need not be given."""
        self.live = False
        self.delivered = 0
        """How many notifications were written to the transport."""
        self._log = log
        self._read = read
        self._high_water = high_water
        self._task: asyncio.Task[None] | None = None
        self._withdrawn: set[int] | None = None
        """What was withdrawn since the read under way has begun, if one is."""

    @property
    def user_id(self) -> int:
        """Whose log it is."""
        return self._log.user_id

    def offer(self, notification: Notification) -> None:
        """Take a fresh notification, if it is the next one; catch up if one is missing.

        The hub flushes the transport afterwards, once for all that was offered together.
        """
        if not self.live:
            return
        if notification.seq <= self.cursor:
            return
        if notification.seq > self.cursor + 1:
            self.catch_up("gap")
            return
        self._write(notification)
        if self.transport.buffered > self._high_water:
            self.transport.flush()
            if self.transport.buffered > self._high_water:
                # A slow reader costs a bounded buffer: the rest waits in the store.
                self.catch_up("slow")

    def withdraw(self, seq: int) -> None:
        """Do not write what has this place, should it still be on its way from the store."""
        if self._withdrawn is not None:
            self._withdrawn.add(seq)

    def catch_up(self, cause: Cause, first: Callable[[], Awaitable[None]] | None = None) -> None:
        """Leave the live set until the store has nothing more. ``first`` is awaited first."""
        self.live = False
        if self._task is None:
            self._log.figures.catch_ups[cause] += 1
            self._task = asyncio.get_running_loop().create_task(self._catch_up(first))
            self._task.add_done_callback(self._report_failure)

    def close(self) -> None:
        """Deliver nothing any more: the connection is gone, or about to be."""
        self.live = False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _write(self, notification: Notification) -> None:
        self.cursor = notification.seq
        if notification.expired(clock.now()):
            self._log.figures.expired += 1
        else:
            self.transport.send(notification)
            self.delivered += 1

    async def _catch_up(self, first: Callable[[], Awaitable[None]] | None) -> None:
        if first is not None:
            await first()
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self.live:
            await self.transport.drained()
            before = self.cursor
            self._withdrawn = set()
            with suppress(Unavailable):  # the connection stays, and so does what it waits for
                self._take(await self._read(self.user_id, self.cursor), self._withdrawn)
            self._withdrawn = None
            if self.cursor > before:
                backoff.reset()
            elif not self.live:
                await asyncio.sleep(backoff.pause())
        # Here and not in a callback: an offer that comes before the callback would find a
        # task that is over, and start no other.
        self._task = None

    def _report_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.error("A feed failed", exc_info=error, extra={"action": "feed_failed"})
            self.transport.close(CloseCode.INTERNAL_ERROR, "internal error; reconnect")

    def _take(self, page: Page, withdrawn: Collection[int]) -> None:
        for notification in page.notifications:
            if notification.seq not in withdrawn:
                self._write(notification)
        self.transport.flush()
        self._log.seen(page.last_seq)
        if page.complete:
            # What lies between has been acknowledged or has expired.
            self.cursor = max(self.cursor, page.last_seq)
            self.live = self.cursor >= self._log.position
