"""What every driver does, seen through the store."""

import asyncio
from contextlib import AbstractContextManager

import pytest

from notifier.errors import (
    KeyConflict,
    NotStorable,
    Unavailable,
    UnknownUser,
    UsernameTaken,
)
from notifier.events import Appended
from notifier.models import InboxPosition, Notification
from notifier.storage.contract import Operation, WriteSession
from notifier.storage.operations.keys import ApiKeys, CreateApiKey
from notifier.storage.operations.notifications import (
    Acknowledge,
    Append,
    Pending,
    Positions,
    RemoveNotifications,
)
from notifier.storage.operations.users import (
    CreateUser,
    EndSessions,
    LastUserChange,
    RemoveUserChanges,
    SetActive,
    SetPassword,
    UserById,
    UserByName,
    UserChangesSince,
    Users,
)
from notifier.storage.store import Store
from notifier.storage.writer import Commit
from tests.storage.databases import Database, make_recipient, make_user, opened
from tests.storage.held import HeldDriver
from tests.support.moments import Clock

PLENTY = {"rows": 10_000, "size": 1 << 30}


async def send(
    store: Store, user_id: int, key: str, payload: bytes = b"1", ttl: int | None = None
) -> Appended:
    """Send under a key of the sender's choice."""
    return await store.submit(Append(user_id, key, payload, ttl, key_given=True))


async def pending(store: Store, user_id: int, after: int = 0) -> list[tuple[int, str]]:
    """Place and key of all that a device would get that has seen everything up to ``after``."""
    page = await store.read(Pending(user_id, after, **PLENTY))
    assert page.complete
    return [(each.seq, each.key) for each in page.notifications]


class OfEither:
    """What holds for the log of an account and of a recipient."""

    @pytest.fixture(params=["account", "recipient"])
    async def ann(self, request: pytest.FixtureRequest, store: Store) -> int:
        """Whose log it is."""
        make = make_user if request.param == "account" else make_recipient
        return await make(store, "ann")


