"""Sessions and secrets with several processes: what one does, all know; and a new secret."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets

from servers.notifier import SECRET, ServerProcess
from tests.cluster.devices import connected, send
from tests.support.cluster import PeopledCluster, running
from tests.support.harness import ADMIN_PASSWORD, SECONDS, Device

pytestmark = pytest.mark.asyncio

CREDENTIALS = {"username": "admin", "password": ADMIN_PASSWORD}
NEW = "a-new-secret-for-tests-a-new-secret"
NAME = "notifier_session"
WHO = "/api/users/is-authenticated/"


class Browser:
    """Somebody who is led to one process or the other."""

    def __init__(self) -> None:
        self.cookie = ""
        self.tokens: dict[str, str] = {}

    async def sign_in(self, process: ServerProcess) -> None:
        await self._post(process, "/api/users/session/", CREDENTIALS)

    async def renew(self, process: ServerProcess) -> None:
        await self._post(process, "/api/users/session/refresh/", {})

    async def _post(self, process: ServerProcess, path: str, body: object) -> None:
        headers = {"Cookie": f"{NAME}={self.cookie}"}
        async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
            answer = await http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        self.cookie, self.tokens = answer.cookies[NAME], answer.json()

    @asynccontextmanager
    async def connected(self, process: ServerProcess) -> AsyncIterator[Device]:
        """A device with the identity token that came last."""
        path = f"/ws/notifications/1/?token={self.tokens['identity']}"
        url = f"ws{process.url.removeprefix('http')}{path}"
        async with websockets.connect(url, open_timeout=SECONDS, close_timeout=1) as socket:
            yield Device(socket)

    async def ask(self, process: ServerProcess, method: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access']}"}
        async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
            return await http.request(method, path, headers=headers)


async def test_a_session_at_all_processes(cluster: PeopledCluster) -> None:
    """A session is renewed anywhere, also at two processes at once, and ends everywhere."""
    first, second, third = cluster.processes
    here, there = Browser(), Browser()
    await here.sign_in(first)
    await there.sign_in(second)
    for _ in range(5):
        cookie = here.cookie
        await here.renew(second)
        after = here.cookie
        here.cookie = cookie
        await here.renew(third)  # a tab that was led elsewhere
        assert here.cookie == after
    twins = [Browser(), Browser()]
    for twin in twins:
        twin.cookie = here.cookie
    await asyncio.gather(twins[0].renew(first), twins[1].renew(third))
    assert twins[0].cookie == twins[1].cookie
    listed = (await here.ask(third, "GET", "/api/users/sessions/")).json()["sessions"]
    (other,) = [each["id"] for each in listed if not each["current"]]
    async with (
        there.connected(first) as one,
        there.connected(third) as two,
        here.connected(second) as mine,
    ):
        for device in (one, two):
            await device.nothing_more()
        ended = await here.ask(second, "DELETE", f"/api/users/sessions/{other}/")
        assert ended.status_code == 204
        for device in (one, two):
            assert await device.closed() == (4403, "session ended: ended")
        await mine.nothing_more()


async def test_a_new_secret_in_two_rollouts(tmp_path: Path) -> None:
    """First all verify the new one, then all sign with it: nobody notices, nor do nudges."""
    # No sweep: what a device is told of another process comes with a nudge, or not at all.
    with running(tmp_path, 2, nginx=False, NOTIFIER_SWEEP_SECONDS="3600") as cluster:
        first, second = cluster.processes
        browser = Browser()
        await browser.sign_in(first)
        old = browser.tokens
        await nobody_notices(cluster, browser)
        for secrets in (f"{SECRET},{NEW}", f"{NEW},{SECRET}"):
            for process in (first, second):
                await asyncio.to_thread(process.stop)
                process.set(SECRET_KEY=secrets)
                await asyncio.to_thread(process.start)
                await nobody_notices(cluster, browser)
        browser.tokens = old
        for process in (first, second):
            assert (await browser.ask(process, "GET", WHO)).status_code == 200


async def nobody_notices(cluster: PeopledCluster, browser: Browser) -> None:
    """A session, its tokens, sockets and nudges work at and between both processes."""
    (ann,) = cluster.users(1)
    for process in cluster.processes:
        for other in cluster.processes:
            assert (await browser.ask(other, "GET", WHO)).status_code == 200
            async with browser.connected(other) as device:
                await device.nothing_more()
        await browser.renew(process)
    async with connected(cluster, ann, 0) as one, connected(cluster, ann, 1) as two:
        for device in (one, two):
            await device.nothing_more()
        for number, process in enumerate(cluster.processes):
            assert (await send(process.url, ann, number)).status_code == 200
            for device in (one, two):
                assert (await device.next()).value == number
    for process in cluster.processes:
        stats = (await browser.ask(process, "GET", "/api/stats/")).json()
        assert stats["relay"] == {"kind": "redis", "state": "ok", "rejected": 0}
