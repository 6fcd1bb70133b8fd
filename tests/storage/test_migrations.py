"""What a migration does to a database that is in use."""

import asyncio
import re

import pytest

from notifier.errors import ApiKeyNotValid, CopyRefused, SchemaTooNew, Unavailable
from notifier.events import Appended
from notifier.models import Sender
from notifier.storage import migrations, postgres
from notifier.storage.copy import copy
from notifier.storage.migrations import Migration
from notifier.storage.operations.keys import ApiKeyByDigest, ApiKeys
from notifier.storage.operations.notifications import Append
from tests.storage.conftest import MakeDatabase
from tests.storage.databases import Database, PostgresDatabase, make_user, opened
from tests.support.harness import until


@pytest.fixture
def first_schema(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database as the first release made it."""
    load = migrations.load
    with monkeypatch.context() as before:
        before.setattr(migrations, "load", lambda driver: load(driver)[:1])
        assert database.driver().prepare() == 1
    return database


def make_key(database: Database, name: str, digest: str, *, revoked_at: str = "NULL") -> None:
    """Make an API key as a program does that knows the first schema only."""
    blob = f"X'{digest}'" if "sqlite" in database.driver().name else f"'\\x{digest}'"
    database.execute(
        "INSERT INTO api_keys (name, digest, created_at, revoked_at) "
        f"VALUES ('{name}', {blob}, 5, {revoked_at})"
    )


async def test_keys_that_exist_may_send(first_schema: Database):
    """Keys of an earlier release are what they were: they may send, and nothing else."""
    make_key(first_schema, "billing", "aa")
    make_key(first_schema, "old", "bb", revoked_at="7")
    async with opened(first_schema.driver()) as store:
        keys = await store.read(ApiKeys())
        assert [(key.name, key.scopes, key.created_at, key.revoked_at) for key in keys] == [
            ("billing", ("send",), 5, None),
            ("old", ("send",), 5, 7),
        ]
        ann = await make_user(store, "ann")
        sent = await store.submit(Append(ann, "k", b"1", sender=Sender(digest=b"\xaa")))
        assert isinstance(sent, Appended)
        with pytest.raises(ApiKeyNotValid):
            await store.submit(Append(ann, "l", b"1", sender=Sender(digest=b"\xbb")))


async def test_earlier_programs_go_on(database: Database):
    """A key that a program of the first release makes in the new schema may send."""
    async with opened(database.driver()) as store:
        make_key(database, "billing", "aa")
        key = await store.read(ApiKeyByDigest(b"\xaa"))
        assert key is not None
        assert key.scopes == ("send",)


NEWEST = migrations.load("sqlite")[-1].version


def next_release(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """From now on this program has further migrations."""
    load = migrations.load
    steps = [
        Migration(NEWEST + number, f"step_{number}", script)
        for number, script in enumerate(scripts, 1)
    ]
    monkeypatch.setattr(migrations, "load", lambda driver: load(driver) + steps)


class TestNewerSchema:
    """This program, on a schema of a later release."""

    async def test_next(self, database: Database, monkeypatch: pytest.MonkeyPatch):
        """A program starts on the schema of the next release, works, and leaves it as it is."""
        with monkeypatch.context() as then:
            column = f"-- runs_from: {NEWEST}\nALTER TABLE users ADD COLUMN nick text;\n"
            next_release(then, column, column.replace("nick", "title"))
            assert database.driver().prepare() == NEWEST + 2
        assert database.driver().prepare() == 0
        async with opened(database.driver()) as store:
            ann = await make_user(store, "ann")
            assert isinstance(await store.submit(Append(ann, "k", b"1")), Appended)
        assert database.count("schema_migrations") == NEWEST + 2

    def test_beyond(self, database: Database, monkeypatch: pytest.MonkeyPatch):
        """Beyond the next release it is refused, with the versions named, and left alone."""
        with monkeypatch.context() as then:
            add = f"-- runs_from: {NEWEST}\nALTER TABLE users ADD COLUMN nick text;\n"
            remove = f"-- runs_from: {NEWEST + 1}\nALTER TABLE api_keys DROP COLUMN scopes;\n"
            next_release(then, add, remove)
            database.driver().prepare()
        with pytest.raises(
            SchemaTooNew,
            match=rf"at version {NEWEST + 2}, for programs that know version {NEWEST + 1}, "
            rf"and this one knows versions up to {NEWEST}: run the newer program",
        ):
            database.driver().prepare()
        assert database.count("schema_migrations") == NEWEST + 2

    def test_nothing_said(self, database: Database):
        """A newer migration that does not say what runs with it is refused."""
        database.driver().prepare()
        database.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9000, 'future', 0)"
        )
        with pytest.raises(SchemaTooNew, match="version 9000"):
            database.driver().prepare()

    def test_copy(self, database: Database, make_database: MakeDatabase):
        """It is not copied, because what this program does not know would be left behind."""
        database.driver().prepare()
        newer = f"VALUES ({NEWEST + 1}, 'next', 0, {NEWEST})"
        database.execute(f"INSERT INTO schema_migrations {newer}")
        target = make_database("sqlite")
        for pair in ((database, target), (target, database)):
            with pytest.raises(CopyRefused, match="copy with the newer program"):
                copy(*(each.driver() for each in pair))


def test_store_of_the_first_release(first_schema: Database):
    """A store whose migrations did not say yet what runs with them goes on."""
    first_schema.execute("ALTER TABLE schema_migrations DROP COLUMN runs_from")
    assert first_schema.driver().prepare() == NEWEST - 1
    assert first_schema.execute(
        "SELECT version, runs_from FROM schema_migrations WHERE version <= 2 ORDER BY version"
    ) == [(1, None), (2, 1)]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
class TestSendsGoOn:
    """What a migration of PostgreSQL does to those who send meanwhile."""

    async def test_index(self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch):
        """An index is built while others write, and once, also if processes start together."""
        async with opened(database.driver()) as store:
            ann = await make_user(store, "ann")
            next_release(monkeypatch, INDEX)
            other = database.driver(timeout=60.0).writer()
            with other.transaction():
                other.run("UPDATE notifications SET acked_at = 1")
                starts = [asyncio.to_thread(database.driver().prepare) for _ in range(4)]
                starting = asyncio.gather(*starts)
                await until(lambda: database.execute(BUILDING))
                assert isinstance(await store.submit(Append(ann, "k", b"1")), Appended)
                assert not starting.done()
            assert sorted(await starting) == [0, 0, 0, 1]
            other.close()
        assert database.execute(VALID) == [(True,)]

    def test_interrupted_index(self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch):
        """An index whose process ended before it said so is built again by the next."""
        next_release(monkeypatch, INDEX)
        database.driver().prepare()
        database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = " + NAMED)
        database.execute("DELETE FROM schema_migrations WHERE name = 'step_1'")
        assert database.driver().prepare() == 1
        assert database.execute(VALID) == [(True,)]

    async def test_lock(self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch):
        """A migration that can't have a table soon gives up, so that sends behind it go on."""
        monkeypatch.setattr(postgres, "_LOCK_TIMEOUT", 0.1)
        async with opened(database.driver()) as store:
            ann = await make_user(store, "ann")
            reader = database.driver(timeout=60.0).writer()
            with reader.transaction():
                reader.run("SELECT 1 FROM users")
                with monkeypatch.context() as then:
                    next_release(then, "ALTER TABLE users ADD COLUMN nick text;\n")
                    with pytest.raises(Unavailable, match="lock timeout"):
                        await asyncio.to_thread(database.driver().prepare)
                assert isinstance(await store.submit(Append(ann, "k", b"1")), Appended)
            reader.close()
        assert database.count("schema_migrations") == NEWEST


INDEX = (
    f"-- runs_from: {NEWEST}\n"
    "DROP INDEX CONCURRENTLY IF EXISTS notifications_created;\n"
    "CREATE INDEX CONCURRENTLY notifications_created ON notifications (created_at);\n"
)
NAMED = "'notifications_created'::regclass"
VALID = f"SELECT indisvalid FROM pg_index WHERE indexrelid = {NAMED}"
BUILDING = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
    "AND query LIKE '%CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
)

