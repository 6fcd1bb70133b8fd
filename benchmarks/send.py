"""CPU of the server per HTTP send delivered to one socket, against a bare Tornado handler.

``python -m benchmarks.send [sends]``: 16 concurrent senders over keep-alive connections; the
socket's client acknowledges each notification, which Notifier stores too. Both servers are
measured in alternating rounds of one run.
"""

import asyncio
import json
import statistics
import sys

import websockets

from benchmarks.measure import SECRET, Sender, Subject, subject
from notifier.identity.tokens import Tokens

SENDERS = 16
ROUNDS = 5


async def round_of(server: Subject, token: str, sends: int) -> float:
    """Microseconds of server CPU per send in one round."""
    body = b'{"user_id": 1, "payload": {"additionalProp1": "string", "number": 12345}}'
    url = f"ws://127.0.0.1:{server.port}/ws/notifications/1/?token={token}"
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        senders = [await Sender.connect(server.port) for _ in range(SENDERS)]
        delivered = asyncio.Event()

        async def receive() -> None:
            for _ in range(sends):
                frame = json.loads(await socket.recv())
                await socket.send(json.dumps({"type": "message_ack", "key": frame["key"]}))
            delivered.set()

        async def produce(sender: Sender) -> None:
            for _ in range(sends // SENDERS):
                await sender.send(body)

        receiving = asyncio.create_task(receive())
        before = server.cpu()
        await asyncio.gather(*map(produce, senders))
        await asyncio.wait_for(delivered.wait(), 30)
        await asyncio.sleep(0.2)  # the last acknowledgements are being stored
        spent = server.cpu() - before
        await receiving
        for sender in senders:
            sender.close()
        return spent / sends


def main() -> None:
    sends = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    sends -= sends % SENDERS
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    with subject("benchmarks.bare") as bare, subject("notifier") as notifier:
        figures: dict[str, list[float]] = {"bare": [], "notifier": []}
        for number in range(ROUNDS + 1):
            for name, server in (("bare", bare), ("notifier", notifier)):
                figure = asyncio.run(round_of(server, token, sends))
                if number:  # the first round warms up
                    figures[name].append(figure)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, values in figures.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        print(f"{name:<9} {medians[name]:6.0f} µs of server CPU per send (rounds: {rounds})")
    print(f"ratio     {medians['notifier'] / medians['bare']:6.2f}")


if __name__ == "__main__":
    main()
