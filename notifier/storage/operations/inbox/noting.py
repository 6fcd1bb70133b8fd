"""The record of changes: one row for each version, kept for some days.

Devices that were away learn from it what has changed, and it says how to undo a change.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from notifier.storage.contract import Operation, Step, WriteSession
from notifier.storage.quota import LogState
from notifier.storage.tables import INBOX_CHANGES

WITHDRAWN: Final = "withdraw"
UNDO: Final = "undo"
MOST_CHANGES: Final = 1000
"""Changes of one inbox that are kept. Whoever has missed more loads it anew."""
_UNDER_WAY: Final = (
    "SELECT 1 FROM inbox_changes c WHERE c.user_id = inbox_changes.user_id "
    "AND c.carried IS NOT NULL"
)


def note(
    session: WriteSession, user_id: int, state: LogState, verb: str, now: int, **details: Any
) -> None:
    """Write down that the change with the version of ``state`` is this one."""
    columns = {
        "user_id": user_id,
        "version": state.version,
        "verb": verb,
        "created_at": now,
        **details,
    }
    session.insert_rows(INBOX_CHANGES, list(columns), [tuple(columns.values())])
    if state.version > MOST_CHANGES:
        session.run(
            "DELETE FROM inbox_changes WHERE user_id = ? AND version <= ? "
            f"AND NOT EXISTS ({_UNDER_WAY})",
            (user_id, state.version - MOST_CHANGES),
        )


class RemoveInboxChanges(Operation[int], frozen=True):
    """Forget up to ``limit`` changes from before that moment; how many there were.

    Not those of an inbox that has some under way: these may build on them.
    """

    before: int
    limit: int
    step: ClassVar[Step]


def _remove(session: WriteSession, removals: Sequence[RemoveInboxChanges], now: int) -> list[int]:
    return [
        len(
            session.run(
                "DELETE FROM inbox_changes WHERE (user_id, version) IN ("
                "SELECT user_id, version FROM inbox_changes "
                f"WHERE created_at < ? AND NOT EXISTS ({_UNDER_WAY}) LIMIT ?) RETURNING 1",
                (removal.before, removal.limit),
            )
        )
        for removal in removals
    ]


RemoveInboxChanges.step = Step(4, _remove)
