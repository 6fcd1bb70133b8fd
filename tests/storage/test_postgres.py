"""What is particular to PostgreSQL: many processes, and a server that can go away."""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from notifier.errors import (
    CannotStart,
    InvalidSettings,
    NotCommitted,
    NotStorable,
    Unavailable,
)
from notifier.events import Appended
from notifier.models import ANYONE
from notifier.storage import migrations
from notifier.storage.contract import Lookup
from notifier.storage.operations.notifications import (
    Acknowledge,
    Append,
    Pending,
    RemoveNotifications,
)
from notifier.storage.operations.users import CreateUser, EndSessions, UserChangesSince, Users
from notifier.storage.postgres import ACKNOWLEDGE, COUNT, PENDING, PostgresDriver
from notifier.storage.quota import LogState
from notifier.storage.store import Store
from servers import postgres
from servers.postgres import PASSWORD, PostgresServer
from tests.storage.databases import PostgresDatabase, make_user, opened
from tests.storage.proxy import CuttingProxy
from tests.storage.test_sqlite import INDEXES, TABLES
from tests.support.harness import until


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """The shared server, running before and after."""
    shared = postgres.shared()
    yield shared
    shared.start()


@pytest.fixture
def database(server: PostgresServer) -> PostgresDatabase:
    """A new database."""
    return PostgresDatabase()


@pytest.fixture
async def store(database: PostgresDatabase) -> AsyncIterator[Store]:
    """A store with one user, whose id is 1."""
    async with opened(database.driver()) as store:
        await make_user(store, "ann")
        yield store


async def send(store: Store, key: str) -> Appended:
    """Send to the one user."""
    return await store.submit(Append(1, key, b"1", key_given=True))


async def send_until_taken(store: Store, key: str) -> Appended:
    """Send as a good client does: again with the same key, until it is answered."""
    while True:
        try:
            return await send(store, key)
        except Unavailable:
            await asyncio.sleep(0.02)


class TestMigrations:
    def test_schema(self, database: PostgresDatabase):
        """The migrations make the same tables and indexes as SQLite's."""
        assert database.driver().prepare() == len(migrations.load("postgres"))
        columns: dict[str, list[str]] = {}
        for table, column in database.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
        ):
            columns.setdefault(table, []).append(column)
        # Nothing but SQLite needs an id in notifications.
        expected = TABLES | {"notifications": TABLES["notifications"][1:]}
        assert columns == expected
        indexes = database.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' "
            "AND NOT (indexname LIKE '%_pkey' OR indexname LIKE '%_key' "
            "AND tablename <> 'notifications')"
        )
        assert {name for (name,) in indexes} == INDEXES

    def test_concurrent_starts(self, database: PostgresDatabase):
        """Processes that start at the same moment migrate once, and all of them start."""
        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(lambda _: database.driver().prepare(), range(8)))
        assert sorted(counts) == [0] * 7 + [len(migrations.load("postgres"))]
        assert database.count("schema_migrations") == len(migrations.load("postgres"))

    def test_concurrent_first_superusers(self, database: PostgresDatabase):
        """Of processes that start at the same moment, one makes the first superuser."""
        database.driver().prepare()

        def create(number: int) -> object:
            session = database.driver().writer()
            (user,) = session.commit([CreateUser("admin", "hash", True, only_as_first=True)])
            session.close()
            return user

        with ThreadPoolExecutor(8) as pool:
            users = list(pool.map(create, range(8)))
        assert len([user for user in users if user is not None]) == 1
        assert database.execute("SELECT id FROM users") == [(1,)]

    def test_encoding(self, server: PostgresServer):
        """A database that can't hold every character is refused."""
        address = server.create_database("SQL_ASCII")
        with pytest.raises(CannotStart, match="encoding SQL_ASCII"):
            PostgresDriver(address).prepare()

    def test_permissions(self, database: PostgresDatabase):
        """A schema that we may not change is refused, with the server's reason."""
        role = f"guest_{secrets.token_hex(4)}"
        database.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        address = database.address.replace("//postgres:", f"//{role}:")
        with pytest.raises(CannotStart, match="permission denied"):
            PostgresDriver(address).prepare()


