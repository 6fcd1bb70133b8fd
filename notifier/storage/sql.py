"""What the SQL drivers share: the algorithm of a batch, and the statements all dialects know.

A driver adds how it runs a statement and the few set-based statements in which dialects
differ. Statements here use ``?`` for parameters.
"""

import logging
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

from notifier import clock
from notifier.errors import (
    ApiKeyNotValid,
    KeyConflict,
    NotifierError,
    NotStorable,
    ScopeMissing,
    Unauthenticated,
    Unavailable,
    UnknownUser,
    UsernameTaken,
)
from notifier.events import Appended
from notifier.models import ApiKey, Notification, Page, Sender, User, UserChange
from notifier.storage.contract import (
    Acknowledge,
    Append,
    CreateApiKey,
    CreateUser,
    EndSessions,
    Operation,
    Outcome,
    RemoveSettled,
    RemoveUserChanges,
    Result,
    RevokeApiKey,
    SetActive,
    SetPassword,
)
from notifier.storage.tables import NOTIFICATIONS, Table
from notifier.wire import same_json

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
Place = tuple[int, str]
"""A user's id and a key: what identifies a notification."""

AWAY: Final = "The store is away; try again soon."
"""All that clients hear; the cause goes to the log."""
_ATTEMPTS: Final = 5
_CLOSED: Final = (
    "Sends need an API key here: one was made once, and from then on sends without a key stay "
    "closed. `python -m notifier apikey create --name NAME` makes another."
)


class Conflict(Exception):
    """The database undid the transaction in favour of another one: do it again."""


class Wanted(NamedTuple):
    """What must be known to decide on a batch of appends."""

    user_ids: Sequence[int]
    """Whose inboxes to lock, in order, so that no two processes wait for each other."""
    places: Collection[Place]
    """Where something may be stored already."""
    digests: Collection[bytes]
    """Which API keys must be active, with the right to send."""
    api_keys: bool
    """Whether it matters that there are API keys at all."""


class Grounds(NamedTuple):
    """The answers to :class:`Wanted`, true until the transaction ends."""

    positions: dict[int, int]
    """The last seq of each active user."""
    stored: dict[Place, Notification]
    scopes: Mapping[bytes, str]
    """What active API keys may do, by digest, as it is stored."""
    has_api_keys: bool
    """Whether there has ever been an API key. False where nobody wanted to know."""


_USER = "id, username, password_hash, is_active, is_superuser, token_version, created_at"
_API_KEY = "id, name, scopes, created_at, revoked_at"
_FRESH: Final = ("user_id", "seq", "key", "payload", "created_at", "expires_at")


def _as_user(row: Row) -> User:
    return User(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[5], row[6])


def _as_api_key(row: Row) -> ApiKey:
    return ApiKey(row[0], row[1], _scopes(row[2]), row[3], row[4])


def _scopes(stored: str) -> tuple[str, ...]:
    return tuple(stored.split(","))


def _row(each: Notification) -> Row:
    return (
        each.user_id,
        each.seq,
        each.key,
        each.payload,
        each.created_at,
        each.expires_at,
    )


class Session:
    """A connection that can run a statement."""

    @abstractmethod
    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Execute ``statement`` and return its rows, none for one that yields none."""

    def first(self, statement: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, if any."""
        return next(iter(self.run(statement, parameters)), None)

    @abstractmethod
    def close(self) -> None:
        """Give the connection up. Never raises."""


