"""What is particular to the embedded store."""

import asyncio
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from notifier.errors import (
    CannotStart,
    NotCommitted,
    NotStorable,
    StoreInUse,
    Unavailable,
)
from notifier.events import Appended
from notifier.models import ANYONE, InboxPosition, Sender
from notifier.storage import migrations
from notifier.storage.file import StoreFile
from notifier.storage.operations.inbox.changes import ChangeKeys
from notifier.storage.operations.notifications import (
    Acknowledge,
    Append,
    Positions,
    RemoveNotifications,
)
from notifier.storage.operations.users import CreateUser, UserById, Users
from notifier.storage.sqlite import COUNT, PENDING, SqliteDriver, SqliteWriteSession
from notifier.storage.store import Store
from tests.storage.databases import SqliteDatabase, make_user, opened
from tests.storage.held import HeldDriver

TABLES = {
    "api_keys": [
        "id",
        "name",
        "digest",
        "created_at",
        "revoked_at",
        "scopes",
        "user_prefix",
        "rate",
        "expires_at",
        "last_used_at",
    ],
    "inbox_changes": [
        "user_id",
        "version",
        "verb",
        "created_at",
        "up_to",
        "category",
        "snoozed_until",
        "undoes",
        "before",
        "carried",
    ],
    "inboxes": ["user_id", "last_seq", "appended_bytes", "version"],
    "notifications": [
        "id",
        "user_id",
        "seq",
        "key",
        "payload",
        "created_at",
        "expires_at",
        "acked_at",
        "api_key_id",
        "category",
        "priority",
        "collapse_key",
        "version",
        "seen_at",
        "read_at",
        "archived_at",
        "snoozed_until",
        "withdrawn_at",
    ],
    "schema_migrations": ["version", "name", "applied_at", "runs_from"],
    "user_changes": ["id", "user_id", "reason", "created_at", "session_id"],
    "audit": [
        "id",
        "action",
        "actor",
        "subject",
        "address",
        "details",
        "count",
        "created_at",
        "last_at",
    ],
    "recipients": ["id", "name", "token_version", "created_at"],
    "sessions": [
        "id",
        "user_id",
        "nonce",
        "issued",
        "address",
        "user_agent",
        "created_at",
        "used_at",
        "expires_at",
        "ends_at",
    ],
    "users": [
        "id",
        "username",
        "password_hash",
        "is_active",
        "is_superuser",
        "token_version",
        "created_at",
    ],
}
INDEXES = {
    "audit_action",
    "audit_actor",
    "audit_actor_action",
    "audit_last",
    "inbox_changes_carried",
    "inbox_changes_created",
    "notifications_acked",
    "notifications_archived",
    "notifications_category",
    "notifications_changed",
    "notifications_collapse",
    "notifications_expiring",
    "notifications_key",
    "notifications_pending",
    "notifications_place",
    "notifications_read",
    "notifications_snoozed",
    "notifications_unread",
    "recipients_name",
    "sessions_end",
    "sessions_user",
    "users_name",
}


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    """An empty data folder."""
    return SqliteDatabase(tmp_path / "data")


