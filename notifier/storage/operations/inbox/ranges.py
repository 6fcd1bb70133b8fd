"""Changes of everything that an inbox shows up to a place: in force at once, at any size.

Such a change is one row. Until a chore has carried it out, some rows at a time, whoever reads
rows folds it in: :func:`folded` is the table of one user's notifications as they stand with all
changes that are under way. It holds for a row if the row's last change was an earlier one, and
if the inbox showed the row when the change was made: moments decide, so that nothing that
happens later makes a difference.

A later change of single rows, or of all, starts from what is folded. So changes add up in the
order of their versions, whenever they are carried out.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, NamedTuple

from notifier.models import State
from notifier.storage.contract import (
    Changed,
    Query,
    ReadSession,
    Row,
    Session,
    WriteSession,
)
from notifier.storage.operations.inbox.locked import InboxOperation
from notifier.storage.operations.inbox.noting import UNDO
from notifier.storage.quota import LogState

WINDOW: Final = 100
"""Rows over which one transaction carries a change, at most. Sends wait for it."""

MOST_RANGES: Final = 8
"""Changes of one inbox that may be under way. Reading folds all of them in."""

COLUMNS: Final = ("seq", "key", "version", "created_at", "expires_at", "category", *State._fields)
"""Of what :func:`folded` gives, as text: ``seq, key, …``."""
_RANGE: Final = (
    "SELECT version, verb, created_at, up_to, category, snoozed_until, undoes, carried "
    "FROM inbox_changes "
)


class Range(NamedTuple):
    """A change of everything up to a place."""

    version: int
    verb: str
    created_at: int
    up_to: int
    category: str | None
    snoozed_until: int | None
    undoes: int | None
    carried: int | None
    """Up to which place the rows have it. None if all have."""


def shown(moment: str = "", *, acked: str = "acked_at IS NOT NULL") -> str:
    """Whether delivery has not ended without success, nor was it taken back."""
    return f"withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > {moment} OR {acked})"


def awake(moment: str) -> str:
    """Whether it is not put off."""
    return f"(snoozed_until IS NULL OR snoozed_until <= {moment})"


_LISTED: Final = "archived_at IS NULL AND {awake}"
_EFFECTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "read": (f"read_at IS NULL AND {_LISTED}", {"read_at": "{at}"}),
    "unread": (
        f"read_at IS NOT NULL AND {_LISTED}",
        {"read_at": "NULL", "seen_at": "coalesce(seen_at, read_at)"},
    ),
    "seen": (f"seen_at IS NULL AND read_at IS NULL AND {_LISTED}", {"seen_at": "{at}"}),
    "archive": (_LISTED, {"archived_at": "{at}"}),
    "unarchive": ("archived_at IS NOT NULL", {"archived_at": "NULL"}),
    "snooze": (_LISTED, {"snoozed_until": "{until}"}),
}
"""By verb: which rows of those that are shown it means, and what it does to them."""
_UNDONE: Final[dict[str, dict[str, str]]] = {
    "read": {"read_at": "NULL"},
    "unread": {"read_at": "{at}"},
    "seen": {"seen_at": "NULL"},
    "archive": {"archived_at": "NULL"},
    "unarchive": {"archived_at": "{at}"},
    "snooze": {"snoozed_until": "NULL"},
}
"""By verb: what undoing it does to the rows that still have its version."""

UNREAD: Final = "read_at IS NULL AND archived_at IS NULL AND withdrawn_at IS NULL"
_READ: Final = "read_at IS NOT NULL AND archived_at IS NULL AND withdrawn_at IS NULL"
_ARCHIVED: Final = "archived_at IS NOT NULL AND withdrawn_at IS NULL"
_ANY: Final = ("notifications_place", "TRUE")
_REACHED: Final[dict[str, tuple[str, str]]] = {
    "read": ("notifications_unread", UNREAD),
    "unread": ("notifications_read", _READ),
    "seen": ("notifications_unread", UNREAD),
    "archive": _ANY,
    "unarchive": ("notifications_archived", _ARCHIVED),
    "snooze": _ANY,
    UNDO: _ANY,
}
"""By verb: the index that has all rows which it can mean, and few others, and what these are."""


def range_of(session: Session, user_id: int, version: int) -> Range | None:
    """The change of this version, if it is one of everything up to a place."""
    row = session.first(
        f"{_RANGE}WHERE user_id = ? AND version = ? AND up_to IS NOT NULL", (user_id, version)
    )
    return Range(*row) if row else None


def under_way(session: Session, user_id: int) -> list[Range]:
    """The changes of this user that are not carried out yet, the earliest first."""
    rows = session.run(
        f"{_RANGE}{session.using('inbox_changes_carried')} "
        "WHERE user_id = ? AND carried IS NOT NULL ORDER BY version",
        (user_id,),
    )
    return [Range(*row) for row in rows]


class Folded(NamedTuple):
    """A table for a statement, to be called ``folded``."""

    prefix: str
    """What the statement begins with."""
    parameters: list[Any]


def folded(
    session: Session, user_id: int, ranges: Sequence[Range], where: str = "", *values: Any
) -> Folded:
    """The notifications of one user as they stand with ``ranges``, of those ``where`` holds.

    ``where`` may ask for what no change touches: the place, or the key.
    """
    condition = f" AND {where}" if where else ""
    levels = [
        f"level0 AS (SELECT {', '.join(COLUMNS)} FROM notifications WHERE user_id = ?{condition})"
    ]
    parameters: list[Any] = [user_id, *values]
    for number, each in enumerate(ranges, 1):
        holds, effects, asked = _meaning(session, user_id, each)
        columns = ", ".join(
            f"CASE WHEN held THEN {effects[name]} ELSE {name} END AS {name}"
            if name in effects
            else name
            for name in COLUMNS
        )
        levels.append(
            f"marked{number} AS (SELECT *, ({holds}) AS held FROM level{number - 1}), "
            f"level{number} AS (SELECT {columns} FROM marked{number})"
        )
        parameters += asked
    levels.append(f"folded AS (SELECT * FROM level{len(ranges)})")
    return Folded(f"WITH {', '.join(levels)} ", parameters)


def _meaning(
    session: Session, user_id: int, change: Range
) -> tuple[str, dict[str, str], list[Any]]:
    """For which rows ``change`` holds, what it does to them, and the parameters of the former."""
    at, asked = change.created_at, []
    holds = f"seq > {change.carried or 0} AND seq <= {change.up_to}"
    if change.verb == UNDO:
        undone = range_of(session, user_id, change.undoes or 0)
        assert undone is not None, "kept for as long as it may be undone"
        holds += f" AND version = {undone.version}"
        effects = _UNDONE[undone.verb]
    else:
        condition, effects = _EFFECTS[change.verb]
        moment = shown(str(at), acked=f"acked_at < {at}")
        holds += f" AND version < {change.version} AND {moment} AND {condition}"
        if change.category is not None:
            holds += " AND category = ?"
            asked.append(change.category)
    until = change.snoozed_until or "NULL"
    words = {"at": at, "until": until, "awake": awake(str(at))}
    done = {name: effect.format(**words) for name, effect in effects.items()}
    return holds.format(**words), {**done, "version": str(change.version)}, asked


def changed_of(user_id: int, row: Row) -> Changed:
    """The row of a statement that selects ``seq, version`` and the state."""
    seq, version, *state = row
    return Changed(user_id, seq, version, State(*state))


STATED: Final = f"SELECT seq, version, {', '.join(State._fields)} FROM folded "


class CarryOut(InboxOperation[int], frozen=True):
    """Carry the changes of one user that are under way over some more rows.

    Its result is how many are left.
    """

    background: ClassVar[bool] = True

    def apply(
        self, session: WriteSession, state: LogState | None, now: int
    ) -> tuple[int, LogState | None]:
        return _carry(session, self.user_id), state


def _carry(session: WriteSession, user_id: int) -> int:
    """Small changes over all of their rows, in order, up to one that has more: over its next."""
    changes = under_way(session, user_id)
    for done, change in enumerate(changes):
        until = next_stop(session, user_id, change)
        holds, effects, asked = _meaning(session, user_id, change)
        index, reached = _REACHED[change.verb]
        session.run(
            f"UPDATE notifications {session.using(index)} "
            f"SET {', '.join(f'{name} = {effect}' for name, effect in effects.items())} "
            f"WHERE user_id = ? AND seq <= ? AND {reached} AND {holds}",
            (user_id, until, *asked),
        )
        carried = None if until == change.up_to else until
        session.run(
            "UPDATE inbox_changes SET carried = ? WHERE user_id = ? AND version = ?",
            (carried, user_id, change.version),
        )
        if carried is not None:
            return len(changes) - done
    return 0


def next_stop(session: Session, user_id: int, change: Range) -> int:
    """Up to which place ``change`` goes with its next rows."""
    index, reached = _REACHED[change.verb]
    rows = session.run(
        f"SELECT seq FROM notifications {session.using(index)} WHERE user_id = ? AND seq > ? "
        f"AND seq < ? AND {reached} ORDER BY seq LIMIT 1 OFFSET ?",
        (user_id, change.carried, change.up_to, WINDOW - 1),
    )
    return rows[0][0] if rows else change.up_to


class Progress(NamedTuple):
    """How far somebody's changes have come that are under way: each step changes it."""

    user_id: int
    changes: int
    carried: int


class UnderWay(Query[list[Progress]], frozen=True):
    """Whose changes are under way, of up to ``limit`` users."""

    limit: int

    def ask(self, session: ReadSession) -> list[Progress]:
        rows = session.run(
            "SELECT user_id, count(*), sum(carried) "
            f"FROM inbox_changes {session.using('inbox_changes_carried')} "
            "WHERE carried IS NOT NULL GROUP BY user_id LIMIT ?",
            (self.limit,),
        )
        return [Progress(user_id, changes, int(carried)) for user_id, changes, carried in rows]
