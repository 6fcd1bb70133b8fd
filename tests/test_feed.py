"""A feed's moves, one by one; test_feed_properties.py plays them in any order."""

import asyncio

import pytest

from notifier.closing import CloseCode
from notifier.errors import Unavailable
from notifier.feed import Feed
from notifier.hub import HANDSHAKE, Hub, Inbox
from notifier.models import Notification
from notifier.relay import LocalRelay
from notifier.storage.contract import Page
from tests.support.harness import until


class Recorder:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.buffered = 0
        self.closed: tuple[int, str] | None = None

    def send(self, frame: bytes) -> None:
        self.sent.append(int(frame))

    def flush(self) -> None:
        """Everything is sent at once."""

    async def drained(self) -> None:
        """Nothing is ever buffered."""

    def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


def note(seq: int, expires_at: int | None = None) -> Notification:
    """A notification at this place."""
    return Notification(1, seq, f"k{seq}", b"1", 0, expires_at)


def encode(notification: Notification) -> bytes:
    """A frame that says which one it is."""
    return str(notification.seq).encode()


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


async def live_feed(log: Log) -> tuple[Feed, Recorder, Inbox]:
    """A feed that has caught up with ``log``."""
    inbox, transport = Inbox(1), Recorder()
    feed = Feed(inbox, transport, log.read, encode, high_water=100)
    feed.catch_up()
    await until(lambda: feed.live)
    return feed, transport, inbox


async def test_duplicates_are_dropped() -> None:
    """What lies at or before the cursor is not written again."""
    feed, transport, _ = await live_feed(Log(1, 2))
    for seq in (1, 2, 3, 3, 2):
        feed.offer(note(seq), encode(note(seq)))
    assert transport.sent == [1, 2, 3]


async def test_gap_is_closed_from_the_store() -> None:
    """A missing notification sends the feed to the store, and nothing is out of order."""
    log = Log(1)
    feed, transport, inbox = await live_feed(log)
    log.seqs = [1, 2, 3]
    inbox.seen(3)
    feed.offer(note(3), b"3")
    assert not feed.live
    await until(lambda: feed.live)
    assert transport.sent == [1, 2, 3]


async def test_offers_while_catching_up_are_not_lost() -> None:
    """A notification that is committed during a read is found by the next one."""
    log = Log(1)
    inbox, transport = Inbox(1), Recorder()
    reads = 0

    async def read(user_id: int, after: int) -> Page:
        nonlocal reads
        reads += 1
        page = await log.read(user_id, after)
        if reads == 1:
            log.seqs.append(2)
            inbox.seen(2)
            feed.offer(note(2), b"2")
        return page

    feed = Feed(inbox, transport, read, encode, high_water=100)
    feed.catch_up()
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
    feed = Feed(Inbox(1), transport, read, encode, high_water=100)
    feed.catch_up()
    await until(lambda: feed.live)
    feed.offer(note(6), b"6")
    assert transport.sent == [1, 6]
    assert log.reads == 1


async def test_expired_live_notifications_are_passed_over() -> None:
    """A late nudge for something expired moves the cursor and writes nothing."""
    feed, transport, _ = await live_feed(Log())
    feed.offer(note(1, expires_at=1), b"1")
    feed.offer(note(2), b"2")
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
    feed, transport, inbox = await live_feed(log)
    inbox.seen(3)
    feed.offer(note(3), b"3")
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
    feed = Feed(Inbox(1), transport, broken, encode, high_water=100)
    feed.catch_up()
    await until(lambda: transport.closed)
    assert transport.closed == (1011, "internal error; reconnect")


async def test_nothing_after_the_end() -> None:
    """A feed that has said good-bye writes nothing more, whatever it is offered."""
    feed, transport, _ = await live_feed(Log())
    feed.end(CloseCode.REVOKED, "deactivated")
    for seq in (1, 3):
        feed.offer(note(seq), encode(note(seq)))
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
    hub = Hub(relay, block, encode)
    feed = hub.attach(1, Recorder())
    await asyncio.sleep(0)
    hub.detach(feed)
    assert (hub.users, hub.sockets, unsubscribed) == (0, 0, [1])


async def test_hub_counts() -> None:
    """Users, sockets and deliveries are counted over connections that came and went."""
    log = Log(1, 2)
    hub = Hub(LocalRelay(), log.read, encode)
    feeds = [hub.attach(1, Recorder()), hub.attach(1, Recorder())]
    await until(lambda: all(feed.live for feed in feeds))
    hub.deliver([note(3), Notification(99, 1, "k", b"1", 0)])
    assert (hub.users, hub.sockets, hub.delivered) == (1, 2, 6)
    hub.detach(feeds[0])
    assert (hub.users, hub.sockets, hub.delivered) == (1, 1, 6)
    assert hub.heard(99, 5) == 0


async def test_revoking_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake that began before a revocation can tell, a later one is not bothered.

    One of the same moment counts as earlier. What no handshake can need is forgotten.
    """
    now = 1000.0
    monkeypatch.setattr("notifier.hub.time.monotonic", lambda: now)
    hub = Hub(LocalRelay(), Log().read, encode)
    hub.revoke(1, CloseCode.REVOKED, "deactivated")
    assert hub.revoked_since(1, 999.9)
    assert hub.revoked_since(1, 1000.0)
    assert not hub.revoked_since(1, 1000.1)
    assert not hub.revoked_since(2, 0.0)
    now += HANDSHAKE / 2
    hub.revoke(2, CloseCode.REVOKED, "deactivated")
    assert hub.revoked_since(1, 0.0)
    now += HANDSHAKE / 2
    hub.revoke(3, CloseCode.REVOKED, "deactivated")
    assert not hub.revoked_since(1, 0.0)
    assert hub.revoked_since(2, 0.0)


async def test_revoking_everyone() -> None:
    """All connections of all users end, and every handshake that has begun can tell."""
    log = Log(1)
    hub = Hub(LocalRelay(), log.read, encode)
    transports = [Recorder() for _ in range(3)]
    for user_id, transport in zip((1, 1, 2), transports, strict=True):
        hub.attach(user_id, transport)
    hub.revoke_all(CloseCode.TOKEN_EXPIRED, "credentials may have changed")
    assert [each.closed for each in transports] == [(4401, "credentials may have changed")] * 3
    assert hub.revoked_since(99, 0.0)
    assert not hub.revoked_since(99, float("inf"))