class SqlReadSession(Session):
    """The reads that every dialect does alike."""

    @abstractmethod
    def pending_rows(
        self, user_id: int, after: int, until: int, now: int, *, rows: int, size: int
    ) -> list[Notification]:
        """The notifications of :meth:`ReadSession.pending`, no further than seq ``until``."""

    def pending(self, user_id: int, after: int, *, rows: int, size: int) -> Page:
        # The position is read first: whatever is at or before it was committed by then,
        # so the rows that are read afterwards, up to it, are all there is.
        inbox = self.first("SELECT last_seq FROM inboxes WHERE user_id = ?", (user_id,))
        last_seq = inbox[0] if inbox else 0
        if last_seq <= after:
            return Page((), last_seq, complete=True)
        found = self.pending_rows(user_id, after, last_seq, clock.now(), rows=rows, size=size)
        full = len(found) >= rows or sum(len(each.payload) for each in found) > size
        return Page(found, last_seq, complete=not full)

    def user(self, user_id: int) -> User | None:
        row = self.first(f"SELECT {_USER} FROM users WHERE id = ?", (user_id,))
        return _as_user(row) if row else None

    def user_by_name(self, username: str) -> User | None:
        row = self.first(f"SELECT {_USER} FROM users WHERE username = ?", (username,))
        return _as_user(row) if row else None

    def users(self) -> list[User]:
        return [_as_user(row) for row in self.run(f"SELECT {_USER} FROM users ORDER BY id")]

    def superusers(self) -> list[User]:
        found = f"SELECT {_USER} FROM users WHERE is_superuser ORDER BY id"
        return [_as_user(row) for row in self.run(found)]

    def api_keys(self) -> list[ApiKey]:
        keys = f"SELECT {_API_KEY} FROM api_keys ORDER BY id"
        return [_as_api_key(row) for row in self.run(keys)]

    def scopes_of(self, digest: bytes) -> tuple[str, ...] | None:
        found = "SELECT scopes FROM api_keys WHERE digest = ? AND revoked_at IS NULL"
        row = self.first(found, (digest,))
        return _scopes(row[0]) if row else None

    def user_changes(self, after: int) -> list[UserChange] | None:
        changes = (
            "SELECT c.id, c.user_id, c.reason, u.token_version FROM user_changes c "
            "JOIN users u ON u.id = c.user_id WHERE c.id >= ? ORDER BY c.id"
        )
        found = [UserChange(*row) for row in self.run(changes, (after,))]
        # The first ones are removed first: as long as the known one is there, nothing is
        # missing behind it. Who knows none has missed something unless the very first is there.
        if found and found[0].id > max(after, 1):
            return None
        return [change for change in found if change.id > after]

    def last_user_change(self) -> int:
        row = self.first("SELECT max(id) FROM user_changes")
        return row[0] or 0 if row else 0