class TestUsers:
    async def test_created(self, store: Store, time: Clock):
        """A new user is active and has the first version of its tokens."""
        user = await store.submit(CreateUser("ann", "hash", is_superuser=True))
        assert user is not None
        assert (user.username, user.password_hash) == ("ann", "hash")
        assert (user.is_active, user.is_superuser, user.token_version) == (True, True, 0)
        assert user.created_at == time.moment
        assert await store.read(UserById(user.id)) == user
        assert await store.read(UserByName("ann")) == user

    async def test_first_id(self, store: Store):
        """The first user of all has the id 1."""
        assert await make_user(store, "admin") == 1

    async def test_name_taken(self, store: Store, ann: int):
        """A name belongs to one user."""
        with pytest.raises(UsernameTaken):
            await store.submit(CreateUser("ann", "other", is_superuser=False))
        assert [user.id for user in await store.read(Users())] == [ann]

    async def test_only_as_first(self, store: Store):
        """The first superuser is made once, whoever else there is."""
        create = {"is_superuser": True, "only_as_first": True}
        ann = await make_user(store, "ann")
        with pytest.raises(UsernameTaken):
            await store.submit(CreateUser("ann", "hash", **create))
        admin = await store.submit(CreateUser("admin", "hash", **create))
        assert admin is not None
        assert await store.submit(CreateUser("other", "hash", **create)) is None
        await store.submit(SetActive(admin.id, False))
        assert await store.submit(CreateUser("other", "hash", **create)) is None
        assert [user.id for user in await store.read(Users())] == [ann, admin.id]

    async def test_superusers(self, store: Store, ann: int):
        """Superusers are listed by id, deactivated ones too, and nobody else."""
        made = [
            await store.submit(CreateUser(name, "hash", is_superuser=True))
            for name in ("zoe", "boss")
        ]
        ids = [user.id for user in made if user]
        await store.submit(SetActive(ids[0], False))
        assert [
            (user.id, user.is_active) for user in await store.read(Users(superusers_only=True))
        ] == [
            (ids[0], False),
            (ids[1], True),
        ]
        assert ann not in ids

    async def test_listed_by_id(self, store: Store):
        """Users are listed in the order of their ids."""
        names = ["zoe", "ann", "måns", "李"]
        ids = [await make_user(store, name) for name in names]
        assert [(user.id, user.username) for user in await store.read(Users())] == list(
            zip(ids, names, strict=True)
        )

    async def test_unknown(self, store: Store):
        """There is nobody of an id or name that was never given."""
        assert await store.read(UserById(1)) is None
        assert await store.read(UserByName("ann")) is None

    async def test_password_changed(self, store: Store, ann: int):
        """A new password ends the tokens, and servers hear of it."""
        await store.submit(SetPassword(ann, "new hash"))
        user = await store.read(UserById(ann))
        assert user is not None
        assert (user.password_hash, user.token_version) == ("new hash", 1)
        assert [change.user_id for change in await store.read(UserChangesSince(0))] == [ann]

    async def test_signed_out_everywhere(self, store: Store, ann: int):
        """Ending a user's sessions ends the tokens and changes nothing else."""
        before = await store.read(UserById(ann))
        await store.submit(EndSessions(ann))
        after = await store.read(UserById(ann))
        assert before is not None
        assert after is not None
        assert after.token_version == before.token_version + 1
        assert (after.password_hash, after.is_active) == (before.password_hash, True)
        assert [change.user_id for change in await store.read(UserChangesSince(0))] == [ann]

    async def test_deactivated(self, store: Store, ann: int):
        """Deactivating is a change that servers hear of; activating again is none."""
        await store.submit(SetActive(ann, False))
        user = await store.read(UserById(ann))
        assert user is not None
        assert not user.is_active
        change = await store.read(LastUserChange())
        assert change > 0
        await store.submit(SetActive(ann, True))
        user = await store.read(UserById(ann))
        assert user is not None
        assert user.is_active
        assert await store.read(LastUserChange()) == change

    async def test_changes_are_ordered(self, store: Store, ann: int, bob: int):
        """Whoever knows the changes up to one gets those behind it, in order."""
        assert await store.read(LastUserChange()) == 0
        await store.submit(SetPassword(ann, "x"))
        first = await store.read(LastUserChange())
        await store.submit(SetActive(bob, False))
        await store.submit(EndSessions(ann))
        later = await store.read(UserChangesSince(first))
        assert [(change.user_id, change.reason) for change in later] == [
            (bob, "deactivated"),
            (ann, "signed out everywhere"),
        ]
        assert await store.read(LastUserChange()) == later[-1].id
        assert await store.read(UserChangesSince(later[-1].id)) == []

    @pytest.mark.parametrize(
        "change", [SetPassword(7, "hash"), EndSessions(7), SetActive(7, False)], ids=repr
    )
    async def test_change_of_unknown_user(self, store: Store, change: Operation[None]):
        """Changing a user who doesn't exist is refused and leaves no trace."""
        with pytest.raises(UnknownUser):
            await store.submit(change)
        assert await store.read(LastUserChange()) == 0


