"""Time as the store and the wire know it: milliseconds since the epoch, UTC."""

import time
from datetime import UTC, datetime
from functools import lru_cache

SECOND = 1000
DAY = 24 * 60 * 60 * SECOND


def now() -> int:
    """The present moment, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=64)  # everything in one commit was created at the same moment
def isoformat(moment: int) -> str:
    """``moment`` (milliseconds since the epoch) as RFC 3339, such as 2026-01-31T12:00:00.250Z."""
    seconds, milliseconds = divmod(moment, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
