"""A feed's moves, one by one; test_feed_properties.py plays them in any order."""

import asyncio

import pytest

from notifier.delivery.closing import CloseCode
from notifier.delivery.device import Device
from notifier.delivery.feed import Feed
from notifier.delivery.figures import DeliveryFigures
from notifier.delivery.hub import HANDSHAKE, Hub, Subscriber
from notifier.delivery.relay import LocalRelay
from notifier.errors import Unavailable
from notifier.events import Appended
from notifier.models import Notification, Page
from tests.support.harness import until
from tests.support.inboxes import no_news


class Recorder:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.buffered = 0
        self.closed: tuple[int, str] | None = None

    def send(self, notification: Notification) -> None:
        self.sent.append(notification.seq)

    def flush(self) -> None:
        """Everything is sent at once."""

    async def drained(self) -> None:
        """Nothing is ever buffered."""

    def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


def note(seq: int, expires_at: int | None = None) -> Notification:
    """A notification at this place."""
    return Notification(1, seq, f"k{seq}", b"1", 0, expires_at)


class Log:
    """A user's log as the store would show it."""

    def __init__(self, *seqs: int) -> None:
        self.seqs = list(seqs)
        self.reads = 0
        self.fails = 0

    async def read(self, user_id: int, after: int) -> Page:
        self.reads += 1
        if self.fails:
            self.fails -= 1
            raise Unavailable
        found = [note(seq) for seq in self.seqs if seq > after]
        return Page(found, max(self.seqs, default=0), complete=True)


async def live_feed(log: Log) -> tuple[Feed, Recorder, Subscriber]:
    """A feed that has caught up with ``log``."""
    subscriber, transport = Subscriber(1, DeliveryFigures()), Recorder()
    feed = Feed(subscriber, transport, log.read, high_water=100)
    feed.catch_up("gap")
    await until(lambda: feed.live)
    return feed, transport, subscriber


def attach(hub: Hub, user_id: int, transport: Recorder) -> Device:
    """A device whose token holds for long."""
    return hub.attach(user_id, transport, version=0, expires_at=1 << 42)


async def test_duplicates_are_dropped() -> None:
    """What lies at or before the cursor is not written again."""
    feed, transport, _ = await live_feed(Log(1, 2))
    for seq in (1, 2, 3, 3, 2):
        feed.offer(note(seq))
    assert transport.sent == [1, 2, 3]


async def test_gap_is_closed_from_the_store() -> None:
    """A missing notification sends the feed to the store, and nothing is out of order."""
    log = Log(1)
    feed, transport, subscriber = await live_feed(log)
    log.seqs = [1, 2, 3]
    subscriber.seen(3)
    feed.offer(note(3))
    assert not feed.live
    await until(lambda: feed.live)
    assert transport.sent == [1, 2, 3]


async def test_offers_while_catching_up_are_not_lost() -> None:
    """A notification that is committed during a read is found by the next one."""
    log = Log(1)
    subscriber, transport = Subscriber(1, DeliveryFigures()), Recorder()
    reads = 0

    async def read(user_id: int, after: int) -> Page:
        nonlocal reads
        reads += 1
        page = await log.read(user_id, after)
        if reads == 1:
            log.seqs.append(2)
            subscriber.seen(2)
            feed.offer(note(2))
        return page

    feed = Feed(subscriber, transport, read, high_water=100)
    feed.catch_up("gap")
    await until(lambda: feed.live)
    assert transport.sent == [1, 2]
    assert reads == 2


async def test_settled_entries_are_passed_over() -> None:
    """The cursor moves over what was acknowledged, so that the next one is no gap."""
    log = Log(1)

    async def read(user_id: int, after: int) -> Page:
        log.reads += 1
        return Page([note(1)] if after < 1 else [], 5, complete=True)

    transport = Recorder()
    feed = Feed(Subscriber(1, DeliveryFigures()), transport, read, high_water=100)
    feed.catch_up("gap")
    await until(lambda: feed.live)
    feed.offer(note(6))
    assert transport.sent == [1, 6]
    assert log.reads == 1


async def test_expired_live_notifications_are_passed_over() -> None:
    """A late nudge for something expired moves the cursor and writes nothing."""
    feed, transport, subscriber = await live_feed(Log())
    feed.offer(note(1, expires_at=1))
    assert subscriber.figures.expired == 1
    feed.offer(note(2))
    assert transport.sent == [2]


async def test_store_away_during_catch_up() -> None:
    """The feed waits for the store, and then goes on."""
    log = Log(1)
    log.fails = 2
    feed, transport, _ = await live_feed(log)
    assert transport.sent == [1]
    assert feed.delivered == 1


async def test_position_that_the_store_does_not_know() -> None:
    """A nudge for something the store has not shown yet is asked for again, with pauses."""
    log = Log(1)
    feed, transport, subscriber = await live_feed(log)
    subscriber.seen(3)
    feed.offer(note(3))
    await asyncio.sleep(0.3)
    assert not feed.live
    assert log.reads < 10, "it asks all the time"
    log.seqs = [1, 2, 3]
    await until(lambda: feed.live)
    assert transport.sent == [1, 2, 3]