class TestAppending(OfEither):
    async def test_stored(self, store: Store, ann: int, time: Clock):
        """A notification is answered as it was stored, and is pending."""
        appended = await store.submit(Append(ann, "k", b'{"a": 1}', ttl=5_000))
        moment = time.moment
        assert appended == Appended(
            Notification(ann, 1, "k", b'{"a": 1}', moment, moment + 5_000), replayed=False
        )
        page = await store.read(Pending(ann, 0, **PLENTY))
        assert list(page.notifications) == [appended.notification]

    async def test_consecutive(self, store: Store, ann: int, bob: int):
        """Each user's log counts 1, 2, 3 … in the order of submission, batches or not."""
        users = [ann, bob, ann, ann, bob] * 100
        appended = await asyncio.gather(
            *(store.submit(Append(user, f"k{n}", b"1")) for n, user in enumerate(users))
        )
        for user in (ann, bob):
            own = [each.notification for each in appended if each.notification.user_id == user]
            assert [each.seq for each in own] == list(range(1, len(own) + 1))
            assert await pending(store, user) == [(each.seq, each.key) for each in own]

    async def test_unknown_user(self, store: Store):
        """Nothing can be sent to somebody who doesn't exist."""
        with pytest.raises(UnknownUser):
            await store.submit(Append(99, "k", b"1"))

    async def test_inactive_user(self, store: Store):
        """Nothing can be sent to an inactive user, and the log goes on when it is active again."""
        ann = await make_user(store, "ann")
        await send(store, ann, "a")
        await store.submit(SetActive(ann, False))
        with pytest.raises(UnknownUser):
            await send(store, ann, "b")
        await store.submit(SetActive(ann, True))
        assert (await send(store, ann, "c")).notification.seq == 2

    async def test_replay(self, store: Store, database: Database, ann: int, time: Clock):
        """The same key again stores nothing and answers with the first, also after its ack."""
        first = await send(store, ann, "k", b'{"a":1,"b":2}')
        time.advance(1000)
        again = await send(store, ann, "k", b'{ "b": 2, "a": 1 }')
        assert again == Appended(first.notification, replayed=True)
        await store.submit(Acknowledge(ann, "k"))
        assert await send(store, ann, "k", b'{"a":1,"b":2}') == again
        assert database.count("notifications") == 1
        assert (await send(store, ann, "l")).notification.seq == 2

    async def test_replay_in_one_batch(self, store: Store, database: Database, ann: int):
        """Of equal keys that arrive together one is stored, and all get its place."""
        appended = await asyncio.gather(*(send(store, ann, "k") for _ in range(20)))
        assert [each.replayed for each in appended] == [False] + [True] * 19
        assert {each.notification.seq for each in appended} == {1}
        assert database.count("notifications") == 1

    async def test_conflict(self, store: Store, ann: int):
        """A used key with another payload is refused; 1.10 is another payload than 1.1."""
        await send(store, ann, "k", b"1.10")
        with pytest.raises(KeyConflict):
            await send(store, ann, "k", b"1.1")
        page = await store.read(Pending(ann, 0, **PLENTY))
        assert [each.payload for each in page.notifications] == [b"1.10"]
        assert page.last_seq == 1

    async def test_keys_are_per_user(self, store: Store, ann: int, bob: int):
        """Two users may have the same key."""
        assert not (await send(store, ann, "k")).replayed
        assert not (await send(store, bob, "k", b"2")).replayed

    @pytest.mark.parametrize(
        "payload",
        [
            b"0",
            b"false",
            b'""',
            b"[]",
            b"123456789012345678901234567890123456789012345678901234567890",
            b"-1.10e+400",
            b'{"b":1,"a":1,"b":2}',
            rb'"\u0000\ud83d\ude00\ud800\/\\\"%s%%?"',
            "\"héllo 😀 \u2028 \ufeff \U0010ffff 'quoted' $tag$\"".encode(),
            b'"' + b"x" * (1 << 20) + b'"',
            b" [1,\n\t2] ",
        ],
        ids=lambda payload: payload[:12].decode("ascii", "replace").strip(),
    )
    async def test_bytes_survive(self, store: Store, ann: int, payload: bytes):
        """A payload comes out byte for byte as it went in."""
        appended = await store.submit(Append(ann, "k", payload))
        page = await store.read(Pending(ann, 0, **PLENTY))
        (notification,) = page.notifications
        assert appended.notification.payload == payload
        assert type(notification.payload) is bytes
        assert notification.payload == payload

    @pytest.mark.parametrize("key", ["k" * 200, "😀" * 200, 'it\'s %s ? \\ "x"', " "])
    async def test_any_key(self, store: Store, ann: int, key: str):
        """A key may be any text."""
        await send(store, ann, key)
        assert await pending(store, ann) == [(1, key)]
        assert (await send(store, ann, key)).replayed
        await store.submit(Acknowledge(ann, key))
        assert await pending(store, ann) == []

    async def test_bad_item_fails_alone(self, database: Database, expected_errors: list[str]):
        """What the database can't store doesn't touch its neighbours, nor their order."""
        expected_errors.append("Operation refused by the database")
        driver = HeldDriver(database.driver())
        async with opened(driver) as store:
            ann = await make_user(store, "ann")
            driver.hold()
            first = store.submit(Append(ann, "first", b"1"))
            await asyncio.to_thread(driver.arrived.wait)
            bad = "\ud800"  # can't be encoded; the door refuses it, the store must survive it
            keys = ["a", "b", bad, "c", bad, "d", "e"]
            sends = [store.submit(Append(ann, key, b"1")) for key in keys]
            driver.release()
            await first
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
            assert driver.batches[-1] == len(keys)
            refused = [isinstance(outcome, NotStorable) for outcome in outcomes]
            assert refused == [key == bad for key in keys]
            expected = list(enumerate(["first", "a", "b", "c", "d", "e"], start=1))
            assert await pending(store, ann) == expected

    async def test_away_while_a_bad_item_is_looked_for(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ):
        """A database that goes away halfway leaves done what was done, and the rest unavailable."""
        async with opened(database.driver()) as store:
            ann = await make_user(store, "ann")
            session = database.driver().writer()
            assert isinstance(session, WriteSession)
            transaction = session.transaction
            failures: list[Exception | None] = [ValueError("bad item"), None, Unavailable()]

            def failing() -> AbstractContextManager[None]:
                if failures and (failure := failures.pop(0)):
                    raise failure
                return transaction()

            monkeypatch.setattr(session, "transaction", failing)
            outcomes = session.commit([Append(ann, key, b"1") for key in "abcde"])
            session.close()
            assert [type(outcome) for outcome in outcomes] == [Appended] * 2 + [Unavailable] * 3
            assert await pending(store, ann) == [(1, "a"), (2, "b")]

    async def test_announced_in_order(self, database: Database):
        """Fresh notifications are announced in order, before their senders hear of them."""
        announced: list[Notification] = []

        def committed(commit: Commit) -> None:
            announced.extend(event.notification for event in commit.events)

        async with opened(database.driver(), listeners=[committed]) as store:
            ann, bob = await make_user(store, "ann"), await make_user(store, "bob")

            async def send_and_look(user: int, key: str) -> None:
                appended = await send(store, user, key)
                assert appended.notification in announced

            sends = [send_and_look((ann, bob)[n % 2], f"k{n}") for n in range(100)]
            await asyncio.gather(*sends)
            assert [each.key for each in announced] == [f"k{n}" for n in range(100)]

            await send(store, ann, "k0")
            await asyncio.gather(
                send(store, 99, "k"), store.submit(EndSessions(ann)), return_exceptions=True
            )
            assert len(announced) == 100

    async def test_failing_listener(self, database: Database, expected_errors: list[str]):
        """A sender is answered and the other listeners are told even if one of them fails."""
        expected_errors.append("A listener failed")
        told: list[str] = []

        def failing(_: Commit) -> None:
            raise ValueError("a bug")

        def committed(commit: Commit) -> None:
            told.extend(event.notification.key for event in commit.events)

        async with opened(database.driver(), listeners=[failing, committed]) as store:
            ann = await make_user(store, "ann")
            assert (await send(store, ann, "k")).notification.seq == 1
            assert told == ["k"]


