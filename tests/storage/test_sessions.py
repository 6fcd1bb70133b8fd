"""Sessions of browsers, on every driver: their counts, their ends, and what is recorded."""

import asyncio
import json
from typing import Any

import pytest

from notifier import clock
from notifier.errors import NoActiveAccount, TokenNotValid, Unavailable, UnknownSession
from notifier.models import Actor, Session
from notifier.storage.operations.sessions import (
    MOST_SESSIONS,
    UNDER_WAY,
    BeginSession,
    EndSession,
    RemoveSessions,
    RenewSession,
    SessionById,
    SessionsOf,
)
from notifier.storage.operations.users import (
    EndSessions,
    SetActive,
    SetPassword,
    UserById,
    UserChangesSince,
)
from notifier.storage.store import Store
from tests.storage.conftest import MakeDatabase
from tests.storage.databases import Database, make_user, opened
from tests.support.moments import Clock

DAYS = 90 * clock.DAY
IDLE = 14 * clock.DAY
BY = Actor("user:ann", "192.0.2.7")


def begin(user_id: int, **fields: Any) -> BeginSession:
    """The sign-in of a browser."""
    values = {"version": 0, "nonce": b"n" * 16, "address": "::1", "user_agent": "Firefox"}
    return BeginSession(user_id, **(values | {"lasts": DAYS, "idle": IDLE} | fields))


def renew(session: Session, count: int, **fields: Any) -> RenewSession:
    """The use of a cookie with this count."""
    values = {"nonce": session.nonce, "address": "::2", "user_agent": "Firefox 2", "idle": IDLE}
    return RenewSession(session.id, count=count, **(values | fields))


async def ids(store: Store, user_id: int) -> list[int]:
    return [each.id for each in await store.read(SessionsOf(user_id))]


def audit(database: Database) -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """Action, actor, subject, address and details of all entries."""
    rows = database.execute(
        "SELECT action, actor, subject, address, details FROM audit ORDER BY id"
    )
    return [(*row[:4], json.loads(row[4])) for row in rows]  # type: ignore[misc]


async def changes(store: Store) -> list[tuple[int, str, int | None]]:
    found = await store.read(UserChangesSince(0))
    return [(each.user_id, each.reason, each.session) for each in found or []]


@pytest.fixture
async def session(time: Clock, store: Store, ann: int) -> Session:
    """Ann's session."""
    return await store.submit(begin(ann))


class TestBegin:
    async def test_new(self, store: Store, ann: int, time: Clock, database: Database):
        """A session has its first cookie, two ends, and an entry in the audit log."""
        made = await store.submit(begin(ann))
        now = time.moment
        assert (made.user_id, made.nonce, made.issued) == (ann, b"n" * 16, 1)
        assert (made.address, made.user_agent) == ("::1", "Firefox")
        assert (made.created_at, made.used_at) == (now, now)
        assert (made.expires_at, made.ends_at) == (now + DAYS, now + IDLE)
        assert await store.read(SessionById(made.id)) == made
        assert audit(database)[1:] == [
            ("signed_in", "user:ann", f"session:{made.id}", "::1", {"user_agent": "Firefox"})
        ]

    async def test_never_longer_than_its_absolute_end(self, store: Store, ann: int, time: Clock):
        """A session that may idle for longer than it lasts ends when it ends."""
        made = await store.submit(begin(ann, lasts=clock.DAY))
        assert made.ends_at == made.expires_at == time.moment + clock.DAY

    async def test_nobody(self, store: Store, ann: int):
        """No session begins for one who is locked out, or whose password has just changed."""
        with pytest.raises(NoActiveAccount):
            await store.submit(begin(99))
        await store.submit(SetPassword(ann, "other"))
        with pytest.raises(NoActiveAccount):
            await store.submit(begin(ann))
        await store.submit(SetActive(ann, False))
        with pytest.raises(NoActiveAccount):
            await store.submit(begin(ann, version=2))
        assert await ids(store, ann) == []

    async def test_instead(self, store: Store, session: Session, database: Database):
        """A browser that signs in again has no second session."""
        made = await store.submit(begin(session.user_id, instead=session.id))
        assert await ids(store, session.user_id) == [made.id]
        details = {"user": "ann", "reason": "replaced"}
        assert ("session_ended", "user:ann", f"session:{session.id}", "::1", details) in audit(
            database
        )

    async def test_bound(self, store: Store, ann: int, bob: int, time: Clock, database: Database):
        """Of too many sessions the one that was used longest ago ends, and nobody else's."""
        others = [(await store.submit(begin(bob))).id]
        made = []
        for _ in range(MOST_SESSIONS):
            time.advance(1)
            made.append(await store.submit(begin(ann)))
        time.advance(1)
        await store.submit(renew(made[0], 1))
        time.advance(1)
        newest = await store.submit(begin(ann))
        kept = [newest.id, made[0].id, *(each.id for each in reversed(made[2:]))]
        assert await ids(store, ann) == kept
        assert await ids(store, bob) == others
        assert audit(database)[-2][2:] == (
            f"session:{made[1].id}",
            "",
            {"user": "ann", "reason": "too many"},
        )
        assert await changes(store) == [(ann, "session ended: too many", made[1].id)]


