"""What nginx tries at another process: sends whose first one is gone, and no send twice."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from servers.nginx import NginxServer
from tests.support.harness import SECONDS, SEND, ServerWith

BATCH = "/api/notifications/send/batch/"


class Dying:
    """Takes a request and is gone before it answers."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """What nginx has called the requests."""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.names += re.findall(r"^x-request-id: (\w+)\r$", head, re.MULTILINE | re.IGNORECASE)
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Where."""
        listener = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()


@pytest.mark.parametrize(
    ("path", "body", "suffix"),
    [
        (SEND, {"user_id": 1, "payload": 1}, ""),
        (BATCH, {"notifications": [{"user_id": 1, "payload": 1}]}, "#0"),
        (BATCH.rstrip("/"), {"notifications": [{"user_id": 1, "payload": 1}]}, "#0"),
    ],
)
async def test_a_process_that_dies(
    server_with: ServerWith, path: str, body: dict[str, Any], suffix: str
) -> None:
    """A send, or a batch, that it had taken is stored by another one, under nginx's own name."""
    dying = Dying()
    async with (
        server_with(trusted_proxies="127.0.0.1", open_send=True) as server,
        dying.listening() as address,
    ):
        proxy = NginxServer([address, f"127.0.0.1:{server.server.port}"])
        await asyncio.to_thread(proxy.start)
        try:
            async with httpx.AsyncClient(base_url=proxy.url, timeout=SECONDS) as http:
                keys: list[str] = []
                while not dying.names:
                    answer = await http.post(path, json=body)
                    assert answer.status_code == 200, answer.text
                    found = answer.json()
                    keys += [each["key"] for each in found.get("results", [found])]
        finally:
            await asyncio.to_thread(proxy.remove)
        assert f"{dying.names[0]}{suffix}" in keys
        assert await server.pending(server.admin) == list(range(1, len(keys) + 1))
