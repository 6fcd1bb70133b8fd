"""The embedded store: SQLite in WAL mode, every commit flushed to the disk.

One file in the data folder, one process that serves it (a lock file holds the others
off), while the command line may write at any time: SQLite's own locks arrange that.

Statements take many rows at once, because the sqlite3 module releases the GIL at every
step of a statement, and getting it back can take milliseconds while the loop is busy.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from notifier import clock
from notifier.errors import CannotStart, DiskLow, StoreInUse
from notifier.models import InboxPosition, Notification
from notifier.storage import migrations
from notifier.storage.contract import (
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
from notifier.storage.file import Damaged, StoreFile, identity, is_damage
from notifier.storage.quota import LogState, Quota
from notifier.storage.tables import Table

FILE_NAME: Final = "notifier.sqlite3"
_LOCK_NAME: Final = "notifier.lock"
_BUSY_SECONDS: Final = 5.0
"""How long a statement waits for another process that is writing."""

_LOOKED_OVER: Final = 64 * 1024 * 1024
"""Bytes up to which a server looks the whole file over when it starts, in a fraction of a
second."""

_CHUNK: Final = 64
"""Most rows in one statement. Smaller remainders use powers of two, so that there are
only a few different statements and SQLite's cache holds them all prepared."""

_NOTIFICATION: Final = (
    "n.user_id, n.seq, n.key, n.payload, n.created_at, n.expires_at, n.category, n.priority"
)

# INDEXED BY, because without statistics the planner takes notifications_place and
# walks over everything that was acknowledged.
PENDING: Final = (
    f"SELECT {_NOTIFICATION} FROM notifications n INDEXED BY notifications_pending "
    "WHERE user_id = ? AND seq > ? AND seq <= ? AND acked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ?"
)


# Only the sizes of payloads are read, not their pages.
COUNT: Final = (
    "SELECT count(*), coalesce(sum(size), 0) FROM ("
    "SELECT length(payload) AS size FROM notifications INDEXED BY notifications_pending "
    "WHERE user_id = ? AND acked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT ?)"
)

COUNT_EACH: Final = (
    "SELECT value, (SELECT count(*) FROM ("
    "SELECT expires_at FROM notifications INDEXED BY notifications_pending "
    "WHERE user_id = value AND acked_at IS NULL LIMIT ?"
    ") WHERE expires_at IS NULL OR expires_at > ?) FROM json_each(?)"
)


