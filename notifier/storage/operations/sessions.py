"""Sessions of browsers: begin, renew and end them, and ask who is signed in where.

What a browser holds is a count, signed with what tells its session from any other. Each use
brings the next one. The one before stays good until that was used, because an answer may get
lost; whoever comes with an older one has a copy.
"""

from typing import Final

from notifier import clock
from notifier.errors import NoActiveAccount, Unavailable, UnknownSession
from notifier.models import THE_SERVER, Actor, Session
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession
from notifier.storage.operations.audit import record
from notifier.storage.operations.users import note_change

MOST_SESSIONS: Final = 100
"""Of one user. Beyond, the one that was used longest ago ends."""

UNDER_WAY: Final = 10 * clock.SECOND
"""Milliseconds for which a request of another tab may have been under way."""

_SESSION: Final = (
    "id, user_id, nonce, issued, address, user_agent, created_at, used_at, expires_at, ends_at"
)


def _as_session(row: Row) -> Session:
    return Session(row[0], row[1], bytes(row[2]), *row[3:])


class BeginSession(Administrative[Session], frozen=True):
    """The new session of a user. Refused with NoActiveAccount.

    That is where ``version`` is that of the user's tokens no more: the password that was
    right a moment ago has been changed. Where ``instead`` names a session, it ends: its
    cookie is replaced.
    """

    user_id: int
    version: int
    nonce: bytes
    address: str
    user_agent: str
    lasts: int
    """Milliseconds, however much it is used."""
    idle: int
    """Milliseconds, unless it is used."""
    instead: int | None = None

    def apply(self, session: WriteSession, now: int) -> Session:
        user = session.first(
            "SELECT username FROM users WHERE id = ? AND is_active AND token_version = ?",
            (self.user_id, self.version),
        )
        if user is None:
            raise NoActiveAccount
        by = Actor(f"user:{user[0]}", self.address)
        if self.instead is not None:
            _end(session, now, self.instead, "replaced", by)
        self._make_room(session, now)
        row = session.first(
            "INSERT INTO sessions (user_id, nonce, issued, address, user_agent, created_at, "
            "used_at, expires_at, ends_at) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?) "
            f"RETURNING {_SESSION}",
            (
                self.user_id,
                self.nonce,
                self.address,
                self.user_agent,
                now,
                now,
                now + self.lasts,
                now + min(self.idle, self.lasts),
            ),
        )
        assert row is not None
        made = _as_session(row)
        record(session, now, "signed_in", by, f"session:{made.id}", user_agent=made.user_agent)
        return made

    def _make_room(self, session: WriteSession, now: int) -> None:
        others = session.run(
            "SELECT id FROM sessions WHERE user_id = ? ORDER BY used_at DESC, id DESC",
            (self.user_id,),
        )
        for (unused,) in others[MOST_SESSIONS - 1 :]:
            _end(session, now, unused, "too many", THE_SERVER)


class RenewSession(Administrative[Session | None], frozen=True):
    """The session after one more use; None if it has ended, be it by this use.

    Refused with Unavailable for a cookie that another tab has renewed a moment ago, twice.
    """

    session_id: int
    nonce: bytes
    count: int
    """Of the cookie that came."""
    address: str
    user_agent: str
    idle: int
    """Milliseconds for which it lasts from now."""

    def apply(self, session: WriteSession, now: int) -> Session | None:
        row = session.first(
            f"SELECT {_SESSION} FROM sessions WHERE id = ? AND ends_at > ? "
            "AND user_id IN (SELECT id FROM users WHERE is_active)",
            (self.session_id, now),
        )
        if row is None or bytes(row[2]) != self.nonce:
            return None
        known = _as_session(row)
        if self.count < known.issued - 1:
            if now - known.used_at < UNDER_WAY:
                raise Unavailable("This session has just been renewed; try again.")
            _end(session, now, known.id, "reuse", Actor("server", self.address))
            return None
        # A store that was restored from a backup may know less than the browser.
        issued = known.issued if self.count == known.issued - 1 else self.count + 1
        renewed = session.first(
            "UPDATE sessions SET issued = ?, address = ?, user_agent = ?, used_at = ?, "
            f"ends_at = ? WHERE id = ? RETURNING {_SESSION}",
            (
                issued,
                self.address,
                self.user_agent,
                now,
                min(now + self.idle, known.expires_at),
                known.id,
            ),
        )
        assert renewed is not None
        return _as_session(renewed)


class EndSession(Administrative[None], frozen=True):
    """End one session of a user, its tokens and connections. Refused with UnknownSession.

    It is a sign-out where the session itself is who asks.
    """

    user_id: int
    session_id: int
    by: Actor
    is_sign_out: bool = False

    def apply(self, session: WriteSession, now: int) -> None:
        if not session.first(
            "SELECT 1 FROM sessions WHERE id = ? AND user_id = ?", (self.session_id, self.user_id)
        ):
            raise UnknownSession
        if self.is_sign_out:
            _remove(session, now, self.session_id, "signed out")
            record(session, now, "signed_out", self.by, f"session:{self.session_id}")
        else:
            _end(session, now, self.session_id, "ended", self.by)


def _end(session: WriteSession, now: int, session_id: int, reason: str, by: Actor) -> None:
    if name := _remove(session, now, session_id, f"session ended: {reason}"):
        details = {"user": name, "reason": reason}
        record(session, now, "session_ended", by, f"session:{session_id}", **details)


def _remove(session: WriteSession, now: int, session_id: int, reason: str) -> str | None:
    """Remove a session, and have its connections end; returns whose it was."""
    removed = session.first(
        "DELETE FROM sessions WHERE id = ? RETURNING user_id, "
        "(SELECT username FROM users WHERE users.id = sessions.user_id)",
        (session_id,),
    )
    if removed is None:
        return None
    note_change(session, removed[0], reason, now, session_id)
    name: str = removed[1]
    return name


class RemoveSessions(Administrative[int], frozen=True):
    """Remove up to ``limit`` sessions that have ended by themselves. How many is its result."""

    limit: int

    def apply(self, session: WriteSession, now: int) -> int:
        removed = session.run(
            "DELETE FROM sessions WHERE id IN "
            "(SELECT id FROM sessions WHERE ends_at <= ? ORDER BY ends_at LIMIT ?) RETURNING id",
            (now, self.limit),
        )
        return len(removed)


class SessionById(Query[Session | None], frozen=True):
    """The session of this id that has not ended."""

    session_id: int

    def ask(self, session: ReadSession) -> Session | None:
        row = session.first(
            f"SELECT {_SESSION} FROM sessions WHERE id = ? AND ends_at > ?",
            (self.session_id, clock.now()),
        )
        return _as_session(row) if row else None


class SessionsOf(Query[list[Session]], frozen=True):
    """Those of a user that have not ended, the one that was used last first."""

    user_id: int

    def ask(self, session: ReadSession) -> list[Session]:
        rows = session.run(
            f"SELECT {_SESSION} FROM sessions WHERE user_id = ? AND ends_at > ? "
            "ORDER BY used_at DESC, id DESC",
            (self.user_id, clock.now()),
        )
        return [_as_session(row) for row in rows]
