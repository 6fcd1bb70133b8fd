"""What can be done to accounts, and asked of them, on every driver."""

import asyncio

import pytest

from notifier.errors import InvalidFields, UnknownUser, UsernameTaken
from notifier.models import Actor, User
from notifier.storage.operations.audit import AuditEntries
from notifier.storage.operations.names import Place
from notifier.storage.operations.notifications import Acknowledge, PendingCounts
from notifier.storage.operations.users import (
    CreateUser,
    EditUser,
    EndSessions,
    FindUsers,
    SetActive,
    SetPassword,
    UserById,
    UserChangesSince,
)
from notifier.storage.store import Store
from tests.storage.databases import Database, make_user, opened
from tests.storage.plans import MANY, is_walk, plan
from tests.storage.test_contract import send
from tests.support.moments import Clock

BOSS = Actor("user:boss", "192.0.2.1")


async def recorded(store: Store) -> list[tuple[str, str, str]]:
    """Action, actor and subject of all entries, the oldest first."""
    entries = await store.read(AuditEntries(1000, since=0))
    return [(entry.action, entry.actor, entry.subject) for entry in entries]


@pytest.fixture
async def boss(store: Store) -> User:
    """A superuser."""
    user = await store.submit(CreateUser("boss", "hash", is_superuser=True))
    assert user is not None
    return user


class TestEditing:
    async def test_everything_at_once(self, store: Store, boss: User, ann: int):
        """What is given is changed, and each change is recorded, by whom and from where."""
        edited = await store.submit(
            EditUser(ann, "anna", "new", is_active=False, is_superuser=True, by=BOSS)
        )
        assert edited == await store.read(UserById(ann))
        assert (edited.id, edited.username, edited.password_hash) == (ann, "anna", "new")
        assert (edited.is_active, edited.is_superuser) == (False, True)
        assert (await recorded(store))[2:] == [
            ("password_changed", "user:boss", "user:ann"),
            ("user_promoted", "user:boss", "user:ann"),
            ("user_deactivated", "user:boss", "user:ann"),
            ("user_renamed", "user:boss", "user:ann"),
        ]
        (renamed,) = await store.read(AuditEntries(1))
        assert (renamed.details, renamed.address) == ('{"to":"anna"}', "192.0.2.1")

    async def test_what_ends_nothing(self, store: Store, boss: User, ann: int):
        """A new name and other rights leave tokens and connections alone."""
        for change in ({"username": "anna"}, {"is_superuser": True}, {"is_superuser": False}):
            edited = await store.submit(EditUser(ann, **change, by=BOSS))
            assert edited.token_version == 0
        assert await store.read(UserChangesSince(0)) == []

    @pytest.mark.parametrize("change", [{"password_hash": "new"}, {"is_active": False}], ids=str)
    async def test_what_ends_everything(
        self,
        store: Store,
        database: Database,
        boss: User,
        ann: int,
        change: dict[str, object],
    ):
        """A new password and a locked account end sessions and tokens, and servers hear of it."""
        nonce = "X'31'" if store.driver == "sqlite" else "'1'"
        for owner in (boss.id, ann, ann):
            database.execute(
                "INSERT INTO sessions (user_id, nonce, address, user_agent, created_at, used_at, "
                f"expires_at, ends_at) VALUES ({owner}, {nonce}, '', '', 0, 0, 0, 0)"
            )
        edited = await store.submit(EditUser(ann, **change, by=BOSS))
        assert edited.token_version == 1
        changes = await store.read(UserChangesSince(0))
        assert [change.user_id for change in changes or ()] == [ann]
        assert database.execute("SELECT user_id FROM sessions") == [(boss.id,)]

    async def test_nothing_new(self, store: Store, boss: User, ann: int):
        """What is so already is no change: nothing ends, and nothing is recorded."""
        before, entries = await store.read(UserById(ann)), await recorded(store)
        same = EditUser(ann, "ann", is_active=True, is_superuser=False, by=BOSS)
        assert await store.submit(same) == before
        await store.submit(SetActive(ann, True))
        assert await store.submit(EditUser(ann, by=BOSS)) == before
        assert await recorded(store) == entries

    async def test_all_or_nothing(self, store: Store, boss: User, ann: int):
        """If the name is taken, the rest is not changed either."""
        before, entries = await store.read(UserById(ann)), await recorded(store)
        with pytest.raises(UsernameTaken):
            await store.submit(EditUser(ann, "boss", "new", is_active=False, by=BOSS))
        assert await store.read(UserById(ann)) == before
        assert await recorded(store) == entries

    async def test_unknown(self, store: Store, boss: User):
        """Nobody is made by a change."""
        with pytest.raises(UnknownUser):
            await store.submit(EditUser(99, "zoe", by=BOSS))

    @pytest.mark.parametrize("change", ["is_active", "is_superuser"])
    async def test_superusers_keep_their_own_rights(self, store: Store, boss: User, change: str):
        """A superuser who could lock themself out would be the last one some day."""
        await store.submit(CreateUser("other", "hash", is_superuser=True))
        with pytest.raises(InvalidFields) as refused:
            await store.submit(EditUser(boss.id, "b", "h", **{change: False}, by=BOSS))
        assert list(refused.value.errors) == [change]
        assert await store.read(UserById(boss.id)) == boss

    async def test_superusers_who_demote_each_other(self, store: Store, boss: User):
        """Whoever comes second would leave nobody, and is refused."""
        other = await store.submit(CreateUser("other", "hash", is_superuser=True))
        assert other is not None
        outcomes = await asyncio.gather(
            store.submit(EditUser(other.id, is_superuser=False, by=BOSS)),
            store.submit(EditUser(boss.id, is_active=False, by=Actor("user:other"))),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], User)
        assert isinstance(outcomes[1], InvalidFields)

    async def test_every_change_is_recorded(self, store: Store, ann: int):
        """Also those of the command line, and of the server itself."""
        cli = Actor("cli:root")
        await store.submit(SetPassword(ann, "new", cli))
        await store.submit(SetActive(ann, False, cli))
        await store.submit(SetActive(ann, True, cli))
        await store.submit(EndSessions(ann))
        assert await recorded(store) == [
            ("user_created", "server", "user:ann"),
            ("password_changed", "cli:root", "user:ann"),
            ("user_deactivated", "cli:root", "user:ann"),
            ("user_activated", "cli:root", "user:ann"),
            ("signed_out_everywhere", "server", "user:ann"),
        ]

    async def test_a_refused_one_is_not_recorded(self, store: Store, ann: int):
        """Nobody is made twice, and no entry says so."""
        before = await recorded(store)
        with pytest.raises(UsernameTaken):
            await store.submit(CreateUser("ann", "hash", by=BOSS))
        assert await recorded(store) == before


