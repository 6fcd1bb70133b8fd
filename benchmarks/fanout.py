"""CPU of the server per delivery and per connection, and memory per idle socket.

``python -m benchmarks.fanout [sockets]``: that many devices of one user (500), then sends
that each reach all of them; against the bare Tornado handler, in alternating rounds.
"""

import asyncio
import statistics
import sys

from benchmarks.measure import SECRET, Sender, Subject, subject
from notifier.identity.tokens import Tokens

SENDS = 40
ROUNDS = 4
_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


class Listener:
    """A WebSocket client that only counts the frames it is given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, token: str, user_id: int | str = 1) -> "Listener":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /ws/notifications/{user_id}/?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {_KEY}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        return cls(reader, writer)

    async def take(self, count: int) -> None:
        """Read ``count`` unmasked frames of less than 64 KiB."""
        for _ in range(count):
            size = (await self._reader.readexactly(2))[1]
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            await self._reader.readexactly(size)

    def close(self) -> None:
        self._writer.transport.abort()


async def round_of(
    server: Subject, token: str, sockets: int, sends: int = SENDS
) -> tuple[float, float, float]:
    """Microseconds of server CPU per connection and per delivery, and bytes per idle socket."""
    memory, cpu = server.memory(), server.cpu()
    listeners = [await Listener.connect(server.port, token) for _ in range(sockets)]
    await asyncio.sleep(0.5)  # the last ones are catching up
    connecting = (server.cpu() - cpu) / sockets
    held = (server.memory() - memory) / sockets
    sender = await Sender.connect(server.port)
    cpu = server.cpu()
    for _ in range(sends):
        # A ttl, so that the next round does not begin with all of this one's sends.
        await sender.send(b'{"user_id": 1, "payload": {"title": "Hello"}, "ttl": 1}')
        await asyncio.gather(*(listener.take(1) for listener in listeners))
    delivering = (server.cpu() - cpu) / (sends * sockets)
    connections: list[Listener | Sender] = [*listeners, sender]
    for each in connections:
        each.close()
    await asyncio.sleep(1.5)
    return connecting, delivering, held


def main() -> None:
    sockets = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    with (
        subject("benchmarks.bare") as bare,
        subject("notifier", NOTIFIER_SOCKETS_PER_USER="0") as notifier,
    ):
        rounds: dict[str, list[tuple[float, float, float]]] = {"bare": [], "notifier": []}
        for _ in range(ROUNDS):
            for name, server in (("bare", bare), ("notifier", notifier)):
                rounds[name].append(asyncio.run(round_of(server, token, sockets)))
    for name, figures in rounds.items():
        connecting = statistics.median(figure[0] for figure in figures)
        delivering = statistics.median(figure[1] for figure in figures)
        held = figures[0][2]  # later rounds find memory that the first one has left
        print(
            f"{name:<9} {connecting:5.0f} µs per connection, {delivering:5.1f} µs per delivery, "
            f"{held / 1024:5.1f} KiB per idle socket"
        )


if __name__ == "__main__":
    main()
