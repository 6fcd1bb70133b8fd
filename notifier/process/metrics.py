"""What Prometheus is told, in its text format, made when it asks.

Nothing is counted here: each figure has its home where it happens, and ``/api/stats/`` reads the
same. No label says anything of a user.
"""

from collections.abc import Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from notifier import __version__
from notifier.histogram import Histogram
from notifier.process.status import Status


class Metrics(Collector):
    """The figures of one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, status: Status) -> None:
        self._status = status
        self.pending: int | None = None
        """Notifications of all users that nobody has acknowledged, if that is known."""
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them now."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing: asked when registered, before there is anything to say."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Each figure by its name."""
        yield from self._notifications()
        yield from self._people()
        yield from self._store()
        yield from self._parts()

    def _notifications(self) -> Iterator[Metric]:
        counts, figures = self._status.counts, self._status.hub.figures
        yield _counter("accepted", "Notifications stored for the first time.", counts.sends)
        yield _counter("repeated", "Sends whose notification was stored before.", counts.repeated)
        yield _counter(
            "delivered",
            "Notifications written to a device, once for each.",
            self._status.hub.delivered,
        )
        yield _counter("acked", "Notifications acknowledged for the first time.", counts.acks)
        if self.pending is not None:
            yield _gauge(
                "pending",
                "Notifications of all users that nobody has acknowledged, expired ones too.",
                self.pending,
            )
        yield _counter(
            "expired", "Notifications not given to a device: their time was over.", figures.expired
        )
        yield _histogram(
            "delivery_duration_seconds",
            "From acceptance until a notification is written to connected devices.",
            figures.latency,
        )
        refused = CounterMetricFamily(
            "notifier_refused",
            "What was refused, by reason.",
            labels=["reason"],
        )
        for reason, count in sorted(self._status.refusals.counts.items()):
            refused.add_metric([reason], count)
        yield refused

    def _people(self) -> Iterator[Metric]:
        hub = self._status.hub
        yield _gauge("users", "Users with a device connected to this process.", hub.users)
        devices = GaugeMetricFamily(
            "notifier_devices", "Devices connected to this process.", labels=["transport"]
        )
        devices.add_metric(["websocket"], hub.sockets)
        yield devices
        catch_ups = CounterMetricFamily(
            "notifier_catch_ups", "Times a device read the store, by cause.", labels=["cause"]
        )
        for cause, count in sorted(hub.figures.catch_ups.items()):
            catch_ups.add_metric([cause], count)
        yield catch_ups
        yield _counter(
            "position_drift",
            "Devices that were behind the store when the sweep looked: nudges lost on the way.",
            hub.figures.drift,
        )

    def _store(self) -> Iterator[Metric]:
        counts, store = self._status.counts, self._status.store
        yield _histogram(
            "commit_duration_seconds", "Of a transaction that stores.", counts.commit_seconds
        )
        yield _histogram(
            "commit_operations", "How many changes one transaction held.", counts.commit_operations
        )
        yield _gauge("store_queue", "Changes that wait for the store.", store.waiting)
        yield _up("store", "The store answers.", store.state != "away")
        yield _up("disk", "The store's disk has room.", store.state != "disk_low")

    def _parts(self) -> Iterator[Metric]:
        relay, rabbitmq = self._status.relay, self._status.rabbitmq()
        yield _up("relay", "Other processes are told at once.", relay.state == "ok")
        yield _counter(
            "relay_rejected", "Messages in Redis that none of our processes made.", relay.rejected
        )
        if rabbitmq != "off":
            yield _up("rabbitmq", "Messages are consumed.", rabbitmq == "consuming")
        yield _histogram(
            "loop_lag_seconds", "How late the loop is for what was due.", self._status.loop_lag
        )
        information = GaugeMetricFamily("notifier_build_info", "The program.", labels=["version"])
        information.add_metric([__version__], 1)
        yield information


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"notifier_{name}", meaning, value=value)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notifier_{name}", meaning, value=value)


def _up(name: str, meaning: str, holds: bool) -> Metric:
    return _gauge(f"{name}_up", f"{meaning} 1 or 0.", int(holds))


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    buckets = list(histogram.buckets())
    return HistogramMetricFamily(
        f"notifier_{name}", meaning, buckets=buckets, sum_value=histogram.sum
    )
