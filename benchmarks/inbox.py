"""What inboxes cost: marking everything as read, and looking, whatever else there is.

    python -m benchmarks.inbox                                    on SQLite
    python -m benchmarks.inbox --postgres                         the same on PostgreSQL
    python -m benchmarks.inbox --marked 1000 --users 100 --rows 10000

The first part sends to others, one after the other, and compares how long these sends take while
one inbox is marked as read, or that is undone, with how long they take in between. The second
compares one of a hundred users with one of many, each with as many notifications.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from notifier.models import InboxFilter
from notifier.storage.contract import Driver, WriteSession
from notifier.storage.operations.inbox.changes import ChangeUpTo, Undo
from notifier.storage.operations.inbox.ranges import CarryOut
from notifier.storage.operations.inbox.reading import CountInbox, PageOfInbox
from notifier.storage.operations.notifications import Append
from notifier.storage.postgres import PostgresDriver
from notifier.storage.sqlite import SqliteDriver
from notifier.storage.store import Store
from notifier.storage.tables import TABLES
from servers.postgres import PostgresServer

PAYLOAD = b'{"title": "Your order has shipped", "order": 1234567, "total": 19.90}'
FEW = 100
"""Users of the smaller store."""
BATCH = 10_000
"""Rows of one transaction while a store is filled."""
TIMES = 200
"""Looks of which the median is told."""
ROUNDS = 5


@contextmanager
def driver(postgres: bool) -> Iterator[Driver]:
    """An empty store that flushes every commit."""
    if not postgres:
        with tempfile.TemporaryDirectory(prefix="notifier-benchmark-") as folder:
            yield SqliteDriver(Path(folder))
        return
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield PostgresDriver(server.create_database())
    finally:
        server.remove()


def fill(made: Driver, users: int, rows: int) -> None:
    """So many users with so many notifications in all, of which the newest tenth is unread."""
    made.prepare()
    tables = {table.name: table for table in TABLES}
    each = max(1, rows // users)
    session: WriteSession = made.writer()
    columns = ("user_id", "seq", "key", "payload", "created_at", "acked_at", "read_at")
    for first in range(1, users + 1, max(1, BATCH // each)):
        ids = range(first, min(users + 1, first + max(1, BATCH // each)))
        people = [(n, f"user{n}", "hash", True, False, 0, 0) for n in ids]
        places = [
            (n, seq, f"k{seq}", PAYLOAD, 0, 1, 1 if seq <= each - each // 10 else None)
            for n in ids
            for seq in range(1, each + 1)
        ]
        with session.transaction():
            session.insert_rows(tables["users"], list(tables["users"].columns), people)
            inboxes = [(n, each) for n in ids]
            session.insert_rows(tables["inboxes"], ["user_id", "last_seq"], inboxes)
            session.insert_rows(tables["notifications"], list(columns), places)
    session.close()


def grow(made: Driver, up_to: int) -> None:
    """Give the first user unread ones up to that place in the log."""
    table = next(table for table in TABLES if table.name == "notifications")
    session = made.writer()
    columns = ("user_id", "seq", "key", "payload", "created_at", "acked_at")
    for first in range(2, up_to + 1, BATCH):
        places = range(first, min(up_to + 1, first + BATCH))
        with session.transaction():
            rows = [(1, seq, f"k{seq}", PAYLOAD, 0, 1) for seq in places]
            session.insert_rows(table, list(columns), rows)
            session.run("UPDATE inboxes SET last_seq = ? WHERE user_id = 1", (places[-1],))
    session.close()


@contextmanager
def filled(postgres: bool, users: int, rows: int) -> Iterator[Driver]:
    """A store with users and their notifications."""
    with driver(postgres) as made:
        fill(made, users, rows)
        yield made


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds that it takes."""
    before = time.perf_counter()
    await work()
    return (time.perf_counter() - before) * 1000


def p99(times: Sequence[float]) -> float:
    """The time that one in a hundred exceeds."""
    return sorted(times)[len(times) * 99 // 100]


async def sending(store: Store, name: str, over: asyncio.Event) -> list[float]:
    """How long sends to others take, one after the other: a hundred, and on until it is over."""
    times: list[float] = []
    while len(times) < 100 or not over.is_set():
        append = Append(2 + len(times) % (FEW - 1), f"{name} {len(times)}", PAYLOAD)
        times.append(await timed(lambda append=append: store.submit(append)))  # type: ignore[misc]
    return times


async def marking(made: Driver, up_to: int) -> None:
    """Print what marking all of one inbox costs, and what it costs others."""
    store = Store(made)
    await store.open()
    answers: dict[str, list[float]] = {"read": [], "undo": []}
    sends: dict[str, list[float]] = {"before": [], "during": []}
    at_once = asyncio.Event()
    at_once.set()
    try:
        for number in range(ROUNDS):
            version = 0
            for kind, times in answers.items():
                sends["before"] += await sending(store, f"before {kind} {number}", at_once)
                over = asyncio.Event()
                others = asyncio.ensure_future(sending(store, f"{kind} {number}", over))
                started = time.perf_counter()
                change = ChangeUpTo(1, "read", up_to) if kind == "read" else Undo(1, version)
                version = (await store.submit(change)).version
                times.append((time.perf_counter() - started) * 1000)
                while await store.submit(CarryOut(1)):
                    pass
                over.set()
                sends["during"] += await others
    finally:
        await store.close()
    for kind, times in answers.items():
        print(f"{kind} up to {up_to:,}: answered after {median(times):.2f} ms")
    before, during = p99(sends["before"]), p99(sends["during"])
    print(
        f"sends to others, p99: {before:.2f} ms before, {during:.2f} ms during: "
        f"ratio {during / before:.2f} ({len(sends['before'])} and {len(sends['during'])} sends)"
    )


async def looking(stores: Sequence[Driver], user_id: int) -> None:
    """Print what a count and a first page cost in the smaller and in the larger store."""
    opened = [Store(each) for each in stores]
    for store in opened:
        await store.open()
    queries = {"count": CountInbox(user_id), "first page": PageOfInbox(InboxFilter(user_id))}
    try:
        for name, query in queries.items():
            times: list[list[float]] = [[] for _ in opened]
            for _ in range(TIMES):
                for store, took in zip(opened, times, strict=True):
                    took.append(await timed(lambda store=store, query=query: store.read(query)))  # type: ignore[misc]
            few, many = map(median, times)
            print(f"{name}: {few:.3f} ms of few, {many:.3f} ms of many: ratio {many / few:.2f}")
    finally:
        for store in opened:
            await store.close()


def main() -> None:
    """Run both parts with the parameters of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--marked", type=int, default=100_000, help="unread ones of one inbox")
    parser.add_argument("--users", type=int, default=100_000, help="of the larger store")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the larger store")
    given = parser.parse_args()
    with filled(given.postgres, FEW, FEW) as made:
        grow(made, given.marked)
        asyncio.run(marking(made, given.marked))
    each = max(1, given.rows // given.users)
    with (
        filled(given.postgres, FEW, FEW * each) as few,
        filled(given.postgres, given.users, given.rows) as many,
    ):
        asyncio.run(looking((few, many), FEW // 2))


if __name__ == "__main__":
    main()
