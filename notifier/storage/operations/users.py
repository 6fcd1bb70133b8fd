"""Users: make and change them, find them, and follow what has changed."""

from typing import Any, Final

from notifier.errors import UnknownUser, UsernameTaken
from notifier.models import Actor, User, UserChange
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession
from notifier.storage.operations.audit import record

_USER: Final = "id, username, password_hash, is_active, is_superuser, token_version, created_at"


def _as_user(row: Row) -> User:
    return User(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[5], row[6])


class CreateUser(Administrative[User | None], frozen=True):
    """The new user; None where ``only_as_first`` and it isn't. Refused with UsernameTaken."""

    username: str
    password_hash: str
    is_superuser: bool = False
    only_as_first: bool = False
    """Create it only where no superuser was ever made."""

    def apply(self, session: WriteSession, now: int) -> User | None:
        if self.only_as_first and session.first("SELECT 1 FROM users WHERE is_superuser LIMIT 1"):
            return None
        row = session.first(
            "INSERT INTO users (username, password_hash, is_active, is_superuser, created_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING "
            f"RETURNING {_USER}",
            (self.username, self.password_hash, True, self.is_superuser, now),
        )
        if row is None:
            raise UsernameTaken(f"A user named {self.username!r} exists already.")
        session.run(
            "INSERT INTO inboxes (user_id, last_seq, appended_bytes) VALUES (?, 0, 0)", (row[0],)
        )
        return _as_user(row)


class SetPassword(Administrative[None], frozen=True):
    """Also ends every token and connection of the user. Refused with UnknownUser."""

    user_id: int
    password_hash: str

    def apply(self, session: WriteSession, now: int) -> None:
        _change(session, self.user_id, "password_hash = ?", self.password_hash)
        note_change(session, self.user_id, "password changed", now)


class EndSessions(Administrative[None], frozen=True):
    """End every token and connection of the user. Refused with UnknownUser."""

    user_id: int

    def apply(self, session: WriteSession, now: int) -> None:
        _change(session, self.user_id, "is_active = is_active")
        note_change(session, self.user_id, "signed out everywhere", now)


class RevokeUser(Administrative[None], frozen=True):
    """The same on behalf of their application, or a superuser. Refused with UnknownUser."""

    user_id: int
    by: Actor

    def apply(self, session: WriteSession, now: int) -> None:
        changed = session.first(
            "UPDATE users SET token_version = token_version + 1 WHERE id = ? RETURNING username",
            (self.user_id,),
        )
        if changed is None:
            raise UnknownUser(f"There is no user with the id {self.user_id}.")
        session.run("DELETE FROM sessions WHERE user_id = ?", (self.user_id,))
        note_change(session, self.user_id, "revoked", now)
        record(session, now, "user_revoked", self.by, f"user:{changed[0]}")


class SetActive(Administrative[None], frozen=True):
    """Deactivating ends every token and connection of the user. Refused with UnknownUser."""

    user_id: int
    is_active: bool

    def apply(self, session: WriteSession, now: int) -> None:
        _change(session, self.user_id, "is_active = ?", self.is_active)
        if not self.is_active:
            note_change(session, self.user_id, "deactivated", now)


def _change(session: WriteSession, user_id: int, assignment: str, *values: Any) -> None:
    changed = session.first(
        f"UPDATE users SET {assignment}, token_version = token_version + 1 "
        "WHERE id = ? RETURNING id",
        (*values, user_id),
    )
    if changed is None:
        raise UnknownUser(f"There is no user with the id {user_id}.")


def note_change(
    session: WriteSession, user_id: int, reason: str, now: int, session_id: int | None = None
) -> None:
    """Have servers end the user's connections, or only those of one session."""
    session.run(
        "INSERT INTO user_changes (user_id, reason, created_at, session_id) VALUES (?, ?, ?, ?)",
        (user_id, reason, now, session_id),
    )


class RemoveUserChanges(Administrative[int], frozen=True):
    """Remove the first changes, as long as a later one was made before ``before``.

    At most ``limit`` rows. The newest stays, so that nobody who knows it has missed
    something. Its result is how many were removed.
    """

    before: int
    limit: int

    def apply(self, session: WriteSession, now: int) -> int:
        removed = session.run(
            "DELETE FROM user_changes WHERE id IN (SELECT id FROM user_changes WHERE id < ("
            "SELECT id FROM user_changes WHERE created_at < ? ORDER BY id DESC LIMIT 1"
            ") ORDER BY id LIMIT ?) RETURNING id",
            (self.before, self.limit),
        )
        return len(removed)


class UserById(Query[User | None], frozen=True):
    """The user with this id."""

    user_id: int

    def ask(self, session: ReadSession) -> User | None:
        row = session.first(f"SELECT {_USER} FROM users WHERE id = ?", (self.user_id,))
        return _as_user(row) if row else None


class UserByName(Query[User | None], frozen=True):
    """The user with this name."""

    username: str

    def ask(self, session: ReadSession) -> User | None:
        row = session.first(f"SELECT {_USER} FROM users WHERE username = ?", (self.username,))
        return _as_user(row) if row else None


class Users(Query[list[User]], frozen=True):
    """All users, or all superusers, deactivated ones too, by id."""

    superusers_only: bool = False

    def ask(self, session: ReadSession) -> list[User]:
        which = "WHERE is_superuser" if self.superusers_only else ""
        return [
            _as_user(row) for row in session.run(f"SELECT {_USER} FROM users {which} ORDER BY id")
        ]


class UserChangesSince(Query[list[UserChange] | None], frozen=True):
    """What happened to users behind the change ``after``, by id.

    None if the change ``after`` is gone, and so perhaps some behind it.
    """

    after: int

    def ask(self, session: ReadSession) -> list[UserChange] | None:
        rows = session.run(
            "SELECT c.id, c.user_id, c.reason, coalesce(u.token_version, r.token_version), "
            "c.session_id FROM user_changes c LEFT JOIN users u ON u.id = c.user_id "
            "LEFT JOIN recipients r ON r.id = -c.user_id WHERE c.id >= ? ORDER BY c.id",
            (self.after,),
        )
        found = [UserChange(*row) for row in rows]
        # The first ones are removed first: as long as the known one is there, nothing is
        # missing behind it. Who knows none has missed something unless the very first is there.
        if found and found[0].id > max(self.after, 1):
            return None
        return [change for change in found if change.id > self.after]


class LastUserChange(Query[int], frozen=True):
    """The id of the newest change, or 0."""

    def ask(self, session: ReadSession) -> int:
        row = session.first("SELECT max(id) FROM user_changes")
        return row[0] or 0 if row else 0
