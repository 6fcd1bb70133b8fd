"""Clients that lose their connections at random moments while notifications go out.

Each speaks the protocol by hand, because a client library hides how a connection ends: with a
reset, without a close frame, or not at all (half-open: nobody answers any more, and nobody says
so). It acknowledges what it gets, and comes back soon.
"""

import asyncio
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

import httpx

from tests.cluster.ledger import Ledger
from tests.support.frames import handshake
from tests.support.harness import SEND

_AFTER = 60.0
"""Seconds in which the last ones have to arrive, also on a busy machine."""
_SENDERS = 8
_HANDSHAKES = 64
"""Clients that connect at the same time: they share the machine with the servers."""

_LOSSES = ("reset", "closed", "half-open")
_RESET = struct.pack("ii", 1, 0)

_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A


class Client(NamedTuple):
    """Who connects, and with what."""

    user_id: int
    token: str


class Figures(NamedTuple):
    """What came of it. Delays are seconds from a send to its first arrival, the least first."""

    promised: int
    delays: Sequence[float]
    ends: Counter[str]

    @property
    def losses(self) -> int:
        """How many connections were lost, in any way."""
        return sum(self.ends[each] for each in _LOSSES)

    def __str__(self) -> str:
        middle, late = (1000 * self.delays[(len(self.delays) - 1) * n // 100] for n in (50, 99))
        return (
            f"{len(self.delays):,} of {self.promised:,} in order through {self.losses:,} losses, "
            f"p50 {middle:.0f} ms, p99 {late:.0f} ms"
        )


class _Connection:
    """One WebSocket, from the handshake to its loss."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: httpx.URL, client: Client) -> "_Connection":
        """Connect. Raises OSError or IncompleteReadError where the server lets nobody in."""
        connection = cls(*await asyncio.open_connection(url.host, url.port))
        try:
            await connection._shake_hands(client)
        except BaseException:
            connection.lose("closed")
            raise
        return connection

    async def _shake_hands(self, client: Client) -> None:
        path = f"/ws/notifications/{client.user_id}/?token={client.token}"
        self._writer.write(handshake(path))
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionRefusedError(head)

    async def notification(self) -> tuple[int, str]:
        """The next one, acknowledged: its seq and its key."""
        while True:
            kind, size = await self._reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            content = await self._reader.readexactly(size)
            if kind == _TEXT:
                frame = json.loads(content)
                self._write(
                    _TEXT, json.dumps({"type": "message_ack", "key": frame["key"]}).encode()
                )
                return frame["seq"], frame["key"]
            if kind == _PING:
                self._write(_PONG, content)

    def _write(self, kind: int, content: bytes) -> None:
        # Masked with nothing, which leaves it as it is (RFC 6455 §5.3).
        self._writer.write(bytes((kind, 0x80 | len(content), 0, 0, 0, 0)) + content)

    def lose(self, how: str) -> None:
        """End it without a word."""
        transport = self._writer.transport
        if how == "half-open":
            if transport.is_reading():  # type: ignore[attr-defined]
                transport.pause_reading()  # type: ignore[attr-defined]
            return
        if how == "reset" and not transport.is_closing():
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


class Jitter:
    """One run: who was promised what, and when it arrived."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger()
        self._url = httpx.URL(url)
        self._sent_at: dict[str, float] = {}
        self._arrived_at: dict[str, float] = {}
        self._ends = Counter[str]()
        self._half_open: list[_Connection] = []
        self._handshakes = asyncio.Semaphore(_HANDSHAKES)

    async def run(
        self, clients: Sequence[Client], *, losses: int, notifications: int, seconds: float
    ) -> Figures:
        """Send so many in so many seconds, in which each client loses so many connections."""
        began = time.monotonic()
        watching = []
        for client in clients:
            moments = sorted(random.uniform(0, seconds) for _ in range(losses))
            lives = [end - start for start, end in pairwise([0, *moments])]
            watching.append(asyncio.create_task(self._watch(client, lives)))
        turns = (
            (number, began + seconds * number / notifications) for number in range(notifications)
        )
        await asyncio.gather(*[self._send(clients, turns) for _ in range(_SENDERS)])
        lost = losses * len(clients)
        with suppress(TimeoutError):
            async with asyncio.timeout(_AFTER):
                while (  # noqa: ASYNC110 - many clients count
                    len(self._arrived_at) < notifications
                    or sum(self._ends[how] for how in _LOSSES) < lost
                ):
                    await asyncio.sleep(0.05)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for connection in self._half_open:
            connection.lose("closed")
        self.ledger.check()
        delays = sorted(at - self._sent_at[key] for key, at in self._arrived_at.items())
        return Figures(self.ledger.promises, delays, self._ends)

    async def _send(self, clients: Sequence[Client], turns: Iterator[tuple[int, float]]) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=_AFTER) as http:
            for number, moment in turns:
                await asyncio.sleep(moment - time.monotonic())
                user_id, key = clients[number % len(clients)].user_id, f"jitter-{number}"
                body = {"user_id": user_id, "payload": {"text": "hello"}, "key": key}
                self._sent_at[key] = time.monotonic()
                answer = await http.post(SEND, json=body)
                assert answer.status_code == 200, answer.text
                self.ledger.accepted[user_id][key] = answer.json()["seq"]

    async def _watch(self, client: Client, lives: Sequence[float]) -> None:
        """Connect for so many seconds each, then for good."""
        for life in (*lives, None):
            while not await self._connection(client, life):  # noqa: ASYNC110 - it comes again
                await asyncio.sleep(_pause())
            await asyncio.sleep(_pause())

    async def _connection(self, client: Client, life: float | None) -> bool:
        """Whether it lived so long: the server may end it, or have none."""
        connection, how = None, "closed"
        try:
            async with self._handshakes:
                connection = await _Connection.open(self._url, client)
            async with asyncio.timeout(life):
                await self._take(client, connection)
        except TimeoutError:
            how = random.choice(_LOSSES)
            self._ends[how] += 1
            return True
        except (OSError, asyncio.IncompleteReadError):
            self._ends["by the server"] += 1
        finally:
            if connection is not None:
                connection.lose(how)
                if how == "half-open":
                    self._half_open.append(connection)
        return False

    async def _take(self, client: Client, connection: _Connection) -> None:
        given: list[tuple[int, str]] = []
        self.ledger.connections.append((client.user_id, given))
        while True:
            seq, key = await connection.notification()
            given.append((seq, key))
            self._arrived_at.setdefault(key, time.monotonic())


def _pause() -> float:
    """Seconds for which a client stays away."""
    return random.uniform(0, 1)
