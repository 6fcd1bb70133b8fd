"""Whatever happens in whatever order: nothing is lost, repeated within a connection, reordered.

Hypothesis plays the world: it sends, withdraws, connects, acknowledges, stalls readers, cuts
connections, and drops, delays, doubles and reorders nudges. The hub, its feeds and the
store are the real ones.
"""

import asyncio
import random
import tempfile
from collections.abc import Coroutine, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from notifier.delivery.hub import Hub
from notifier.delivery.relay import LocalRelay
from notifier.events import Appended, Event, Withdrawn
from notifier.models import Notification
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.notifications import Acknowledge, Pending, Positions
from notifier.storage.sqlite import SqliteDriver
from notifier.storage.store import Store
from notifier.storage.writer import Commit
from tests.storage.databases import make_user
from tests.support.harness import append
from tests.support.inboxes import no_news

HIGH_WATER = 500
FRAME = 100
NEVER = 1 << 42
PAGE_ROWS = 5
USERS = 2


class Peer:
    """A transport whose reader can stall."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.gone: set[int] = set()
        """What must not be written any more."""
        self.late: list[int] = []
        """What was, all the same."""
        self.most_buffered = 0
        self.closed: int | None = None
        self._waiting: list[int] = []
        self._gathered: list[int] = []
        self._reading = asyncio.Event()
        self._reading.set()

    @property
    def buffered(self) -> int:
        return FRAME * (len(self._waiting) + len(self._gathered))

    def send(self, notification: Notification) -> None:
        if notification.seq in self.gone:
            self.late.append(notification.seq)
        self._gathered.append(notification.seq)
        self.most_buffered = max(self.most_buffered, self.buffered)

    def flush(self) -> None:
        (self.received if self._reading.is_set() else self._waiting).extend(self._gathered)
        self._gathered.clear()

    async def drained(self) -> None:
        await self._reading.wait()

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def stall(self) -> None:
        """Stop reading."""
        self._reading.clear()

    def read_on(self) -> None:
        """Read what waits, and everything that comes."""
        self.received += self._waiting
        self._waiting.clear()
        self._reading.set()


class Connection:
    """A device, and what its peer has seen."""

    def __init__(self, hub: Hub, user_id: int) -> None:
        self.user_id = user_id
        self.peer = Peer()
        self.device = hub.attach(user_id, self.peer, version=0, expires_at=NEVER)


class World(RuleBasedStateMachine):
    """The actions, and what must hold."""

    connections = Bundle("connections")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="notifier-test-")
        self.relay = LocalRelay()
        self.fate = "deliver"
        self.delayed: list[Event] = []
        self.last = dict.fromkeys(range(1, USERS + 1), 0)
        self.acked: set[tuple[int, int]] = set()
        self.keys: dict[tuple[int, int], str] = {}
        self.withdrawn: set[tuple[int, int]] = set()
        self.open: list[Connection] = []

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def start(self) -> None:
        async def start() -> None:
            self.store = Store(SqliteDriver(Path(self.folder.name)), listeners=[self.nudge])
            await self.store.open()
            for number in self.last:
                assert await make_user(self.store, f"user{number}") == number
            self.hub = Hub(
                self.relay,
                lambda user_id, after: self.store.read(
                    Pending(user_id, after, rows=PAGE_ROWS, size=HIGH_WATER)
                ),
                no_news,
                high_water=HIGH_WATER,
            )
            await self.relay.start(self.hub)

        self.run(start())

    def nudge(self, commit: Commit) -> None:
        """What the relay makes of a commit."""
        for event in commit.events:
            if isinstance(event, Withdrawn):
                self.withdrawn.add((event.user_id, event.seq))
                continue
            assert isinstance(event, Appended)
            notification = event.notification
            self.last[notification.user_id] = notification.seq
            self.keys[notification.user_id, notification.seq] = notification.key
        if self.fate in ("deliver", "double"):
            self.deliver(commit.events)
        if self.fate in ("delay", "double"):
            self.delayed += commit.events

    def deliver(self, events: Sequence[Event]) -> None:
        """The process is told. What it knows to be withdrawn, it gives to nobody."""
        self.relay.publish(events)
        for event in events:
            if isinstance(event, Withdrawn):
                for connection in self.open:
                    if connection.user_id == event.user_id:
                        connection.peer.gone.add(event.seq)

    async def positions(self, user_ids: Sequence[int]) -> dict[int, int]:
        return await self.store.read(Positions(user_ids))

    @rule(
        user_id=st.integers(1, USERS),
        count=st.integers(1, 12),
        fate=st.sampled_from(["deliver", "deliver", "delay", "double", "drop"]),
    )
    def send(self, user_id: int, count: int, fate: str) -> None:
        self.fate = fate
        self.run(append(self.store, user_id, *[b"1"] * count))

    @rule(
        user_id=st.integers(1, USERS),
        which=st.integers(0, 1000),
        fate=st.sampled_from(["deliver", "deliver", "delay", "double", "drop"]),
    )
    def withdraw(self, user_id: int, which: int, fate: str) -> None:
        """One that was sent, most often one of the last."""
        if last := self.last[user_id]:
            self.fate = fate
            key = self.keys[user_id, last - which % min(last, 5)]

            async def withdraw() -> None:
                await self.store.submit(Withdraw(user_id, key))

            self.run(withdraw())

    # What is drawn never depends on the state, which threads may change sooner or later.

    @rule(order=st.integers(0, 1000), large=st.booleans())
    def late_nudges(self, order: int, large: bool) -> None:
        """What was delayed arrives now, in any order; what is large only by its place."""

        async def arrive() -> None:
            late, self.delayed = self.delayed, []
            random.Random(order).shuffle(late)
            if large:
                for event in late:
                    self.hub.heard(event.user_id, event.last_seq)
            else:
                self.deliver(late)

        self.run(arrive())

    @rule(target=connections, user_id=st.integers(1, USERS))
    def connect(self, user_id: int) -> Connection:
        async def connect() -> Connection:
            return Connection(self.hub, user_id)

        connection: Connection = self.run(connect())
        connection.peer.gone |= {seq for whose, seq in self.withdrawn if whose == user_id}
        self.open.append(connection)
        return connection

    @rule(connection=consumes(connections))
    def disconnect(self, connection: Connection) -> None:
        self.open.remove(connection)
        self.hub.detach(connection.device)

    @rule(connection=connections)
    def stall(self, connection: Connection) -> None:
        connection.peer.stall()

    @rule(connection=connections)
    def read_on(self, connection: Connection) -> None:
        connection.peer.read_on()

    @rule(connection=connections, which=st.integers(0, 1000))
    def acknowledge(self, connection: Connection, which: int) -> None:
        if received := connection.peer.received:
            seq = received[which % len(received)]
            place = (connection.user_id, seq)

            async def acknowledge() -> None:
                await self.store.submit(Acknowledge(connection.user_id, self.keys[place]))

            self.run(acknowledge())
            self.acked.add(place)

    @rule(turns=st.integers(1, 5))
    def let_the_loop_run(self, turns: int) -> None:
        async def run() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.run(run())

    @rule()
    def sweep(self) -> None:
        self.run(self.hub.sweep(self.positions))

    @invariant()
    def each_connection_sees_a_growing_sequence(self) -> None:
        """No repeat and no reordering, ever."""
        for connection in self.open:
            received = connection.peer.received
            assert all(earlier < later for earlier, later in pairwise(received)), received

    @invariant()
    def nothing_comes_that_is_known_to_be_withdrawn(self) -> None:
        """Neither live nor from the store, to whoever was connected then or came later."""
        for connection in self.open:
            assert not connection.peer.late

    @invariant()
    def buffers_are_bounded(self) -> None:
        """A stalled reader holds the high-water mark and one frame, or one page, no more."""
        for connection in self.open:
            assert connection.peer.most_buffered <= HIGH_WATER + FRAME * PAGE_ROWS

    def teardown(self) -> None:
        """When all is quiet again, every open connection has all that is pending."""
        try:
            for connection in self.open:
                connection.peer.read_on()
            self.run(self.settle())
            for connection in self.open:
                user_id = connection.user_id
                pending = {
                    seq
                    for seq in range(1, self.last[user_id] + 1)
                    if (user_id, seq) not in self.acked | self.withdrawn
                }
                assert pending <= set(connection.peer.received)
                assert connection.peer.closed is None
            self.each_connection_sees_a_growing_sequence()
            self.nothing_comes_that_is_known_to_be_withdrawn()
        finally:
            for connection in self.open:
                self.hub.detach(connection.device)
            self.run(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    async def settle(self) -> None:
        """The sweep finds whoever missed something."""
        async with asyncio.timeout(30):
            while True:
                await self.hub.sweep(self.positions)
                if all(
                    device.feed.live and device.feed.cursor == self.last[device.user_id]
                    for device in self.hub.devices()
                ):
                    return
                await asyncio.sleep(0.001)


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=60,
    stateful_step_count=40,
)
