"""What inboxes cost: marking everything as read, and looking, whatever else there is.

    python -m benchmarks.inbox                                    on SQLite
    python -m benchmarks.inbox --postgres                         the same on PostgreSQL
    python -m benchmarks.inbox marking --up-to 1000 --rate 100    the first part alone
    python -m benchmarks.inbox looking --users 1000000 --rows 10000000

``marking`` sends to others, at random moments, and compares how long these sends take while the
change of one inbox is carried out, as a server does it, with how long they take while it is left
alone, in turns of a few seconds. What is left alone is measured twice, so that one sees what is
noise. ``looking`` compares the first user of a hundred with the same one of many, and a hundred
of them in turn, each with as many notifications. Ten million take 3 GB of a temporary folder.
"""

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from notifier.inbox_wire import ChangeRequest
from notifier.models import InboxFilter, Verb
from notifier.sending.inbox import Inboxes
from notifier.storage.contract import Driver, Query, WriteSession
from notifier.storage.operations.inbox.ranges import CarryOut, UnderWay
from notifier.storage.operations.inbox.reading import CountInbox, PageOfInbox
from notifier.storage.operations.notifications import Append
from notifier.storage.postgres import PostgresDriver
from notifier.storage.sqlite import SqliteDriver
from notifier.storage.store import Store
from servers.postgres import PostgresServer

PAYLOAD = b'{"title": "Your order has shipped", "order": 1234567, "total": 19.90}'
FEW = 100
"""Users of the smaller store."""
BATCH = 200_000
"""Rows of one transaction while a store is filled."""
ROW_BYTES = 400
"""Of disk that a row takes while a store is filled, at most."""
LOOKS = 1000
"""Of each kind, of which the median is told."""
ROUNDS = 4
"""Changes that are made and carried out."""
TURNS = 4
"""Of each kind, for one change."""
KINDS = ("alone", "carrying", "alone again")

_HASTY = {
    "sqlite": ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -262144"),
    "postgresql": ("SET synchronous_commit = off",),
}
_NUMBERS = (
    "WITH RECURSIVE people (i) AS (SELECT ? + 0 UNION ALL SELECT i + 1 FROM people WHERE i < ?), "
    "places (i) AS (SELECT ? + 0 UNION ALL SELECT i + 1 FROM places WHERE i < ?) "
)


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
        # Filling takes its time.
        yield PostgresDriver(server.create_database(), timeout=600)
    finally:
        server.remove()


def fill(made: Driver, users: int, each: int) -> None:
    """So many users with so many notifications, of which the newest tenth is unread."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    assert free > users * each * ROW_BYTES, "there is no room for so many"
    made.prepare()
    with closing(made.writer()) as session:
        for setting in _HASTY[made.name]:
            session.run(setting)
        at_once = max(1, BATCH // each)
        for first in range(1, users + 1, at_once):
            with session.transaction():
                _add(made, session, (first, min(users, first + at_once - 1)), each)
        if made.name == "postgresql":  # which does that by itself, some time
            session.run("VACUUM ANALYZE")


def _add(made: Driver, session: WriteSession, ids: tuple[int, int], each: int) -> None:
    people = (*ids, 1, 1)
    session.run(
        "INSERT INTO users (id, username, password_hash, created_at) "
        f"{_NUMBERS} SELECT i, 'user' || i, 'hash', 0 FROM people",
        people,
    )
    session.run(
        f"INSERT INTO inboxes (user_id, last_seq) {_NUMBERS} SELECT i, {each} FROM people", people
    )
    _notify(made, session, ids, (1, each), each - each // 10)


def _notify(
    made: Driver, session: WriteSession, ids: tuple[int, int], seqs: tuple[int, int], read: int
) -> None:
    payload = PAYLOAD if made.name == "sqlite" else PAYLOAD.decode()
    session.run(
        "INSERT INTO notifications (user_id, seq, key, payload, created_at, acked_at, read_at) "
        f"{_NUMBERS} SELECT people.i, places.i, 'k' || places.i, ?, 0, 1, "
        f"CASE WHEN places.i <= {read} THEN 1 END FROM people CROSS JOIN places",
        (*ids, *seqs, payload),
    )


def grow(made: Driver, up_to: int) -> None:
    """Give the first user unread ones up to that place in the log."""
    with closing(made.writer()) as session, session.transaction():
        _notify(made, session, (1, 1), (2, up_to), 0)
        session.run("UPDATE inboxes SET last_seq = ? WHERE user_id = 1", (up_to,))


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds that it takes."""
    before = time.perf_counter()
    await work()
    return (time.perf_counter() - before) * 1000


