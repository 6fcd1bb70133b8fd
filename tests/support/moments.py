"""Moments that pass when a test says so."""

import pytest

from notifier import clock


class Clock:
    """The present moment, as the test wants it: it stands still unless advanced."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment = clock.now()
        patch.setattr(clock, "now", lambda: self.moment)

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self.moment += milliseconds
