"""Deadlines that pass when a test says so."""

import pytest

from handlers.connections import deadlines


class StoppedClock:
    """The time of deadlines."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        patch.setattr(deadlines, "time", self)

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        self._now += seconds