class TestExpiry(OfEither):
    async def test_expired_is_not_pending(self, store: Store, ann: int, time: Clock):
        """A notification is pending until the moment it expires, and the log moves on."""
        await send(store, ann, "short", ttl=1000)
        await send(store, ann, "long", ttl=60_000)
        await send(store, ann, "ever")
        time.advance(999)
        assert await pending(store, ann) == [(1, "short"), (2, "long"), (3, "ever")]
        time.advance(1)
        assert await pending(store, ann) == [(2, "long"), (3, "ever")]
        time.advance(60_000)
        page = await store.read(Pending(ann, 0, **PLENTY))
        assert [each.key for each in page.notifications] == ["ever"]
        assert page.last_seq == 3

    async def test_expired_is_not_acknowledged(self, store: Store, ann: int, time: Clock):
        """What has expired was not delivered in time, whoever says so afterwards."""
        await send(store, ann, "late", ttl=1000)
        await send(store, ann, "in time", ttl=1000)
        await store.submit(Acknowledge(ann, "in time"))
        time.advance(1000)
        await store.submit(Acknowledge(ann, "late"))
        time.advance(-1000)
        assert await pending(store, ann) == [(1, "late")]

    async def test_expired_key_stays_used(self, store: Store, ann: int, time: Clock):
        """A retry after the expiry is still a replay."""
        await send(store, ann, "k", ttl=1000)
        time.advance(5000)
        assert (await send(store, ann, "k", ttl=1000)).replayed
        assert await pending(store, ann) == []


