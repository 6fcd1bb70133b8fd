"""Races between what is heard, what is read and what is told, one by one, without a server."""

import asyncio
from collections.abc import Sequence

import pytest

from notifier import clock
from notifier.delivery.hub import Hub
from notifier.delivery.inbox import InboxWatch
from notifier.delivery.relay import LocalRelay
from notifier.errors import NotifierError, Unavailable, UnknownUser
from notifier.events import Appended, Event, Withdrawn
from notifier.inbox_wire import (
    InboxChangedFrame,
    InboxMessage,
    InboxStateFrame,
    WithdrawnFrame,
)
from notifier.models import (
    ChangedKeys,
    InboxCounts,
    InboxNews,
    InboxPosition,
    Notification,
    Page,
    State,
)
from notifier.storage.operations.inbox.changes import ChangeKeys
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.notifications import Append
from notifier.storage.writer import Commit
from tests.inbox_live.watcher import watched, withdraw
from tests.support.harness import Harness, until

FULL = 100


class Recorder:
    """A transport that keeps what it is given, and reads it or not."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.told: list[InboxMessage] = []
        self.buffered = 0

    def send(self, notification: Notification) -> None:
        self.sent.append(notification.seq)

    def tell(self, message: InboxMessage) -> None:
        self.told.append(message)

    def flush(self) -> None:
        """Everything is sent at once."""

    async def drained(self) -> None:
        """Nothing is waited for."""

    def close(self, code: int, reason: str) -> None:
        """Nothing is left open."""

    @property
    def versions(self) -> list[int]:
        """Of all that was told."""
        return [message.version for message in self.told]


class Inbox:
    """What the store would say, when it is let."""

    def __init__(self) -> None:
        self.version = 0
        self.seq = 0
        self.changes_at: int | None = None
        self.kept = 0
        """Changes up to this version are forgotten."""
        self.withdrawn: set[int] = set()
        self.asked: list[int | None] = []
        self.failures = 0
        self.failure: type[NotifierError] = Unavailable
        self.free = asyncio.Event()
        self.free.set()

    async def read(self, user_id: int, after: int | None) -> InboxNews:
        self.asked.append(after)
        news = self._news(after)  # as of now, however late it comes
        await self.free.wait()
        if self.failures:
            self.failures -= 1
            raise self.failure
        return news

    def _news(self, after: int | None) -> InboxNews:
        counts = InboxCounts(self.seq, self.version, 0, 0, self.changes_at)
        if after is None or after > self.version or after < self.kept:
            return InboxNews(counts, None)
        changes = [self._change(number) for number in range(after + 1, self.version + 1)]
        return InboxNews(counts, changes)

    def _change(self, version: int) -> ChangedKeys:
        return ChangedKeys(
            version, [f"k{version}"], State(withdrawn_at=1 if version in self.withdrawn else None)
        )

    @property
    def position(self) -> InboxPosition:
        return InboxPosition(self.seq, self.version)


async def told_watch(inbox: Inbox) -> tuple[InboxWatch, Recorder]:
    """A watch with one device, which knows the state."""
    watch, device = InboxWatch(1, inbox.read, FULL), Recorder()
    watch.add(device)
    await until(lambda: device.told)
    return watch, device


async def test_what_is_heard_during_a_read_is_read_next() -> None:
    """A change that a read under way does not see is told by another one."""
    inbox = Inbox()
    watch, device = await told_watch(inbox)
    inbox.free.clear()
    inbox.version = 1
    watch.heard(1)
    await until(lambda: len(inbox.asked) == 2)
    inbox.version = 3
    watch.heard(2)
    watch.heard(3)
    inbox.free.set()
    await until(lambda: device.versions == [0, 1, 3])
    assert inbox.asked == [None, 0, 1]
    last = device.told[-1]
    assert isinstance(last, InboxChangedFrame)
    assert [change.version for change in last.changes] == [2, 3]


async def test_what_is_known_is_not_read_again() -> None:
    """Old versions, and the same ones again, ask for nothing."""
    inbox = Inbox()
    inbox.version = 5
    watch, device = await told_watch(inbox)
    for version in (1, 5, 5):
        watch.heard(version)
    watch.swept(inbox.position)
    await asyncio.sleep(0)
    assert (inbox.asked, device.versions) == ([None], [5])


async def test_a_device_that_comes_during_a_read() -> None:
    """It is told the state, of whatever moment, and then what the others are told."""
    inbox = Inbox()
    watch, early = await told_watch(inbox)
    inbox.free.clear()
    inbox.version = 1
    watch.heard(1)
    await until(lambda: len(inbox.asked) == 2)
    late = Recorder()
    watch.add(late)
    inbox.free.set()
    await until(lambda: late.told)
    assert isinstance(early.told[-1], InboxChangedFrame)
    assert isinstance(late.told[-1], InboxStateFrame)
    inbox.version = 2
    watch.heard(2)
    await until(lambda: early.versions == [0, 1, 2])
    assert late.told[-1] == early.told[-1]


async def test_too_much_was_missed() -> None:
    """Where the store no longer has the changes, everybody is told the state."""
    inbox = Inbox()
    watch, device = await told_watch(inbox)
    inbox.version, inbox.kept = 2000, 1000
    watch.heard(2000)
    await until(lambda: len(device.told) == 2)
    assert isinstance(device.told[-1], InboxStateFrame)


async def test_the_clock_and_a_change_at_once() -> None:
    """When the clock has changed the counts, changes are still told, withdrawals among them."""
    inbox = Inbox()
    inbox.changes_at = 1
    watch, device = await told_watch(inbox)
    inbox.version, inbox.changes_at, inbox.withdrawn = 2, None, {1}
    watch.swept(inbox.position)
    await until(lambda: len(device.told) == 3)
    assert isinstance(device.told[1], WithdrawnFrame)
    assert isinstance(device.told[2], InboxChangedFrame)
    watch.swept(inbox.position)
    await asyncio.sleep(0)
    assert len(inbox.asked) == 2


async def test_what_comes_during_a_read_may_expire() -> None:
    """The end of a notification that a read under way does not see is not forgotten."""
    inbox = Inbox()
    watch, device = await told_watch(inbox)
    inbox.free.clear()
    inbox.version = 1
    watch.heard(1)
    await until(lambda: len(inbox.asked) == 2)
    watch.appended(Notification(1, 1, "k", b"1", 0, clock.now()))
    inbox.seq = 1
    inbox.free.set()
    await until(lambda: device.versions == [0, 1])
    watch.swept(inbox.position)
    await until(lambda: len(device.told) == 3)
    assert isinstance(device.told[-1], InboxStateFrame)


async def test_failures_forget_nothing() -> None:
    """A store that fails is asked again, for the changes and for what the clock has done."""
    inbox = Inbox()
    inbox.changes_at = 1
    watch, device = await told_watch(inbox)
    inbox.failures, inbox.changes_at = 1, None
    watch.swept(inbox.position)
    await until(lambda: len(device.told) == 2)
    assert isinstance(device.told[-1], InboxStateFrame)
    inbox.failures, inbox.version = 1, 1
    watch.heard(1)
    await until(lambda: device.versions[-1] == 1)
    assert isinstance(device.told[-1], InboxChangedFrame)


async def test_somebody_who_is_gone() -> None:
    """Of a user who is no longer active, and whose devices are about to leave, nothing is told."""
    inbox = Inbox()
    watch, device = await told_watch(inbox)
    inbox.failure, inbox.failures, inbox.version = UnknownUser, 1, 1
    watch.heard(1)
    await until(lambda: len(inbox.asked) == 2)
    assert device.versions == [0]
    inbox.version = 2
    watch.heard(2)
    await until(lambda: device.versions == [0, 2])
    assert len(inbox.asked) == 3


async def test_a_full_device_waits_for_its_state() -> None:
    """Who reads slowly is given nothing more, and the state when there is room."""
    inbox = Inbox()
    watch, quick = await told_watch(inbox)
    slow = Recorder()
    watch.add(slow)
    await until(lambda: slow.told)
    slow.buffered = FULL + 1
    for version in (1, 2):
        inbox.version = version
        watch.heard(version)
        await until(lambda version=version: quick.versions[-1] == version)
    watch.swept(inbox.position)
    await asyncio.sleep(0)
    assert slow.versions == [0]
    slow.buffered = 0
    watch.swept(inbox.position)
    await until(lambda: slow.versions == [0, 2])
    assert isinstance(slow.told[-1], InboxStateFrame)
    assert quick.versions == [0, 1, 2]


async def test_the_last_one_leaves_during_a_read() -> None:
    """Nobody is told anything behind their leaving, and nothing is read on."""
    inbox = Inbox()
    watch, device = await told_watch(inbox)
    inbox.free.clear()
    inbox.version = 1
    watch.heard(1)
    await until(lambda: len(inbox.asked) == 2)
    assert not watch.remove(device)
    inbox.free.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert device.versions == [0]


class Slow(LocalRelay):
    """A relay that confirms subscriptions when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def subscribe(self, user_id: int) -> None:
        await self.free.wait()


