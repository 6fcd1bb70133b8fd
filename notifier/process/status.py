"""How the process is doing: whether it is ready for traffic, and its figures."""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

from notifier import __version__, clock
from notifier.delivery.hub import Hub
from notifier.delivery.relay import Relay
from notifier.refusals import Refusals
from notifier.storage.operations.notifications import Acknowledge
from notifier.storage.store import Store
from notifier.storage.writer import Commit


class StoreState(msgspec.Struct, frozen=True):
    """``state`` is ok, away or disk_low; ``queue`` counts writes that wait."""

    driver: str
    state: str
    queue: int


class RelayState(msgspec.Struct, frozen=True):
    """``kind`` is local or redis; ``state`` is ok, or why nudges do not get through.

    ``rejected`` counts messages in Redis that none of our processes can have made.
    """

    kind: str
    state: str
    rejected: int


class RabbitState(msgspec.Struct, frozen=True):
    """``state`` is off, connecting, consuming or blocked."""

    state: str


class Snapshot(msgspec.Struct, frozen=True):
    """The figures of this process. ``sends``, ``deliveries`` and ``acks`` count from its start."""

    time: str
    version: str
    loop: str
    """asyncio or uvloop."""
    uptime_seconds: float
    users: int
    sockets: int
    sends: int
    deliveries: int
    acks: int
    refused: Mapping[str, int]
    """By reason: what a limit did not let pass."""
    store: StoreState
    relay: RelayState
    rabbitmq: RabbitState


class Counts:
    """What was stored, since the start. A listener of commits."""

    def __init__(self) -> None:
        self.sends = 0
        self.acks = 0

    def committed(self, commit: Commit) -> None:
        """Count what ``commit`` has stored."""
        self.sends += len(commit.events)
        self.acks += sum(
            isinstance(operation, Acknowledge) and outcome is None
            for operation, outcome in zip(commit.operations, commit.outcomes, strict=True)
        )


class Status:
    """Gathers what the parts know. Cheap: nothing is asked of a database."""

    def __init__(
        self, counts: Counts, store: Store, hub: Hub, relay: Relay, refusals: Refusals
    ) -> None:
        self._counts = counts
        self._store = store
        self._hub = hub
        self._relay = relay
        self._refusals = refusals
        self._started = time.monotonic()
        self.rabbitmq: Callable[[], str] = lambda: "off"

    @property
    def ready(self) -> bool:
        """Whether a load balancer should send requests here."""
        return not self._hub.draining and self._store.available

    def snapshot(self) -> Snapshot:
        """The figures now."""
        return Snapshot(
            time=clock.isoformat(clock.now()),
            version=__version__,
            loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
            uptime_seconds=round(time.monotonic() - self._started, 1),
            users=self._hub.users,
            sockets=self._hub.sockets,
            sends=self._counts.sends,
            deliveries=self._hub.delivered,
            acks=self._counts.acks,
            refused=dict(self._refusals.counts),
            store=StoreState(
                self._store.driver,
                self._store.state,
                self._store.waiting,
            ),
            relay=RelayState(self._relay.name, self._relay.state, self._relay.rejected),
            rabbitmq=RabbitState(self.rabbitmq()),
        )