class TestReading(OfEither):
    async def test_nothing(self, store: Store, ann: int):
        """Who has nothing, or doesn't exist, gets an empty, complete page."""
        for user in (ann, 99):
            page = await store.read(Pending(user, 0, **PLENTY))
            assert (list(page.notifications), page.last_seq, page.complete) == ([], 0, True)

    async def test_after(self, store: Store, ann: int, bob: int):
        """A cursor leaves out what is at or before it, and other users don't matter."""
        for n in range(1, 6):
            await send(store, ann, f"a{n}")
            await send(store, bob, f"b{n}")
        assert await pending(store, ann, after=3) == [(4, "a4"), (5, "a5")]
        assert await pending(store, ann, after=5) == []
        page = await store.read(Pending(ann, 9, **PLENTY))
        assert (page.last_seq, page.complete) == (5, True)

    async def test_pages_by_rows(self, store: Store, ann: int):
        """Reading page by page gets everything once, in order, and then says so."""
        await asyncio.gather(*(send(store, ann, f"k{n}") for n in range(10)))
        await store.submit(Acknowledge(ann, "k4"))
        seen: list[int] = []
        complete = False
        while not complete:
            page = await store.read(Pending(ann, seen[-1] if seen else 0, rows=3, size=1 << 20))
            assert len(page.notifications) <= 3
            seen += [each.seq for each in page.notifications]
            complete = page.complete
        assert seen == [1, 2, 3, 4, 6, 7, 8, 9, 10]

    async def test_pages_by_size(self, store: Store, ann: int):
        """A page ends with the notification that exceeds its size, which is never left out."""
        for key, size in [("a", 10), ("big", 1000), ("c", 10), ("d", 10), ("e", 10)]:
            await send(store, ann, key, b"1" * size)

        async def keys(after: int, size: int) -> tuple[list[str], bool]:
            page = await store.read(Pending(ann, after, rows=100, size=size))
            return [each.key for each in page.notifications], page.complete

        assert await keys(0, 100) == (["a", "big"], False)
        assert await keys(0, 9) == (["a"], False)
        assert await keys(1, 100) == (["big"], False)
        assert await keys(2, 20) == (["c", "d", "e"], False)
        assert await keys(2, 30) == (["c", "d", "e"], True)

    async def test_positions(self, store: Store, ann: int, bob: int):
        """Positions are asked for many users at once; who doesn't exist has none."""
        await asyncio.gather(*(send(store, ann, f"k{n}") for n in range(3)))
        assert await store.read(Positions([bob, ann, 99])) == {
            ann: InboxPosition(3, 0),
            bob: InboxPosition(0, 0),
        }
        assert await store.read(Positions([])) == {}
        assert await store.read(Positions(list(range(-10, 10_000)))) == {
            ann: InboxPosition(3, 0),
            bob: InboxPosition(0, 0),
        }


