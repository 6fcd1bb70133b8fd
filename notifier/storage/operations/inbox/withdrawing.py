"""Taking notifications back: by key, or because another one takes their place.

Withdrawing settles the delivery: what is pending no longer is. The row stays until retention,
so that its key stays taken and a late retry of the send brings nothing back.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec

from notifier.errors import UnknownNotification
from notifier.events import Withdrawn
from notifier.models import State
from notifier.storage.contract import Changed, Row, WriteSession
from notifier.storage.operations.inbox.locked import InboxOperation
from notifier.storage.operations.inbox.noting import WITHDRAWN, note
from notifier.storage.operations.recipients import known
from notifier.storage.quota import LogState

_FOUND = (
    "SELECT user_id, seq, key, acked_at, seen_at, read_at, archived_at, snoozed_until "
    "FROM notifications "
)


class _Found(NamedTuple):
    """A notification that can be withdrawn."""

    user_id: int
    seq: int
    key: str
    state: State


def _found(rows: Sequence[Row]) -> list[_Found]:
    return [_Found(user_id, seq, key, State(*state)) for user_id, seq, key, *state in rows]


def superseded(session: WriteSession, user_id: int, collapse_key: str, before: int) -> list[_Found]:
    """What of this user has the collapse key, before a ``seq``."""
    return _found(
        session.run(
            f"{_FOUND}{session.using('notifications_collapse')} WHERE user_id = ? "
            "AND collapse_key = ? AND seq < ? AND withdrawn_at IS NULL ORDER BY seq",
            (user_id, collapse_key, before),
        )
    )


def withdraw(
    session: WriteSession, found: Sequence[_Found], state: LogState, now: int
) -> list[Withdrawn]:
    """Withdraw what was ``found`` of one user, whose log has this ``state`` by then."""
    user_id = found[0].user_id
    session.set_states(
        [
            Changed(
                user_id,
                each.seq,
                state.version,
                each.state._replace(acked_at=each.state.acked_at or now, withdrawn_at=now),
            )
            for each in found
        ]
    )
    note(session, user_id, state, WITHDRAWN, now)
    return [Withdrawn(user_id, state.version, state.last_seq, each.seq, each.key) for each in found]


class Withdraw(InboxOperation[Withdrawn], frozen=True):
    """Take a notification back, for good. Refused with UnknownNotification.

    Of one that was withdrawn before, the result is the same as then.
    """

    key: str
    user: str | None = None
    """The recipient whose it is, if only the name is known."""

    def located(self, session: WriteSession) -> Self:
        # In the transaction, behind the send that made the recipient.
        if self.user is None or not (found := known(session, [self.user])):
            return self
        return msgspec.structs.replace(self, user_id=found[self.user])

    def apply(
        self, session: WriteSession, state: LogState | None, now: int
    ) -> tuple[Withdrawn, LogState]:
        user_id, key = self.user_id, self.key
        row = session.first(
            "SELECT seq, version, withdrawn_at FROM notifications WHERE user_id = ? AND key = ?",
            (user_id, key),
        )
        if row is None or state is None:
            raise UnknownNotification
        seq, version, withdrawn_at = row
        if withdrawn_at is not None:
            return Withdrawn(user_id, version, state.last_seq, seq, key), state
        found = _found(session.run(f"{_FOUND}WHERE user_id = ? AND seq = ?", (user_id, seq)))
        state = state._replace(version=state.version + 1)
        [withdrawn] = withdraw(session, found, state, now)
        return withdrawn, state