class SqlWriteSession(Session):
    """One batch in one transaction: set-based where it is hot, row by row where it is rare.

    Locks are taken in one order everywhere (the rare operations' lock, inboxes by user,
    notifications by place), so that no two processes wait for each other. Removing what
    is settled comes last and waits for nobody.
    """

    def __init__(self, *, delete_acknowledged: bool) -> None:
        self.delete_acknowledged = delete_acknowledged
        self._rare: Mapping[type, Callable[[Any, int], Result]] = {
            CreateUser: self._create_user,
            SetPassword: self._set_password,
            EndSessions: self._end_sessions,
            SetActive: self._set_active,
            CreateApiKey: self._create_api_key,
            RevokeApiKey: self._revoke_api_key,
            RemoveUserChanges: self._remove_user_changes,
        }

    # What a dialect provides.

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit durably at the end, or roll back.

        Raises Unavailable, or Conflict for a transaction that should be tried again.
        """

    @abstractmethod
    def serialise(self) -> None:
        """Keep the rare operations of all other processes waiting until our commit."""

    @abstractmethod
    def grounds(self, wanted: Wanted) -> Grounds:
        """Lock the inboxes of ``wanted``, then look everything up."""

    @abstractmethod
    def insert_rows(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert ``rows`` of these columns, as :meth:`Table.row` has them."""

    @abstractmethod
    def advance(self, positions: Mapping[int, int]) -> None:
        """Set the last seq of these inboxes."""

    @abstractmethod
    def settle(self, places: Collection[Place], now: int) -> None:
        """Mark these as acknowledged now, or delete them, whichever are still pending."""

    @abstractmethod
    def remove(self, column: str, before: int, limit: int) -> int:
        """Remove up to ``limit`` notifications whose ``column`` lies before that moment."""

    # What only copying needs.

    @abstractmethod
    def freeze(self, tables: Sequence[Table]) -> None:
        """Keep all others from writing to ``tables`` until our transaction ends."""

    @abstractmethod
    def last_id(self, table: Table) -> int:
        """The last id given in ``table``, or 0."""

    @abstractmethod
    def continue_ids(self, table: Table, last: int) -> None:
        """Give ids behind ``last``."""

    # The batch.

    def commit(self, operations: Sequence[Operation]) -> list[Outcome]:
        try:
            return self._commit_persistently(operations)
        except Unavailable:
            raise
        except Exception as error:
            if len(operations) > 1:
                # Something among them broke the whole transaction: find it, let it fail alone.
                return self._commit_in_halves(operations)
            logger.exception("Operation refused by the database", extra={"action": "refused"})
            return [NotStorable(f"The store refused this: {type(error).__name__}.")]

    def _commit_in_halves(self, operations: Sequence[Operation]) -> list[Outcome]:
        half = len(operations) // 2
        outcomes = self.commit(operations[:half])
        try:
            return outcomes + self.commit(operations[half:])
        except Unavailable as error:
            # The first half is committed, so the batch as a whole must not be tried again.
            return outcomes + [Unavailable(error.message) for _ in operations[half:]]

    def _commit_persistently(self, operations: Sequence[Operation]) -> list[Outcome]:
        for _ in range(_ATTEMPTS):
            try:
                return self._commit(operations)
            except Conflict as conflict:
                logger.warning(
                    "Transaction tried again",
                    extra={"action": "conflict", "reason": str(conflict.__cause__)},
                )
        raise Unavailable(AWAY)

    def _commit(self, operations: Sequence[Operation]) -> list[Outcome]:
        now = clock.now()
        outcomes: list[Outcome] = [None] * len(operations)
        appends: dict[int, Append] = {}
        acks: set[Place] = set()
        rare: dict[int, Operation] = {}
        removals: dict[int, RemoveSettled] = {}
        for index, operation in enumerate(operations):
            match operation:
                case Append():
                    appends[index] = operation
                case Acknowledge():
                    acks.add((operation.user_id, operation.key))
                case RemoveSettled():
                    removals[index] = operation
                case _:
                    rare[index] = operation
        with self.transaction():
            if rare:
                self.serialise()
            for index, operation in rare.items():
                outcomes[index] = self._do_rare(operation, now)
            for index, outcome in self._append(appends, now) if appends else ():
                outcomes[index] = outcome
            if acks:
                self.settle(acks, now)
            for index, removal in removals.items():
                outcomes[index] = self._remove_settled(removal)
        return outcomes

    def _do_rare(self, operation: Operation, now: int) -> Outcome:
        try:
            return self._rare[type(operation)](operation, now)
        except NotifierError as refusal:
            return refusal

    def _append(self, appends: Mapping[int, Append], now: int) -> Iterable[tuple[int, Outcome]]:
        senders = {append.sender for append in appends.values()}
        wanted = Wanted(
            sorted({append.user_id for append in appends.values()}),
            {(append.user_id, append.key) for append in appends.values() if append.key_given},
            {sender.digest for sender in senders if sender.digest is not None},
            any(sender.only_while_open for sender in senders),
        )
        grounds = self.grounds(wanted)
        refusals = {sender: _refusal(sender, grounds) for sender in senders}
        fresh: list[Notification] = []
        advanced: dict[int, int] = {}
        outcomes: list[tuple[int, Outcome]] = []
        for index, append in appends.items():
            outcome = refusals[append.sender] or _decide(append, grounds, now)
            if isinstance(outcome, Appended) and not outcome.replayed:
                fresh.append(outcome.notification)
                advanced[append.user_id] = outcome.notification.seq
            outcomes.append((index, outcome))
        if fresh:
            self.insert_rows(NOTIFICATIONS, _FRESH, [_row(each) for each in fresh])
            self.advance(advanced)
        return outcomes

    def _remove_settled(self, operation: RemoveSettled) -> int:
        limit = operation.limit
        removed = self.remove("acked_at", operation.acked_before, limit)
        if removed < limit:
            removed += self.remove("expires_at", operation.expired_before, limit - removed)
        return removed

    # The rare operations.

    def _create_user(self, operation: CreateUser, now: int) -> User | None:
        if operation.only_as_first and self.first("SELECT 1 FROM users WHERE is_superuser LIMIT 1"):
            return None
        row = self.first(
            "INSERT INTO users (username, password_hash, is_active, is_superuser, created_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING "
            f"RETURNING {_USER}",
            (
                operation.username,
                operation.password_hash,
                True,
                operation.is_superuser,
                now,
            ),
        )
        if row is None:
            raise UsernameTaken(f"A user named {operation.username!r} exists already.")
        self.run("INSERT INTO inboxes (user_id, last_seq) VALUES (?, 0)", (row[0],))
        return _as_user(row)

    def _set_password(self, operation: SetPassword, now: int) -> None:
        self._change_user(operation.user_id, "password_hash = ?", operation.password_hash)
        self._record_change(operation.user_id, "password changed", now)

    def _end_sessions(self, operation: EndSessions, now: int) -> None:
        self._change_user(operation.user_id, "is_active = is_active")
        self._record_change(operation.user_id, "signed out everywhere", now)

    def _set_active(self, operation: SetActive, now: int) -> None:
        self._change_user(operation.user_id, "is_active = ?", operation.is_active)
        if not operation.is_active:
            self._record_change(operation.user_id, "deactivated", now)

    def _change_user(self, user_id: int, assignment: str, *values: Any) -> None:
        changed = self.first(
            f"UPDATE users SET {assignment}, token_version = token_version + 1 "
            "WHERE id = ? RETURNING id",
            (*values, user_id),
        )
        if changed is None:
            raise UnknownUser(f"There is no user with the id {user_id}.")

    def _record_change(self, user_id: int, reason: str, now: int) -> None:
        self.run(
            "INSERT INTO user_changes (user_id, reason, created_at) VALUES (?, ?, ?)",
            (user_id, reason, now),
        )

    def _create_api_key(self, operation: CreateApiKey, now: int) -> ApiKey:
        row = self.first(
            "INSERT INTO api_keys (name, digest, scopes, created_at) VALUES (?, ?, ?, ?) "
            f"RETURNING {_API_KEY}",
            (operation.name, operation.digest, ",".join(operation.scopes), now),
        )
        assert row is not None
        return _as_api_key(row)

    def _revoke_api_key(self, operation: RevokeApiKey, now: int) -> int:
        revoked = self.run(
            "UPDATE api_keys SET revoked_at = ? "
            "WHERE revoked_at IS NULL AND (CAST(id AS TEXT) = ? OR name = ?) RETURNING id",
            (now, operation.id_or_name, operation.id_or_name),
        )
        return len(revoked)

    def _remove_user_changes(self, operation: RemoveUserChanges, now: int) -> int:
        removed = self.run(
            "DELETE FROM user_changes WHERE id IN (SELECT id FROM user_changes WHERE id < ("
            "SELECT id FROM user_changes WHERE created_at < ? ORDER BY id DESC LIMIT 1"
            ") ORDER BY id LIMIT ?) RETURNING id",
            (operation.before, operation.limit),
        )
        return len(removed)


