"""How much may be pending for a user, without a count at each send.

What is pending is at most what was pending when it was last counted, plus what was appended
since, by whatever process; and the latter is in the inbox, which a send locks and reads
anyway. Only when this bound reaches the limit is it counted again, from the index of what is
pending. So the limit of rows holds exactly, that of bytes to a payload, and nearly no send
pays for them.

Counting again and again for a user who is close to a limit is worth little: such counts get a
small share of the writer's time, and in between the user counts as full.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

_MOST_KEPT: Final = 100_000
"""Users whose last count is kept; of others, it is made again when needed."""
_TIGHT: Final = 0.9
"""Share of a limit: a user who has more than that is close to it."""
_PAUSE: Final = 10
"""After a count for a user who is close to a limit, the next one waits for so many times as
long as that one took."""
_ALL: Final = 1 << 62


class LogState(NamedTuple):
    """The state of a user's log."""

    last_seq: int
    appended_bytes: int
    """At least as many as all payloads that were ever appended."""
    version: int = 0
    """The number of the last change of state."""


class _Counted(NamedTuple):
    """So much was pending, in rows and bytes, when ``inbox`` was the state of the log."""

    inbox: LogState
    rows: int
    size: int


_NEVER: Final = _Counted(LogState(0, 0), 0, 0)


class Quota:
    """The most rows, and the bytes from which on nothing more is taken. 0 is no limit."""

    def __init__(
        self, rows: int = 0, size: int = 0, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rows = rows
        self._size = size
        self._now = now
        self._counts: dict[int, _Counted] = {}
        self._next_tight = 0.0

    def fits(self, user_id: int, inbox: LogState) -> bool:
        """Whether one more certainly fits behind ``inbox``."""
        counted = self._counts.get(user_id, _NEVER)
        rows = inbox.last_seq - counted.inbox.last_seq
        # Below zero, the database was set back, and what we counted tells us nothing.
        return (
            rows >= 0
            and (not self._rows or counted.rows + rows < self._rows)
            and (
                not self._size
                or counted.size + inbox.appended_bytes - counted.inbox.appended_bytes < self._size
            )
        )

    def may_count(self, user_id: int) -> bool:
        """Whether it is time to count what is pending for ``user_id``."""
        counted = self._counts.get(user_id, _NEVER)
        return not self._is_tight(counted) or self._now() >= self._next_tight

    def count(self, user_id: int, inbox: LogState, ask: Callable[[int], tuple[int, int]]) -> None:
        """Find out how much is pending up to ``inbox``, which is locked.

        ``ask`` answers with rows and bytes. It need not look at more rows than it is told.
        """
        started = self._now()
        counted = _Counted(inbox, *ask(self._rows or _ALL))
        ended = self._now()
        if self._is_tight(counted):
            self._next_tight = ended + _PAUSE * (ended - started)
        self._counts.pop(user_id, None)
        self._counts[user_id] = counted
        if len(self._counts) > _MOST_KEPT:
            del self._counts[next(iter(self._counts))]

    def _is_tight(self, counted: _Counted) -> bool:
        return (self._rows > 0 and counted.rows > self._rows * _TIGHT) or (
            self._size > 0 and counted.size > self._size * _TIGHT
        )