class TestAcknowledging(OfEither):
    async def test_settles(self, store: Store, ann: int, bob: int):
        """The first ack settles a notification, of this user only; another one is harmless."""
        for user in (ann, bob):
            await asyncio.gather(*(send(store, user, key) for key in "abc"))
        await asyncio.gather(*(store.submit(Acknowledge(ann, "b")) for _ in range(3)))
        await store.submit(Acknowledge(ann, "b"))
        assert await pending(store, ann) == [(1, "a"), (3, "c")]
        assert await pending(store, bob) == [(1, "a"), (2, "b"), (3, "c")]

    async def test_unknown_key(self, store: Store, ann: int):
        """Acknowledging what doesn't exist changes nothing."""
        await send(store, ann, "a")
        await store.submit(Acknowledge(ann, "nothing"))
        await store.submit(Acknowledge(99, "a"))
        assert await pending(store, ann) == [(1, "a")]

    async def test_many(self, store: Store, ann: int, bob: int):
        """Many acks at once each settle their own."""
        keys = [f"k{n}" for n in range(300)]
        for user in (ann, bob):
            await asyncio.gather(*(send(store, user, key) for key in keys))
        await asyncio.gather(
            *(store.submit(Acknowledge(ann, key)) for key in keys[:299]),
            *(store.submit(Acknowledge(bob, key)) for key in keys[1:]),
        )
        assert await pending(store, ann) == [(300, "k299")]
        assert await pending(store, bob) == [(1, "k0")]

    async def test_with_its_send(self, store: Store, ann: int):
        """An ack that arrives together with a send of its key settles it."""
        sending = asyncio.ensure_future(send(store, ann, "k"))
        await asyncio.sleep(0)
        await store.submit(Acknowledge(ann, "k"))
        await sending
        assert await pending(store, ann) == []

    async def test_inactive_user(self, store: Store):
        """What a user received counts even if it has been deactivated since."""
        ann = await make_user(store, "ann")
        await send(store, ann, "k")
        await store.submit(SetActive(ann, False))
        await store.submit(Acknowledge(ann, "k"))
        assert await pending(store, ann) == []


class TestRetention(OfEither):
    async def test_acknowledged_are_kept(
        self, store: Store, database: Database, ann: int, time: Clock
    ):
        """Acknowledged ones stay until they are older than the limit; pending ones stay."""
        await asyncio.gather(*(send(store, ann, key) for key in "abc"))
        await store.submit(Acknowledge(ann, "a"))
        time.advance(1000)
        await store.submit(Acknowledge(ann, "b"))

        async def remove(before: int) -> int:
            return await store.submit(
                RemoveNotifications(acked_before=before, expired_before=0, limit=100)
            )

        assert await remove(time.moment - 1000) == 0
        assert await remove(time.moment) == 1
        assert database.count("notifications") == 2
        assert await remove(time.moment + 1) == 1
        assert await pending(store, ann) == [(3, "c")]

    async def test_expired_are_removed(
        self, store: Store, database: Database, ann: int, time: Clock
    ):
        """Expired ones go, acknowledged or not."""
        await send(store, ann, "a", ttl=1000)
        await send(store, ann, "b", ttl=1000)
        await send(store, ann, "c", ttl=9000)
        await store.submit(Acknowledge(ann, "b"))
        time.advance(1001)
        removed = await store.submit(
            RemoveNotifications(acked_before=0, expired_before=time.moment, limit=100)
        )
        assert removed == 2
        assert database.count("notifications") == 1

    async def test_small_batches(self, store: Store, database: Database, ann: int, time: Clock):
        """No more rows go at once than the limit says, of both kinds together."""
        await asyncio.gather(*(send(store, ann, f"a{n}") for n in range(5)))
        await asyncio.gather(*(store.submit(Acknowledge(ann, f"a{n}")) for n in range(5)))
        await asyncio.gather(*(send(store, ann, f"e{n}", ttl=1) for n in range(5)))
        time.advance(1000)
        removed = [
            await store.submit(
                RemoveNotifications(acked_before=time.moment, expired_before=time.moment, limit=3)
            )
            for _ in range(5)
        ]
        assert removed == [3, 3, 3, 1, 0]
        assert database.count("notifications") == 0

    async def test_deleted_at_once(self, database: Database):
        """Without retention an acknowledged notification is gone at once."""
        async with opened(database.driver(delete_acknowledged=True)) as store:
            ann = await make_user(store, "ann")
            await asyncio.gather(*(send(store, ann, key) for key in "abc"))
            await asyncio.gather(*(store.submit(Acknowledge(ann, key)) for key in "ac"))
            assert database.count("notifications") == 1
            assert await pending(store, ann) == [(2, "b")]

    async def test_places_are_not_reused(self, store: Store, ann: int, time: Clock):
        """The log goes on where it was, even if everything in it has been removed."""
        await asyncio.gather(*(send(store, ann, key, ttl=1) for key in "abc"))
        time.advance(1000)
        await store.submit(
            RemoveNotifications(acked_before=0, expired_before=time.moment, limit=10)
        )
        assert (await send(store, ann, "d")).notification.seq == 4