async def test_subscribed_first_and_read_afterwards() -> None:
    """Between the state and the first change that is heard of, nothing falls."""
    relay, inbox, log, device = Slow(), Inbox(), Log(), Recorder()
    hub = Hub(relay, log.read, inbox.read)
    hub.attach(1, device, version=0, expires_at=1 << 42, events=True)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (inbox.asked, log.reads) == ([], 0)
    inbox.version = 1
    relay.free.set()
    await until(lambda: device.versions == [1])


# The race of a withdrawal and its delivery.


class Log:
    """A log whose reads are held until they are let go."""

    def __init__(self) -> None:
        self.pending: dict[int, Notification] = {}
        self.last_seq = 0
        self.reads = 0
        self.free = asyncio.Event()
        self.free.set()

    def append(self, seq: int) -> Appended:
        self.last_seq = max(self.last_seq, seq)
        self.pending[seq] = Notification(1, seq, f"k{seq}", b"1", 0)
        return Appended(self.pending[seq])

    def withdraw(self, seq: int, version: int) -> Withdrawn:
        del self.pending[seq]
        return Withdrawn(1, version, self.last_seq, seq, f"k{seq}")

    async def read(self, user_id: int, after: int) -> Page:
        self.reads += 1
        found = [self.pending[seq] for seq in sorted(self.pending) if seq > after]
        page = Page(found, self.last_seq, complete=True)
        await self.free.wait()
        return page