class TestFolder:
    async def test_second_server(self, database: SqliteDatabase):
        """A second server on the same data folder is told which process uses it, and what to do."""
        async with opened(database.driver(exclusive=True)):
            with pytest.raises(StoreInUse, match=r"process \d+.*NOTIFIER_DATA_DIR.*DATABASE_URL"):
                await Store(database.driver(exclusive=True)).open()
        async with opened(database.driver(exclusive=True)):
            pass

    async def test_refused_server_changes_nothing(self, database: SqliteDatabase):
        """The first server's name stays in the lock file when a second one was refused."""
        first = database.driver(exclusive=True)
        first.prepare()
        for _ in range(2):
            with pytest.raises(StoreInUse, match=r"process \d+"):
                database.driver(exclusive=True).prepare()
        assert first.prepare() == 0
        first.close()
        first.close()

    def test_private(self, database: SqliteDatabase):
        """Nobody else can look into a data folder that we have made."""
        database.driver().prepare()
        assert stat.S_IMODE(database.folder.stat().st_mode) == 0o700

    async def test_command_line_writes_meanwhile(self, database: SqliteDatabase):
        """Another process can write while the server does, and each sees the other's work."""
        script = (
            "import sys, pathlib\n"
            "from notifier.storage.sqlite import SqliteDriver\n"
            "from notifier.storage.operations.users import CreateUser\n"
            "driver = SqliteDriver(pathlib.Path(sys.argv[1]))\n"
            "driver.prepare()\n"
            "session = driver.writer()\n"
            "for n in range(50):\n"
            "    session.commit([CreateUser(f'user{n}', 'hash', False)])\n"
        )
        async with opened(database.driver(exclusive=True)) as store:
            ann = await make_user(store, "ann")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", script, str(database.folder)
            )
            ended = asyncio.ensure_future(process.wait())
            sent = 0
            while not ended.done() or sent < 50:
                await store.submit(Append(ann, f"k{sent}", b"1"))
                sent += 1
            assert ended.result() == 0
            assert len(await store.read(Users())) == 51
            assert await store.read(Positions([ann])) == {ann: InboxPosition(sent, 0)}

    async def test_waits_for_another_writer(self, database: SqliteDatabase):
        """A send waits while another process is in the middle of writing."""
        async with opened(database.driver()) as store:
            ann = await make_user(store, "ann")
            with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                send = store.submit(Append(ann, "k", b"1"))
                await store.read(UserById(ann))
                assert not send.done()
                other.execute("COMMIT")
            assert isinstance(await send, Appended)

    @pytest.mark.parametrize("folder", ["file", "/proc/notifier"])
    def test_unusable_folder(self, tmp_path: Path, folder: str):
        """A data folder that can't be made is refused in words."""
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(CannotStart, match=r"The data folder .* cannot be used: \w+"):
            SqliteDriver(tmp_path / folder).prepare()

    def test_unusable_file(self, database: SqliteDatabase):
        """What isn't a database is refused in words, and left alone."""
        database.folder.mkdir()
        database.path.write_text("nothing like a database" * 100)
        with pytest.raises(CannotStart, match="not a database"):
            database.driver().prepare()
        assert database.path.read_text().startswith("nothing like")

    def test_unopenable_file(self, database: SqliteDatabase):
        """A database that can't be opened is refused, and means unavailable to a session."""
        database.path.mkdir(parents=True)
        with pytest.raises(CannotStart, match="unable to open"):
            database.driver().prepare()
        with pytest.raises(Unavailable):
            database.driver().writer()


class TestMigrations:
    def test_numbered(self):
        """Migrations are numbered 1, 2, 3 …"""
        versions = [migration.version for migration in migrations.load("sqlite")]
        assert versions == list(range(1, len(versions) + 1))

    def test_schema(self, database: SqliteDatabase):
        """The migrations make exactly the schema that the code was written for."""
        assert database.driver().prepare() == len(migrations.load("sqlite"))
        names = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        tables = {
            name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
            for (name,) in names
        }
        assert tables == TABLES
        indexes = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
        assert {name for (name,) in indexes} == INDEXES

    def test_done_once(self, database: SqliteDatabase):
        """Preparing again does nothing."""
        driver = database.driver()
        assert driver.prepare() > 0
        assert driver.prepare() == 0


