"""The promise itself: what was answered with 200 arrives, whatever happens to the server."""

import asyncio
import contextlib
import gc
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets

from notifier.storage.sqlite import FILE_NAME
from servers.notifier import ServerProcess
from tests.support.harness import ADMIN_PASSWORD, JSON, SECONDS, SEND, Device, Frame, until
from tests.support.people import socket_url

SENDERS = 16
USERS = (1, 2)

Processes = Callable[..., ServerProcess]

# A server that is killed between accepting and answering makes httpx leave the socket of a
# failed attempt to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def _collect_what_was_left() -> Iterator[None]:
    """Here, and not in whatever test comes later."""
    yield
    gc.collect()


@pytest.fixture
def process(server_process: Processes) -> ServerProcess:
    """A running server with two users."""
    made = server_process()
    made.start()
    created = made.command("createuser", "--username", "ann", "--password-stdin", stdin="12345678")
    assert "id 2" in created.stdout, created.stderr
    return made


@asynccontextmanager
async def connected(process: ServerProcess, user_id: int) -> AsyncIterator[Device]:
    url = socket_url(process.url, user_id)
    async with websockets.connect(url, max_queue=None, close_timeout=1) as socket:
        yield Device(socket)


class Stream:
    """Concurrent sends, each to be repeated by nobody; keeps what was promised."""

    def __init__(self, process: ServerProcess, senders: int = SENDERS) -> None:
        self._process = process
        self._senders = senders
        self._next = 0
        self._ended = False
        self.promised: dict[int, dict[str, int]] = {user_id: {} for user_id in USERS}
        """By user: the seq of each key that was answered with 200."""
        self.broken = 0
        """Sends without an answer."""

    @property
    def count(self) -> int:
        return sum(map(len, self.promised.values()))

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Senders at work, until the end of the block."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._senders):
                group.create_task(self._send_on())
            try:
                yield
            finally:
                self._ended = True

    async def _send_on(self) -> None:
        async with httpx.AsyncClient(base_url=self._process.url, timeout=SECONDS) as http:
            while not self._ended:
                try:
                    await self._send(http)
                except httpx.TransportError:
                    self.broken += 1
                    await asyncio.sleep(0.01)

    async def _send(self, http: httpx.AsyncClient) -> None:
        self._next += 1
        number, user_id = self._next, USERS[self._next % len(USERS)]
        body = json.dumps({"user_id": user_id, "payload": {"n": number}})
        response = await http.post(SEND, content=body, headers=JSON)
        assert response.status_code == 200, response.text
        answer = response.json()
        self.promised[user_id][answer["key"]] = answer["seq"]


async def crash(process: ServerProcess, stream: Stream) -> None:
    """Kill the server while at least fifty more sends have just been answered, and restart it."""
    before, broken = stream.count, stream.broken
    await until(lambda: stream.count >= before + 50)
    await asyncio.to_thread(process.kill)
    await until(lambda: stream.broken > broken)
    await asyncio.to_thread(process.start)


async def test_every_promise_survives_sigkill(process: ServerProcess) -> None:
    """After three crashes in a stream of sends, all that was promised comes, once and in order."""
    stream = Stream(process)
    async with stream.flowing():
        for _ in range(3):
            await crash(process, stream)
    assert stream.broken
    for user_id in USERS:
        promised = stream.promised[user_id]
        async with connected(process, user_id) as device:
            frames: list[Frame] = []
            while len(frames) < max(promised.values()):
                frames.append(await device.next())
            # Sends that were cut off may have been stored too: they follow without a hole.
            await device.tell({"type": "command", "key": "ping"})
            while (frame := await device.next()).type == "server_notification":
                frames.append(frame)
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert len({frame.key for frame in frames}) == len(frames)
        assert {frame.key: frame.seq for frame in frames}.items() >= promised.items()


BATCH = "/api/notifications/send/batch/"
SIZE = 300
"""Notifications of a batch: more than the server stores at once."""


class Batches(Stream):
    """The same in batches, each of which is repeated under its key until all of it is stored."""

    async def _send(self, http: httpx.AsyncClient) -> None:
        self._next += 1
        user_id = USERS[self._next % len(USERS)]
        items = [{"user_id": user_id, "payload": n} for n in range(SIZE)]
        body = json.dumps({"notifications": items})
        headers = {**JSON, "Idempotency-Key": f"b{self._next}"}
        stored: dict[str, int] = {}
        while len(stored) < SIZE:
            try:
                answer = await http.post(BATCH, content=body, headers=headers)
            except httpx.TransportError:
                self.broken += 1
                await asyncio.sleep(0.01)
                continue
            for result in answer.json().get("results", []):
                if "seq" in result:
                    # Whatever was said once is said again.
                    assert stored.setdefault(result["key"], result["seq"]) == result["seq"]
        self.promised[user_id] |= stored


