"""Moving an installation to another database."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from notifier.errors import CopyRefused, InvalidSettings, StoreInUse, Unavailable
from notifier.models import KeyUse, Sender
from notifier.storage.contract import Driver
from notifier.storage.copy import copy, driver_at
from notifier.storage.operations.inbox.changes import ChangeKeys, ChangeUpTo
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.keys import ApiKeys, CreateApiKey, RecordKeyUses, RevokeApiKey
from notifier.storage.operations.notifications import Acknowledge, Append, Pending, Positions
from notifier.storage.operations.recipients import CreateRecipient, RecipientByName
from notifier.storage.operations.users import (
    EndSessions,
    LastUserChange,
    SetActive,
    SetPassword,
    UserChangesSince,
    Users,
)
from notifier.storage.postgres import PostgresDriver, PostgresWriteSession
from notifier.storage.sqlite import SqliteDriver, SqliteWriteSession
from notifier.storage.tables import TABLES, Table
from tests.storage.conftest import MakeDatabase
from tests.storage.databases import (
    Database,
    SqliteDatabase,
    make_user,
    opened,
)
from tests.support.moments import Clock


@pytest.fixture(params=["sqlite-postgres", "postgres-sqlite", "sqlite-sqlite", "postgres-postgres"])
def pair(request: pytest.FixtureRequest, make_database: MakeDatabase) -> tuple[Database, Database]:
    """A source and a target, in every direction."""
    source, target = request.param.split("-")
    return make_database(source), make_database(target)


async def fill(database: Database, time: Clock) -> None:
    """Some of everything."""
    async with opened(database.driver()) as store:
        ann, bob = await make_user(store, "ann"), await make_user(store, "Bøb")
        await make_user(store, "nobody")
        named = await store.submit(CreateRecipient("auth0|5f7c"))
        payloads = [
            b"1.10",
            b'{"b": 1,  "a": "\\u0000"}',
            '"😀"'.encode(),
            b'"' + b"x" * 100_000 + b'"',
        ]
        await asyncio.gather(
            *(
                store.submit(Append(user, f"key {n}", payloads[n % 4], ttl=1000 if n % 7 else None))
                for n in range(150)
                for user in (ann, bob)
            )
        )
        await store.submit(Append(named.number, "key", b"1"))
        time.advance(10)
        await asyncio.gather(
            *(store.submit(Acknowledge(ann, f"key {n}")) for n in range(0, 150, 3))
        )
        await store.submit(CreateApiKey("billing", bytes(range(32))))
        await store.submit(
            CreateApiKey("shop", b"digest", ("send", "identity"), "eu:", 5, lifetime=10)
        )
        await store.submit(RecordKeyUses([KeyUse(2, "::1", 10, 20)]))
        await store.submit(Append(named.number, "sent", b"1", sender=Sender(digest=b"digest")))
        await store.submit(RevokeApiKey("shop"))
        await store.submit(ChangeKeys(ann, "archive", ("key 1", "key 2")))
        await store.submit(ChangeUpTo(ann, "read", 20, "news"))
        await store.submit(Withdraw(bob, "key 1"))
        await store.submit(
            Append(ann, "low", b"1", category="news", priority="low", collapse_key="c")
        )
        await store.submit(SetActive(bob, False))
        await store.submit(SetPassword(ann, "another"))
    with closing(database.driver().writer()) as session, session.transaction():
        table = next(each for each in TABLES if each.name == "sessions")
        row = (1, ann, b"nonce", 2, "::1", "Firefox", 10, 20, 40, 30)
        session.insert_rows(table, list(table.columns), [row])


async def everything(database: Database) -> list[Any]:
    """All that can be seen."""
    async with opened(database.driver()) as store:
        users = await store.read(Users())
        named = await store.read(RecipientByName("auth0|5f7c"))
        ids = [*([named.number] if named else []), *(user.id for user in users)]
        pages = [await store.read(Pending(id_, 0, rows=999, size=1 << 30)) for id_ in ids]
        return [
            users,
            named,
            await store.read(Positions(ids)),
            [(list(page.notifications), page.last_seq) for page in pages],
            await store.read(ApiKeys()),
            await store.read(UserChangesSince(0)),
        ]


def sent_by_keys(database: Database) -> list[tuple[Any, ...]]:
    """Which keys have sent what."""
    return database.execute(
        "SELECT user_id, key, api_key_id FROM notifications WHERE api_key_id IS NOT NULL"
    )


def recorded(database: Database) -> list[tuple[Any, ...]]:
    """The audit log."""
    return database.execute("SELECT * FROM audit ORDER BY id")


def acknowledged(database: Database) -> list[tuple[Any, ...]]:
    """What has been acknowledged when."""
    return database.execute(
        "SELECT user_id, seq, acked_at FROM notifications "
        "WHERE acked_at IS NOT NULL ORDER BY user_id, seq"
    )


def run(source: Database, target: Database) -> Any:
    """Copy, as the command line does."""
    drivers: tuple[Driver, Driver] = (source.driver(), target.driver())
    try:
        return copy(*drivers)
    finally:
        for driver in drivers:
            driver.close()


async def test_everything_moves(pair: tuple[Database, Database], time: Clock):
    """The target holds exactly what the source does, and the report says how much."""
    source, target = pair
    await fill(source, time)
    before = await everything(source)
    report = run(source, target)
    assert {name: each.rows for name, each in report.tables.items()} == {
        "users": 3,
        "recipients": 1,
        "inboxes": 4,
        "notifications": 303,
        "inbox_changes": 3,
        "api_keys": 2,
        "user_changes": 2,
        "sessions": 1,
        "audit": source.count("audit"),
    }
    assert await everything(target) == before
    assert acknowledged(target) == acknowledged(source)
    assert len(acknowledged(target)) == 51
    assert sent_by_keys(target) == sent_by_keys(source) == [(-1, "sent", 2)]
    assert recorded(target) == recorded(source)
    assert len(recorded(target)) > 0
    assert await everything(source) == before


async def test_goes_on(pair: tuple[Database, Database], time: Clock):
    """Logs and ids go on where they were, even behind rows that have been deleted."""
    source, target = pair
    await fill(source, time)
    source.execute("DELETE FROM user_changes WHERE id = 2")
    run(source, target)
    async with opened(target.driver()) as store:
        assert (await store.submit(Append(1, "next", b"1"))).notification.seq == 152
        assert (await store.submit(Append(1, "key 0", b"1.10", key_given=True))).replayed
        assert await make_user(store, "new") == 4
        await store.submit(EndSessions(1))
        assert await store.read(LastUserChange()) == 3
        assert (await store.submit(CreateApiKey("new", b"new"))).id == 3


async def test_round_trip(make_database: MakeDatabase, time: Clock):
    """There and back again is where it was, and checksums don't depend on the database."""
    first, second, third = (
        make_database("sqlite"),
        make_database("postgres"),
        make_database("sqlite"),
    )
    await fill(first, time)
    assert run(first, second) == run(second, third)
    assert await everything(third) == await everything(first)