# A join, because UPDATE … FROM (VALUES …) alone scans the whole table.
SET_STATES: Final = (
    "WITH changed (user_id, seq, version, acked_at, seen_at, read_at, archived_at, "
    "snoozed_until, withdrawn_at) AS (VALUES {values}) "
    # By this index, or it would look at every notification there is for each of these.
    "UPDATE notifications INDEXED BY notifications_place SET version = c.version, "
    "acked_at = coalesce(notifications.acked_at, c.acked_at), seen_at = c.seen_at, "
    "read_at = c.read_at, archived_at = c.archived_at, snoozed_until = c.snoozed_until, "
    "withdrawn_at = c.withdrawn_at FROM changed c "
    "WHERE notifications.user_id = c.user_id AND notifications.seq = c.seq"
)


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    # Never creating it: one that was removed must not come back empty.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteDriver:
    """The store in ``folder``. ``exclusive`` keeps other servers away from it.

    Sends are refused while less than ``least_free`` bytes of the disk are free.
    """

    name = "sqlite"

    def __init__(
        self,
        folder: Path,
        *,
        exclusive: bool = False,
        delete_acknowledged: bool = False,
        quota: Quota | None = None,
        least_free: int = 0,
    ) -> None:
        self.path = folder / FILE_NAME
        self._file = StoreFile(self.path, least_free)
        self._exclusive = exclusive
        self._delete_acknowledged = delete_acknowledged
        self._quota = quota or Quota()
        self._lock: int | None = None

    def prepare(self) -> int:
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._exclusive and self._lock is None:
                self._lock = _take_lock(folder / _LOCK_NAME)
            # For its owner alone, like the files that SQLite puts beside it: SQLite itself
            # would go by the umask.
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(_connect(self.path, read_only=False)) as connection:
                if self._exclusive and self.path.stat().st_size <= _LOOKED_OVER:
                    _look_over(self.path, connection)
                steps = _migrate(connection)
                self._file.found()
        except OSError as error:
            raise CannotStart(
                f"The data folder {folder} cannot be used: {error.strerror}."
            ) from error
        except Damaged as damage:
            raise CannotStart(f"The store {damage}.") from damage
        except sqlite3.DatabaseError as error:
            damaged = Damaged(self.path, str(error)) if is_damage(error) else None
            reason = damaged or f"{self.path} cannot be used: {error}"
            raise CannotStart(f"The store {reason}.") from error
        return steps

    def writer(self) -> "SqliteWriteSession":
        return SqliteWriteSession(
            self._file, delete_acknowledged=self._delete_acknowledged, quota=self._quota
        )

    def reader(self) -> "SqliteReadSession":
        return SqliteReadSession(self._file)

    def close(self) -> None:
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _take_lock(path: Path) -> int:
    """Hold ``path`` locked for as long as the returned descriptor is open."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise StoreInUse(
            f"Another server (process {holder or 'unknown'}) uses the data folder {path.parent}. "
            "Stop it, or set NOTIFIER_DATA_DIR to another folder. "
            "Several processes need DATABASE_URL (PostgreSQL)."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _look_over(path: Path, connection: sqlite3.Connection) -> None:
    """Raise Damaged if the pages do not fit together."""
    ((found,),) = connection.execute("PRAGMA quick_check(1)")
    if found != "ok":
        raise Damaged(path, found.replace("\n", " "))


def _migrate(connection: sqlite3.Connection) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            "version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL, "
            "runs_from INTEGER) STRICT"
        )
        columns = connection.execute("PRAGMA table_info(schema_migrations)").fetchall()
        if "runs_from" not in [column[1] for column in columns]:
            connection.execute("ALTER TABLE schema_migrations ADD COLUMN runs_from INTEGER")
        steps = migrations.missing("sqlite", *connection.execute(migrations.APPLIED).fetchone())
        for step in steps:
            # Not executescript(), which would commit the open transaction.
            for statement in step.statements:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                (step.version, step.name, clock.now(), step.runs_from),
            )
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return len(steps)


class _SqliteSession:
    """A connection, and how statements run on it."""

    def __init__(self, file: StoreFile, *, read_only: bool) -> None:
        self._file = file
        with file.watched():
            self._connection = _connect(file.path, read_only=read_only)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self._file.watched():
            return self._connection.execute(statement, parameters).fetchall()

    def using(self, index: str) -> str:
        # Without statistics the planner takes the index of places for nearly everything.
        return f"INDEXED BY {index}"

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()


class SqliteReadSession(_SqliteSession, ReadSession):
    """Reads a snapshot; never waits for the writer."""

    by_bytes = "COLLATE BINARY"

    def __init__(self, file: StoreFile) -> None:
        super().__init__(file, read_only=True)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
        finally:
            self.run("COMMIT")

    def pending(
        self, user_id: int, after: int, until: int, now: int, *, rows: int, size: int
    ) -> list[Notification]:
        found: list[Notification] = []
        with self._file.watched():
            cursor = self._connection.execute(PENDING, (user_id, after, until, now, rows))
            while size >= 0 and (row := cursor.fetchone()):
                found.append(Notification(*row))
                size -= len(found[-1].payload)
            cursor.close()
        return found

    def positions(self, user_ids: Sequence[int]) -> dict[int, InboxPosition]:
        found = self.run(
            "SELECT user_id, last_seq, version FROM inboxes "
            "WHERE user_id IN (SELECT value FROM json_each(?))",
            (json.dumps(user_ids),),
        )
        return {user_id: InboxPosition(*position) for user_id, *position in found}

    def count_pending_of(self, user_ids: Sequence[int], now: int, limit: int) -> dict[int, int]:
        return dict(self.run(COUNT_EACH, (limit, now, json.dumps(user_ids))))


class SqliteWriteSession(_SqliteSession, WriteSession):
    """The one connection of the server that writes."""

    def __init__(
        self, file: StoreFile, *, delete_acknowledged: bool = False, quota: Quota | None = None
    ) -> None:
        super().__init__(file, read_only=False)
        self._log = identity(file.log)
        self._delete_acknowledged = delete_acknowledged
        self.quota = quota or Quota()

    def check(self) -> DiskLow | None:
        return self._file.check(self._log)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.run("ROLLBACK")
            raise

    def serialise(self) -> None:
        """BEGIN IMMEDIATE has done it."""

    def look_up(self, lookup: Lookup) -> Found:
        return Found(
            self._inboxes(lookup.user_ids),
            self._stored(lookup.names),
            self._keys(lookup.digests) if lookup.digests else {},
            lookup.api_keys and self.first("SELECT 1 FROM api_keys LIMIT 1") is not None,
        )

    def _inboxes(self, user_ids: Sequence[int]) -> dict[int, LogState]:
        found = self.run(
            "SELECT i.user_id, i.last_seq, i.appended_bytes, i.version "
            "FROM inboxes i LEFT JOIN users u ON u.id = i.user_id "
            "WHERE (u.is_active OR i.user_id < 0) "
            "AND i.user_id IN (SELECT value FROM json_each(?))",
            (json.dumps(user_ids),),
        )
        return {user_id: LogState(*state) for user_id, *state in found}

    def _keys(self, digests: Collection[bytes]) -> dict[bytes, KeyRights]:
        marks = ", ".join("?" * len(digests))
        found = self.run(
            "SELECT digest, id, scopes, expires_at FROM api_keys "
            f"WHERE revoked_at IS NULL AND digest IN ({marks})",
            tuple(digests),
        )
        return {digest: KeyRights(*rights) for digest, *rights in found}

    def _stored(self, names: Collection[Name]) -> dict[Name, Stored]:
        found: dict[Name, Stored] = {}
        for values, parameters in _chunks(list(names)):
            # A join, because (user_id, key) IN (VALUES …) scans the whole table.
            for row in self.run(
                f"WITH wanted (user_id, key) AS (VALUES {values}) "
                f"SELECT {_NOTIFICATION}, n.withdrawn_at FROM wanted CROSS JOIN notifications n "
                "ON n.user_id = wanted.user_id AND n.key = wanted.key",
                parameters,
            ):
                found[row[0], row[2]] = Stored(Notification(*row[:-1]), row[-1] is not None)
        return found

    def insert_rows(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        insert = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "
        for values, parameters in _chunks(rows):
            self.run(insert + values, parameters)

    def advance(self, inboxes: Mapping[int, LogState]) -> None:
        rows = [(user_id, *inbox) for user_id, inbox in inboxes.items()]
        for values, parameters in _chunks(rows):
            self.run(
                "INSERT INTO inboxes (user_id, last_seq, appended_bytes, version) "
                f"VALUES {values} ON CONFLICT (user_id) DO UPDATE "
                "SET last_seq = excluded.last_seq, "
                "appended_bytes = excluded.appended_bytes, version = excluded.version",
                parameters,
            )

    def count_pending(self, user_id: int, now: int, limit: int) -> tuple[int, int]:
        ((rows, size),) = self.run(COUNT, (user_id, now, limit))
        return rows, size

    def acknowledge(self, names: Collection[Name], now: int) -> None:
        for values, parameters in _chunks(list(names)):
            change = (
                f"WITH acked (user_id, key) AS (VALUES {values}) "
                "{verb} WHERE id IN (SELECT n.id FROM acked CROSS JOIN notifications n "
                "ON n.user_id = acked.user_id AND n.key = acked.key "
                "WHERE n.acked_at IS NULL AND (n.expires_at IS NULL OR n.expires_at > ?))"
            )
            if self._delete_acknowledged:
                self.run(change.format(verb="DELETE FROM notifications"), (*parameters, now))
            else:
                self.run(
                    change.format(verb="UPDATE notifications SET acked_at = ?"),
                    (*parameters, now, now),
                )

    def acknowledge_up_to(self, user_id: int, up_to: int, now: int) -> None:
        verb = (
            "DELETE FROM notifications"
            if self._delete_acknowledged
            else f"UPDATE notifications SET acked_at = {now}"
        )
        self.run(
            f"{verb} WHERE id IN (SELECT id FROM notifications INDEXED BY notifications_pending "
            "WHERE user_id = ? AND seq <= ? AND acked_at IS NULL "
            "AND (expires_at IS NULL OR expires_at > ?))",
            (user_id, up_to, now),
        )

    def set_states(self, changed: Sequence[Changed]) -> None:
        rows = [(each.user_id, each.seq, each.version, *each.state) for each in changed]
        for values, parameters in _chunks(rows):
            self.run(SET_STATES.format(values=values), parameters)
        if self._delete_acknowledged:
            over = [(each.user_id, each.seq) for each in changed if each.state.acked_at]
            for values, parameters in _chunks(over):
                self.run(
                    f"WITH gone (user_id, seq) AS (VALUES {values}) "
                    "DELETE FROM notifications WHERE id IN (SELECT n.id FROM gone CROSS JOIN "
                    "notifications n ON n.user_id = gone.user_id AND n.seq = gone.seq)",
                    parameters,
                )

    def remove(self, column: str, before: int, limit: int) -> int:
        removed = self.run(
            "DELETE FROM notifications WHERE id IN "
            f"(SELECT id FROM notifications WHERE {column} < ? LIMIT ?) RETURNING id",
            (before, limit),
        )
        return len(removed)

    def remove_of(self, user_id: int, limit: int) -> int:
        removed = self.run(
            "DELETE FROM notifications WHERE id IN "
            "(SELECT id FROM notifications WHERE user_id = ? LIMIT ?) RETURNING id",
            (user_id, limit),
        )
        return len(removed)

    def claim(self, user_id: int) -> bool:
        """BEGIN IMMEDIATE has done it."""
        return True

    def freeze(self, tables: Sequence[Table]) -> None:
        """BEGIN IMMEDIATE has done it."""

    def last_id(self, table: Table) -> int:
        row = self.first("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
        return row[0] if row else 0

    def continue_ids(self, table: Table, last: int) -> None:
        self.run("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """``rows`` in pieces of a power of two: the text of their VALUES, and their parameters."""
    done = 0
    while done < len(rows):
        size = min(_CHUNK, 1 << ((len(rows) - done).bit_length() - 1))
        piece = rows[done : done + size]
        values = _values(size, len(piece[0]))
        yield values, [value for row in piece for value in row]
        done += size


def _values(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)
