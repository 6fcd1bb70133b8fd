"""What relays of several processes have between them, for tests."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from notifier.delivery.relay import LocalRelay, Relay
from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.redis import RedisRelay
from notifier.events import Appended, Event
from notifier.models import Notification, Online
from tests.support.harness import SECRET, until

_numbers = itertools.count(1)


class Recorder:
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.delivered: list[Notification] = []
        self.batches: list[int] = []
        """How many events came together."""
        self.positions: list[tuple[int, int]] = []
        self.connected: dict[int, Online] = {}
        """Who is."""

    def deliver(self, events: Sequence[Event]) -> None:
        self.batches.append(len(events))
        self.delivered += [event.notification for event in events]

    def heard(self, user_id: int, seq: int) -> None:
        self.positions.append((user_id, seq))

    def online(self, user_ids: Sequence[int]) -> dict[int, Online]:
        return {each: self.connected[each] for each in user_ids if each in self.connected}

    @property
    def seqs(self) -> list[int]:
        """The places of what was delivered."""
        return [notification.seq for notification in self.delivered]


class Process:
    """One process's end of a relay."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.told = Recorder()

    def publish(self, *notifications: Notification) -> None:
        """As after a commit."""
        self.relay.publish([Appended(each) for each in notifications])

    async def is_told(self, *notifications: Notification) -> None:
        """Wait until just these were delivered, in this order."""
        await until(lambda: len(self.told.delivered) >= len(notifications))
        assert self.told.delivered == list(notifications)


class Network:
    """Relays that reach each other; ``url`` is None where there is only one process."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url
        # Tests share a server, and must not hear each other.
        self.prefix = f"test{next(_numbers)}:"

    def relay(self, url: str | None = None) -> Relay:
        """A relay of its own process."""
        if self.url is None:
            return LocalRelay()
        return RedisRelay(bus_for(url or self.url), prefix=self.prefix, secrets=(SECRET,))

    @asynccontextmanager
    async def process(self, *user_ids: int, url: str | None = None) -> AsyncIterator[Process]:
        """A process that has subscribed to these users."""
        process = Process(self.relay(url))
        await process.relay.start(process.told)
        try:
            for user_id in user_ids:
                await process.relay.subscribe(user_id)
            yield process
        finally:
            await process.relay.stop()


def notification(user_id: int, seq: int, payload: bytes = b'{"n": 1}') -> Notification:
    """Anything with this place."""
    return Notification(user_id, seq, f"key {seq}", payload, created_at=1_700_000_000_000)


async def until_state(process: Process, state: str) -> None:
    """Wait until the relay calls itself ``state``."""
    await until(lambda: process.relay.state == state, seconds=20)


async def until_linked(sender: Process, receiver: Process, user_id: int) -> None:
    """Wait until what one publishes reaches the other again."""
    seqs: Callable[[], list[int]] = lambda: receiver.told.seqs  # noqa: E731 - typed
    number = 1_000_000

    def linked() -> bool:
        nonlocal number
        number += 1
        sender.publish(notification(user_id, number))
        return bool(seqs()) and seqs()[-1] >= 1_000_000

    await until(linked, seconds=20)
