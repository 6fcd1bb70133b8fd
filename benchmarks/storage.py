"""What the store costs, and how the databases answer the queries that matter.

    python -m benchmarks.storage cpu       CPU of our process for each send and ack
    python -m benchmarks.storage http      CPU of a whole server for each send over HTTP
    python -m benchmarks.storage explain   query plans on a million rows

All start a PostgreSQL of their own (see servers/postgres.py) and need a few
hundred megabytes of temporary disk space.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, NamedTuple

from benchmarks.measure import SECRET, subject
from benchmarks.send import ROUNDS, round_of
from notifier.identity.tokens import Tokens
from notifier.models import Notification, Sender
from notifier.storage.contract import Operation, Row, WriteSession
from notifier.storage.file import StoreFile
from notifier.storage.operations.keys import CreateApiKey
from notifier.storage.operations.notifications import (
    Acknowledge,
    Append,
    Pending,
    RemoveNotifications,
)
from notifier.storage.postgres import PostgresDriver, PostgresReadSession, PostgresWriteSession
from notifier.storage.quota import Quota
from notifier.storage.sqlite import SqliteDriver, SqliteReadSession, SqliteWriteSession
from notifier.storage.tables import TABLES
from servers.postgres import PostgresServer, execute

USERS = 20_000
PAYLOAD = b'{"title": "Your order has shipped", "order": 1234567, "total": 19.90}'
BATCHES = (200, 50, 16, 1)
SECONDS = 1.5
KEY = Sender(digest=b"0" * 32)


class Databases(NamedTuple):
    """Empty databases that flush every commit."""

    sqlite: SqliteDriver
    postgres: PostgresDriver
    address: str
    """Where the latter is."""
    empty: str
    """The address of another one, which isn't prepared."""


@contextmanager
def databases() -> Iterator[Databases]:
    """One of each, prepared."""
    server = PostgresServer(durable=True)
    with tempfile.TemporaryDirectory(prefix="notifier-benchmark-") as folder:
        try:
            server.start()
            address = server.create_database()
            made = Databases(
                SqliteDriver(Path(folder)),
                PostgresDriver(address),
                address,
                server.create_database(),
            )
            made.sqlite.prepare()
            made.postgres.prepare()
            yield made
        finally:
            server.remove()


def _make_users(session: WriteSession) -> None:
    users, inboxes = (table for table in TABLES if table.name in ("users", "inboxes"))
    rows = [(n, f"user{n}", "hash", True, False, 0, 0) for n in range(1, USERS + 1)]
    with session.transaction():
        session.insert_rows(users, list(users.columns), rows)
        session.insert_rows(inboxes, list(inboxes.columns), [(row[0], 0, 0) for row in rows])


# CPU.


KINDS: dict[str, Callable[[int], Operation[Any]]] = {
    "send": lambda n: Append(_user(n), f"key-{n:024}", PAYLOAD, sender=KEY),
    "send, key given": lambda n: Append(
        _user(n), f"given-{n:024}", PAYLOAD, key_given=True, sender=KEY
    ),
    "ack": lambda n: Acknowledge(_user(n), f"key-{n:024}"),
}


def cpu() -> None:
    """Print microseconds of our CPU for each operation."""
    print(f"{'µs of CPU':<20} {'batch':>5} {'SQLite':>8} {'PostgreSQL':>10} {'difference':>10}")
    with databases() as made:
        sessions: Sequence[WriteSession] = (made.sqlite.writer(), made.postgres.writer())
        for session in sessions:
            _make_users(session)
            session.commit([CreateApiKey("benchmark", KEY.digest or b"")])
        progress = [(session, Counter[str]()) for session in sessions]
        for kind in KINDS:
            for batch in BATCHES:
                sqlite, postgres = (_cost(session, done, kind, batch) for session, done in progress)
                print(
                    f"{kind:<20} {batch:>5} {sqlite:>8.1f} {postgres:>10.1f} "
                    f"{postgres - sqlite:>+10.1f}"
                )
        for session in sessions:
            session.close()


def _user(n: int) -> int:
    return 1 + n * 7919 % USERS


