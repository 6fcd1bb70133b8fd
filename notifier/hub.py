"""Who is connected to this process, and how fresh notifications get to them.

The hub keeps an :class:`Inbox` for every connected user. The relay calls
:meth:`Hub.deliver`; the sweep compares positions with the store, so that a nudge that
was lost, in this process or on the way from another, only delays a notification.
"""

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from notifier.closing import CloseCode
from notifier.feed import Encode, Feed, ReadPage, Transport
from notifier.models import Notification
from notifier.relay import Relay

HIGH_WATER: Final = 256 * 1024
"""Bytes that may wait for one slow reader before it has to catch up from the store."""

_SWEEP_CHUNK: Final = 1000
HANDSHAKE: Final = 60.0
"""Seconds that a handshake may take, at the very most."""

ReadPositions = Callable[[Sequence[int]], Awaitable[dict[int, int]]]
"""The last seq of each of these users. May raise Unavailable."""


class Inbox:
    """A connected user: the feeds of all devices, and the last seq heard of."""

    __slots__ = ("feeds", "position", "user_id")

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.position = 0
        self.feeds: set[Feed] = set()

    def seen(self, seq: int) -> None:
        """Raise the position to ``seq``."""
        self.position = max(self.position, seq)


class Hub:
    """All connections of this process. Used on the loop only."""

    def __init__(
        self, relay: Relay, read: ReadPage, encode: Encode, *, high_water: int = HIGH_WATER
    ) -> None:
        self._relay = relay
        self._read = read
        self._encode = encode
        self._high_water = high_water
        self._inboxes: dict[int, Inbox] = {}
        self._sockets = 0
        self._delivered = 0
        self._revoked: dict[int, float] = {}
        self._all_revoked = -math.inf

    @property
    def users(self) -> int:
        """How many users are connected."""
        return len(self._inboxes)

    @property
    def sockets(self) -> int:
        """How many connections there are."""
        return self._sockets

    @property
    def delivered(self) -> int:
        """How many notifications were written to connections, since the start."""
        return self._delivered + sum(feed.delivered for feed in self.feeds())

    def feeds(self) -> Iterable[Feed]:
        """All feeds."""
        return (feed for inbox in self._inboxes.values() for feed in inbox.feeds)

    def revoked_since(self, user_id: int, moment: float) -> bool:
        """Whether the user's credentials changed at or after ``moment`` (monotonic clock)."""
        return max(self._all_revoked, self._revoked.get(user_id, -math.inf)) >= moment

    def attach(self, user_id: int, transport: Transport) -> Feed:
        """Add a connection. It is given all that is pending, then what is fresh."""
        inbox = self._inboxes.get(user_id)
        if inbox is None:
            inbox = self._inboxes[user_id] = Inbox(user_id)
        feed = Feed(inbox, transport, self._read, self._encode, self._high_water)
        inbox.feeds.add(feed)
        self._sockets += 1
        # Subscribed first and read afterwards, so that nothing falls in between.
        feed.catch_up(first=lambda: self._relay.subscribe(user_id))
        return feed

    def detach(self, feed: Feed) -> None:
        """Forget a connection that has ended."""
        inbox = self._inboxes[feed.user_id]
        inbox.feeds.remove(feed)
        feed.close()
        self._sockets -= 1
        self._delivered += feed.delivered
        if not inbox.feeds:
            del self._inboxes[feed.user_id]
            self._relay.unsubscribe(feed.user_id)

    def deliver(self, notifications: Sequence[Notification]) -> None:
        """Bring fresh notifications to all devices of their users, those of one user in order."""
        reached: dict[int, Inbox] = {}
        for notification in notifications:
            user_id = notification.user_id
            inbox = self._inboxes.get(user_id)
            if inbox is None:
                continue
            reached[user_id] = inbox
            inbox.seen(notification.seq)
            frame = self._encode(notification)
            for feed in inbox.feeds:
                feed.offer(notification, frame)
        for inbox in reached.values():
            for feed in inbox.feeds:
                feed.transport.flush()

    async def sweep(self, read_positions: ReadPositions) -> int:
        """Send every feed that is behind the store to catch up; returns how many were.

        May raise Unavailable.
        """
        behind = 0
        user_ids = list(self._inboxes)
        for start in range(0, len(user_ids), _SWEEP_CHUNK):
            positions = await read_positions(user_ids[start : start + _SWEEP_CHUNK])
            for user_id, seq in positions.items():
                behind += self.heard(user_id, seq)
        return behind

    def heard(self, user_id: int, seq: int) -> int:
        """Send those of a user's feeds that are behind ``seq`` to the store; how many were."""
        inbox = self._inboxes.get(user_id)
        if inbox is None:
            return 0
        inbox.seen(seq)
        behind = [feed for feed in inbox.feeds if feed.live and feed.cursor < seq]
        for feed in behind:
            feed.catch_up()
        return len(behind)

    def revoke(self, user_id: int, code: CloseCode, reason: str) -> None:
        """Close all connections of one user, also those whose handshake is under way."""
        now = time.monotonic()
        self._revoked = {
            each: moment for each, moment in self._revoked.items() if moment > now - HANDSHAKE
        }
        self._revoked[user_id] = now
        if inbox := self._inboxes.get(user_id):
            for feed in tuple(inbox.feeds):
                feed.end(code, reason)

    def revoke_all(self, code: CloseCode, reason: str) -> None:
        """Close all connections of all users, also those whose handshake is under way."""
        self._all_revoked = time.monotonic()
        for feed in tuple(self.feeds()):
            feed.end(code, reason)
