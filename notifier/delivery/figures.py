"""What this process has delivered, and what it took, since its start."""

from collections import Counter
from typing import Literal

from notifier.histogram import Histogram

Cause = Literal["connect", "gap", "slow", "sweep"]
"""Why a feed reads the store: its device has come, something was missing, the device reads too
slowly, or the sweep found that a nudge was lost."""


class DeliveryFigures:
    """Those of one hub. Counted on the loop."""

    __slots__ = ("catch_ups", "drift", "expired", "latency")

    def __init__(self) -> None:
        self.catch_ups: Counter[Cause] = Counter()
        self.expired = 0
        """Notifications that a device was not given because their time was over."""
        self.drift = 0
        """Feeds that were behind the store when the sweep looked, though nothing had said so."""
        self.latency = Histogram((0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30))
        """Seconds from acceptance until a notification is written to those who are connected."""
