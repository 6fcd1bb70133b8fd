"""How much of something one connection may do in a second.

Spending is a subtraction, because it is done for each frame; the clock is looked at only
when everything is spent. So after a quiet time twice as much may come in one second.
"""

import sys
import time
from collections.abc import Callable


class Allowance:
    """``rate`` a second; 0 is no limit."""

    __slots__ = ("_now", "_rate", "_since", "left")

    def __init__(self, rate: int, now: Callable[[], float] = time.monotonic) -> None:
        # Not infinite: one less is less, by which an acknowledgement is told from the rest.
        self._rate = rate or sys.maxsize
        self._now = now
        self._since = now()
        self.left: float = self._rate
        """Whoever spends takes from it, and calls :meth:`refill` where it is below 0."""

    def refill(self) -> float:
        """Add what time has brought; seconds until nothing is owed, 0 if nothing is."""
        now = self._now()
        self.left = min(self._rate, self.left + (now - self._since) * self._rate)
        self._since = now
        return max(0.0, -self.left / self._rate)
