"""Removing a user or a recipient with everything that was kept for them.

A log may be long, and sends wait for no long transaction: so it goes in batches. Whoever is
being removed is locked out before, and exists until nothing is left: an interrupted removal
can be done again.
"""

from collections.abc import Sequence

from notifier.errors import InvalidField, UnknownUser
from notifier.models import Actor
from notifier.storage.contract import Administrative, Operation, Step, WriteSession
from notifier.storage.operations.audit import record
from notifier.storage.operations.recipients import end_tokens
from notifier.storage.operations.users import note_change


class LockOut(Administrative[None], frozen=True):
    """End all tokens and connections; a user is deactivated.

    Refused with UnknownUser, or with InvalidField for the last active superuser.
    """

    number: int
    """A user's id, or the number of a recipient."""

    def apply(self, session: WriteSession, now: int) -> None:
        if not _exists(session, self.number):
            raise UnknownUser
        if self.number < 0:
            end_tokens(session, self.number, now)
        else:
            _deactivate(session, self.number)
        note_change(session, self.number, "deleted", now)


def _deactivate(session: WriteSession, user_id: int) -> None:
    superusers = session.run("SELECT id FROM users WHERE is_superuser AND is_active LIMIT 2")
    if superusers == [(user_id,)]:
        # Two of them may delete each other at the same time.
        raise InvalidField("user_id", "There is no other active superuser.")
    session.run(
        "UPDATE users SET is_active = ?, token_version = token_version + 1 WHERE id = ?",
        (False, user_id),
    )


class Remove(Operation[bool], frozen=True):
    """Remove up to ``limit`` notifications; when none is left, also the rest of what there is.

    Its result is whether everything is gone. If not, do it again: there is more, or somebody
    else is at work on it.
    """

    number: int
    actor: Actor
    limit: int


def _remove(session: WriteSession, removals: Sequence[Remove], now: int) -> list[bool]:
    return [_go_on(session, removal, now) for removal in removals]


# Behind everything else, and waiting for nobody: those who have what we lack may lack what
# we have.
Remove.step = Step(7, _remove)


def _go_on(session: WriteSession, removal: Remove, now: int) -> bool:
    number = removal.number
    if not _exists(session, number):
        return True  # by another process
    if session.remove_of(number, removal.limit) == removal.limit or not session.claim(number):
        return False
    # Nobody appends any more; what others have appended meanwhile can be seen by now.
    session.remove_of(number, removal.limit)
    if session.first("SELECT 1 FROM notifications WHERE user_id = ? LIMIT 1", (number,)):
        return False
    session.run("DELETE FROM inboxes WHERE user_id = ?", (number,))
    session.run("DELETE FROM inbox_changes WHERE user_id = ?", (number,))
    session.run("DELETE FROM sessions WHERE user_id = ?", (number,))
    note_change(session, number, "deleted", now)
    record(session, now, "user_deleted", removal.actor, _delete(session, number))
    return True


def _exists(session: WriteSession, number: int) -> bool:
    if number < 0:
        found = session.first("SELECT 1 FROM recipients WHERE id = ?", (-number,))
    else:
        found = session.first("SELECT 1 FROM users WHERE id = ?", (number,))
    return found is not None


def _delete(session: WriteSession, number: int) -> str:
    """Remove who it was; returns what the audit log calls them."""
    if number < 0:
        kind, row = "recipient", "DELETE FROM recipients WHERE id = ? RETURNING name"
    else:
        kind, row = "user", "DELETE FROM users WHERE id = ? RETURNING username"
    ((name,),) = session.run(row, (abs(number),))
    return f"{kind}:{name}"
