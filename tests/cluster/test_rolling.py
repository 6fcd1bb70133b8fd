"""Processes stop, die and hang under load on busy cores, and no sender notices."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from servers import postgres
from tests.cluster.devices import connected, send
from tests.cluster.ledger import Ledger, Watcher
from tests.support.burners import busy_cores
from tests.support.cluster import PeopledCluster, running
from tests.support.harness import SEND, Person, until

pytestmark = pytest.mark.asyncio

DRAIN = 2.0
DEVICES = 60
USERS = 20
SENDERS = 8

ATTEMPT = 3.0
"""Seconds that deploy/nginx.conf gives the first process that a send is led to."""

CHECK = 3.0
"""Seconds that docker-compose.yml gives the health check of nginx."""

PATIENCE = 2 * ATTEMPT
"""Seconds that a send may take beside a process that hangs, with busy cores."""

_CATCH_UP = 30.0


class Load:
    """Senders without keys of their own, who want 200 at the first try, and watchers."""

    def __init__(self, cluster: PeopledCluster) -> None:
        self._cluster = cluster
        self._people = cluster.users(USERS)
        self._ledger = Ledger()
        self._ended = asyncio.Event()
        self.durations: list[float] = []
        """Seconds that each send took."""
        self.watchers = [
            Watcher(self._ledger, cluster, self._people[n % USERS]) for n in range(DEVICES)
        ]

    @property
    def sends(self) -> int:
        """How many were answered."""
        return len(self.durations)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Send all the while; afterwards all was answered with 200, and delivered."""
        watching = [asyncio.create_task(watcher.run()) for watcher in self.watchers]
        await asyncio.gather(*[watcher.connected.wait() for watcher in self.watchers])
        sending = [
            asyncio.create_task(self._send(self._people[number::SENDERS]))
            for number in range(SENDERS)
        ]
        try:
            yield
            await self.more(100)
        finally:
            self._ended.set()
            await asyncio.gather(*sending)
        await until(lambda: not self._ledger.missing(), _CATCH_UP)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        assert not self._ledger.refused

    async def more(self, count: int) -> None:
        """Return when ``count`` more sends have been answered."""
        wanted = self.sends + count
        await until(lambda: self.sends >= wanted, _CATCH_UP)

    async def _send(self, people: list[Person]) -> None:
        async with httpx.AsyncClient(base_url=self._cluster.url, timeout=30) as http:
            while not self._ended.is_set():
                for person in people:
                    began = time.monotonic()
                    try:
                        answer = await http.post(SEND, json={"user_id": person.id, "payload": 1})
                    except httpx.HTTPError as error:
                        self._ledger.refused[repr(error)] += 1
                        continue
                    self.durations.append(time.monotonic() - began)
                    if answer.status_code != 200:
                        self._ledger.refused[f"{answer.status_code} {answer.text}"] += 1
                        continue
                    stored = answer.json()
                    self._ledger.accepted[person.id][stored["key"]] = stored["seq"]

    def check(self) -> None:
        """What was promised is what is stored, and each connection was given its part of it."""
        self._ledger.check()
        promised = [
            (user_id, key, seq)
            for user_id, accepted in self._ledger.accepted.items()
            for key, seq in accepted.items()
        ]
        assert sorted(self._cluster.stored()) == sorted(promised)


async def test_rolling_restart(tmp_path: Path) -> None:
    """Processes stop one after the other; clients are sent away spread over the drain time."""
    with busy_cores(), running(tmp_path, NOTIFIER_DRAIN_SECONDS=str(DRAIN)) as cluster:
        load = Load(cluster)
        async with load.flowing():
            for process in cluster.processes:
                before = time.monotonic()
                assert await asyncio.to_thread(process.stop) == 0
                assert time.monotonic() - before >= DRAIN * 0.8, "all were sent away at once"
                await asyncio.to_thread(process.start)
        load.check()
        codes = sum(watcher.codes[1012] for watcher in load.watchers)
        assert codes >= DEVICES, "each device was at each restarted process at some time"


