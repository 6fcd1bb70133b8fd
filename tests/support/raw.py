"""A connection that says just what it is told to."""

import asyncio
import contextlib
import json

from tests.support.harness import SECONDS, SEND, Harness

_TYPE = "Content-Type: application/json\r\n"


class Raw:
    """One connection, spoken by hand."""

    def __init__(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._port = port
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, server: Harness) -> "Raw":
        port = server.server.port
        return cls(port, *await asyncio.open_connection("127.0.0.1", port))

    def say(
        self, headers: str, body: bytes = b"", *, path: str = SEND, version: str = "1.1"
    ) -> None:
        """Begin a send, or another POST, with these headers."""
        host = f"Host: 127.0.0.1:{self._port}\r\n"
        head = f"POST {path} HTTP/{version}\r\n{host}{_TYPE}{headers}\r\n"
        self.writer.write(head.encode("latin-1") + body)

    async def answer(self) -> tuple[int, dict[str, str], object]:
        """The first answer, which has to be a final one."""
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.rstrip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(status.split()[1]), headers, json.loads(body)

    async def end(self) -> bytes:
        """What comes until the server ends the connection."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), SECONDS)
        return b""

    def leave(self) -> None:
        self.writer.close()
