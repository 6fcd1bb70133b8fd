"""Users: make and change them, find them, and follow what has changed."""

from typing import Final

from notifier import clock
from notifier.errors import InvalidFields, TokenNotValid, UnknownUser, UsernameTaken
from notifier.models import THE_SERVER, Action, Actor, User, UserChange
from notifier.storage.contract import Administrative, Query, ReadSession, Row, Session, WriteSession
from notifier.storage.operations.audit import record
from notifier.storage.operations.names import NamePage, Place, page

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
    by: Actor = THE_SERVER

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
        user = _as_user(row)
        record(session, now, "user_created", self.by, user.actor, is_superuser=user.is_superuser)
        return user


class SetPassword(Administrative[None], frozen=True):
    """Also ends every session, token and connection of the user. Refused with UnknownUser.

    The session ``but`` goes on. Refused with TokenNotValid where ``version`` is that of the
    user's tokens no more: what it was decided on is over.
    """

    user_id: int
    password_hash: str
    by: Actor = THE_SERVER
    but: int | None = None
    version: int | None = None

    def apply(self, session: WriteSession, now: int) -> None:
        user = _found(session, self.user_id)
        if self.version not in (None, user.token_version):
            raise TokenNotValid
        _set_password(session, user, self.password_hash, now, but=self.but)
        record(session, now, "password_changed", self.by, user.actor)


class EndSessions(Administrative[None], frozen=True):
    """End every session, token and connection of the user. Refused with UnknownUser."""

    user_id: int
    by: Actor = THE_SERVER
    revoked: bool = False
    """Their application wants it, or a superuser on its behalf, and not the user."""

    def apply(self, session: WriteSession, now: int) -> None:
        user = _found(session, self.user_id)
        _end_tokens(session, user)
        reason = "revoked" if self.revoked else "signed out everywhere"
        note_change(session, user.id, reason, now)
        action: Action = "user_revoked" if self.revoked else "signed_out_everywhere"
        record(session, now, action, self.by, user.actor)


class SetActive(Administrative[None], frozen=True):
    """Deactivating ends every session, token and connection. Refused with UnknownUser."""

    user_id: int
    is_active: bool
    by: Actor = THE_SERVER

    def apply(self, session: WriteSession, now: int) -> None:
        _set_active(session, _found(session, self.user_id), self.is_active, self.by, now)


class EditUser(Administrative[User], frozen=True):
    """Change what is given, all or nothing; its result is the user as they are then.

    A new password and deactivating end every session, token and connection, nothing else does.
    Refused with UnknownUser, UsernameTaken, or InvalidFields where superusers take their own
    rights.
    """

    user_id: int
    username: str | None = None
    password_hash: str | None = None
    is_active: bool | None = None
    is_superuser: bool | None = None
    by: Actor = THE_SERVER

    def apply(self, session: WriteSession, now: int) -> User:
        user = _found(session, self.user_id)
        self._check(session, user)
        if self.password_hash is not None:
            _set_password(session, user, self.password_hash, now)
            record(session, now, "password_changed", self.by, user.actor)
        if self.is_superuser is not None:
            _set_superuser(session, user, self.is_superuser, self.by, now)
        if self.is_active is not None:
            _set_active(session, user, self.is_active, self.by, now)
        if self.username is not None:
            _rename(session, user, self.username, self.by, now)
        return _found(session, self.user_id)

    def _check(self, session: Session, user: User) -> None:
        if self.username is not None and self.username != user.username:
            taken = "SELECT 1 FROM users WHERE username = ?"
            if session.first(taken, (self.username,)):
                raise UsernameTaken(f"A user named {self.username!r} exists already.")
        if not (user.is_active and user.is_superuser):
            return
        given = {"is_active": self.is_active, "is_superuser": self.is_superuser}
        lost = [name for name, value in given.items() if value is False]
        if lost and user.actor == self.by.name:
            raise InvalidFields(dict.fromkeys(lost, "Only another superuser can do this to you."))
        if lost and not _has_other_superuser(session, user):
            raise InvalidFields(dict.fromkeys(lost, "There is no other active superuser."))


def _has_other_superuser(session: Session, user: User) -> bool:
    """Whether anybody would be left: two superusers may lock each other out at the same time."""
    others = "SELECT 1 FROM users WHERE is_superuser AND is_active AND id <> ? LIMIT 1"
    return session.first(others, (user.id,)) is not None


def _set_password(
    session: WriteSession, user: User, password_hash: str, now: int, *, but: int | None = None
) -> None:
    session.run("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user.id))
    _end_tokens(session, user, but=but)
    note_change(session, user.id, "password changed", now)


def _set_active(session: WriteSession, user: User, is_active: bool, by: Actor, now: int) -> None:
    if is_active is user.is_active:
        return
    session.run("UPDATE users SET is_active = ? WHERE id = ?", (is_active, user.id))
    _end_tokens(session, user)
    if not is_active:
        note_change(session, user.id, "deactivated", now)
    record(session, now, "user_activated" if is_active else "user_deactivated", by, user.actor)


def _set_superuser(
    session: WriteSession, user: User, is_superuser: bool, by: Actor, now: int
) -> None:
    if is_superuser is user.is_superuser:
        return
    session.run("UPDATE users SET is_superuser = ? WHERE id = ?", (is_superuser, user.id))
    record(session, now, "user_promoted" if is_superuser else "user_demoted", by, user.actor)


def _rename(session: WriteSession, user: User, username: str, by: Actor, now: int) -> None:
    if username == user.username:
        return
    session.run("UPDATE users SET username = ? WHERE id = ?", (username, user.id))
    record(session, now, "user_renamed", by, user.actor, to=username)


def _found(session: Session, user_id: int) -> User:
    """The user with this id. Raises UnknownUser."""
    row = session.first(f"SELECT {_USER} FROM users WHERE id = ?", (user_id,))
    if row is None:
        raise UnknownUser(f"There is no user with the id {user_id}.")
    return _as_user(row)


def _end_tokens(session: WriteSession, user: User, *, but: int | None = None) -> None:
    """Let none of the tokens hold that were issued so far, and no session go on ``but`` one."""
    session.run("DELETE FROM sessions WHERE user_id = ? AND id <> ?", (user.id, but or 0))
    session.run("UPDATE users SET token_version = token_version + 1 WHERE id = ?", (user.id,))


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
    """The user with this id; None too if it is asked for a session of theirs that has ended."""

    user_id: int
    session: int | None = None

    def ask(self, session: ReadSession) -> User | None:
        found = f"SELECT {_USER} FROM users WHERE id = ?"
        values = [self.user_id]
        if self.session is not None:
            found += (
                " AND EXISTS (SELECT 1 FROM sessions s "
                "WHERE s.id = ? AND s.user_id = users.id AND s.ends_at > ?)"
            )
            values += [self.session, clock.now()]
        row = session.first(found, values)
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


class FindUsers(Query[NamePage[User]], frozen=True):
    """Users whose names begin with ``beginning``, whatever its case, behind a place."""

    beginning: str
    after: Place | None
    limit: int

    def ask(self, session: ReadSession) -> NamePage[User]:
        rows, following = page(
            session,
            self.beginning,
            self.after,
            self.limit,
            table="users",
            name="username",
            columns=_USER,
        )
        return NamePage([_as_user(row) for row in rows], following)


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