async def test_a_bug_closes_the_connection(expected_errors: list[str]) -> None:
    """A feed that fails unexpectedly is logged, and its client told to reconnect."""
    expected_errors.append("A feed failed")

    async def broken(user_id: int, after: int) -> Page:
        raise RuntimeError("a bug")

    transport = Recorder()
    feed = Feed(Subscriber(1, DeliveryFigures()), transport, broken, high_water=100)
    feed.catch_up("gap")
    await until(lambda: transport.closed)
    assert transport.closed == (1011, "internal error; reconnect")


async def test_nothing_after_the_end() -> None:
    """A device that was told good-bye is given nothing more, whatever there is."""
    hub = Hub(LocalRelay(), Log().read, no_news, high_water=100)
    transport = Recorder()
    device = attach(hub, 1, transport)
    await until(lambda: device.feed.live)
    device.end(CloseCode.REVOKED, "deactivated")
    hub.deliver([Appended(note(1)), Appended(note(3))])
    assert hub.heard(1, 5) == 0
    assert not transport.sent
    assert transport.closed == (4403, "deactivated")


@pytest.mark.parametrize("when", ["subscribing", "reading"])
async def test_closed_while_catching_up(when: str) -> None:
    """A connection that ends early leaves no task and no subscription behind."""
    relay = LocalRelay()
    forever = asyncio.Event()
    unsubscribed: list[int] = []

    async def block(*_: int) -> Page:
        await forever.wait()
        raise AssertionError

    relay.unsubscribe = unsubscribed.append  # type: ignore[method-assign]
    if when == "subscribing":
        relay.subscribe = block  # type: ignore[method-assign, assignment]
    hub = Hub(relay, block, no_news)
    device = attach(hub, 1, Recorder())
    await asyncio.sleep(0)
    hub.detach(device)
    assert (hub.users, hub.sockets, unsubscribed) == (0, 0, [1])


async def test_hub_counts() -> None:
    """Users, sockets and deliveries are counted over connections that came and went."""
    log = Log(1, 2)
    hub = Hub(LocalRelay(), log.read, no_news)
    devices = [attach(hub, 1, Recorder()), attach(hub, 1, Recorder())]
    await until(lambda: all(device.feed.live for device in devices))
    hub.deliver([Appended(note(3)), Appended(Notification(99, 1, "k", b"1", 0))])
    assert (hub.users, hub.sockets, hub.delivered) == (1, 2, 6)
    hub.detach(devices[0])
    assert (hub.users, hub.sockets, hub.delivered) == (1, 1, 6)
    assert hub.heard(99, 5) == 0


async def test_revoking_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose token was checked before a change and that comes behind it is told so.

    What no handshake can need any more is forgotten.
    """
    now = 1000.0
    monkeypatch.setattr("notifier.delivery.hub.time.monotonic", lambda: now)
    hub = Hub(LocalRelay(), Log().read, no_news)

    def told(user_id: int, version: int) -> tuple[int, str] | None:
        transport = Recorder()
        hub.detach(hub.attach(user_id, transport, version=version, expires_at=1 << 42))
        return transport.closed

    hub.revoke(1, 1, "deactivated")
    assert told(1, 0) == (4401, "credentials changed")
    assert told(1, 1) is None
    assert told(2, 0) is None
    now += HANDSHAKE / 2
    hub.revoke(2, 1, "deactivated")
    assert told(1, 0)
    now += HANDSHAKE / 2
    hub.revoke(3, 1, "deactivated")
    assert told(1, 0) is None
    assert told(2, 0)


async def test_revoking_ends_older_tokens_only() -> None:
    """A device that came with a newer token than the change asks for stays."""
    hub = Hub(LocalRelay(), Log().read, no_news)
    transports = [Recorder(), Recorder()]
    devices = [attach(hub, 1, transport) for transport in transports]
    devices[1].prolong(2, 1 << 42)
    hub.revoke(1, 2, "password changed")
    assert [each.closed for each in transports] == [(4403, "password changed"), None]


async def test_ending_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """The devices of one session end, those that come behind it too, and no others."""
    now = 1000.0
    monkeypatch.setattr("notifier.delivery.hub.time.monotonic", lambda: now)
    hub = Hub(LocalRelay(), Log().read, no_news)

    def connect(session: int | None) -> Recorder:
        transport = Recorder()
        hub.attach(1, transport, version=0, expires_at=1 << 42, session=session)
        return transport

    one, other, without = connect(7), connect(8), connect(None)
    moved = hub.attach(1, Recorder(), version=0, expires_at=1 << 42, session=7)
    moved.prolong(0, 1 << 42, 8)
    hub.end_session(1, 7, "signed out")
    assert one.closed == (4403, "signed out")
    assert [each.closed for each in (other, without, moved.feed.transport)] == [None] * 3
    assert connect(7).closed == (4401, "credentials changed")
    assert connect(8).closed is None
    now += HANDSHAKE
    hub.end_session(1, 9, "signed out")
    assert connect(7).closed is None


async def test_revoking_everyone() -> None:
    """All devices of all users are asked for new tokens."""
    hub = Hub(LocalRelay(), Log(1).read, no_news)
    transports = [Recorder() for _ in range(3)]
    for user_id, transport in zip((1, 1, 2), transports, strict=True):
        attach(hub, user_id, transport)
    hub.revoke_all("credentials may have changed")
    assert [each.closed for each in transports] == [(4401, "credentials may have changed")] * 3
