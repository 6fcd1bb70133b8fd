"""How often something took how long, or was how large: counted in steps, as Prometheus wants it.

Observing costs a search among a dozen numbers. The library that writes the format locks, and
takes five times as long.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate


class Histogram:
    """Counts what is at most each of ``bounds``, which ascend, and what is more."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        """Of all that was observed."""

    def observe(self, value: float) -> None:
        """Count ``value``."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Each bound, as a text, with how many were at most that; the last one is ``+Inf``."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return zip(bounds, accumulate(self._counts), strict=True)