class TestConnection:
    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://u:hidden@h:1/db?bad=1",
            "hidden word",
            "postgresql://u:hidden/x@h:1/db",
            "postgres://u:1/hidden@h/db",
            "postgresql://u:x@hidden@h/db",
        ],
    )
    def test_invalid_address(self, address: str):
        """An address that makes no sense is refused without being quoted."""
        with pytest.raises(InvalidSettings) as refused:
            PostgresDriver(address)
        assert "hidden" not in str(refused.value)
        assert refused.value.__suppress_context__

    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://u:a%2Fb%40@h/db",
            "postgresql:///db?host=/tmp&user=ann@shop",
            "postgresql://u@h:5432,other:5433/db",
            "host=h user=u password='a/b@c://d'",
        ],
    )
    def test_valid_address(self, address: str):
        """What is encoded as it should be is taken."""
        PostgresDriver(address)

    def test_wrong_password(self, database: PostgresDatabase):
        """A wrong password is reported without it."""
        driver = PostgresDriver(database.address.replace(PASSWORD, "hidden"))
        with pytest.raises(Unavailable, match="password authentication failed") as refused:
            driver.prepare()
        assert "hidden" not in repr((refused.value, refused.value.__cause__, driver))

    def test_nobody_there(self):
        """A server that can't be reached is unavailable, with the reason at start."""
        driver = PostgresDriver("postgresql://u:hidden@127.0.0.1:1/db")
        with pytest.raises(Unavailable, match="refused") as refused:
            driver.prepare()
        assert "hidden" not in str(refused.value)
        with pytest.raises(Unavailable) as refused:
            driver.writer()
        assert "127.0.0.1" not in refused.value.message

    def test_named(self, database: PostgresDatabase):
        """Our sessions can be told from others, and the address may name them otherwise."""
        for address, name in [
            (database.address, "notifier"),
            (f"{database.address}?application_name=mine", "mine"),
        ]:
            session = PostgresDriver(address).reader()
            assert session.run("SHOW application_name") == [(name,)]
            session.close()

    def test_durable(self, database: PostgresDatabase):
        """A commit waits for the disk, whatever the database's default is."""
        name = database.address.rpartition("/")[2]
        for setting, expected in [("off", "on"), ("remote_apply", "remote_apply")]:
            database.execute(f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
            session = database.driver().writer()
            assert session.run("SHOW synchronous_commit") == [(expected,)]
            session.close()

    def test_isolation(self, database: PostgresDatabase):
        """Locks are followed by fresh reads, whatever the database's default is."""
        name = database.address.rpartition("/")[2]
        database.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable")
        session = database.driver().writer()
        with session.transaction():
            assert session.run("SHOW transaction_isolation") == [("read committed",)]
        session.close()

    def test_read_only(self, database: PostgresDatabase):
        """A server that only reads, as the old one after a failover, is as good as away."""
        name = database.address.rpartition("/")[2]
        database.driver().prepare()
        database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(Unavailable):
            database.driver().writer()


class TestBatches:
    @pytest.fixture
    def session(self, database: PostgresDatabase):
        """A write session, with one user, whose id is 1."""
        database.driver().prepare()
        session = database.driver().writer()
        session.commit([CreateUser("ann", "hash", False)])
        yield session
        session.close()

    def test_round_trips(self, session, monkeypatch: pytest.MonkeyPatch):
        """Sends cost two round trips a batch, acks one."""
        trips: list[bytes] = []
        original = type(session)._send

        def counted(self, text: bytes):
            trips.append(text)
            return original(self, text)

        monkeypatch.setattr(type(session), "_send", counted)
        session.commit([Append(1, f"k{n}", b"1", key_given=True, sender=ANYONE) for n in range(9)])
        assert len(trips) == 2
        trips.clear()
        session.commit([Acknowledge(1, f"k{n}") for n in range(9)])
        assert len(trips) == 1

    def test_conflict_is_retried(self, session, database: PostgresDatabase, caplog):
        """A transaction that the database undid in favour of another is done again."""
        _fail_inserts(database, times=2, sqlstate="40P01")
        (appended,) = session.commit([Append(1, "k", b"1")])
        assert isinstance(appended, Appended)
        assert appended.notification.seq == 1
        assert [record.message for record in caplog.records] == ["Transaction tried again"] * 2

    def test_lasting_conflict(self, session, database: PostgresDatabase):
        """It is not tried for ever."""
        _fail_inserts(database, times=1000, sqlstate="40001")
        with pytest.raises(Unavailable):
            session.commit([Append(1, "k", b"1")])

    def test_limit_of_the_database(
        self, session, database: PostgresDatabase, expected_errors: list[str]
    ):
        """What exceeds a limit of PostgreSQL is refused, and its neighbours are stored."""
        expected_errors.append("Operation refused by the database")
        endless = secrets.token_hex(8000)  # no room for it in an index entry
        outcomes = session.commit([Append(1, key, b"1") for key in ("a", endless, "b")])
        assert [type(outcome) for outcome in outcomes] == [Appended, NotStorable, Appended]

    def test_nul(self, session, expected_errors: list[str]):
        """Text that PostgreSQL can't hold is refused."""
        expected_errors.append("Operation refused by the database")
        assert isinstance(session.commit([Append(1, "a\0b", b"1")])[0], NotStorable)

    def test_waits_for_a_lock_with_a_limit(self, database: PostgresDatabase, session):
        """An inbox that somebody else holds for too long means unavailable, and nothing stored."""
        impatient = database.driver(timeout=0.5).writer()
        held = _locked(database, "SELECT FROM inboxes FOR UPDATE")
        with held, pytest.raises(NotCommitted):
            impatient.commit([Append(1, "k", b"1")])
        impatient.close()
        assert database.count("notifications") == 0

    def test_hanging_in_a_transaction(self, database: PostgresDatabase, session):
        """A process that hangs does not hold up the others, and knows that nothing was stored."""
        hanging = database.driver(timeout=2.5).writer()
        with pytest.raises(NotCommitted), hanging.transaction():
            hanging.look_up(Lookup([1], (), (), False))
            started = time.monotonic()
            (appended,) = session.commit([Append(1, "k", b"1")])
            assert time.monotonic() - started < 2
            assert appended.notification.seq == 1
            hanging.advance({1: LogState(7, 0)})
        hanging.close()
        (appended,) = session.commit([Append(1, "l", b"1")])
        assert appended.notification.seq == 2

    def test_retention_waits_for_nobody(self, database: PostgresDatabase, session):
        """What somebody else is busy with stays for the next time."""
        session.commit([Append(1, key, b"1") for key in "ab"])
        session.commit([Acknowledge(1, key) for key in "ab"])
        removal = RemoveNotifications(1 << 60, 0, 10)
        with _locked(database, "SELECT FROM notifications WHERE key = 'a' FOR UPDATE"):
            assert session.commit([removal]) == [1]
        assert session.commit([removal]) == [1]

    @pytest.mark.parametrize("pending_of_one_user", [20, 20_000])
    def test_plans(self, database: PostgresDatabase, session, pending_of_one_user: int):
        """Connecting reads only what is pending, and acks find their keys, whoever has how many."""
        database.execute(
            "INSERT INTO notifications SELECT 2 + n % 1000, n, n::text, '1', 0, NULL::bigint, 1 "
            "FROM generate_series(1, 20000) n UNION ALL "
            "SELECT 1, n, n::text, '1', 0, NULL, NULL::bigint "
            f"FROM generate_series(1, {pending_of_one_user}) n"
        )
        database.execute("ANALYZE notifications")

        def plan(statement: str, *parameters: object) -> str:
            return "\n".join(line for (line,) in session.run(f"EXPLAIN {statement}", parameters))

        connecting = plan(PENDING, 1, 0, 20000, 0, 500, 1 << 20)
        assert "Index Scan using notifications_pending" in connecting
        counting = plan(COUNT, 1, 0, 10_000)
        assert "notifications_pending" in counting
        acknowledging = plan(ACKNOWLEDGE, [1, 1, 7], ["5", "6", "7"], 1, 1)
        assert "Index Scan using notifications_key" in acknowledging
        assert "notifications_pending" not in acknowledging


def _fail_inserts(database: PostgresDatabase, *, times: int, sqlstate: str) -> None:
    """Let the next inserts of notifications fail with ``sqlstate``."""
    database.execute(
        "CREATE SEQUENCE attempts; "
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('attempts') <= {times} THEN RAISE 'no' USING ERRCODE = '{sqlstate}'; END IF; "
        "RETURN NEW; END $$; "
        "CREATE TRIGGER fail BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION fail()"
    )


@contextmanager
def _locked(database: PostgresDatabase, statement: str) -> Iterator[None]:
    """Another session has run ``statement`` and doesn't end its transaction."""
    other = psycopg2.connect(database.address)
    try:
        other.cursor().execute(statement)
        yield
    finally:
        other.rollback()  # closing alone would not wait for the server
        other.close()


class TestManyProcesses:
    @pytest.mark.parametrize("notifications", [20_000])
    async def test_stress(self, database: PostgresDatabase, notifications: int):
        """Four processes that write for the same users leave no hole, no repeat, no deadlock."""
        async with opened(database.driver()) as store:
            for n in range(20):
                await make_user(store, f"user{n}")
        script = Path(__file__).with_name("sender.py")
        share = str(notifications // 4)
        processes = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, str(script), database.address, str(n), share),
                stdout=asyncio.subprocess.PIPE,
            )
            for n in range(4)
        ]
        ended = asyncio.gather(*(process.communicate() for process in processes))
        holes = (
            "SELECT user_id, count(*), max(seq) FROM notifications "
            "GROUP BY user_id HAVING count(*) <> max(seq)"
        )
        looks = 0
        while not ended.done():
            # Places are in the order of commits: whoever looks never sees one without
            # those before it.
            assert database.execute(holes) == []
            looks += 1
            await asyncio.wait([ended], timeout=0.2)
        assert looks > 3
        assert [
            (p.returncode, out) for p, (out, _) in zip(processes, await ended, strict=True)
        ] == [(0, b"0")] * 4
        assert database.count("notifications") == notifications
        assert database.execute(holes) == []
        assert database.execute(
            "SELECT sum(last_seq) - (SELECT count(*) FROM notifications) FROM inboxes"
        ) == [(0,)]

    def test_acks_meet(self, database: PostgresDatabase, caplog):
        """Devices that acknowledge the same through several processes never deadlock."""
        database.driver().prepare()
        sessions = [database.driver().writer() for _ in range(4)]
        sessions[0].commit([CreateUser("ann", "hash", False)])
        keys = [f"k{n}" for n in range(100)]
        with ThreadPoolExecutor(4) as pool:
            for turn in range(20):
                own = [f"{turn}-{key}" for key in keys]
                sessions[0].commit([Append(1, key, b"1") for key in own])
                acks = [[Acknowledge(1, key) for key in own[n:] + own[:n]] for n in (0, 25, 50, 75)]
                list(pool.map(lambda session, batch: session.commit(batch), sessions, acks))
        assert caplog.records == []
        assert database.execute("SELECT count(acked_at) FROM notifications") == [(2000,)]
        for session in sessions:
            session.close()

    def test_changes_become_visible_in_order(self, database: PostgresDatabase):
        """Whoever follows the changes of users, while several processes make them, misses none."""
        database.driver().prepare()
        sessions = [database.driver().writer() for _ in range(4)]
        sessions[0].commit([CreateUser(f"user{n}", "hash", False) for n in range(4)])

        def change(number: int) -> None:
            for n in range(50):
                user = 1 + (n + number) % 4
                sessions[number].commit([Append(user, f"{number}-{n}", b"1"), EndSessions(user)])

        seen: list[int] = []
        reader = database.driver().reader()
        with ThreadPoolExecutor(4) as pool:
            changing = [pool.submit(change, number) for number in range(4)]
            while True:
                over = all(each.done() for each in changing)
                seen += [each.id for each in UserChangesSince(seen[-1] if seen else 0).ask(reader)]
                if over:
                    break
        assert [each.result() for each in changing] == [None] * 4
        assert len(seen) == 200
        for session in (*sessions, reader):
            session.close()