class TestRenew:
    async def test_successors(self, store: Store, session: Session, time: Clock):
        """Each use of the newest cookie brings the next, prolongs, and notes from where."""
        for count in (1, 2, 3):
            time.advance(clock.DAY)
            renewed = await store.submit(renew(session, count))
            assert renewed is not None
            assert renewed.issued == count + 1
            assert (renewed.address, renewed.user_agent) == ("::2", "Firefox 2")
            assert renewed.used_at == time.moment
            assert renewed.ends_at == time.moment + IDLE
            assert (renewed.created_at, renewed.expires_at) == (
                session.created_at,
                session.expires_at,
            )

    async def test_an_answer_that_got_lost(self, store: Store, session: Session, time: Clock):
        """The predecessor brings the very same successor, until that was used."""
        for _ in "123":
            time.advance(clock.DAY)
            renewed = await store.submit(renew(session, 1))
            assert renewed is not None
            assert renewed.issued == 2
        renewed = await store.submit(renew(session, 2))
        assert renewed is not None
        assert renewed.issued == 3

    async def test_at_the_same_moment(self, store: Store, session: Session):
        """However many tabs come with one cookie at once get one and the same successor."""
        renewed = await asyncio.gather(*[store.submit(renew(session, 1)) for _ in range(20)])
        assert {each.issued for each in renewed if each} == {2}

    async def test_two_processes(self, make_database: MakeDatabase):
        """Two processes that get the same cookies at once agree on the successors."""
        database = make_database("postgres")
        async with opened(database.driver()) as store, opened(database.driver()) as other:
            session = await store.submit(begin(await make_user(store, "ann")))
            for count in range(1, 30):
                both = await asyncio.gather(
                    store.submit(renew(session, count)), other.submit(renew(session, count))
                )
                assert {each.issued for each in both if each} == {count + 1}

    async def test_reuse(self, store: Store, session: Session, time: Clock, database: Database):
        """A cookie whose successor was used ends the session: somebody has a copy."""
        for count in (1, 2):
            await store.submit(renew(session, count))
        time.advance(UNDER_WAY)
        assert await store.submit(renew(session, 1, address="198.51.100.9")) is None
        assert await store.submit(renew(session, 3)) is None
        assert await ids(store, session.user_id) == []
        assert audit(database)[-1] == (
            "session_ended",
            "server",
            f"session:{session.id}",
            "198.51.100.9",
            {"user": "ann", "reason": "reuse"},
        )
        assert await changes(store) == [
            (session.user_id, "session ended: reuse", session.id),
        ]

    async def test_under_way(self, store: Store, session: Session, time: Clock):
        """A request that was overtaken by two others brings nothing, and ends nothing."""
        for count in (1, 2):
            await store.submit(renew(session, count))
        time.advance(UNDER_WAY - 1)
        with pytest.raises(Unavailable):
            await store.submit(renew(session, 1))
        assert await ids(store, session.user_id) == [session.id]
        renewed = await store.submit(renew(session, 3))
        assert renewed is not None
        assert renewed.issued == 4

    async def test_idle_end(self, store: Store, session: Session, time: Clock):
        """A session that nobody used for as long as it may idle is over."""
        time.advance(IDLE - 1)
        assert await store.submit(renew(session, 1))
        time.advance(IDLE)
        assert await store.submit(renew(session, 2)) is None
        assert await ids(store, session.user_id) == []
        assert await store.read(SessionById(session.id)) is None

    async def test_absolute_end(self, store: Store, session: Session, time: Clock):
        """However much it is used, a session ends."""
        count = 0
        while time.moment + IDLE < session.expires_at:
            time.advance(IDLE - 1)
            count += 1
            renewed = await store.submit(renew(session, count))
            assert renewed is not None
        assert renewed.ends_at == session.expires_at
        time.advance(session.expires_at - time.moment)
        assert await store.submit(renew(session, count + 1)) is None

    async def test_another_nonce(self, store: Store, session: Session):
        """What was given for another session of this id is none of this one's."""
        assert await store.submit(renew(session, 1, nonce=b"x" * 16)) is None
        assert await store.submit(renew(session, 1))

    async def test_a_restored_store(self, store: Store, session: Session):
        """A browser that knows a later cookie than a store from a backup is not signed out."""
        renewed = await store.submit(renew(session, 7))
        assert renewed is not None
        assert renewed.issued == 8

    async def test_locked_out(self, store: Store, session: Session):
        """No session goes on behind the lock-out of its user, nor comes back with them."""
        await store.submit(SetActive(session.user_id, False))
        assert await store.submit(renew(session, 1)) is None
        await store.submit(SetActive(session.user_id, True))
        assert await store.submit(renew(session, 1)) is None


