"""The loop that a server runs on: uvloop where it is installed, or asyncio's own."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from notifier.identity.tokens import Tokens
from servers.notifier import ServerProcess
from tests.inbox_live.watcher import watching
from tests.support.harness import SECONDS, SECRET, SEND
from tests.support.people import socket_url


@pytest.mark.parametrize(
    ("setting", "installed", "loop"),
    [("1", True, "uvloop"), ("0", True, "asyncio"), ("1", False, "asyncio")],
)
async def test_loop(
    server_process: Callable[..., ServerProcess], setting: str, installed: bool, loop: str
) -> None:
    """Notifications get through on either, and a signal ends it in good order."""
    process = server_process(NOTIFIER_UVLOOP=setting)
    if not installed:
        (process.folder / "uvloop.py").write_text("raise ImportError")
    await asyncio.to_thread(process.start)
    access = Tokens(SECRET, {"access": 600}).issue("access", 1, 0)
    headers = {"Authorization": f"Bearer {access}"}
    async with (
        httpx.AsyncClient(base_url=process.url, headers=headers, timeout=SECONDS) as http,
        watching(f"{socket_url(process.url, 1)}&events=inbox") as device,
    ):
        assert (await http.get("/api/stats/")).json()["loop"] == loop
        await http.post(SEND, json={"user_id": 1, "payload": "x", "key": "k"})
        await device.until(lambda: device.of_type("server_notification"))
        await device.command("read", {"keys": ["k"]})
        await device.until_version(1)
        stopping = asyncio.create_task(asyncio.to_thread(process.stop))
        assert await device.closed() == 1012
        assert await stopping == 0
    assert "Traceback" not in process.log
