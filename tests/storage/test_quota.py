"""How much may be pending for a user: never more, whoever appends, and nearly nobody counts."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import InboxFull
from notifier.events import Appended
from notifier.models import Notification
from notifier.storage.operations.notifications import Acknowledge, Append, Pending
from notifier.storage.quota import LogState, Quota
from notifier.storage.store import Store
from tests.storage.databases import Database, make_recipient, make_user, opened
from tests.support.moments import Clock


async def fill(store: Store, user_id: int, *keys: str, payload: bytes = b"1") -> list[object]:
    """Send in one batch; what becomes of each."""
    sends = [store.submit(Append(user_id, key, payload, key_given=True)) for key in keys]
    return await asyncio.gather(*sends, return_exceptions=True)


def kinds(outcomes: list[object]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


async def pending(store: Store, user_id: int) -> list[Notification]:
    page = await store.read(Pending(user_id, 0, rows=1000, size=1 << 30))
    return list(page.notifications)


Make = Callable[[Store, str], Awaitable[int]]


@pytest.fixture(params=[make_user, make_recipient], ids=["account", "recipient"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes somebody with a log."""
    made: Make = request.param
    return made


class TestStore:
    """On every database."""

    async def test_rows(self, database: Database, make: Make):
        """What is beyond the limit is refused, in a batch and alone; others are not concerned."""
        async with opened(database.driver(quota=Quota(3))) as store:
            ann, bob = await make(store, "ann"), await make(store, "bob")
            outcomes = await fill(store, ann, "a", "b", "c", "d", "e")
            assert kinds(outcomes) == [Appended] * 3 + [InboxFull] * 2
            assert kinds(await fill(store, ann, "f")) == [InboxFull]
            assert kinds(await fill(store, bob, "a")) == [Appended]
            assert [each.seq for each in await pending(store, ann)] == [1, 2, 3]

    async def test_bytes(self, database: Database, make: Make):
        """Once so many bytes are pending, nothing more is taken."""
        async with opened(database.driver(quota=Quota(size=100))) as store:
            ann = await make(store, "ann")
            large = b'"' + b"x" * 58 + b'"'
            outcomes = await fill(store, ann, "a", "b", "c", payload=large)
            assert kinds(outcomes) == [Appended, Appended, InboxFull]

    async def test_room_again(self, database: Database, make: Make):
        """An acknowledgement makes room, and so does what expires."""
        async with opened(database.driver(quota=Quota(2))) as store:
            ann = await make(store, "ann")
            await fill(store, ann, "a", "b")
            assert kinds(await fill(store, ann, "c")) == [InboxFull]
            await store.submit(Acknowledge(ann, "a"))
            await taken(store, ann, "c")
            assert [each.key for each in await pending(store, ann)] == ["b", "c"]

    async def test_expired(self, database: Database, make: Make, time: Clock):
        """What has expired takes no room."""
        async with opened(database.driver(quota=Quota(1))) as store:
            ann = await make(store, "ann")
            await store.submit(Append(ann, "a", b"1", ttl=1000))
            assert kinds(await fill(store, ann, "b")) == [InboxFull]
            time.advance(1000)
            await taken(store, ann, "b")

    async def test_repeated(self, database: Database, make: Make):
        """A send that is repeated is answered with what was stored, however much is pending."""
        async with opened(database.driver(quota=Quota(1))) as store:
            ann = await make(store, "ann")
            await fill(store, ann, "a")
            (again,) = await fill(store, ann, "a")
            assert isinstance(again, Appended)
            assert again.replayed

    async def test_other_processes(self, database: Database, make: Make):
        """What another process appends counts, in rows and in bytes."""
        for number, quota in enumerate((Quota(2), Quota(size=2))):
            async with (
                opened(database.driver(quota=quota)) as one,
                opened(database.driver()) as other,
            ):
                ann = await make_user(one, f"ann{number}")
                await fill(one, ann, "a")
                await fill(other, ann, "b")
                assert kinds(await fill(one, ann, "c")) == [InboxFull]

    async def test_unknown_past(self, database: Database, make: Make):
        """Bytes that a program appended which did not keep account are counted."""
        async with opened(database.driver()) as store:
            ann = await make(store, "ann")
            await fill(store, ann, "a", "b")
        database.execute("UPDATE inboxes SET appended_bytes = 1125899906842624")
        async with opened(database.driver(quota=Quota(size=3))) as store:
            assert kinds(await fill(store, ann, "c", "d")) == [Appended, InboxFull]


async def taken(store: Store, user_id: int, key: str) -> None:
    """Send until it is taken: a user who was close to the limit is not counted at each send."""
    async with asyncio.timeout(30):
        while kinds(await fill(store, user_id, key)) == [InboxFull]:
            pass


class TestCounting:
    @given(st.lists(st.sampled_from(["append", "elsewhere", "acknowledge"]), max_size=200))
    def test_never_more(self, steps: list[str]):
        """Whatever happens in whatever order, no more is pending than may be."""
        quota = Quota(5, now=lambda: 0.0)
        seq = there = 0
        for step in steps:
            if step == "acknowledge":
                there = max(0, there - 1)
            elif step == "elsewhere" and there < 5:
                seq, there = seq + 1, there + 1
            elif step == "append":
                inbox = LogState(seq, seq)
                if not quota.fits(1, inbox):
                    quota.count(1, inbox, lambda _: (there, there))  # noqa: B023 - called at once
                assert quota.fits(1, inbox) <= (there < 5)
                if quota.fits(1, inbox):
                    seq, there = seq + 1, there + 1

    def test_rarely(self):
        """A user whose devices keep up is counted once for each time the limit is sent."""
        quota, counts = Quota(1000), 0
        for seq in range(10_000):
            if not quota.fits(1, LogState(seq, seq)):
                counts += 1
                quota.count(1, LogState(seq, seq), lambda _: (1, 1))
            assert quota.fits(1, LogState(seq, seq))
        assert counts <= 11

    def test_close_to_the_limit(self):
        """Counts for users who are close to a limit take a small share of the time."""
        now = 0.0
        quota = Quota(100, now=lambda: now)

        def ask(_: int) -> tuple[int, int]:
            nonlocal now
            now += 1.0
            return 99, 0

        assert quota.may_count(1)
        quota.count(1, LogState(100, 0), ask)
        assert not quota.may_count(1)
        assert quota.may_count(2), "nobody knows whether this one is close"
        now += 10.0
        assert quota.may_count(1)

    def test_set_back(self):
        """A database that was set back, as by a failover, is counted afresh."""
        quota = Quota(10)
        quota.count(1, LogState(50, 50), lambda _: (1, 1))
        assert quota.fits(1, LogState(50, 50))
        assert not quota.fits(1, LogState(40, 40))

    def test_memory(self):
        """Users whose count is kept are bounded in number, and the oldest goes first."""
        quota = Quota(10)
        for user_id in range(100_001):
            quota.count(user_id, LogState(20, 20), lambda _: (0, 0))
        assert not quota.fits(0, LogState(20, 20))
        assert quota.fits(1, LogState(20, 20))