class TestEnd:
    async def test_one(self, store: Store, session: Session, database: Database):
        """One session ends and the others go on; servers hear which."""
        user_id = session.user_id
        other = await store.submit(begin(user_id))
        await store.submit(EndSession(user_id, session.id, BY))
        assert await ids(store, user_id) == [other.id]
        details = {"user": "ann", "reason": "ended"}
        assert audit(database)[-1] == (
            "session_ended",
            "user:ann",
            f"session:{session.id}",
            "192.0.2.7",
            details,
        )
        await store.submit(EndSession(user_id, other.id, BY, is_sign_out=True))
        assert audit(database)[-1][:3] == ("signed_out", "user:ann", f"session:{other.id}")
        assert await changes(store) == [
            (user_id, "session ended: ended", session.id),
            (user_id, "signed out", other.id),
        ]

    async def test_of_another(self, store: Store, session: Session, bob: int):
        """Nobody ends a session of somebody else, nor one that there isn't."""
        for user_id, session_id in ((bob, session.id), (session.user_id, 99)):
            with pytest.raises(UnknownSession):
                await store.submit(EndSession(user_id, session_id, BY))
        assert await ids(store, session.user_id) == [session.id]

    async def test_everywhere(self, store: Store, session: Session, bob: int, database: Database):
        """All sessions of a user end together, and nobody else's."""
        await store.submit(begin(session.user_id))
        theirs = await store.submit(begin(bob))
        await store.submit(EndSessions(session.user_id, BY))
        assert await ids(store, session.user_id) == []
        assert await ids(store, bob) == [theirs.id]
        assert audit(database)[-1] == (
            "signed_out_everywhere",
            "user:ann",
            "user:ann",
            "192.0.2.7",
            {},
        )

    async def test_password(self, store: Store, session: Session, database: Database):
        """A new password ends all sessions but the one that asked, which is none by itself."""
        user_id = session.user_id
        await store.submit(begin(user_id))
        await store.submit(SetPassword(user_id, "new", BY, but=session.id, version=0))
        assert await ids(store, user_id) == [session.id]
        assert await store.submit(renew(session, 1))
        assert audit(database)[-1][:4] == (
            "password_changed",
            "user:ann",
            "user:ann",
            "192.0.2.7",
        )
        await store.submit(SetPassword(user_id, "newer"))
        assert await ids(store, user_id) == []

    async def test_a_password_that_changed_meanwhile(self, store: Store, session: Session):
        """What was decided by an old password is refused behind a change of it."""
        await store.submit(SetPassword(session.user_id, "first"))
        with pytest.raises(TokenNotValid):
            await store.submit(SetPassword(session.user_id, "second", version=0))
        user = await store.read(UserById(session.user_id))
        assert user is not None
        assert user.password_hash == "first"

    async def test_removed_at_last(self, store: Store, ann: int, time: Clock):
        """What has ended by itself is removed, a few at a time, and nothing else."""
        for _ in range(3):
            await store.submit(begin(ann))
        time.advance(IDLE)
        going_on = await store.submit(begin(ann))
        assert await store.submit(RemoveSessions(2)) == 2
        assert await store.submit(RemoveSessions(2)) == 1
        assert await store.submit(RemoveSessions(2)) == 0
        assert await ids(store, ann) == [going_on.id]


async def test_whose_token(store: Store, session: Session, bob: int, time: Clock):
    """One question answers for a user and a session of theirs."""
    user_id = session.user_id
    found = await store.read(UserById(user_id, session.id))
    assert found == await store.read(UserById(user_id))
    assert await store.read(UserById(user_id, session.id + 1)) is None
    assert await store.read(UserById(bob, session.id)) is None
    time.advance(IDLE)
    assert await store.read(UserById(user_id, session.id)) is None
    assert await store.read(UserById(user_id)) is not None