async def live_hub(log: Log) -> tuple[Hub, Recorder]:
    """A hub with one device that is up to date."""
    hub, device = Hub(LocalRelay(), log.read, Inbox().read), Recorder()
    attached = hub.attach(1, device, version=0, expires_at=1 << 42)
    await until(lambda: attached.feed.live)
    return hub, device


async def settled(hub: Hub) -> None:
    """Wait until all devices are live."""
    await until(lambda: all(device.feed.live for device in hub.devices()))


@pytest.mark.parametrize("late", [False, True])
async def test_a_withdrawal_overtakes_its_send(late: bool) -> None:
    """It is not delivered when its own event comes; what comes behind it still is, in order."""
    log = Log()
    hub, device = await live_hub(log)
    first, second = log.append(1), log.append(2)
    hub.deliver([first])
    withdrawn = log.withdraw(2, 1)
    hub.deliver([withdrawn])
    if late:
        await settled(hub)
    third = log.append(3)
    hub.deliver([second])
    hub.deliver([third])
    await settled(hub)
    hub.deliver([second, log.append(4)])
    await settled(hub)
    assert device.sent == [1, 3, 4]


async def test_withdrawn_while_it_is_read() -> None:
    """What a read under way brings is not delivered if it was withdrawn meanwhile."""
    log = Log()
    hub, device = await live_hub(log)
    log.append(1)
    log.append(2)
    log.append(3)
    log.free.clear()
    reads = log.reads
    hub.heard(1, 3)
    await until(lambda: log.reads > reads)
    hub.deliver([log.withdraw(2, 1), log.withdraw(3, 2)])
    log.free.set()
    await settled(hub)
    hub.deliver([log.append(4)])
    assert device.sent == [1, 4]


def test_withdrawn_in_the_commit_of_its_send() -> None:
    """It is news to nobody that something came which is gone; that the inbox changed is."""
    fresh = [Notification(1, seq, f"k{seq}", b"1", 0) for seq in (1, 2, 3)]
    gone = Withdrawn(1, 1, 3, 2, "k2")
    superseded = Withdrawn(1, 2, 3, 1, "k1")
    outcomes = [
        Appended(fresh[0], withdrawn=True),
        Appended(fresh[1]),
        Appended(fresh[2], superseded=(superseded,)),
        gone,
    ]
    events: Sequence[Event] = Commit((), outcomes, 0).events
    assert [event for event in events if isinstance(event, Appended)] == [outcomes[2]]
    assert [event for event in events if isinstance(event, Withdrawn)] == [superseded, gone]


async def test_sent_and_withdrawn_at_once(server: Harness) -> None:
    """Whether in one commit or in two, the withdrawal has the last word with every device."""
    ann = await server.user()
    store = server.server.store
    async with watched(server, ann) as device, server.connect(ann) as old:
        await old.nothing_more()
        sent, gone, read, _ = await asyncio.gather(
            store.submit(Append(ann.id, "a", b"1", key_given=True)),
            store.submit(Withdraw(ann.id, "a")),
            store.submit(ChangeKeys(ann.id, "read", ("a",))),
            store.submit(Append(ann.id, "b", b"2", key_given=True)),
        )
        assert (sent.last_seq, gone.version, read.changed) == (1, 1, False)
        await device.until_version(1)
        await device.until(lambda: device.of_type("server_notification"))
        await device.until(lambda: device.of_type("server_notification")[-1]["key"] == "b")
        assert device.of_type("notification_withdrawn")[0]["key"] == "a"
        assert device.counts == (1, 1)


async def test_withdrawn_twice_by_http(server: Harness) -> None:
    """Withdrawing again answers the same, and tells nobody again."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await server.send(ann, 1, key="a")
        first, again = await withdraw(server, ann, "a"), await withdraw(server, ann, "a")
        assert first == again == {"key": "a", "seq": 1, "version": 1}
        await device.until_version(1)
        await device.nothing_more()
