"""CPU of the server per HTTP send delivered to one socket, against a bare Tornado handler.

``python -m benchmarks.send [sends]``: 16 concurrent senders over keep-alive connections; the
socket's client acknowledges each notification, which Notifier stores too. Both servers are
measured in alternating rounds of one run.

``python -m benchmarks.send names [sends]``: sends that are only stored, to an account by its id,
to a user of the application by name, and each to a name that was never heard of, in alternating
rounds of one server.
"""

import asyncio
import itertools
import json
import statistics
import sys
from collections.abc import Iterator

import websockets

from benchmarks.measure import SECRET, Sender, Subject, subject
from notifier.identity.tokens import Tokens

SENDERS = 16
ROUNDS = 5


async def round_of(server: Subject, token: str, sends: int, senders: int = SENDERS) -> float:
    """Microseconds of server CPU per send in one round."""
    body = _body(b'"user_id": 1')
    url = f"ws://127.0.0.1:{server.port}/ws/notifications/1/?token={token}"
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        sending = [await Sender.connect(server.port) for _ in range(senders)]
        delivered = asyncio.Event()

        async def receive() -> None:
            for _ in range(sends):
                frame = json.loads(await socket.recv())
                await socket.send(json.dumps({"type": "message_ack", "key": frame["key"]}))
            delivered.set()

        async def produce(sender: Sender) -> None:
            for _ in range(sends // senders):
                await sender.send(body)

        receiving = asyncio.create_task(receive())
        before = server.cpu()
        await asyncio.gather(*map(produce, sending))
        await asyncio.wait_for(delivered.wait(), 30)
        await asyncio.sleep(0.2)  # the last acknowledgements are being stored
        spent = server.cpu() - before
        await receiving
        for sender in sending:
            sender.close()
        return spent / sends


async def storing(server: Subject, bodies: Iterator[bytes], sends: int) -> float:
    """Microseconds of server CPU per send that nobody receives yet, in one round."""
    senders = [await Sender.connect(server.port) for _ in range(SENDERS)]

    async def produce(sender: Sender) -> None:
        for _ in range(sends // SENDERS):
            await sender.send(next(bodies))

    before = server.cpu()
    await asyncio.gather(*map(produce, senders))
    spent = server.cpu() - before
    for sender in senders:
        sender.close()
    return spent / sends


def names(sends: int) -> None:
    """Print what a name in place of an id costs."""
    numbers = itertools.count()
    bodies = {
        "by id": itertools.repeat(_body(b'"user_id": 1')),
        "by name": itertools.repeat(_body(b'"user": "auth0|5f7c"')),
        "new names": (_body(b'"user": "auth0|%08x"' % number) for number in numbers),
    }
    figures: dict[str, list[float]] = {name: [] for name in bodies}
    application = {
        "NOTIFIER_JWT_SECRET": SECRET[::-1],  # of which nobody here brings a token
        "NOTIFIER_JWT_ISSUER": "benchmarks",
        "NOTIFIER_JWT_AUDIENCE": "notifier",
    }
    with subject("notifier", NOTIFIER_USERS="both", **application) as server:
        for number in range(ROUNDS + 1):
            for name, each in bodies.items():
                figure = asyncio.run(storing(server, each, sends))
                if number:  # the first round warms up
                    figures[name].append(figure)
    report(figures, "by id")


def _body(whose: bytes) -> bytes:
    return b'{%b, "payload": {"additionalProp1": "string", "number": 12345}}' % whose


def report(figures: dict[str, list[float]], base: str) -> None:
    """Print the figures of each, and its ratio to that of ``base``."""
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, values in figures.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        print(
            f"{name:<9} {medians[name]:6.0f} µs of server CPU per send, "
            f"ratio {medians[name] / medians[base]:.2f} (rounds: {rounds})"
        )


def main() -> None:
    options = sys.argv[1:]
    by_name = "names" in options[:1]
    sends = int(options[by_name]) if options[by_name:] else 8000
    sends -= sends % SENDERS
    if by_name:
        names(sends)
        return
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    with subject("benchmarks.bare") as bare, subject("notifier") as notifier:
        figures: dict[str, list[float]] = {"bare": [], "notifier": []}
        for number in range(ROUNDS + 1):
            for name, server in (("bare", bare), ("notifier", notifier)):
                figure = asyncio.run(round_of(server, token, sends))
                if number:  # the first round warms up
                    figures[name].append(figure)
    report(figures, "bare")


if __name__ == "__main__":
    main()
