"""Token buckets: how often something may happen, for each of many who ask.

A bucket holds ``burst`` tokens and gains ``rate`` of them a second; what happens takes some.
All that is kept of one is the moment at which it will be full (the generic cell rate
algorithm), and a full one is forgotten, so that memory is bounded, whoever asks.
"""

import time
from collections.abc import Callable, Hashable
from typing import Final

MOST_KEYS: Final = 100_000
"""Buckets that are kept of one kind; beyond, those go that were asked longest ago."""


class Buckets:
    """Buckets of one kind, by key. A ``rate`` of 0 is no limit."""

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        most_keys: int = MOST_KEYS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._depth = burst * self._interval
        self._most_keys = most_keys
        self._now = now
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable, tokens: float = 1) -> float:
        """Seconds until the bucket of ``key`` has so many tokens; 0 if it has them now."""
        now = self._now()
        full_at = max(self._full_at.get(key, now), now) + tokens * self._interval
        return max(0.0, full_at - now - self._depth)

    def take(self, key: Hashable, tokens: float = 1) -> float:
        """Take so many, if they are there: :meth:`wait`, where only 0 took something."""
        if not self._interval:
            return 0.0
        now = self._now()
        full_at = max(self._full_at.pop(key, now), now)
        after = full_at + tokens * self._interval
        missing = after - now - self._depth
        self._keep(key, full_at if missing > 0 else after, now)
        return max(0.0, missing)

    def take_most(self, key: Hashable, times: int, tokens: float = 1) -> int:
        """Take so many, up to so many ``times``, as often as they are there; how often."""
        if not self._interval:
            return times
        now = self._now()
        full_at = max(self._full_at.pop(key, now), now)
        cost = tokens * self._interval
        # A hair more: what was taken in parts may add up to more than they are.
        taken = max(0, min(times, int((now + self._depth - full_at) / cost + 1e-9)))
        self._keep(key, full_at + taken * cost, now)
        return taken

    def give_back(self, key: Hashable, tokens: float = 1) -> None:
        """Return what was taken for something that does not count after all."""
        full_at = self._full_at.pop(key, 0.0) - tokens * self._interval
        if full_at > self._now():
            self._full_at[key] = full_at

    def _keep(self, key: Hashable, full_at: float, now: float) -> None:
        if full_at > now:
            # Put at the end: the order of the keys is that in which they asked.
            self._full_at[key] = full_at
            if len(self._full_at) > self._most_keys:
                self._forget(now)

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        # Never more than one key is added between two looks at the number.
        for key in list(self._full_at)[: len(self._full_at) - self._most_keys]:
            del self._full_at[key]