class TestOldUserChanges:
    async def change(self, store: Store, time: Clock, user: int, count: int) -> list[int]:
        """``count`` changes, a second apart; the ids of all that there are."""
        for _ in range(count):
            time.advance(1000)
            await store.submit(EndSessions(user))
        return [change.id for change in await store.read(UserChangesSince(0)) or []]

    async def test_removed(self, store: Store, database: Database, ann: int, time: Clock):
        """Old changes go in small batches, except the last one before the limit."""
        ids = await self.change(store, time, ann, 6)
        before = time.moment - 1000  # the fifth change was made then, the fourth before
        removed = [await store.submit(RemoveUserChanges(before=before, limit=2)) for _ in range(3)]
        assert removed == [2, 1, 0]
        assert database.execute("SELECT id FROM user_changes ORDER BY id") == [
            (each,) for each in ids[3:]
        ]

    async def test_young_ones_stay(self, store: Store, database: Database, ann: int, time: Clock):
        """However old a change is, it stays until the one behind it is old as well."""
        await self.change(store, time, ann, 1)
        time.advance(10**9)
        await self.change(store, time, ann, 1)
        assert await store.submit(RemoveUserChanges(before=time.moment, limit=9)) == 0
        assert database.count("user_changes") == 2

    async def test_ids_go_on(self, store: Store, ann: int, time: Clock):
        """The newest change stays for ever, so that whoever starts knows where it is."""
        ids = await self.change(store, time, ann, 3)
        assert await store.submit(RemoveUserChanges(before=1 << 60, limit=9)) == 2
        assert await store.submit(RemoveUserChanges(before=1 << 60, limit=9)) == 0
        assert await store.read(LastUserChange()) == ids[-1]
        await store.submit(EndSessions(ann))
        (change,) = await store.read(UserChangesSince(ids[-1])) or []
        assert change.id == await store.read(LastUserChange()) > ids[-1]

    async def test_missed(self, store: Store, ann: int, time: Clock):
        """Who knows a change that is gone is told so; who knows one that is there is not."""
        ids = await self.change(store, time, ann, 3)
        await store.submit(RemoveUserChanges(before=1 << 60, limit=9))
        assert await store.read(UserChangesSince(ids[0])) is None
        assert await store.read(UserChangesSince(ids[1])) is None
        assert await store.read(UserChangesSince(ids[2])) == []

    async def test_missed_the_first(self, store: Store, ann: int, time: Clock):
        """Who started before any change is told when the first ones are gone."""
        assert await store.read(UserChangesSince(0)) == []
        await self.change(store, time, ann, 2)
        assert len(await store.read(UserChangesSince(0)) or []) == 2
        await store.submit(RemoveUserChanges(before=1 << 60, limit=9))
        assert await store.read(UserChangesSince(0)) is None

    async def test_emptied(self, store: Store, database: Database, ann: int, time: Clock):
        """A table that somebody emptied by hand is no reason for alarm until it has a row."""
        (known,) = await self.change(store, time, ann, 1)
        database.execute("DELETE FROM user_changes")
        assert await store.read(UserChangesSince(known)) == []
        assert await store.read(LastUserChange()) == 0
        await store.submit(EndSessions(ann))
        assert await store.read(UserChangesSince(known)) is None


