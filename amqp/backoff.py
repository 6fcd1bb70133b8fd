"""Pauses that grow while something fails, and are random so that many do not return at once."""

import random
from typing import Final

_LEAST: Final = 0.5


class Backoff:
    """``first`` and ``longest`` are seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._limit = 0.0

    def pause(self) -> float:
        """The next pause: up to twice as long as the one before."""
        self._limit = min(max(self._limit * 2, self._first), self._longest)
        return self._limit * random.uniform(_LEAST, 1)  # noqa: S311 - no secret

    def lasted(self, seconds: float) -> None:
        """It worked for so long. Less than the last pause is no recovery."""
        if seconds > self._limit:
            self.reset()

    def reset(self) -> None:
        """It works again."""
        self._limit = 0.0
