"""What an inbox makes of the notifications that were there before it."""

import pytest

from notifier.models import InboxFilter
from notifier.storage import migrations
from notifier.storage.operations.inbox.changes import ChangeKeys, ChangeUpTo, Undo
from notifier.storage.operations.inbox.ranges import CarryOut
from notifier.storage.operations.inbox.reading import CountInbox, InboxNewsSince, PageOfInbox
from notifier.storage.operations.notifications import Acknowledge, Append
from tests.storage.databases import Database, make_user, opened

BEFORE = 5
"""The version of the schema that knew no inbox."""
FAR = 2**61


@pytest.fixture
def earlier(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database of the release before, with one user's notifications of each kind."""
    load = migrations.load
    with monkeypatch.context() as before:
        before.setattr(migrations, "load", lambda driver: load(driver)[:BEFORE])
        database.driver().prepare()
    payload = "X'31'" if database.driver().name == "sqlite" else "'1'"
    database.execute("INSERT INTO users (username, password_hash, created_at) VALUES ('a', '', 0)")
    database.execute("INSERT INTO inboxes (user_id, last_seq) VALUES (1, 4)")
    for seq, key, expires_at, acked_at in (
        (1, "acked", "NULL", 7),
        (2, "pending", "NULL", "NULL"),
        (3, "expired", 9, "NULL"),
        (4, "expiring", FAR, "NULL"),
    ):
        database.execute(
            "INSERT INTO notifications (user_id, seq, key, payload, created_at, expires_at, "
            f"acked_at) VALUES (1, {seq}, '{key}', {payload}, 5, {expires_at}, {acked_at})"
        )
    return database


async def test_what_was_there(earlier: Database):
    """All that was delivered or still may be is shown, unread; everything can be done to it."""
    steps = len(migrations.load("sqlite")) - BEFORE
    assert earlier.driver().prepare() == steps
    async with opened(earlier.driver()) as store:
        page = await store.read(PageOfInbox(InboxFilter(1)))
        assert [item.notification.key for item in page.items] == ["expiring", "pending", "acked"]
        assert {(item.version, item.notification.category) for item in page.items} == {(0, None)}
        assert [item.state.acked_at for item in page.items] == [None, None, 7]
        counts = await store.read(CountInbox(1))
        assert (counts.unread, counts.unseen, counts.seq, counts.version) == (3, 3, 4, 0)
        await store.submit(ChangeKeys(1, "archive", ("acked",)))
        read = await store.submit(ChangeUpTo(1, "read", 4))
        assert (await store.read(CountInbox(1))).unread == 0
        while await store.submit(CarryOut(1)):
            pass
        await store.submit(Undo(1, read.version))
        assert (await store.read(CountInbox(1))).unread == 2
        news = await store.read(InboxNewsSince(1, 0))
        assert news.changes is not None
        assert len(news.changes) == 3


async def test_programs_of_the_release_before_go_on(database: Database):
    """What they store and acknowledge in the new schema is in the inbox like all the rest."""
    async with opened(database.driver()) as store:
        ann = await make_user(store, "ann")
        await store.submit(Append(ann, "new", b"1"))
        payload = "X'31'" if database.driver().name == "sqlite" else "'1'"
        database.execute(f"UPDATE inboxes SET last_seq = 2 WHERE user_id = {ann}")
        database.execute(
            "INSERT INTO notifications (user_id, seq, key, payload, created_at) "
            f"VALUES ({ann}, 2, 'old', {payload}, 5)"
        )
        await store.submit(Acknowledge(ann, "old"))
        page = await store.read(PageOfInbox(InboxFilter(ann)))
        assert [item.notification.key for item in page.items] == ["old", "new"]
        assert (await store.read(CountInbox(ann))).unread == 2
