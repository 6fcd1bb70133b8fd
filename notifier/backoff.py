"""Exponential back-off: pauses that double while something fails, up to a limit.

Half of each pause is random, so that many who lost the same server do not return to it at
the same moment.
"""

import random
from typing import Final

_LEAST: Final = 0.5


class Backoff:
    """``first`` and ``longest`` are seconds: the limits of the first pause and of the last."""

    __slots__ = ("_first", "_limit", "_longest")

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._limit = 0.0

    def pause(self) -> float:
        """Seconds until the next attempt: up to twice as long as the pause before."""
        self._limit = min(max(self._limit * 2, self._first), self._longest)
        return self._limit * random.uniform(_LEAST, 1)  # noqa: S311 - no secret

    def lasted(self, seconds: float) -> None:
        """It worked for so long. Less than the last pause is no recovery."""
        if seconds > self._limit:
            self.reset()

    def reset(self) -> None:
        """It works again: the next pause is a first one."""
        self._limit = 0.0