class TestDurability:
    def test_flushed(self, database: SqliteDatabase):
        """Every commit reaches the disk: WAL, with synchronous = FULL."""
        database.driver().prepare()
        session = database.driver().writer()
        assert session.run("PRAGMA journal_mode") == [("wal",)]
        assert session.run("PRAGMA synchronous") == [(2,)]
        assert session.run("PRAGMA foreign_keys") == [(1,)]
        session.close()

    def test_disk_full(self, database: SqliteDatabase):
        """A full disk means unavailable; nothing of the batch is kept, and the session goes on."""
        database.driver().prepare()
        session = database.driver().writer()
        session.commit([CreateUser("ann", "hash", False)])
        ((pages,),) = session.run("PRAGMA page_count")
        session.run(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(Unavailable) as refused:
            session.commit([Append(1, "small", b"1"), Append(1, "big", b"1" * (1 << 20))])
        assert "full" in str(refused.value.__cause__)
        assert database.count("notifications") == 0
        (appended,) = session.commit([Append(1, "small", b"1")])
        assert isinstance(appended, Appended)
        assert appended.notification.seq == 1
        session.close()


class Breaking(SqliteWriteSession):
    """Refuses the key ``bad``, and is lost when it sees the key ``last``."""

    def _transact(self, operations: Any) -> list[Any]:
        keys = [operation.key for operation in operations]
        if "bad" in keys:
            raise ValueError
        if "last" in keys:
            raise NotCommitted
        return super()._transact(operations)


async def test_lost_while_looking_for_the_bad_one(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, expected_errors: list[str]
):
    """What was committed before the session was lost is not committed again."""
    expected_errors.append("Operation refused by the database")
    driver = database.driver()
    async with opened(driver) as store:
        await make_user(store, "ann")
    monkeypatch.setattr(driver, "writer", lambda: Breaking(StoreFile(database.path)))
    held = HeldDriver(driver)
    held.hold()
    async with opened(held) as store:
        first = store.submit(Append(1, "first", b"1"))
        await asyncio.to_thread(held.arrived.wait)
        sends = [store.submit(Append(1, key, b"1")) for key in ("a", "bad", "b", "last")]
        held.release()
        await first
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Appended, NotStorable, Unavailable, Unavailable]
        assert await store.read(Positions([1])) == {1: InboxPosition(2, 0)}


class TestPlans:
    """Without statistics, as on a fresh installation."""

    @pytest.fixture
    def session(self, database: SqliteDatabase) -> "Recorder":
        """A session that remembers its statements."""
        database.driver().prepare()
        session = Recorder(database.path)
        session.commit([CreateUser("ann", "hash", False)])
        session.statements.clear()
        yield session
        session.close()

    def test_connecting(self, session: "Recorder"):
        """A connecting device reads the pending ones and nothing else."""
        (line,) = session.plan(PENDING, (1, 0, 9, 0, 100))
        assert "USING INDEX notifications_pending (user_id=? AND seq>? AND seq<?)" in line

    def test_counting(self, session: "Recorder"):
        """So does a count of what is pending."""
        lines = session.plan(COUNT, (1, 0, 9))
        assert "SEARCH notifications USING INDEX notifications_pending (user_id=?)" in lines

    def test_writing(self, session: "Recorder"):
        """No statement of a batch walks over the notifications."""
        session.commit(
            [
                Append(1, "a", b"1", key_given=True, sender=ANYONE),
                Append(1, "b", b"1", sender=Sender(digest=b"x")),
                Acknowledge(1, "a"),
            ]
        )
        statements = [each for each in session.statements if "notifications" in each[0]]
        assert len(statements) == 3
        lines = [line for each in statements for line in session.plan(*each)]
        assert any("notifications_key (user_id=? AND key=?)" in line for line in lines)
        assert not [line for line in lines if line.startswith(("SCAN n", "SCAN notifications"))]

    def test_states(self, session: "Recorder"):
        """A change of state finds each of its rows, and looks at no others."""
        session.commit([Append(1, "a", b"1")])
        session.commit([ChangeKeys(1, "read", ("a",))])
        [update] = [each for each in session.statements if "UPDATE notifications" in each[0]]
        lines = session.plan(*update)
        assert any("notifications_place (user_id=? AND seq=?)" in line for line in lines)
        assert not [line for line in lines if line.startswith("SCAN notifications")]

    def test_retention(self, session: "Recorder"):
        """Retention looks only at what is settled."""
        session.commit([RemoveNotifications(9, 9, 100)])
        statements = [each for each in session.statements if "DELETE" in each[0]]
        lines = [line for each in statements for line in session.plan(*each)]
        for index in ("notifications_acked", "notifications_expiring"):
            assert any(index in line for line in lines)
        assert not [line for line in lines if line.startswith("SCAN")]


class Recorder(SqliteWriteSession):
    """Remembers what it was asked to run."""

    def __init__(self, path: Path) -> None:
        super().__init__(StoreFile(path))
        self.statements: list[tuple[str, Any]] = []

    def run(self, statement: str, parameters: Any = ()) -> list[Any]:
        self.statements.append((statement, parameters))
        return super().run(statement, parameters)

    def plan(self, statement: str, parameters: Any) -> list[str]:
        """How SQLite would do it, line by line."""
        return [row[3] for row in super().run(f"EXPLAIN QUERY PLAN {statement}", parameters)]