async def test_batches_across_crashes(server_process: Processes) -> None:
    """Killed in the middle of batches, it loses nothing, and what is repeated is stored once."""
    process = server_process(NOTIFIER_KEYLESS_SENDS_PER_SECOND="0", NOTIFIER_MAX_PENDING="0")
    process.start()
    process.command("createuser", "--username", "ann", "--password-stdin", stdin="12345678")
    stream = Batches(process, senders=2)
    async with stream.flowing():
        for _ in range(3):
            await crash(process, stream)
    for user_id in USERS:
        promised = stream.promised[user_id]
        async with connected(process, user_id) as device:
            frames = await device.take(len(promised))
            await device.nothing_more()
        assert {frame.key: frame.seq for frame in frames} == promised
        assert [frame.seq for frame in frames] == list(range(1, len(promised) + 1))


async def test_a_device_that_reconnects_across_crashes(process: ServerProcess) -> None:
    """It misses nothing; each connection begins at the oldest and goes on without a hole."""
    stream = Stream(process)
    connections: list[list[int]] = []
    seen: dict[str, int] = {}

    async def listen() -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                async with connected(process, 1) as device:
                    connections.append([])
                    while True:
                        frame = Frame.of(str(await device.socket.recv()))
                        connections[-1].append(frame.seq)
                        seen[frame.key or ""] = frame.seq
            await asyncio.sleep(0.01)

    listening = asyncio.create_task(listen())
    await until(lambda: connections)
    async with stream.flowing():
        for _ in range(2):
            count = len(connections)
            await crash(process, stream)
            await until(lambda before=count: len(connections) > before)  # type: ignore[misc]
    await until(lambda: seen.items() >= stream.promised[1].items())
    listening.cancel()
    # Until its connection is closed: the loop would leave it open behind the test.
    await asyncio.wait([listening])
    assert len(connections) >= 3
    for seqs in connections:
        assert seqs == list(range(1, len(seqs) + 1))


async def test_acknowledged_before_the_crash_stays_settled(process: ServerProcess) -> None:
    """What a device acknowledged, and the server has stored as such, does not come again."""
    async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
        for number in range(3):
            await http.post(SEND, json={"user_id": 1, "payload": number})
        async with connected(process, 1) as device:
            frames = await device.take(3)
            await device.ack(*frames[:2])
            # Sends and acks are stored in the order of their arrival: this answer proves it.
            await device.tell({"type": "command", "key": "ping"})
            await device.next()
            await http.post(SEND, json={"user_id": 1, "payload": "last"})
    await asyncio.to_thread(process.kill)
    await asyncio.to_thread(process.start)
    async with connected(process, 1) as device:
        assert [frame.value for frame in await device.take(2)] == [2, "last"]
        await device.nothing_more()


async def test_a_renewal_that_was_cut_off(process: ServerProcess) -> None:
    """Killed between the commit of a renewal and its answer, it signs nobody out.

    The browser knows nothing of the next cookie then, and goes on with the one it has.
    """
    body = {"username": "admin", "password": ADMIN_PASSWORD}
    async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
        cookie = (await http.post("/api/users/session/", json=body)).cookies["notifier_session"]
    store = sqlite3.connect(process.folder / "data" / FILE_NAME)
    for _ in range(5):
        issued = _issued(store)
        _, writer = await asyncio.open_connection("127.0.0.1", process.port)
        writer.write(
            b"POST /api/users/session/refresh/ HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n"
            b"Cookie: notifier_session=%b\r\n\r\n{}" % cookie.encode()
        )
        await until(lambda known=issued: _issued(store) > known)  # type: ignore[misc]
        await asyncio.to_thread(process.kill)
        writer.close()
        await asyncio.to_thread(process.start)
        async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
            http.cookies["notifier_session"] = cookie
            answer = await http.post("/api/users/session/refresh/", json={})
        assert answer.status_code == 200
        assert answer.cookies["notifier_session"].split(".")[1] == str(issued + 1)
        cookie = answer.cookies["notifier_session"]
    store.close()


def _issued(store: sqlite3.Connection) -> int:
    ((issued,),) = store.execute("SELECT issued FROM sessions").fetchall()
    return int(issued)