class TestFinding:
    async def test_by_name(self, store: Store):
        """In the order of names, whatever their case; those that begin like the search."""
        for name in ("Zoe", "anna", "Bob", "Ann", "ann", "bobby", "李"):
            await make_user(store, name)
        for beginning, names in (
            ("", ["Ann", "ann", "anna", "Bob", "bobby", "Zoe", "李"]),
            ("AN", ["Ann", "ann", "anna"]),
            ("bob", ["Bob", "bobby"]),
            ("李", ["李"]),
            ("b_b", []),
            ("%", []),
            ("x" * 1000, []),
        ):
            page = await store.read(FindUsers(beginning, None, 100))
            assert [user.username for user in page.found] == names
            assert page.next is None

    async def test_pages(self, store: Store):
        """Page by page everybody comes once, also those whose names differ in case only."""
        names = ["Ann", "aNn", "anN", *(f"ann{n}" for n in range(4)), "b"]
        for name in names:
            await make_user(store, name)
        found: list[str] = []
        after: Place | None = None
        while True:
            users, after = await store.read(FindUsers("ANN", after, 2))
            found += [user.username for user in users]
            if after is None:
                break
            assert len(users) == 2
        assert found == names[:-1]

    async def test_a_page_goes_on_behind_somebody_who_is_gone(self, store: Store):
        """A cursor is a place, not a user: renaming one takes nobody from the next page."""
        for name in ("a", "b", "c"):
            await make_user(store, name)
        first = await store.read(FindUsers("", None, 2))
        await store.submit(EditUser(first.found[-1].id, "z"))
        rest = await store.read(FindUsers("", first.next, 5))
        assert [user.username for user in rest.found] == ["c", "z"]

    async def test_ten_thousand(self, database: Database):
        """A page is a walk along the index: no more users are read than are shown."""
        async with opened(database.driver()):
            database.execute(
                "INSERT INTO users (username, password_hash, created_at) "
                f"{MANY} SELECT 'User' || i, 'no hash', 0 FROM many"
            )
            for query in (
                FindUsers("", None, 50),
                FindUsers("USER9", None, 50),
                FindUsers("user9", Place("user95", 95), 50),
            ):
                how = plan(database, query)
                assert is_walk(how, "users_name"), how


class TestPendingCounts:
    async def test_each(self, store: Store, ann: int, bob: int, time: Clock):
        """What was acknowledged or is over does not count."""
        for key in "abc":
            await send(store, ann, key)
        await send(store, ann, "short", ttl=1000)
        await store.submit(Acknowledge(ann, "b"))
        await send(store, bob, "a")
        time.advance(2000)
        counts = await store.read(PendingCounts([ann, bob, 99], 100))
        assert counts == {ann: 2, bob: 1, 99: 0}
        assert await store.read(PendingCounts([], 100)) == {}

    async def test_bounded(self, store: Store, ann: int):
        """Counting ends, whatever somebody has not read."""
        for key in range(5):
            await send(store, ann, str(key))
        assert await store.read(PendingCounts([ann], 3)) == {ann: 3}
