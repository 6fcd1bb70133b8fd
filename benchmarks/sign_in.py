"""How long a rightful sign-in and a send take while strangers guess passwords.

``python -m benchmarks.sign_in [seconds]``: first idle, then under a flood of 300 guesses at the
same time, each of which is repeated a second after its answer: from one address, from ten, and
from three hundred. Addresses are those of the loopback network, so this runs on Linux only. The
guesses come from a process of their own. Figures are of one run on one machine; what counts is
how they differ from the idle ones.
"""

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection

from benchmarks.measure import Sender, subject

PASSWORD = "a password for benchmarks"
SETTINGS = {"NOTIFIER_ADMIN_PASSWORD": PASSWORD, "NOTIFIER_LOG_LEVEL": "error"}
GUESSES = 300
ADDRESSES = (1, 10, GUESSES)
SEND = b'{"user_id": 1, "payload": {"additionalProp1": "string", "number": 12345}}'


async def sign_in(port: int, username: str, password: str, source: str) -> int:
    """Try it once, over a connection of its own; the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    body = json.dumps({"username": username, "password": password}).encode()
    writer.write(
        b"POST /api/users/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


async def guess(port: int, addresses: int, until: float) -> Counter[int]:
    """300 who guess; how many answers of each status they got."""
    statuses: Counter[int] = Counter()

    async def stranger(number: int) -> None:
        source = f"127.0.{1 + number % addresses // 200}.{1 + number % addresses % 200}"
        while True:
            statuses[await sign_in(port, f"user{number}", "a guess", source)] += 1
            await asyncio.sleep(1)

    with suppress(TimeoutError):
        async with asyncio.timeout(until - time.monotonic()):
            await asyncio.gather(*map(stranger, range(GUESSES)))
    return statuses


def strangers(port: int, addresses: int, until: float, answers: Connection) -> None:
    """The process that guesses."""
    answers.send(asyncio.run(guess(port, addresses, until)))


async def measure(port: int, until: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each rightful sign-in, and of each send."""
    sign_ins: list[float] = []
    sends: list[float] = []

    async def signs_in() -> None:
        while time.monotonic() < until or len(sign_ins) < 2:
            began = time.monotonic()
            status = await sign_in(port, "admin", PASSWORD, "127.0.0.1")
            assert status == 200, status
            sign_ins.append(1000 * (time.monotonic() - began))
            await asyncio.sleep(0.5)

    async def sends_on() -> None:
        sender = await Sender.connect(port)
        while time.monotonic() < until:
            began = time.monotonic()
            await sender.send(SEND)
            sends.append(1000 * (time.monotonic() - began))
            await asyncio.sleep(0.005)
        sender.close()

    await asyncio.gather(signs_in(), sends_on())
    return sign_ins, sends


def figures(milliseconds: list[float]) -> str:
    """Median, 95th percentile and longest."""
    percentiles = statistics.quantiles(milliseconds, n=20, method="inclusive")
    return f"{percentiles[9]:7.1f} {percentiles[18]:7.1f} {max(milliseconds):7.1f}"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    spawn = multiprocessing.get_context("spawn")
    print("milliseconds               sign-in: median  p95  longest    send: median  p95  longest")
    for addresses in (0, *ADDRESSES):
        # A server of its own, so that no address has used up anything before.
        with subject("notifier", **SETTINGS) as server:
            until = time.monotonic() + seconds
            answers, theirs = spawn.Pipe(duplex=False)
            args = (server.port, addresses, until, theirs)
            flood = spawn.Process(target=strangers, args=args)
            if addresses:
                flood.start()
                time.sleep(1)  # until all of them have asked
            sign_ins, sends = asyncio.run(measure(server.port, until))
            what = f"300 from {addresses} addresses" if addresses else "idle"
            print(f"{what:<26}{figures(sign_ins)}          {figures(sends)}", end="")
            if addresses:
                counts = answers.recv()
                flood.join()
                print(
                    "   guesses:",
                    ", ".join(f"{n} got {code}" for code, n in counts.items()),
                    end="",
                )
            print(flush=True)


if __name__ == "__main__":
    main()