class TestBounds:
    async def test_number(self, database: Database):
        """Once so many operations wait, another one is refused at once, until there is room."""
        driver = HeldDriver(database.driver())
        async with opened(driver, max_operations=5) as store:
            ann = await make_user(store, "ann")
            driver.hold()
            waiting = [store.submit(Acknowledge(ann, "x")) for _ in range(5)]
            assert store.waiting == 5
            with pytest.raises(Unavailable) as refused:
                store.submit(Acknowledge(ann, "x"))
            assert refused.value.retry_after > 0
            driver.release()
            await asyncio.gather(*waiting)
            await store.submit(Acknowledge(ann, "x"))

    async def test_bytes(self, database: Database):
        """Once so many bytes wait, another payload is refused at once, until there is room."""
        driver = HeldDriver(database.driver())
        async with opened(driver, max_bytes=1000) as store:
            ann = await make_user(store, "ann")
            driver.hold()
            waiting = [store.submit(Append(ann, f"{n}", b"1" * 600)) for n in range(2)]
            with pytest.raises(Unavailable):
                await store.submit(Append(ann, "k", b"1"))
            driver.release()
            await asyncio.gather(*waiting)
            await store.submit(Append(ann, "k", b"1"))

    async def test_time(self, database: Database):
        """Who waits for too long is told so, though it may well be stored: a retry finds out."""
        driver = HeldDriver(database.driver())
        async with opened(driver, timeout=1.0) as store:
            ann = await make_user(store, "ann")
            driver.hold()
            async with asyncio.timeout(8):
                with pytest.raises(Unavailable):
                    await send(store, ann, "k")
            driver.release()
            assert (await send(store, ann, "k")).replayed

    async def test_reads(self, database: Database):
        """Reads are bounded in number as well."""
        async with opened(database.driver(), max_operations=3) as store:
            reads = await asyncio.gather(
                *(store.read(Users()) for _ in range(10)), return_exceptions=True
            )
            assert [isinstance(read, Unavailable) for read in reads] == [False] * 3 + [True] * 7
            assert await store.read(Users()) == []

    async def test_closing(self, database: Database):
        """Closing commits what waits and takes nothing new."""
        driver = HeldDriver(database.driver())
        store = Store(driver)
        await store.open()
        ann = await make_user(store, "ann")
        driver.hold()
        sends = [store.submit(Append(ann, f"k{n}", b"1")) for n in range(2500)]
        closing = asyncio.ensure_future(store.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await send(store, ann, "late")
        driver.release()
        await closing
        assert [each.result().notification.seq for each in sends] == list(range(1, 2501))


async def test_reopening_keeps_everything(database: Database):
    """What was stored is there when the store is opened again, by another process say."""
    async with opened(database.driver()) as store:
        ann = await make_user(store, "ann")
        await asyncio.gather(*(send(store, ann, key, b'"\xc3\xa9"', ttl=60_000) for key in "abc"))
        await store.submit(Acknowledge(ann, "b"))
        await store.submit(CreateApiKey("billing", b"digest"))
        await store.submit(EndSessions(ann))
        kept = (
            await store.read(Users()),
            await store.read(Pending(ann, 0, **PLENTY)),
            await store.read(ApiKeys()),
            await store.read(UserChangesSince(0)),
        )
    reopened = Store(database.driver())
    assert await reopened.open() == 0
    try:
        assert kept == (
            await reopened.read(Users()),
            await reopened.read(Pending(ann, 0, **PLENTY)),
            await reopened.read(ApiKeys()),
            await reopened.read(UserChangesSince(0)),
        )
        assert (await send(reopened, ann, "d")).notification.seq == 4
    finally:
        await reopened.close()


async def test_available(store: Store):
    """A store that works says so."""
    assert store.available
    await store.wait_available()
