"""How the process is doing: whether it is ready for traffic, and its figures."""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

from notifier import __version__, clock
from notifier.delivery.hub import Hub
from notifier.delivery.relay import Relay
from notifier.histogram import Histogram
from notifier.process.counts import Counts
from notifier.refusals import Refusals
from notifier.storage.store import Store


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


class Status:
    """Gathers what the parts know. Cheap: nothing is asked of a database."""

    def __init__(
        self, counts: Counts, store: Store, hub: Hub, relay: Relay, refusals: Refusals
    ) -> None:
        self.counts = counts
        self.store = store
        self.hub = hub
        self.relay = relay
        self.refusals = refusals
        self.loop_lag = Histogram((0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5))
        self._started = time.monotonic()
        self.rabbitmq: Callable[[], str] = lambda: "off"

    @property
    def ready(self) -> bool:
        """Whether a load balancer should send requests here."""
        return not self.hub.draining and self.store.available

    def snapshot(self) -> Snapshot:
        """The figures now."""
        return Snapshot(
            time=clock.isoformat(clock.now()),
            version=__version__,
            loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
            uptime_seconds=round(time.monotonic() - self._started, 1),
            users=self.hub.users,
            sockets=self.hub.sockets,
            sends=self.counts.sends,
            deliveries=self.hub.delivered,
            acks=self.counts.acks,
            refused=dict(self.refusals.counts),
            store=StoreState(
                self.store.driver,
                self.store.state,
                self.store.waiting,
            ),
            relay=RelayState(self.relay.name, self.relay.state, self.relay.rejected),
            rabbitmq=RabbitState(self.rabbitmq()),
        )
