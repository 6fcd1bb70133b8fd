"""CPU of the server per notification of a batch, against single sends and a bare Tornado handler.

``python -m benchmarks.batch [notifications]``: all are only stored, each under a key of its own, to
one account, or in the last row to a thousand users by name. Rounds alternate in one run. A bare
handler parses the same JSON as a single send and forgets it.
"""

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.measure import SECRET, Sender, Subject, subject

ROUNDS = 5
_SINGLE = "/api/notifications/send/"
_BATCH = "/api/notifications/send/batch/"


class Load(NamedTuple):
    """So many senders, each with so many notifications in a request."""

    senders: int
    size: int
    """1 is a single send."""
    users: int = 0
    """By name; 0 is one account."""


LOADS = {
    "single sends, 16 senders": Load(16, 1),
    "batches of 10, 16 senders": Load(16, 10),
    "batches of 100, 1 sender": Load(1, 100),
    "batches of 1000, 1 sender": Load(1, 1000),
    "batches of 1000, 4 senders": Load(4, 1000),
    "… to 1000 users by name": Load(4, 1000, 1000),
}
BARE = "bare Tornado, single, 16 senders"

_numbers = itertools.count()


class Figure(NamedTuple):
    """What one round has measured."""

    cpu: float
    """Microseconds of the server for each notification."""
    rate: float
    """Notifications a second."""


def _item(users: int) -> bytes:
    number = next(_numbers)
    whose = b'"user": "user-%d"' % (number % users) if users else b'"user_id": 1'
    payload = b'{"additionalProp1": "string", "number": 12345}'
    return b'{%b, "key": "order-%d-paid", "payload": %b}' % (whose, number, payload)


def _bodies(load: Load, requests: int) -> Iterator[bytes]:
    for _ in range(requests):
        items = b", ".join(_item(load.users) for _ in range(load.size))
        yield items if load.size == 1 else b'{"notifications": [%b]}' % items


async def round_of(server: Subject, load: Load, notifications: int) -> Figure:
    """One round, whose requests are made before it begins."""
    requests = max(load.senders, notifications // load.size)
    bodies = iter([*_bodies(load, requests)])
    path = _SINGLE if load.size == 1 else _BATCH
    senders = [await Sender.connect(server.port, path) for _ in range(load.senders)]

    async def produce(sender: Sender) -> None:
        for body in bodies:
            answer = await sender.send(body)
            assert b'"error"' not in answer, answer

    cpu, began = server.cpu(), time.perf_counter()
    await asyncio.gather(*map(produce, senders))
    seconds, spent = time.perf_counter() - began, server.cpu() - cpu
    for sender in senders:
        sender.close()
    count = requests * load.size
    return Figure(spent / count, count / seconds)


def main() -> None:
    notifications = int(sys.argv[1]) if sys.argv[1:] else 20_000
    application = {
        "NOTIFIER_USERS": "both",
        "NOTIFIER_JWT_SECRET": SECRET[::-1],  # of which nobody here brings a token
        "NOTIFIER_JWT_ISSUER": "benchmarks",
        "NOTIFIER_JWT_AUDIENCE": "notifier",
    }
    figures: dict[str, list[Figure]] = {BARE: [], **{name: [] for name in LOADS}}
    with subject("benchmarks.bare") as bare, subject("notifier", **application) as notifier:
        for number in range(ROUNDS + 1):
            for name, found in figures.items():
                server, load = (bare, Load(16, 1)) if name == BARE else (notifier, LOADS[name])
                # A single send takes as long as many of a batch.
                share = notifications if load.size >= 100 else notifications // 5
                figure = asyncio.run(round_of(server, load, share))
                if number:  # the first round warms up
                    found.append(figure)
    base = statistics.median(each.cpu for each in figures[BARE])
    for name, found in figures.items():
        cpu = statistics.median(each.cpu for each in found)
        rate = statistics.median(each.rate for each in found)
        rounds = ", ".join(f"{each.cpu:.1f}" for each in found)
        print(
            f"{name:<32} {cpu:6.1f} µs of server CPU each, ratio {cpu / base:.3f}, "
            f"{rate:7,.0f}/s (rounds: {rounds})"
        )


if __name__ == "__main__":
    main()