def _cost(session: WriteSession, done: Counter[str], kind: str, batch: int) -> float:
    """Microseconds for each of them, in batches, of what is not ``done`` in this session."""
    start = done[kind]
    # An ack is of something that was sent, of which each size of batch gets its share.
    sent = done["send"] if kind == "ack" else 1 << 60
    enough = start + sent // len(BATCHES)
    deadline = time.monotonic() + SECONDS
    spent = 0
    while time.monotonic() < deadline and done[kind] + batch <= enough:
        operations = [KINDS[kind](n) for n in range(done[kind], done[kind] + batch)]
        before = time.process_time_ns()
        session.commit(operations)
        spent += time.process_time_ns() - before
        done[kind] += batch
    return spent / (done[kind] - start) / 1000


# A whole server.


def http(sends: int) -> None:
    """Print the CPU per send over HTTP, delivered to one socket and acknowledged."""
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    figures: dict[str, list[float]] = {"SQLite": [], "PostgreSQL": []}
    with (
        databases() as made,
        subject("notifier") as sqlite,
        subject("notifier", DATABASE_URL=made.empty) as postgres,
    ):
        servers = zip(figures, (sqlite, postgres), strict=True)
        for number, (name, server) in enumerate(ROUNDS * list(servers)):
            figure = asyncio.run(round_of(server, token, sends))
            if number >= len(figures):  # the first round warms up
                figures[name].append(figure)
    for name, values in figures.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        print(f"{name:<10} {median(values):6.0f} µs of server CPU per send (rounds: {rounds})")
    print(f"ratio      {median(figures['PostgreSQL']) / median(figures['SQLite']):6.2f}")


# Plans.

FILL_SQLITE = """
WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {rows})
INSERT INTO notifications (user_id, seq, key, payload, created_at, expires_at, acked_at)
SELECT 1 + n % {users}, 1 + n / {users}, printf('key-%08d', n), CAST('{payload}' AS BLOB),
  1700000000000 + n, iif(n % 10 = 0, 1900000000000, NULL),
  iif(n / {users} < {acked}, 1700000000000 + n, NULL)
FROM n"""
FILL_POSTGRES = """
INSERT INTO notifications (user_id, seq, key, payload, created_at, expires_at, acked_at)
SELECT 1 + n % {users}, 1 + n / {users}, 'key-' || lpad(n::text, 8, '0'), '{payload}',
  1700000000000 + n, CASE WHEN n % 10 = 0 THEN 1900000000000 END,
  CASE WHEN n / {users} < {acked} THEN 1700000000000 + n END
FROM generate_series(0, {rows} - 1) n"""


class _Recorder:
    """A session that remembers what it was asked to run."""

    statements: ClassVar[list[tuple[str, Any]]]

    def run(self, statement: str, parameters: Any = ()) -> list[Row]:
        self.statements.append((statement, parameters))
        rows: list[Row] = super().run(statement, parameters)  # type: ignore[misc]
        return rows

    def later(self, statement: str, parameters: Any = ()) -> None:
        self.statements.append((statement, parameters))
        super().later(statement, parameters)  # type: ignore[misc]


class _SqliteWriter(_Recorder, SqliteWriteSession):
    statements: ClassVar[list[tuple[str, Any]]] = []


class _SqliteReader(_Recorder, SqliteReadSession):
    statements: ClassVar[list[tuple[str, Any]]] = []

    def pending(self, *arguments: Any, **options: Any) -> list[Notification]:
        self._connection.set_trace_callback(lambda text: self.statements.append((text, ())))
        found = super().pending(*arguments, **options)
        self._connection.set_trace_callback(None)
        return found


class _PostgresWriter(_Recorder, PostgresWriteSession):
    statements: ClassVar[list[tuple[str, Any]]] = []


class _PostgresReader(_Recorder, PostgresReadSession):
    statements: ClassVar[list[tuple[str, Any]]] = []


