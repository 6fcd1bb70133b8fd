"""PostgreSQL, for several processes that serve the same users.

The algorithm is SQLite's (:mod:`~notifier.storage.contract` and the operations); what differs:

- Inboxes are locked row by row, in the order of user ids. Each statement sees what was
  committed before it began (READ COMMITTED), so whatever is read behind the lock is true.
- Statements without a result travel with others (:mod:`~notifier.storage.libpq`).
"""

import functools
import select
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg2
import psycopg2.extensions

from notifier import clock
from notifier.errors import CannotStart, DiskLow, NotCommitted, Unavailable
from notifier.models import InboxPosition, Notification
from notifier.storage import migrations
from notifier.storage.contract import (
    AWAY,
    Changed,
    Found,
    KeyRights,
    Lookup,
    Name,
    ReadSession,
    Row,
    Stored,
    WriteSession,
)
from notifier.storage.libpq import DEFAULT_TIMEOUT, Connection, completed
from notifier.storage.quota import LogState, Quota
from notifier.storage.tables import Kind, Table

_MIGRATION_TIMEOUT: Final = 600.0
_LOCK_TIMEOUT: Final = 2.0
"""Seconds that a migration waits for a table. Sends that come meanwhile wait behind it."""
_TURN_SECONDS: Final = 0.05
"""Between two questions whether another process has done its migrations."""

# Advisory locks (of this database): "Noti" and what it is for.
_LOCK_CLASS: Final = 0x4E6F7469
_MIGRATING: Final = f"SELECT pg_try_advisory_lock({_LOCK_CLASS}, 1)"
_ADMINISTERING: Final = f"SELECT pg_advisory_xact_lock({_LOCK_CLASS}, 2)"
_TRY_ADMINISTERING: Final = f"SELECT pg_try_advisory_xact_lock({_LOCK_CLASS}, 2)"

# Asked of the catalogue, because CREATE TABLE IF NOT EXISTS needs rights where it exists.
_COLUMNS: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations')"
)

_NOTIFICATION: Final = (
    "n.user_id, n.seq, n.key, n.payload, n.created_at, n.expires_at, n.category, n.priority"
)

# The inner LIMIT ends the scan, the window ends the page: no more crosses the network
# than is wanted, and sizes are known without reading large payloads.
PENDING: Final = (
    f"SELECT {_NOTIFICATION} FROM ("
    "SELECT *, sum(octet_length(payload)) "
    "OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS until_here "
    "FROM notifications WHERE user_id = ? AND seq > ? AND seq <= ? AND acked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ?"
    ") n WHERE until_here - octet_length(payload) <= ? ORDER BY seq"
)

LOCK: Final = (
    "SELECT i.last_seq FROM inboxes i LEFT JOIN users u ON u.id = i.user_id "
    "WHERE i.user_id = ANY (?::bigint[]) AND (u.is_active OR i.user_id < 0) "
    "ORDER BY i.user_id FOR NO KEY UPDATE OF i"
)

# One statement, because psycopg2 returns the result of the last one only.
_POSITIONS: Final = (
    "SELECT 'inbox', i.user_id, i.last_seq, NULL, NULL, i.appended_bytes, i.version, "
    "NULL, NULL, NULL::bigint, NULL::bytea FROM inboxes i LEFT JOIN users u ON u.id = i.user_id "
    "WHERE i.user_id = ANY (?::bigint[]) AND (u.is_active OR i.user_id < 0)"
)
_STORED: Final = (
    f" UNION ALL SELECT 'stored', {_NOTIFICATION}, n.withdrawn_at, NULL "
    "FROM unnest(?::bigint[], ?::text[]) AS w (user_id, key) "
    "JOIN notifications n ON n.user_id = w.user_id AND n.key = w.key"
)
_KEYS: Final = (
    " UNION ALL SELECT 'key', id, NULL, scopes, NULL, NULL, expires_at, NULL, NULL, NULL, digest "
    "FROM api_keys WHERE revoked_at IS NULL AND digest = ANY (?::bytea[])"
)
_CLOSED: Final = (
    " UNION ALL SELECT 'closed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL "
    "WHERE EXISTS (SELECT FROM api_keys)"
)

