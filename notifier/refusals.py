"""What was refused because a limit was reached: counted by reason, logged at a bounded rate.

The first refusal for a reason is one line in the log. What follows within
:data:`SECONDS` is counted and becomes one more line at their end, and so on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0
"""Between two lines for the same reason."""


class Refusals:
    """Those of one process."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._unlogged: dict[str, int] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were since the start, by reason."""
        return self._counts

    def count(self, reason: str, **fields: Any) -> None:
        """Something was refused. ``fields`` go into the log, if this one does."""
        self._counts[reason] += 1
        if reason in self._unlogged:
            self._unlogged[reason] += 1
            return
        self._log(reason, 1, fields)

    def _log(self, reason: str, times: int, fields: Mapping[str, Any]) -> None:
        self._unlogged[reason] = 0
        asyncio.get_running_loop().call_later(SECONDS, self._log_rest, reason)
        logger.warning(
            "Refused", extra={"action": "refused", "reason": reason, "times": times, **fields}
        )

    def _log_rest(self, reason: str) -> None:
        times = self._unlogged.pop(reason)
        if times:
            self._log(reason, times, {})
