"""Which devices are connected to this process, and how events get to them.

The hub keeps a :class:`Subscriber` for every connected user. The relay calls
:meth:`Hub.deliver`; the sweep compares positions with the store, so that a nudge that
was lost, in this process or on the way from another, only delays a notification.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from notifier import clock
from notifier.delivery.closing import CloseCode
from notifier.delivery.device import Device
from notifier.delivery.feed import Feed, ReadPage, Transport
from notifier.delivery.figures import DeliveryFigures
from notifier.delivery.inbox import InboxWatch, ReadNews
from notifier.delivery.relay import Relay
from notifier.events import Appended, Event, InboxChanged, Withdrawn
from notifier.models import InboxNews, InboxPosition, Online

HIGH_WATER: Final = 256 * 1024
"""Bytes that may wait for one slow reader before it has to catch up from the store."""

_SWEEP_CHUNK: Final = 1000

_NO_VERSION: Final = 1 << 63
"""More than any version of a token."""

HANDSHAKE: Final = 60.0
"""Seconds from the check of a token until its device is attached, at the very most."""

ReadPositions = Callable[[Sequence[int]], Awaitable[dict[int, InboxPosition]]]
"""How far the log of each of these users goes. May raise Unavailable."""


class Subscriber:
    """A connected user: all devices, since when there is one, and the last seq heard of."""

    __slots__ = ("devices", "figures", "inbox", "position", "since", "user_id")

    def __init__(self, user_id: int, figures: DeliveryFigures) -> None:
        self.user_id = user_id
        self.figures = figures
        self.position = 0
        self.since = clock.now()
        self.devices: set[Device] = set()
        self.inbox: InboxWatch | None = None
        """What those devices are told that asked for events."""

    def seen(self, seq: int) -> None:
        """Raise the position to ``seq``."""
        self.position = max(self.position, seq)


class Hub:
    """All devices of this process. Used on the loop only."""

    def __init__(
        self,
        relay: Relay,
        read: ReadPage,
        read_news: ReadNews,
        *,
        high_water: int = HIGH_WATER,
    ) -> None:
        self._relay = relay
        self._read = read
        self._read_news = read_news
        self._high_water = high_water
        self._subscribers: dict[int, Subscriber] = {}
        self._sockets = 0
        self._delivered = 0
        self.figures = DeliveryFigures()
        self._revoked: dict[int, tuple[float, int]] = {}
        self._ended_sessions: dict[int, float] = {}
        self.draining = False
        """The process is about to stop: devices that come are sent elsewhere."""

    @property
    def users(self) -> int:
        """How many users are connected."""
        return len(self._subscribers)

    @property
    def sockets(self) -> int:
        """How many devices are connected."""
        return self._sockets

    def sockets_of(self, user_id: int) -> int:
        """How many devices of this user are connected."""
        subscriber = self._subscribers.get(user_id)
        return len(subscriber.devices) if subscriber else 0

    def online(self, user_ids: Sequence[int]) -> dict[int, Online]:
        """Those of these users who are connected to this process."""
        return {
            user_id: Online(len(subscriber.devices), subscriber.since)
            for user_id in user_ids
            if (subscriber := self._subscribers.get(user_id))
        }

    @property
    def delivered(self) -> int:
        """How many notifications were written to devices, since the start."""
        return self._delivered + sum(device.feed.delivered for device in self.devices())

    def devices(self) -> Iterable[Device]:
        """All devices."""
        return (
            device for subscriber in self._subscribers.values() for device in subscriber.devices
        )

    def attach(
        self,
        user_id: int,
        transport: Transport,
        *,
        version: int,
        expires_at: int,
        session: int | None = None,
        events: bool = False,
    ) -> Device:
        """Add a device, whose token has this version and end (milliseconds since the epoch).

        It is given all that is pending, then what is fresh, and with ``events`` told of changes
        to the inbox; unless there is no more place for it here, or its token no longer holds:
        then it is told so, and detached like any.
        """
        subscriber = self._subscribers.get(user_id)
        if subscriber is None:
            subscriber = self._subscribers[user_id] = Subscriber(user_id, self.figures)
        feed = Feed(subscriber, transport, self._read, self._high_water)
        device = Device(feed, version, expires_at, session)
        subscriber.devices.add(device)
        self._sockets += 1
        if self.draining:
            device.end(CloseCode.GO_ELSEWHERE, "restarting; reconnect")
        elif version < self._revoked.get(user_id, (0.0, 0))[1] or session in self._ended_sessions:
            # Changed after it was read: only a new token can tell whether it still holds.
            device.end(CloseCode.TOKEN_EXPIRED, "credentials changed")
        else:
            # Subscribed first and read afterwards, so that nothing falls in between.
            feed.catch_up("connect", lambda: self._relay.subscribe(user_id))
            if events:
                if subscriber.inbox is None:
                    subscriber.inbox = InboxWatch(user_id, self._news, self._high_water)
                subscriber.inbox.add(transport)
        return device

    async def _news(self, user_id: int, after: int | None) -> InboxNews:
        # As for feeds: what is published behind this is heard of.
        await self._relay.subscribe(user_id)
        return await self._read_news(user_id, after)

    def detach(self, device: Device) -> None:
        """Forget a device whose connection has ended."""
        subscriber = self._subscribers[device.user_id]
        subscriber.devices.remove(device)
        device.close()
        self._sockets -= 1
        self._delivered += device.feed.delivered
        if subscriber.inbox is not None and not subscriber.inbox.remove(device.feed.transport):
            subscriber.inbox = None
        if not subscriber.devices:
            del self._subscribers[device.user_id]
            self._relay.unsubscribe(device.user_id)

    def deliver(self, events: Sequence[Event]) -> None:
        """Bring fresh notifications to all devices of their users, those of one user in order."""
        reached: dict[int, Subscriber] = {}
        for event in events:
            user_id = event.user_id
            subscriber = self._subscribers.get(user_id)
            if subscriber is None:
                continue
            if not isinstance(event, Appended):
                self._changed(subscriber, event)
                continue
            reached[user_id] = subscriber
            notification = event.notification
            subscriber.seen(notification.seq)
            for device in subscriber.devices:
                device.feed.offer(notification)
            if subscriber.inbox is not None:
                subscriber.inbox.appended(notification)
        for subscriber in reached.values():
            for device in subscriber.devices:
                device.feed.transport.flush()
        if reached:
            self._note_latency(events)

    def _note_latency(self, events: Sequence[Event]) -> None:
        now, observe = clock.now(), self.figures.latency.observe
        for event in events:
            if isinstance(event, Appended) and event.user_id in self._subscribers:
                observe(max(0, now - event.notification.created_at) / clock.SECOND)

    def _changed(self, subscriber: Subscriber, event: InboxChanged | Withdrawn) -> None:
        if isinstance(event, Withdrawn):
            # A read that is under way may still bring it.
            for device in subscriber.devices:
                device.feed.withdraw(event.seq)
            if event.seq > subscriber.position:
                # It has overtaken its send, which then must not bring it: the store knows that.
                self.heard(event.user_id, event.seq)
        if subscriber.inbox is not None:
            subscriber.inbox.heard(event.version)

    async def sweep(self, read_positions: ReadPositions) -> int:
        """Send every feed that is behind the store to catch up; returns how many were.

        May raise Unavailable.
        """
        behind = 0
        user_ids = list(self._subscribers)
        for start in range(0, len(user_ids), _SWEEP_CHUNK):
            positions = await read_positions(user_ids[start : start + _SWEEP_CHUNK])
            for user_id, position in positions.items():
                behind += self.heard(user_id, position.seq)
                subscriber = self._subscribers.get(user_id)
                if subscriber is not None and subscriber.inbox is not None:
                    subscriber.inbox.swept(position)
        self.figures.drift += behind
        return behind

    def heard(self, user_id: int, seq: int) -> int:
        """Send those of a user's feeds that are behind ``seq`` to the store; how many were."""
        subscriber = self._subscribers.get(user_id)
        if subscriber is None:
            return 0
        subscriber.seen(seq)
        feeds = [device.feed for device in subscriber.devices]
        behind = [feed for feed in feeds if feed.live and feed.cursor < seq]
        for feed in behind:
            feed.catch_up("sweep")
        return len(behind)

    # Ending connections.

    def revoke(self, user_id: int, version: int | None, reason: str) -> None:
        """End the devices whose tokens are older than ``version``, also those to be attached.

        All of them, where there is no version that would do.
        """
        if version is None:
            version = _NO_VERSION
        now = time.monotonic()
        self._revoked = {
            each: revoked for each, revoked in self._revoked.items() if revoked[0] > now - HANDSHAKE
        }
        self._revoked[user_id] = (now, version)
        if subscriber := self._subscribers.get(user_id):
            for device in tuple(subscriber.devices):
                if device.version < version:
                    device.end(CloseCode.REVOKED, reason)

    def end_session(self, user_id: int, session: int, reason: str) -> None:
        """End the devices of one session of a user, also those to be attached."""
        now = time.monotonic()
        self._ended_sessions = {
            each: ended for each, ended in self._ended_sessions.items() if ended > now - HANDSHAKE
        }
        self._ended_sessions[session] = now
        if subscriber := self._subscribers.get(user_id):
            for device in tuple(subscriber.devices):
                if device.session == session:
                    device.end(CloseCode.REVOKED, reason)

    def revoke_all(self, reason: str) -> None:
        """Ask all devices for new tokens."""
        for device in tuple(self.devices()):
            device.end(CloseCode.TOKEN_EXPIRED, reason)

    async def send_away(self, seconds: float) -> None:
        """End all devices, one by one within ``seconds``: all at once would be a storm."""
        self.draining = True
        devices = list(self.devices())
        pause = seconds / len(devices) if devices else 0.0
        began = asyncio.get_running_loop().time()
        for number, device in enumerate(devices):
            ahead = began + number * pause - asyncio.get_running_loop().time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            device.end(CloseCode.GO_ELSEWHERE, "restarting; reconnect")