ADVANCE: Final = (
    "UPDATE inboxes i SET last_seq = p.last_seq, appended_bytes = p.appended_bytes, "
    "version = p.version FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[]) "
    "AS p (user_id, last_seq, appended_bytes, version) WHERE i.user_id = p.user_id"
)
# Sizes are known without reading large payloads.
COUNT: Final = (
    "SELECT count(*), coalesce(sum(size), 0)::bigint FROM ("
    "SELECT octet_length(payload) AS size FROM notifications WHERE user_id = ? "
    "AND acked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ?) p"
)
COUNT_EACH: Final = (
    "SELECT w.user_id, (SELECT count(*) FROM ("
    "SELECT expires_at FROM notifications n "
    "WHERE n.user_id = w.user_id AND n.acked_at IS NULL LIMIT ?"
    ") p WHERE p.expires_at IS NULL OR p.expires_at > ?) FROM unnest(?::bigint[]) AS w (user_id)"
)
# Rows are locked in order first: an UPDATE alone takes them as they come. And coalesce()
# keeps the planner from walking over all that a user has pending, in search of a key.
_ACKED: Final = (
    "WITH acked AS MATERIALIZED ("
    "SELECT n.user_id, n.seq FROM unnest(?::bigint[], ?::text[]) AS w (user_id, key) "
    "JOIN notifications n ON n.user_id = w.user_id AND n.key = w.key "
    "WHERE coalesce(n.acked_at, 0) = 0 AND (n.expires_at IS NULL OR n.expires_at > ?) "
    "ORDER BY n.user_id, n.seq FOR UPDATE OF n) "
)
_THESE: Final = "WHERE n.user_id = acked.user_id AND n.seq = acked.seq"
ACKNOWLEDGE: Final = f"{_ACKED} UPDATE notifications n SET acked_at = ?::bigint FROM acked {_THESE}"
_UP_TO: Final = (
    "WITH acked AS MATERIALIZED (SELECT user_id, seq FROM notifications "
    "WHERE user_id = ? AND seq <= ? AND acked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq FOR UPDATE) "
)
ACKNOWLEDGE_UP_TO: Final = (
    f"{_UP_TO} UPDATE notifications n SET acked_at = ?::bigint FROM acked {_THESE}"
)
DELETE_UP_TO: Final = f"{_UP_TO} DELETE FROM notifications n USING acked {_THESE}"
SET_STATES: Final = (
    "UPDATE notifications n SET version = c.version, acked_at = coalesce(n.acked_at, c.acked_at), "
    "seen_at = c.seen_at, read_at = c.read_at, archived_at = c.archived_at, "
    "snoozed_until = c.snoozed_until, withdrawn_at = c.withdrawn_at FROM unnest("
    "?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], "
    "?::bigint[], ?::bigint[]) AS c (user_id, seq, version, acked_at, seen_at, read_at, "
    "archived_at, snoozed_until, withdrawn_at) WHERE n.user_id = c.user_id AND n.seq = c.seq"
)
_DELETE_PLACES: Final = (
    "DELETE FROM notifications n USING unnest(?::bigint[], ?::bigint[]) AS c (user_id, seq) "
    "WHERE n.user_id = c.user_id AND n.seq = c.seq"
)
_DELETE: Final = f"{_ACKED} DELETE FROM notifications n USING acked {_THESE}"


