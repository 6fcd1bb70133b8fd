"""What the devices of one user are told of its inbox, if they asked for that.

Events only say that there is something to read. Whatever the cause (a change here or in another
process, a lost nudge, a moment that has come), the store is read once behind the version that
was told last, and all devices get the same frames. So they get changes in the order of versions
and miss none, and what changes quickly is told together.

A device that comes is told the state first. One that reads slowly is passed over, and told the
state once it has caught up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from notifier import clock
from notifier.backoff import Backoff
from notifier.errors import Unavailable, UnknownUser
from notifier.inbox_wire import (
    InboxChangedFrame,
    InboxMessage,
    InboxStateFrame,
    withdrawn_frames,
)
from notifier.models import InboxNews, InboxPosition, Notification

if TYPE_CHECKING:
    from notifier.delivery.feed import Transport

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

ReadNews = Callable[[int, int | None], Awaitable[InboxNews]]
"""What has changed in a user's inbox behind a version; None only asks for the counts. Raises
UnknownUser or Unavailable."""


class InboxWatch:
    """Tells the devices of one user what happens in the inbox."""

    __slots__ = (
        "_changes_at",
        "_due",
        "_heard",
        "_high_water",
        "_new",
        "_read",
        "_seq",
        "_swept",
        "_task",
        "_told",
        "_transports",
        "_user_id",
    )

    def __init__(self, user_id: int, read: ReadNews, high_water: int) -> None:
        self._user_id = user_id
        self._read = read
        self._high_water = high_water
        self._transports: set[Transport] = set()
        self._new: set[Transport] = set()
        """Those who have to be told the state first."""
        self._told: int | None = None
        """The version up to which the others know everything."""
        self._heard = 0
        """The highest version that this process has heard of since it last began to read."""
        self._changes_at: int | None = None
        """When time alone may change the counts."""
        self._seq = 0
        """Up to which place in the log it is known when notifications expire."""
        self._swept = 0
        """The last place in the log by the last sweep."""
        self._due = False
        """Everybody is told the state anew."""
        self._task: asyncio.Task[None] | None = None

    def add(self, transport: "Transport") -> None:
        """Tell this device, too: the state first, then what changes."""
        self._transports.add(transport)
        self._new.add(transport)
        self._wake()

    def remove(self, transport: "Transport") -> bool:
        """Forget a device; whether there are others."""
        self._transports.discard(transport)
        self._new.discard(transport)
        if not self._transports and self._task is not None:
            self._task.cancel()
            self._task = None
        return bool(self._transports)

    def heard(self, version: int) -> None:
        """The inbox has changed: this is its version."""
        self._heard = max(self._heard, version)
        if self._told is None or version > self._told:
            self._wake()

    def appended(self, notification: Notification) -> None:
        """A notification has come, which may expire."""
        if notification.seq == self._seq + 1:
            self._seq += 1
        self._changes_at = _earliest(self._changes_at, notification.expires_at)

    def swept(self, position: InboxPosition) -> None:
        """The inbox is there in the store: catch up with it, and with the clock."""
        if self._changes_at is not None and self._changes_at <= clock.now():
            self._due = True
        # What one sweep finds may be on its way; what was not heard of by the next one either came
        # to the devices from the store, and may have expired since.
        if self._seq < self._swept:
            self._due = True
        self._swept = position.seq
        if self._due or self._new:
            self._wake()
        self.heard(position.version)

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._catch_up())
            self._task.add_done_callback(self._report_failure)

    def _report_failure(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self._task = None
            logger.error(
                "Telling of an inbox failed", exc_info=error, extra={"action": "inbox_failed"}
            )

    async def _catch_up(self) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while self._is_behind():
            due, self._due = self._due, False
            heard, self._heard = self._heard, 0
            # What comes during the read may not be in it.
            changes_at, self._changes_at = self._changes_at, None
            try:
                news = await self._read(self._user_id, self._told)
            except Unavailable:
                self._due |= due
                self._heard = max(self._heard, heard)
                self._changes_at = _earliest(self._changes_at, changes_at)
                await asyncio.sleep(backoff.pause())
            except UnknownUser:
                break  # who has just been deactivated or removed: their devices are told to leave
            else:
                backoff.reset()
                self._take(news, due)
        self._task = None

    def _is_behind(self) -> bool:
        waiting = any(self._has_room(transport) for transport in self._new)
        return waiting or self._due or self._told is None or self._told < self._heard

    def _has_room(self, transport: "Transport") -> bool:
        return transport.buffered <= self._high_water

    def _take(self, news: InboxNews, due: bool) -> None:
        counts = news.counts
        state = InboxStateFrame.of(counts)
        changes: list[InboxMessage] = [state] if due or news.changes is None else []
        if news.changes is not None and counts.version != self._told:
            changes = [*withdrawn_frames(news.changes), InboxChangedFrame.of(news)]
        self._told = counts.version
        self._seq = max(self._seq, counts.seq)
        self._changes_at = _earliest(self._changes_at, counts.changes_at)
        for transport in self._transports:
            if not self._has_room(transport):
                self._new.add(transport)
                continue
            for message in [state] if transport in self._new else changes:
                transport.tell(message)
            self._new.discard(transport)
            transport.flush()


def _earliest(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