async def test_killed_processes(tmp_path: Path) -> None:
    """Each process dies in the middle of sends, and comes back."""
    with busy_cores(), running(tmp_path) as cluster:
        load = Load(cluster)
        async with load.flowing():
            for process in cluster.processes:
                await load.more(50)
                await asyncio.to_thread(process.kill)
                await load.more(50)
                await asyncio.to_thread(process.start)
        load.check()


async def test_a_hanging_process(tmp_path: Path) -> None:
    """It holds no send for long, and what it does late is not stored twice."""
    with busy_cores(), running(tmp_path) as cluster:
        load = Load(cluster)
        hanging = cluster.processes[1]
        async with load.flowing():
            await load.more(50)
            with hanging.suspended():
                await until(lambda: max(load.durations) >= ATTEMPT, _CATCH_UP)
                await load.more(500)
        # Whatever was still on its way to it is done when it has stopped.
        assert await asyncio.to_thread(hanging.stop) == 0
        load.check()
        assert max(load.durations) < PATIENCE


async def test_a_large_send_beside_a_hanging_process(tmp_path: Path) -> None:
    """It is not held up either, although it does not fit into the buffers on the way."""
    with running(tmp_path) as cluster:
        (ann,) = cluster.users(1)
        with cluster.processes[0].suspended():
            durations = []
            for number in range(1, 7):
                before = time.monotonic()
                answer = await send(cluster.url, ann, "x" * 900_000)
                durations.append(time.monotonic() - before)
                assert answer.json()["seq"] == number
        assert ATTEMPT <= max(durations) < PATIENCE


async def test_health_checks_find_a_hanging_process(tmp_path: Path) -> None:
    """Whoever asks nginx for health in time for its own check spares senders and devices."""
    with running(tmp_path) as cluster:
        (ann,) = cluster.users(1)
        with cluster.processes[0].suspended():
            duration = 0.0
            async with httpx.AsyncClient(base_url=cluster.url, timeout=CHECK) as http:
                while duration < ATTEMPT / 2:
                    before = time.monotonic()
                    assert (await http.get("/healthz/ready/")).status_code == 200
                    duration = time.monotonic() - before
            before = time.monotonic()
            async with connected(cluster, ann) as device:
                for number in range(3):
                    assert (await send(cluster.url, ann, number)).status_code == 200
                    assert (await device.next()).value == number
            assert time.monotonic() - before < ATTEMPT


async def test_a_late_attempt_is_dropped(tmp_path: Path) -> None:
    """What a hanging process finds when it goes on is not sent again, even if it was removed."""
    with running(tmp_path, NOTIFIER_RETENTION_DAYS="0") as cluster:
        (ann,) = cluster.users(1)
        hanging, serving, _ = cluster.processes
        async with connected(cluster, ann, 1) as device:
            with hanging.suspended():
                duration, number = 0.0, 0
                while duration < ATTEMPT:
                    before = time.monotonic()
                    assert (await send(cluster.url, ann, number)).status_code == 200
                    duration = time.monotonic() - before
                    number += 1
                await device.ack(*await device.take(number))
                await device.nothing_more()
                await until(lambda: not cluster.stored())
            assert await asyncio.to_thread(hanging.stop) == 0
            last = await send(serving.url, ann, "last")
            assert last.json()["seq"] == number + 1
            assert (await device.next()).value == "last"


async def test_a_store_that_hangs(tmp_path: Path) -> None:
    """It makes nginx try a send twice, not at each process, and the sender gets our answer."""
    with running(tmp_path, NOTIFIER_REQUEST_TIMEOUT="4") as cluster:
        (ann,) = cluster.users(1)
        nginx = cluster.nginx
        assert nginx is not None
        with postgres.shared().suspended():
            async with httpx.AsyncClient(base_url=cluster.url, timeout=30) as http:
                answer = await http.post(SEND, json={"user_id": ann.id, "payload": 1})
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        # nginx logs a request once it has answered it.
        log = re.compile(r" \S+ : \S+ 504 : 503\n")
        await until(lambda: log.search(nginx.log))
