"""A rolling restart under load: nobody notices but the clients, who move over calmly."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from tests.cluster.ledger import HttpSender, Ledger, Watcher
from tests.support.cluster import Cluster, running
from tests.support.harness import SEND, until

pytestmark = pytest.mark.asyncio

DRAIN = 2.0
DEVICES = 60
USERS = 20


async def test_rolling_restart(tmp_path: Path) -> None:
    """No send fails, nothing is lost, and closes 1012 are spread over the drain time."""
    ledger = Ledger()
    with running(tmp_path, NOTIFIER_DRAIN_SECONDS=str(DRAIN)) as cluster:
        people = cluster.users(USERS)
        watchers = [Watcher(ledger, cluster, people[n % USERS]) for n in range(DEVICES)]
        watching = [asyncio.create_task(watcher.run()) for watcher in watchers]
        await asyncio.gather(*[watcher.connected.wait() for watcher in watchers])
        keyed = HttpSender(ledger, cluster, people, "keyed")
        ended = asyncio.Event()
        refused: list[str] = []
        load = [
            asyncio.create_task(keyed.run(2500, 250)),
            *[asyncio.create_task(_send_without_key(cluster, refused, ended)) for _ in range(4)],
        ]
        for process in cluster.processes:
            before = time.monotonic()
            assert await asyncio.to_thread(process.stop) == 0
            assert time.monotonic() - before >= DRAIN * 0.8, "all were sent away at once"
            await asyncio.to_thread(process.start)
        ended.set()
        await asyncio.gather(*load)
        await until(lambda: not ledger.missing(), seconds=20)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        assert not refused
        assert not ledger.refused
        ledger.check()
        codes = sum((watcher.codes for watcher in watchers), start=type(watchers[0].codes)())
        assert codes[1012] >= DEVICES, "each device was at each restarted process at some time"


async def _send_without_key(cluster: Cluster, refused: list[str], ended: asyncio.Event) -> None:
    """Send to somebody who is not watched; every answer has to be 200, at the first try."""
    (person,) = cluster.users(1)
    seqs = []
    async with httpx.AsyncClient(base_url=cluster.url, timeout=20) as http:
        while not ended.is_set():
            try:
                answer = await http.post(SEND, json={"user_id": person.id, "payload": 1})
                if answer.status_code == 200:
                    seqs.append(answer.json()["seq"])
                else:
                    refused.append(f"{answer.status_code} {answer.text}")
            except httpx.HTTPError as error:
                refused.append(repr(error))
    # What nginx tried twice is there once.
    assert seqs == list(range(1, len(seqs) + 1))