def _refusal(sender: Sender, grounds: Grounds) -> Unauthenticated | ScopeMissing | None:
    """Why nothing is taken from ``sender``, if so."""
    if sender.only_while_open and grounds.has_api_keys:
        return Unauthenticated(_CLOSED)
    if sender.digest is None:
        return None
    scopes = grounds.scopes.get(sender.digest)
    if scopes is None:
        return ApiKeyNotValid()
    return None if "send" in _scopes(scopes) else ScopeMissing("send")


def _decide(append: Append, grounds: Grounds, now: int) -> Appended | UnknownUser | KeyConflict:
    """What becomes of ``append``. Keeps ``grounds`` true for the next one."""
    last_seq = grounds.positions.get(append.user_id)
    if last_seq is None:
        return UnknownUser()
    place = (append.user_id, append.key)
    if earlier := grounds.stored.get(place):
        same = same_json(earlier.payload, append.payload)
        return Appended(earlier, replayed=True) if same else KeyConflict()
    expires_at = None if append.ttl is None else now + append.ttl
    fresh = Notification(append.user_id, last_seq + 1, append.key, append.payload, now, expires_at)
    grounds.positions[append.user_id] = fresh.seq
    if append.key_given:
        grounds.stored[place] = fresh
    return Appended(fresh)
