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


_HEADS = "{:>9}: median     p95 longest"


class Figures:
    """Milliseconds of rightful sign-ins and of sends; sign-ins that were refused."""

    def __init__(self) -> None:
        self.sign_ins: list[float] = []
        self.sends: list[float] = []
        self.refused = 0

    async def measure(self, port: int, until: float) -> None:
        """One sign-in after the other and, at the same time, one send after the other."""
        await asyncio.gather(self._sign_in(port, until), self._send(port, until))

    async def _sign_in(self, port: int, until: float) -> None:
        while time.monotonic() < until or len(self.sign_ins) + self.refused < 2:
            began = time.monotonic()
            if await sign_in(port, "admin", PASSWORD, "127.0.0.1") == 200:
                self.sign_ins.append(1000 * (time.monotonic() - began))
            else:
                self.refused += 1
            await asyncio.sleep(0.5)

    async def _send(self, port: int, until: float) -> None:
        sender = await Sender.connect(port)
        while time.monotonic() < until:
            began = time.monotonic()
            await sender.send(SEND)
            self.sends.append(1000 * (time.monotonic() - began))
            await asyncio.sleep(0.005)
        sender.close()

    def __str__(self) -> str:
        return f"{_row(self.sign_ins)}  {self.refused:7}   {_row(self.sends)}"


def _row(milliseconds: list[float]) -> str:
    """Median, 95th percentile and longest."""
    if len(milliseconds) < 2:
        return f"{'-':>17} {'-':>7} {'-':>7}"
    percentiles = statistics.quantiles(milliseconds, n=20, method="inclusive")
    return f"{percentiles[9]:17.1f} {percentiles[18]:7.1f} {max(milliseconds):7.1f}"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    spawn = multiprocessing.get_context("spawn")
    print(f"{'milliseconds':22}{_HEADS.format('sign-in')}  refused   {_HEADS.format('send')}")
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
            figures = Figures()
            asyncio.run(figures.measure(server.port, until))
            what = f"300 from {addresses} addresses" if addresses else "idle"
            print(f"{what:22}{figures}", end="")
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