LOCKING = re.compile(
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)|DROP INDEX (?!CONCURRENTLY)|SET NOT NULL"
    r"|ALTER COLUMN \w+ (SET DATA )?TYPE|ADD CONSTRAINT(?!.*(NOT VALID|USING INDEX))"
    r"|\bRENAME\b|\bLOCK TABLE\b|\bVACUUM FULL\b|\bCLUSTER\b",
    re.IGNORECASE | re.DOTALL,
)
"""What holds others off a table for as long as it is long, or takes a name away from them."""


def stopping(step: Migration) -> list[str]:
    """The statements of a migration of PostgreSQL that stop sends. On a new table, none does."""
    new = re.findall(r"CREATE TABLE (\w+)", step.sql)
    return [
        statement
        for statement in (re.sub("--.*", "", each) for each in step.statements)
        if LOCKING.search(statement) and not set(new) & set(re.findall(r"\w+", statement))
    ]


def test_what_migrations_may_do():
    """Each says what runs with it, the same for both databases; none of them stops sends."""
    steps, others = (migrations.load(driver) for driver in ("postgres", "sqlite"))
    said = [(step.version, step.name, step.runs_from) for step in steps]
    assert said == [(step.version, step.name, step.runs_from) for step in others]
    for step in steps[1:]:
        assert step.runs_from < step.version, f"{step.name} does not say what runs with it"
        assert stopping(step) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX late ON notifications (created_at);",
        "CREATE UNIQUE INDEX late ON users (created_at);",
        "ALTER TABLE users ALTER COLUMN created_at TYPE numeric;",
        "ALTER TABLE users ALTER COLUMN nick SET NOT NULL;",
        "ALTER TABLE users ADD CONSTRAINT some CHECK (id > 0);",
        "ALTER TABLE users RENAME username TO name;",
    ],
)
def test_what_they_may_not(statement: str):
    """What stops sends is found, also beside other statements; and not on a new table."""
    harmless = "-- An index\nCREATE INDEX CONCURRENTLY x ON users (id);\n"
    assert stopping(Migration(9, "bad", f"{harmless}{statement}\n")) == [statement]
    for table in ("users", "notifications"):
        statement = statement.replace(table, "fresh")
    assert stopping(Migration(9, "new", f"CREATE TABLE fresh (id bigint);\n{statement}\n")) == []