def explain(rows: int) -> None:
    """Print how both databases do what matters, with ``rows`` notifications stored."""
    last = rows // USERS
    filling = {
        "rows": rows,
        "users": USERS,
        "acked": last - 2,
        "payload": PAYLOAD.decode(),
    }
    with databases() as made:
        for driver in (made.sqlite, made.postgres):
            session = driver.writer()
            _make_users(session)
            session.close()
        with closing(sqlite3.connect(made.sqlite.path, isolation_level=None)) as connection:
            connection.execute(FILL_SQLITE.format(**filling))
            connection.execute("UPDATE inboxes SET last_seq = ?", (last,))
        execute(made.address, FILL_POSTGRES.format(**filling))
        execute(made.address, f"UPDATE inboxes SET last_seq = {last}")
        execute(made.address, "VACUUM ANALYZE")
        _explain_sqlite(made.sqlite, last)
        _explain_postgres(made.address, last)


def _cases(reader: Any, writer: Any, last: int) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """What is done, and the statements it took."""

    def recorded(session: Any, work: Callable[[], object]) -> list[tuple[str, Any]]:
        session.statements.clear()
        work()
        return list(session.statements)

    def commit(operations: Sequence[Operation[Any]]) -> list[tuple[str, Any]]:
        return recorded(writer, lambda: writer.commit(operations))

    yield (
        "A device connects, two notifications are pending",
        recorded(reader, lambda: Pending(501, 0, 500, 1 << 20).ask(reader)),
    )
    yield (
        "A device connects that has seen everything",
        recorded(reader, lambda: Pending(501, last, 500, 1 << 20).ask(reader)),
    )
    users = range(1, 50 * 397, 397)
    yield (
        "50 sends to 50 users, with keys of the senders",
        commit([Append(user, "new", PAYLOAD, key_given=True) for user in users]),
    )
    yield "50 acks of 50 users", commit([Acknowledge(user, "new") for user in users])
    yield (
        "Retention removes 500",
        commit([RemoveNotifications(1_700_000_000_500, 1_700_000_000_000, 500)]),
    )


def _explain_sqlite(driver: SqliteDriver, last: int) -> None:
    print("# SQLite")
    reader = _SqliteReader(StoreFile(driver.path))
    writer = _SqliteWriter(StoreFile(driver.path))
    for title, statements in _cases(reader, writer, last):
        print(f"\n## {title}\n")
        seen = set()
        for statement, parameters in statements:
            if statement.startswith(("BEGIN", "COMMIT")):
                continue
            plan = SqliteWriteSession.run(writer, f"EXPLAIN QUERY PLAN {statement}", parameters)
            lines = [row[3] for row in plan if row[3].startswith(("SEARCH", "SCAN"))]
            lines = [line for line in lines if "CONSTANT ROW" not in line]
            # Fifty rows go in pieces of 32, 16 and 2, all of them alike.
            if lines and tuple(lines) not in seen:
                seen.add(tuple(lines))
                print("\n".join(lines))


def _explain_postgres(address: str, last: int) -> None:
    print("\n# PostgreSQL")
    reader = _PostgresReader(address, 600)
    writer = _PostgresWriter(address, 600, delete_acknowledged=False, quota=Quota())
    for title, statements in _cases(reader, writer, last):
        print(f"\n## {title}\n")
        for statement, parameters in statements:
            if statement == "BEGIN":
                continue
            PostgresWriteSession.run(writer, "BEGIN")
            plan = PostgresWriteSession.run(
                writer,
                f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}",
                _again(statement, parameters, last),
            )
            PostgresWriteSession.run(writer, "ROLLBACK")
            print("\n".join(line for (line,) in plan), end="\n\n")


def _again(statement: str, parameters: Any, last: int) -> Any:
    """Other parameters where a statement can't do twice what it did, such as insert a key."""
    if statement.startswith("INSERT"):
        users, seqs, keys, *rest = parameters
        moved = [int(seq) + 9 for seq in seqs.strip("{}").split(",")]
        return [users, moved, [f"{key}er" for key in keys], *rest]
    if "acked_at = ?" in statement:
        users, _, now = parameters
        keys = [f"key-{(last - 1) * USERS + user - 1:08}" for user in users]
        return [users, keys, now]
    if statement.startswith("DELETE"):
        before, limit = parameters
        return before + 500, limit
    return parameters


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("cpu", "http", "explain"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sends", type=int, default=4800)
    options = parser.parse_args()
    if options.what == "cpu":
        cpu()
    elif options.what == "http":
        http(options.sends)
    else:
        explain(options.rows)


if __name__ == "__main__":
    main()