async def test_target_not_empty(pair: tuple[Database, Database], time: Clock):
    """A target that holds anything is refused and left as it is."""
    source, target = pair
    await fill(source, time)
    async with opened(target.driver()) as store:
        await store.submit(CreateApiKey("billing", b"digest"))
    before = await everything(target)
    with pytest.raises(CopyRefused, match="rows in api_keys"):
        run(source, target)
    assert await everything(target) == before


async def test_nothing_to_copy(pair: tuple[Database, Database]):
    """An empty source, such as a mistyped address makes, is refused."""
    with pytest.raises(CopyRefused, match="nothing to copy"):
        run(*pair)


@pytest.mark.parametrize("table", [table.name for table in TABLES])
async def test_difference_is_noticed(
    make_database: MakeDatabase, time: Clock, table: str, monkeypatch: pytest.MonkeyPatch
):
    """Rows that change on the way are noticed, and the target stays empty."""
    source, target = make_database("sqlite"), make_database("postgres")
    await fill(source, time)
    insert_rows = PostgresWriteSession.insert_rows

    def spoiling(self: Any, into: Table, columns: Any, rows: Any) -> None:
        if into.name == table:
            rows = [(*row[:-1], (row[-1] or 0) + 1) for row in rows]
        insert_rows(self, into, columns, rows)

    monkeypatch.setattr(PostgresWriteSession, "insert_rows", spoiling)
    with pytest.raises(CopyRefused, match=f"did not keep {table}"):
        run(source, target)
    assert [target.count(table.name) for table in TABLES] == [0] * len(TABLES)
    monkeypatch.undo()
    run(source, target)


async def test_server_still_running(make_database: MakeDatabase, time: Clock):
    """A data folder that a server uses is not copied."""
    source, target = make_database("sqlite"), make_database("sqlite")
    assert isinstance(source, SqliteDatabase)
    await fill(source, time)
    async with opened(source.driver(exclusive=True)):
        with pytest.raises(StoreInUse):
            copy(driver_at(f"sqlite:///{source.folder}"), target.driver())


async def test_nobody_writes_meanwhile(
    make_database: MakeDatabase, time: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Another process can't add to the source what the target would lack."""
    source, target = make_database("postgres"), make_database("sqlite")
    await fill(source, time)
    other = source.driver(timeout=0.2).writer()
    refused = []
    insert_rows = SqliteWriteSession.insert_rows

    def inserting(self: Any, *arguments: Any) -> None:
        if not refused:
            with pytest.raises(Unavailable):
                other.commit([Append(1, "late", b"1")])
            refused.append(True)
        insert_rows(self, *arguments)

    monkeypatch.setattr(SqliteWriteSession, "insert_rows", inserting)
    run(source, target)
    assert refused
    assert target.count("notifications") == 303
    other.close()


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "folder"),
        [
            ("sqlite:///data", "data"),
            ("sqlite:////var/lib/notifier", "/var/lib/notifier"),
            ("sqlite:////var/lib/notifier/notifier.sqlite3", "/var/lib/notifier"),
        ],
    )
    def test_sqlite(self, address: str, folder: str):
        """A folder, or the file in it; absolute with four slashes."""
        driver = driver_at(address)
        assert isinstance(driver, SqliteDriver)
        assert driver.path.parent == Path(folder)

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
    def test_postgres(self, scheme: str):
        """Both schemes that libpq knows."""
        assert isinstance(driver_at(f"{scheme}://user:word@host/name"), PostgresDriver)

    @pytest.mark.parametrize(
        "address", ["mysql://user:hidden@host/name", "sqlite://", "sqlite:///", "data", ""]
    )
    def test_unknown(self, address: str):
        """Anything else is refused, without repeating a password."""
        with pytest.raises(InvalidSettings) as refused:
            driver_at(address)
        assert "hidden" not in refused.value.message


def test_mistyped_source(tmp_path: Path):
    """A source that isn't there is refused, and not made."""
    with pytest.raises(CopyRefused, match="no store at"):
        driver_at(f"sqlite:///{tmp_path}/mistyped", existing=True)
    assert not list(tmp_path.iterdir())
