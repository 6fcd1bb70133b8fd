"""Sign-ins that may come again and again, counted until they are recorded: failed ones, and those
of programs.

Whoever comes again and again gets one entry an hour, with a count. Strangers add no more than so
many entries: beyond, a user's are counted together, wherever they come from, and beyond that all
others. The same bound holds for the memory they take.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from notifier import clock
from notifier.storage.operations.audit import Repetition

MOST: Final = 1000
"""Entries of an hour for sign-ins told apart by user and address; as many again by user alone."""
_HOUR: Final = 3600 * clock.SECOND


class _Who(NamedTuple):
    user: str
    address: str


_SOMEBODY: Final = _Who("", "")
"""Beyond all bounds."""


class _Count:
    """What one entry counts."""

    __slots__ = ("count", "entry", "first_at", "last_at")

    def __init__(self) -> None:
        self.entry: int | None = None
        self.count = 0
        """How many are not recorded yet."""
        self.first_at = 0
        self.last_at = 0

    def add(self, count: int, first_at: int, last_at: int) -> None:
        """There were some more."""
        self.first_at = min(self.first_at, first_at) if self.count else first_at
        self.last_at = max(self.last_at, last_at)
        self.count += count


class Repetitions:
    """Those of one process and one kind."""

    def __init__(self, action: Literal["signed_in", "sign_in_failed"], most: int = MOST) -> None:
        self._action = action
        self._most = most
        self._counts: dict[_Who, _Count] = {}
        self._ends = 0
        """When entries of the present hour take no more."""

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, user: str, address: str) -> None:
        """It has happened to ``user``, which is empty if there is no such user."""
        now = clock.now()
        if not self._ends - _HOUR <= now < self._ends:
            self._begin(now)
        who = self._who(_Who(user, address))
        self._counts.setdefault(who, _Count()).add(1, now, now)

    def _begin(self, now: int) -> None:
        """A new hour; what is not recorded yet counts in it."""
        self._ends = now + _HOUR
        self._counts = {who: each for who, each in self._counts.items() if each.count}
        for each in self._counts.values():
            each.entry = None

    def _who(self, who: _Who) -> _Who:
        counted = len(self._counts)
        by_user = _Who(who.user, "")
        if who in self._counts or counted < self._most:
            return who
        if by_user in self._counts or (who.user and counted < 2 * self._most):
            return by_user
        return _SOMEBODY

    # Recording them.

    def take(self) -> Sequence[Repetition]:
        """What is to be recorded. Hand it to :meth:`recorded`, or else to :meth:`put_back`."""
        taken = []
        for who, each in self._counts.items():
            if each.count:
                taken.append(self._repetition(who, each))
                each.count = 0
        return taken

    def recorded(self, taken: Sequence[Repetition], entries: Sequence[int]) -> None:
        """It was recorded in these entries, which go on with what comes."""
        for each, entry in zip(taken, entries, strict=True):
            if count := self._counts.get(_Who(each.subject or each.actor, each.address)):
                count.entry = entry

    def put_back(self, taken: Sequence[Repetition]) -> None:
        """It was not recorded."""
        for each in taken:
            who = self._who(_Who(each.subject or each.actor, each.address))
            count = self._counts.setdefault(who, _Count())
            count.add(each.count, each.first_at, each.last_at)

    def _repetition(self, who: _Who, each: _Count) -> Repetition:
        # Whoever has signed in acted themself; who failed to may be anybody.
        acted = self._action == "signed_in"
        return Repetition(
            self._action,
            who.user if acted else "",
            "" if acted else who.user,
            who.address,
            each.count,
            each.first_at,
            each.last_at,
            each.entry,
        )