class PostgresDriver:
    """The store in the database at ``dsn``: a postgresql:// address, or libpq's key=value."""

    name = "postgresql"

    def __init__(
        self,
        dsn: str,
        *,
        delete_acknowledged: bool = False,
        quota: Quota | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self._dsn = completed(dsn, timeout)
        self._delete_acknowledged = delete_acknowledged
        self._quota = quota or Quota()
        self._timeout = timeout

    def prepare(self) -> int:
        try:
            with closing(Connection(self._dsn, _MIGRATION_TIMEOUT)) as session:
                return _migrate(session)
        except Unavailable as error:
            reason = f"The database cannot be used: {_reason(error)}."
            passing = isinstance(error.__cause__, psycopg2.OperationalError | TimeoutError)
            raise (Unavailable if passing else CannotStart)(reason) from error

    def writer(self) -> "PostgresWriteSession":
        return PostgresWriteSession(
            self._dsn,
            self._timeout,
            delete_acknowledged=self._delete_acknowledged,
            quota=self._quota,
        )

    def reader(self) -> "PostgresReadSession":
        return PostgresReadSession(self._dsn, self._timeout)

    def close(self) -> None:
        """The driver itself holds nothing."""


def _reason(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().rstrip(".")


def _migrate(session: Connection) -> int:
    ((encoding,),) = session.run("SHOW server_encoding")
    if encoding != "UTF8":
        raise CannotStart(f"The database has the encoding {encoding}; create it with UTF8.")
    _wait_for_turn(session)
    columns = session.run(_COLUMNS)
    if not columns:
        session.run(
            "CREATE TABLE schema_migrations ("
            "version integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL, "
            "runs_from integer)"
        )
    elif ("runs_from",) not in columns:
        session.run("ALTER TABLE schema_migrations ADD COLUMN runs_from integer")
    ((applied, runs_from),) = session.run(migrations.APPLIED)
    steps = migrations.missing("postgres", applied, runs_from)
    for step in steps:
        if "CONCURRENTLY" in step.sql:
            # Refused within a transaction.
            for statement in step.statements:
                session.run(statement)
            session.later("BEGIN")
        else:
            session.later("BEGIN")
            session.later(f"SET LOCAL lock_timeout = {int(_LOCK_TIMEOUT * clock.SECOND)}")
            session.run(step.sql)
        session.run(
            "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
            (step.version, step.name, clock.now(), step.runs_from),
        )
        session.run("COMMIT")
    return len(steps)


def _wait_for_turn(session: Connection) -> None:
    """Be the only one that migrates, until the session ends.

    By asking again and again: whoever waits within a statement has a snapshot, for whose end
    the other's CREATE INDEX CONCURRENTLY would wait.
    """
    deadline = time.monotonic() + _MIGRATION_TIMEOUT
    while not session.run(_MIGRATING)[0][0]:
        if time.monotonic() > deadline:
            raise Unavailable(AWAY) from TimeoutError("another process is still migrating")
        time.sleep(_TURN_SECONDS)


class PostgresReadSession(Connection, ReadSession):
    """Reads what is committed; never waits for those who write."""

    by_bytes = 'COLLATE "C"'

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.later("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self.run("COMMIT")

    def pending(
        self, user_id: int, after: int, until: int, now: int, *, rows: int, size: int
    ) -> list[Notification]:
        found = self.run(PENDING, (user_id, after, until, now, rows, size))
        return [_notification(row) for row in found]

    def positions(self, user_ids: Sequence[int]) -> dict[int, InboxPosition]:
        found = self.run(
            "SELECT user_id, last_seq, version FROM inboxes WHERE user_id = ANY (?::bigint[])",
            (list(user_ids),),
        )
        return {user_id: InboxPosition(*position) for user_id, *position in found}

    def count_pending_of(self, user_ids: Sequence[int], now: int, limit: int) -> dict[int, int]:
        return dict(self.run(COUNT_EACH, (limit, now, list(user_ids))))


def _notification(row: Sequence[Any]) -> Notification:
    user_id, seq, key, payload, *rest = row
    return Notification(user_id, seq, key, payload.encode(), *rest)


class PostgresWriteSession(Connection, WriteSession):
    """The one connection of this process that writes."""

    def __init__(
        self, dsn: str, timeout: float, *, delete_acknowledged: bool, quota: Quota
    ) -> None:
        self._in_transaction = False
        super().__init__(dsn, timeout)
        self._delete_acknowledged = delete_acknowledged
        self.quota = quota

    def check(self) -> DiskLow | None:
        """The disk is the database's own business."""
        try:
            ((read_only,),) = self.run("SHOW transaction_read_only")
        except Unavailable as error:
            raise NotCommitted(AWAY) from error.__cause__
        if read_only == "on":
            raise NotCommitted(AWAY) from ConnectionError("the server only reads")
        return None

    def restart_clock(self) -> None:
        # All of a transaction shares one deadline.
        if not self._in_transaction:
            super().restart_clock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        super().restart_clock()
        self._in_transaction = True
        self.later("BEGIN")
        committing = False
        try:
            yield
            self._assert_open()
            committing = True
            self._send(b"COMMIT")
            if self._cursor.statusmessage != "COMMIT":
                raise Unavailable(AWAY)
        except Unavailable as error:
            if committing:
                raise
            raise NotCommitted(AWAY) from error.__cause__
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._later.clear()
            self._in_transaction = False

    def _assert_open(self) -> None:
        """Raise Unavailable if the server has ended the session while it waited for us."""
        waiter = select.poll()
        waiter.register(self._connection.fileno(), select.POLLIN)
        if waiter.poll(0):
            raise Unavailable(AWAY) from ConnectionError("the session was ended")

    def _roll_back(self) -> None:
        self._later.clear()
        self._send(b"ROLLBACK")

    def serialise(self) -> None:
        self.later(_ADMINISTERING)

    def look_up(self, lookup: Lookup) -> Found:
        user_ids = list(lookup.user_ids)
        self.later(LOCK, (user_ids,))
        parts: list[str] = [_POSITIONS]
        parameters: list[Any] = [user_ids]
        if lookup.names:
            parts.append(_STORED)
            parameters += _columns(lookup.names)
        if lookup.digests:
            parts.append(_KEYS)
            parameters.append(list(lookup.digests))
        if lookup.api_keys:
            parts.append(_CLOSED)
        inboxes: dict[int, LogState] = {}
        stored: dict[Name, Stored] = {}
        keys: dict[bytes, KeyRights] = {}
        has_api_keys = False
        for kind, *row, digest in self.run("".join(parts), parameters):
            match kind:
                case "inbox":
                    inboxes[row[0]] = LogState(row[1], row[4], row[5])
                case "stored":
                    *notification, withdrawn_at = row
                    stored[row[0], row[2]] = Stored(
                        _notification(notification), withdrawn_at is not None
                    )
                case "key":
                    keys[bytes(digest)] = KeyRights(row[0], row[2], row[5])
                case _:
                    has_api_keys = True
        return Found(inboxes, stored, keys, has_api_keys)

    def insert_rows(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        kinds = [table.columns[name] for name in columns]
        values = map(_array, kinds, _columns(rows))
        self.later(insertion(table, tuple(columns)), list(values))

    def advance(self, inboxes: Mapping[int, LogState]) -> None:
        self.later(ADVANCE, _columns([(user_id, *inbox) for user_id, inbox in inboxes.items()]))

    def count_pending(self, user_id: int, now: int, limit: int) -> tuple[int, int]:
        ((rows, size),) = self.run(COUNT, (user_id, now, limit))
        return rows, size

    def acknowledge(self, names: Collection[Name], now: int) -> None:
        if self._delete_acknowledged:
            self.later(_DELETE, [*_columns(names), now])
        else:
            self.later(ACKNOWLEDGE, [*_columns(names), now, now])

    def acknowledge_up_to(self, user_id: int, up_to: int, now: int) -> None:
        statement = DELETE_UP_TO if self._delete_acknowledged else ACKNOWLEDGE_UP_TO
        moment = () if self._delete_acknowledged else (now,)
        self.later(statement, (user_id, up_to, now, *moment))

    def set_states(self, changed: Sequence[Changed]) -> None:
        rows = [(each.user_id, each.seq, each.version, *each.state) for each in changed]
        self.later(SET_STATES, [_array(Kind.NUMBER, column) for column in _columns(rows)])
        if self._delete_acknowledged:
            over = [(each.user_id, each.seq) for each in changed if each.state.acked_at]
            if over:
                self.later(_DELETE_PLACES, _columns(over))

    def remove(self, column: str, before: int, limit: int) -> int:
        return self._remove(f"{column} < ?", before, limit)

    def remove_of(self, user_id: int, limit: int) -> int:
        return self._remove("user_id = ?", user_id, limit)

    def _remove(self, condition: str, value: int, limit: int) -> int:
        removed = self.run(
            "DELETE FROM notifications WHERE ctid = ANY (ARRAY("
            f"SELECT ctid FROM notifications WHERE {condition} LIMIT ? FOR UPDATE SKIP LOCKED"
            ")) RETURNING 1",
            (value, limit),
        )
        return len(removed)

    def claim(self, user_id: int) -> bool:
        ((administering,),) = self.run(_TRY_ADMINISTERING)
        lock = "SELECT 1 FROM inboxes WHERE user_id = ? FOR UPDATE SKIP LOCKED"
        return administering and self.first(lock, (user_id,)) is not None

    def freeze(self, tables: Sequence[Table]) -> None:
        names = ", ".join(table.name for table in tables)
        self.run(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def last_id(self, table: Table) -> int:
        # The table's name is a constant, and a sequence's cannot be a parameter.
        row = self.first(
            f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table.name}_id_seq"
        )
        return row[0] if row else 0

    def continue_ids(self, table: Table, last: int) -> None:
        if last:
            self.run("SELECT setval(?::regclass, ?)", (f"{table.name}_id_seq", last))


_ARRAYS: Final = {
    Kind.NUMBER: "bigint[]",
    Kind.FLAG: "boolean[]",
    Kind.TEXT: "text[]",
    Kind.BINARY: "bytea[]",
    Kind.JSON: "text[]",
}


@functools.cache
def insertion(table: Table, columns: tuple[str, ...]) -> str:
    """A statement that inserts rows of ``columns``, each given as an array."""
    arrays = ", ".join(f"?::{_ARRAYS[table.columns[name]]}" for name in columns)
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"


def _array(kind: Kind, column: list[Any]) -> list[Any] | str:
    """``column`` as psycopg2 takes an array.

    Of numbers, as PostgreSQL writes it: that is made and read several times as quickly.
    """
    if kind is Kind.JSON:
        return [payload.decode() for payload in column]
    if kind is Kind.NUMBER:
        return "{" + ",".join(["NULL" if each is None else str(each) for each in column]) + "}"
    return column


def _columns(rows: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    """``rows`` turned over, for unnest()."""
    return [list(column) for column in zip(*rows, strict=True)]
