"""What deploy/nginx.conf refuses before Notifier hears of it, in Notifier's words."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import websockets

from servers import ROOT, nginx
from tests.support.harness import JSON, SECONDS, SEND, Harness, ServerWith

TOKEN = "/api/users/token/"
TOO_MANY = {"detail": "Too many requests; try again later.", "code": "too_many_requests"}


@contextlib.asynccontextmanager
async def proxied(server: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A client that asks ``server`` through nginx."""
    proxy = nginx.NginxServer([f"127.0.0.1:{server.server.port}"])
    await asyncio.to_thread(proxy.start)
    try:
        async with httpx.AsyncClient(base_url=proxy.url, timeout=SECONDS) as http:
            yield http
    finally:
        await asyncio.to_thread(proxy.remove)


@pytest.fixture
def as_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is limited as all others are, to few connections and sign-ins."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for shipped, changed in (
        ("        127.0.0.0/8 0;\n", ""),
        ("limit_conn connections 1000", "limit_conn connections 3"),
        ("burst=50", "burst=5"),
        ("rate=5r/s", "rate=1r/m"),
    ):
        assert shipped in text
        text = text.replace(shipped, changed)
    file = tmp_path / "changed.conf"
    file.write_text(text)
    monkeypatch.setattr(nginx, "_SHIPPED", file)


@pytest.mark.usefixtures("as_strangers")
async def test_an_address_that_asks_too_often(server_with: ServerWith) -> None:
    """Sign-ins, and connections, are bounded for each address; sends go on beside them."""
    async with (
        server_with(trusted_proxies="127.0.0.1", open_send=True) as server,
        proxied(server) as http,
    ):
        answers = Counter[int]()
        for _ in range(10):
            answer = await http.post(TOKEN, content=b"{}", headers=JSON)
            answers[answer.status_code] += 1
        assert answers == {400: 6, 429: 4}
        assert answer.json() == TOO_MANY
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Retry-After"] == "1"
        send = {"user_id": server.admin.id, "payload": 1}
        for _ in range(10):
            assert (await http.post(SEND, json=send)).status_code == 200
        base = str(http.base_url).replace("http", "ws")
        url = f"{base}/ws/notifications/1/?token={server.token(server.admin)}"
        async with websockets.connect(url), websockets.connect(url), websockets.connect(url):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(url)
            assert refused.value.response.status_code == 429
            answer = await http.post(SEND, json=send)
            assert (answer.status_code, answer.json()) == (429, TOO_MANY)


async def test_this_machine_is_not_limited(server_with: ServerWith) -> None:
    """Programs of one's own do as they like."""
    async with (
        server_with(trusted_proxies="127.0.0.1") as server,
        proxied(server) as http,
    ):
        answers = [await http.post(TOKEN, content=b"{}", headers=JSON) for _ in range(80)]
        assert {answer.status_code for answer in answers} == {400}


async def test_large_bodies(server_with: ServerWith) -> None:
    """Only sends may be large; what is refused is so by either in the same way."""
    async with (
        server_with(trusted_proxies="127.0.0.1", open_send=True) as server,
        proxied(server) as http,
    ):
        body = b"x" * 100_000
        for path, size, status in (
            (TOKEN, 1, 413),
            (SEND, 1, 400),
            (SEND, 15, 413),
            (SEND, 30, 413),
            (f"{SEND}batch/", 1, 400),
            (f"{SEND}batch/", 30, 413),
        ):
            answer = await http.post(path, content=body * size, headers=JSON)
            assert answer.status_code == status, path
            if status == 413:
                assert answer.json()["code"] == "request_too_large"
