"""Whatever an inbox asks is found by an index, however much its user and all others have."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from notifier.models import InboxFilter
from notifier.storage.contract import Query, ReadSession
from notifier.storage.operations.inbox.ranges import Range, UnderWay, next_stop
from notifier.storage.operations.inbox.reading import CountInbox, InboxNewsSince, PageOfInbox
from notifier.storage.operations.inbox.withdrawing import superseded
from tests.storage.databases import Database, opened
from tests.storage.plans import MANY, goes_by, is_walk, plan, plans

LATER = 2**62
COLUMNS = (
    "user_id, seq, key, payload, created_at, acked_at, version, category, collapse_key, "
    "read_at, archived_at, snoozed_until"
)
ROWS = (
    "SELECT {user}, i, 'k' || i, {payload}, 0, 1, CASE WHEN i % 50 = 0 THEN i / 50 ELSE 0 END, "
    "CASE WHEN i % 10 < 5 THEN 'c' || (i % 10) END, CASE WHEN i % 20 = 0 THEN 'k' || (i % 100) END,"
    " CASE WHEN i % 4 > 0 THEN 1 END, CASE WHEN i % 40 = 0 THEN 1 END, "
    f"CASE WHEN i % 100 = 1 THEN {LATER} END FROM many"
)


@pytest_asyncio.fixture
async def database(database: Database) -> AsyncIterator[Database]:
    """With ten thousand notifications of one user, and as many of a thousand others."""
    payload = "X'31'" if database.driver().name == "sqlite" else "'1'"
    async with opened(database.driver()):
        for user in ("1", "2 + i % 1000"):
            rows = ROWS.format(user=user, payload=payload)
            database.execute(f"INSERT INTO notifications ({COLUMNS}) {MANY} {rows}")
        database.execute(
            f"INSERT INTO inbox_changes (user_id, version, verb, created_at) {MANY} "
            "SELECT 1, i, 'read', i FROM many"
        )
        database.execute(
            "INSERT INTO users (username, password_hash, created_at) VALUES ('a', '', 0)"
        )
        database.execute(
            "INSERT INTO inboxes (user_id, last_seq, version) VALUES (1, 10000, 10000)"
        )
        yield database


PAGES: list[tuple[dict[str, Any], str]] = [
    ({}, "notifications_place"),
    ({"archived": "include"}, "notifications_place"),
    ({"archived": "include", "snoozed": "include"}, "notifications_place"),
    ({"status": "unread"}, "notifications_unread"),
    ({"status": "read"}, "notifications_read"),
    ({"archived": "only"}, "notifications_archived"),
    ({"snoozed": "only"}, "notifications_snoozed"),
    ({"category": "c1"}, "notifications_category"),
    ({"status": "read", "category": "c1"}, "notifications_category"),
]


@pytest.mark.parametrize("limit", [50, 100])
async def test_pages(database: Database, limit: int):
    """A page is a walk along the index of its filter, and one look for each payload it shows."""
    for wanted, index in PAGES:
        for before in (None, 5000):
            query = PageOfInbox(InboxFilter(1, **wanted, before=before, limit=limit))
            *_, walk, payloads = plans(database, query)
            # PostgreSQL takes those that are put off for so few that it reads and sorts them.
            few = index == "notifications_snoozed" and database.driver().name != "sqlite"
            assert (goes_by if few else is_walk)(walk, index), (wanted, walk)
            assert "Seq Scan" not in payloads
            assert "SCAN notifications" not in payloads
            assert "Index" in payloads or "INDEX" in payloads


async def test_count(database: Database):
    """A count reads what is unread; on SQLite from the index alone, for most."""
    assert goes_by(plan(database, CountInbox(1)), "notifications_unread")


class _Superseded(Query[object], frozen=True):
    """What a send with a collapse key looks for."""

    def ask(self, session: ReadSession) -> object:
        return superseded(session, 1, "k20", 9000)  # type: ignore[arg-type]


async def test_superseding(database: Database):
    """What a send takes the place of is found by its collapse key."""
    assert is_walk(plan(database, _Superseded()), "notifications_collapse")


class _NextStop(Query[object], frozen=True):
    """What a change that is carried out looks for."""

    verb: str

    def ask(self, session: ReadSession) -> object:
        change = Range(1, self.verb, 1, 9000, None, None, None, 1000)
        return next_stop(session, 1, change)


@pytest.mark.parametrize(
    ("verb", "index"),
    [
        ("read", "notifications_unread"),
        ("unread", "notifications_read"),
        ("archive", "notifications_place"),
        ("unarchive", "notifications_archived"),
    ],
)
async def test_carrying_out(database: Database, verb: str, index: str):
    """A change goes along the index of the rows that it can reach, a few at a time."""
    assert is_walk(plan(database, _NextStop(verb)), index)


async def test_changes(database: Database):
    """What has changed is read from the record of changes, and the keys by their versions."""
    *_, record, keys = plans(database, InboxNewsSince(1, 9900))
    assert "Seq Scan" not in record + keys
    assert "SCAN" not in (record + keys).replace("Scan", "")
    assert goes_by(keys, "notifications_changed"), keys


async def test_what_is_under_way(database: Database):
    """Whether anything is under way is known from an index that has nothing else."""
    for query in (CountInbox(1), PageOfInbox(InboxFilter(1))):
        assert goes_by(plans(database, query)[0], "inbox_changes_carried")
    assert "inbox_changes_carried" in plan(database, UnderWay(100))
