"""What people do with their inbox: mark by key, mark all up to a place, undo.

What changes nothing has no version of its own.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from notifier.errors import (
    InvalidField,
    TooManyChanges,
    UnknownChange,
    UnknownUser,
)
from notifier.events import InboxChanged
from notifier.models import VERBS, State, Verb
from notifier.storage.contract import Changed, Row, WriteSession
from notifier.storage.operations.inbox.locked import InboxOperation
from notifier.storage.operations.inbox.noting import UNDO, note
from notifier.storage.operations.inbox.ranges import (
    MOST_RANGES,
    STATED,
    Range,
    changed_of,
    folded,
    range_of,
    shown,
    under_way,
)
from notifier.storage.quota import LogState

_EFFECTS: Final[dict[Verb, Callable[[State, int, int | None], State]]] = {
    # Whoever has read it has it.
    "read": lambda state, now, _: state._replace(
        read_at=state.read_at or now, acked_at=state.acked_at or now
    ),
    "unread": lambda state, _, __: state._replace(
        read_at=None, seen_at=state.seen_at or state.read_at
    ),
    "seen": lambda state, now, _: (
        state if state.read_at else state._replace(seen_at=state.seen_at or now)
    ),
    "archive": lambda state, now, _: state._replace(archived_at=state.archived_at or now),
    "unarchive": lambda state, _, __: state._replace(archived_at=None),
    "snooze": lambda state, _, until: state._replace(snoozed_until=until),
}


class _Change(InboxOperation[InboxChanged], frozen=True):
    """A change whose result says where the inbox is afterwards. Refused with UnknownUser."""

    def apply(
        self, session: WriteSession, state: LogState | None, now: int
    ) -> tuple[InboxChanged, LogState]:
        if state is None:
            raise UnknownUser
        after = self.change(session, state, now)
        changed = after != state
        return InboxChanged(self.user_id, after.version, after.last_seq, changed), after

    def change(self, session: WriteSession, state: LogState, now: int) -> LogState:
        """Make the change; how the log is afterwards. Raises what refuses it."""
        raise NotImplementedError


class ChangeKeys(_Change, frozen=True):
    """Do something with these notifications, whichever are still there."""

    verb: Verb
    keys: tuple[str, ...]
    until: int | None = None
    """When those that are snoozed come back; None is at once."""

    def change(self, session: WriteSession, state: LogState, now: int) -> LogState:
        effect = _EFFECTS[self.verb]
        found = _standing(session, self.user_id, self.keys, now)
        version = state.version + 1
        changed = [
            each._replace(version=version, state=after)
            for each in found
            if (after := effect(each.state, now, self.until)) != each.state
        ]
        if not changed:
            return state
        before = {each.seq: each.state for each in found}
        session.set_states(changed)
        state = state._replace(version=version)
        kept = json.dumps([(each.seq, *before[each.seq]) for each in changed])
        note(session, self.user_id, state, self.verb, now, before=kept)
        return state


def _standing(session: WriteSession, user_id: int, keys: Sequence[str], now: int) -> list[Changed]:
    """Where those of these keys stand that an inbox can show, in their order in the log."""
    marks = ", ".join("?" * len(keys))
    table = folded(session, user_id, under_way(session, user_id), f"key IN ({marks})", *keys)
    rows = session.run(
        f"{table.prefix}{STATED}WHERE {shown(str(now))} ORDER BY seq", table.parameters
    )
    return [changed_of(user_id, row) for row in rows]


class ChangeUpTo(_Change, frozen=True):
    """Do something with all that the inbox shows up to a ``seq``, of one category or of all.

    Refused with InvalidField behind the last ``seq``, and with TooManyChanges.
    """

    verb: Verb
    up_to: int
    category: str | None = None
    until: int | None = None

    def change(self, session: WriteSession, state: LogState, now: int) -> LogState:
        if self.up_to > state.last_seq:
            raise InvalidField("up_to", f"The last seq of this user is {state.last_seq}.")
        return _begin(
            session,
            self.user_id,
            state,
            self.verb,
            now,
            up_to=self.up_to,
            category=self.category,
            snoozed_until=self.until,
        )


def _begin(
    session: WriteSession, user_id: int, state: LogState, verb: str, now: int, **details: Any
) -> LogState:
    if len(under_way(session, user_id)) >= MOST_RANGES:
        raise TooManyChanges
    state = state._replace(version=state.version + 1)
    note(session, user_id, state, verb, now, carried=0, **details)
    return state


class Undo(_Change, frozen=True):
    """Take back what a change did, wherever nothing was done since.

    What was acknowledged stays so. Refused with UnknownChange.
    """

    version: int

    def change(self, session: WriteSession, state: LogState, now: int) -> LogState:
        user_id, version = self.user_id, self.version
        row = session.first(
            "SELECT verb, before FROM inbox_changes WHERE user_id = ? AND version = ?",
            (user_id, version),
        )
        if row is None or row[0] not in VERBS:
            raise UnknownChange
        undone = range_of(session, user_id, version)
        if undone is not None:
            return self._undo_range(session, state, undone, now)
        return self._undo_keys(session, state, json.loads(row[1]), now)

    def _undo_range(
        self, session: WriteSession, state: LogState, undone: Range, now: int
    ) -> LogState:
        return _begin(
            session,
            self.user_id,
            state,
            UNDO,
            now,
            up_to=undone.up_to,
            undoes=self.version,
        )

    def _undo_keys(
        self, session: WriteSession, state: LogState, before: list[Row], now: int
    ) -> LogState:
        user_id, version = self.user_id, state.version + 1
        states = {seq: State(*then) for seq, *then in before}
        marks = ", ".join("?" * len(states))
        table = folded(session, user_id, under_way(session, user_id), f"seq IN ({marks})", *states)
        rows = session.run(
            f"{table.prefix}{STATED}WHERE version = ?", [*table.parameters, self.version]
        )
        changed, kept = [], []
        for seq, _, *stood in rows:
            kept.append((seq, *stood))
            then = states[seq]._replace(acked_at=State(*stood).acked_at)
            changed.append(Changed(user_id, seq, version, then))
        if not changed:
            return state
        session.set_states(changed)
        state = state._replace(version=version)
        note(session, user_id, state, UNDO, now, undoes=self.version, before=json.dumps(kept))
        return state
