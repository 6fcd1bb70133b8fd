"""Devices that connect to one of several processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import websockets

from tests.support.cluster import PeopledCluster
from tests.support.harness import SECONDS, SEND, Device, Person


@asynccontextmanager
async def connected(
    cluster: PeopledCluster, person: Person, process: int | None = None
) -> AsyncIterator[Device]:
    """A device of ``person``, at one process or wherever nginx leads it, that is up to date."""
    chosen = None if process is None else cluster.processes[process]
    url = cluster.socket_url(person, chosen)
    async with websockets.connect(url, open_timeout=SECONDS, close_timeout=1) as socket:
        yield Device(socket)


async def send(url: str, person: Person, payload: object, **fields: object) -> httpx.Response:
    """POST a notification to ``url``."""
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as http:
        return await http.post(SEND, json={"user_id": person.id, "payload": payload, **fields})