def p99(times: Sequence[float]) -> float:
    """The time that one in a hundred exceeds."""
    return sorted(times)[len(times) * 99 // 100]


async def sending(store: Store, seconds: float, rate: float) -> list[float]:
    """How long sends to others take that come at random moments, so many a second."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    end = due + seconds
    sends: list[asyncio.Future[float]] = []
    while (due := due + random.expovariate(rate)) < end:
        await asyncio.sleep(max(0.0, due - loop.time()))
        append = Append(random.randint(2, FEW), f"{due} {len(sends)}", PAYLOAD)
        sends.append(asyncio.ensure_future(timed(partial(store.submit, append))))
    return await asyncio.gather(*sends)


async def beside(store: Store, kind: str, seconds: float, rate: float) -> list[float]:
    """How long sends take while what is left of a change is carried out, or left alone."""
    inboxes = Inboxes(store, changes_per_second=0)
    if kind == "carrying":
        # What has not moved between two calls is taken for left.
        await inboxes.carry_on()
        await inboxes.carry_on()
    times = await sending(store, seconds, rate)
    await inboxes.close()
    await asyncio.sleep(0.05)  # its last step has ended
    return times


class Marking:
    """Changes of one large inbox, and sends to others."""

    def __init__(self, store: Store, up_to: int, seconds: float, rate: float) -> None:
        self._store = store
        self._up_to = up_to
        self._seconds = seconds
        self._rate = rate
        self.answers: list[float] = []
        self.sends: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.carried = 0

    async def round(self, verb: Verb) -> None:
        """One change, beside which others send."""
        inboxes = Inboxes(self._store, changes_per_second=0)
        request = ChangeRequest(up_to=self._up_to)
        self.answers.append(await timed(lambda: inboxes.change(1, verb, request)))
        await inboxes.close()
        for _ in range(TURNS):
            before = await self._progress()
            turn = {
                kind: await beside(self._store, kind, self._seconds, self._rate) for kind in KINDS
            }
            after = await self._progress()
            if not after:
                break  # nobody knows for how much of that turn there was something to do
            self.carried += after - before
            for kind, times in turn.items():
                self.sends[kind] += times
        while await self._store.submit(CarryOut(1)):
            pass

    async def _progress(self) -> int:
        """How far it has come; 0 where none is under way."""
        return sum(each.carried or 1 for each in await self._store.read(UnderWay(1)))


async def marking(made: Driver, up_to: int, seconds: float, rate: float) -> None:
    """Print what marking all of one inbox costs, and what it costs others."""
    store = Store(made)
    await store.open()
    work = Marking(store, up_to, seconds, rate)
    try:
        await sending(store, seconds, rate)  # to warm up
        for number in range(ROUNDS):
            await work.round("unread" if number % 2 else "read")
    finally:
        await store.close()
    print(f"all up to {up_to:,}: answered after {median(work.answers):.2f} ms")
    alone = work.sends["alone"]
    if not alone:
        print("It was carried out too quickly to be compared: take a larger one.")
        return
    a_second = work.carried / len(work.sends["carrying"]) * rate
    print(f"{a_second:,.0f} of them are carried out a second beside {rate:.0f} sends to others:")
    for kind, times in work.sends.items():
        print(
            f"{kind:<12} median {median(times):.2f} ms, p99 {p99(times):.2f} ms, of "
            f"{len(times)} sends: ratios {median(times) / median(alone):.3f} and "
            f"{p99(times) / p99(alone):.3f}"
        )


async def looking(stores: Sequence[Driver], users: int) -> None:
    """Print what a count and a first page cost in the smaller and in the larger store."""
    opened = [Store(each) for each in stores]
    for store in opened:
        await store.open()
    spread = range(1, users + 1, users // FEW)[:FEW]
    people = {"of one": [(FEW // 2, FEW // 2)], "in turn": list(enumerate(spread, 1))}
    queries: dict[str, Callable[[int], Query[Any]]] = {
        "count": CountInbox,
        "first page": lambda user: PageOfInbox(InboxFilter(user)),
    }
    try:
        for name, query in queries.items():
            for whose, ids in people.items():
                times: list[list[float]] = [[] for _ in opened]
                for number in range(-FEW, LOOKS):
                    pair = ids[number % len(ids)]
                    for store, user, took in zip(opened, pair, times, strict=True):
                        each = await timed(partial(store.read, query(user)))
                        if number >= 0:  # the first ones warm up
                            took.append(each)
                few, many = map(median, times)
                print(
                    f"{name} {whose}: {few:.3f} ms of few, {many:.3f} ms of many: "
                    f"ratio {many / few:.2f}"
                )
    finally:
        for store in opened:
            await store.close()


def main() -> None:
    """Run both parts, or one, with the parameters of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=("marking", "looking"), help="instead of both")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--up-to", type=int, default=100_000, help="unread ones of one inbox")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    parser.add_argument("--rate", type=float, default=200.0, help="sends to others a second")
    parser.add_argument("--users", type=int, default=100_000, help="of the larger store")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the larger store")
    given = parser.parse_args()
    if given.part != "looking":
        with driver(given.postgres) as made:
            fill(made, FEW, 1)
            grow(made, given.up_to)
            asyncio.run(marking(made, given.up_to, given.seconds, given.rate))
    if given.part != "marking":
        each = max(1, given.rows // given.users)
        with ExitStack() as stack:
            stores = [stack.enter_context(driver(given.postgres)) for _ in "12"]
            for made, users in zip(stores, (FEW, given.users), strict=True):
                fill(made, users, each)
            asyncio.run(looking(stores, given.users))


if __name__ == "__main__":
    main()