class TestServerAway:
    @pytest.fixture(autouse=True)
    def _away(self, expected_errors: list[str]) -> None:
        expected_errors.append("The store is away")

    async def test_idle_session_ended(self, server: PostgresServer, store: Store):
        """A session that was ended while nobody wrote or read is replaced unnoticed."""
        await store.read(Users())
        assert server.end_sessions("notifier") >= 2
        assert (await send(store, "k")).notification.seq == 1
        assert len(await store.read(Users())) == 1

    async def test_sessions_ended_under_load(self, server: PostgresServer, store: Store):
        """However often sessions are ended, whoever retries is stored exactly once, in order."""
        sending = asyncio.gather(*(_many(store, name) for name in "abcd"))
        while not sending.done():
            await asyncio.to_thread(server.end_sessions, "notifier")
            await asyncio.wait([sending], timeout=0.05)
        await _assert_complete(store, await sending)

    @pytest.mark.parametrize("how", ["restart", "crash"])
    async def test_restarted_under_load(self, server: PostgresServer, store: Store, how: str):
        """Sends are refused while the server is away, and resume by themselves."""
        sending = asyncio.gather(*(_many(store, name) for name in "abcd"))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(server.stop if how == "restart" else server.kill)
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await send(store, "meanwhile")
            with pytest.raises(Unavailable):
                await store.read(Users())
        assert not store.available
        assert not sending.done()
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            await store.wait_available()
        await _assert_complete(store, await sending)

    async def test_comes_back_without_being_asked(self, server: PostgresServer, store: Store):
        """The store notices that the server is back though nobody dares to send."""
        await asyncio.to_thread(server.stop)
        with pytest.raises(Unavailable):
            await send(store, "k")
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            await store.wait_available()

    async def test_turns_read_only(self, server: PostgresServer, store: Store):
        """A server that only reads, as after a failover, is noticed though nobody sends."""
        setting = "ALTER SYSTEM {} default_transaction_read_only"
        await store.read(Users())
        await asyncio.to_thread(server.execute, setting.format("SET") + " = on")
        try:
            await asyncio.to_thread(server.execute, "SELECT pg_reload_conf()")
            await until(lambda: not store.available)
            with pytest.raises(Unavailable):
                await send(store, "k")
            assert await store.read(Users())
        finally:
            await asyncio.to_thread(server.execute, setting.format("RESET"))
            await asyncio.to_thread(server.execute, "SELECT pg_reload_conf()")
        await until(lambda: store.available)
        assert (await send(store, "k")).notification.seq == 1

    async def test_full(self, server: PostgresServer, database: PostgresDatabase, store: Store):
        """A server whose disk is full is away until it takes what failed, not just anything."""
        await asyncio.to_thread(_fail_inserts, database, times=4, sqlstate="53100")
        with pytest.raises(Unavailable):
            await send(store, "k")
        assert not store.available
        await until(lambda: store.available)
        assert database.execute("SELECT last_value FROM attempts") == [(5,)]
        assert database.count("notifications") == 0
        assert (await send(store, "k")).notification.seq == 1

    async def test_gone_unnoticed(self, server: PostgresServer, store: Store):
        """A server that is gone is noticed though nobody sends."""
        await asyncio.to_thread(server.stop)
        await until(lambda: not store.available)
        await asyncio.to_thread(server.start)
        await until(lambda: store.available)

    async def test_hung(self, server: PostgresServer, database: PostgresDatabase):
        """A server that hangs means unavailable in time; a retry finds out what became of it."""
        async with opened(database.driver(timeout=1.5), timeout=3.0) as store:
            await make_user(store, "ann")
            await store.read(Users())
            with server.suspended():
                async with asyncio.timeout(8):
                    outcomes = await asyncio.gather(
                        send(store, "k"), store.read(Users()), return_exceptions=True
                    )
                assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
                async with asyncio.timeout(8):
                    # New connections hang as well.
                    with pytest.raises(Unavailable):
                        await send(store, "l")
            async with asyncio.timeout(30):
                await store.wait_available()
                first = await send_until_taken(store, "k")
            assert first.notification.seq in (1, 2)
            assert (await send(store, "k")).replayed
            assert len(await store.read(Users())) == 1

    def test_hung_session(self, server: PostgresServer, database: PostgresDatabase):
        """No session waits longer than its deadline, so that its thread is free again."""
        database.driver().prepare()
        driver = database.driver(timeout=0.5)
        reader, writer = driver.reader(), driver.writer()
        with server.suspended():
            for work in (
                lambda: Users().ask(reader),
                lambda: writer.commit([EndSessions(1)]),
                lambda: writer.commit([Append(1, "k", b"1")]),
                lambda: writer.commit([]),
                driver.reader,
            ):
                started = time.monotonic()
                with pytest.raises(Unavailable):
                    work()
                assert time.monotonic() - started < 5
        reader.close()
        writer.close()

    @pytest.mark.parametrize("delivered", [True, False], ids=["committed", "lost"])
    async def test_unknown_outcome(
        self, server: PostgresServer, database: PostgresDatabase, delivered: bool
    ):
        """A connection lost during COMMIT is no success; a retry with the key settles it."""
        with CuttingProxy(server.port) as proxy:
            address = database.address.replace(f":{server.port}/", f":{proxy.port}/")
            async with opened(PostgresDriver(address)) as store:
                await make_user(store, "ann")
                proxy.cut_at(b"COMMIT", delivered=delivered)
                with pytest.raises(Unavailable):
                    await send(store, "k")
                await store.wait_available()
                again = await send(store, "k")
                assert again.replayed == delivered
                assert again.notification.seq == 1
        assert database.count("notifications") == 1


async def _many(store: Store, name: str, number: int = 200) -> list[str]:
    for n in range(number):
        await send_until_taken(store, f"{name}{n}")
        # So that there is a load for as long as it takes to disturb it.
        await asyncio.sleep(0.002)
    return [f"{name}{n}" for n in range(number)]


async def _assert_complete(store: Store, sent: list[list[str]]) -> None:
    """Everything that was sent is there once, in an order that each sender agrees with."""
    page = await store.read(Pending(1, 0, rows=10_000, size=1 << 30))
    stored = [each.key for each in page.notifications if each.key != "meanwhile"]
    assert [each.seq for each in page.notifications] == list(range(1, page.last_seq + 1))
    assert sorted(stored) == sorted(key for keys in sent for key in keys)
    for keys in sent:
        assert [key for key in stored if key in set(keys)] == keys
