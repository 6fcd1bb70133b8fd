"""Withdrawals of what is not there yet: their sends may still be under way.

The queue has the send first, but another process may have taken it, and be about to store it. Who
comes early is tried again, after pauses that grow, at least once. Whatever this process was
given before has been tried by then. After a while it is taken for what was never sent.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from amqp.messages import Part

PATIENCE: Final = 10.0
"""Seconds: longer than any process pauses before it tries the store again."""

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


class Early:
    """Those of one channel. Of more than ``most`` at a time, each is tried twice only."""

    def __init__(self, most: int, *, again: Callable[[Part], None]) -> None:
        self._most = most
        self._again = again
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Part, asyncio.TimerHandle] = {}

    def waits(self, part: Part) -> bool:
        """Whether ``part``, which found nothing, is tried again."""
        now = self._loop.time()
        waited = 0.0
        if part.missed_at is None:
            part.missed_at = now
        else:
            waited = now - part.missed_at
            if waited > PATIENCE or len(self._waiting) >= self._most:
                return False
        pause = min(max(waited, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._waiting[part] = self._loop.call_later(pause, self._due, part)
        return True

    def close(self) -> None:
        """Give up what waits."""
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()

    def _due(self, part: Part) -> None:
        del self._waiting[part]
        self._again(part)
