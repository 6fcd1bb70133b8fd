"""Connections: how many there may be, for how long they may do nothing, and what that costs."""

import asyncio
import contextlib
import errno
import functools
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from handlers.connections import listener
from handlers.connections.addresses import Addresses
from handlers.connections.clients import Clients
from handlers.proxies import TrustedProxies
from notifier.identity.tokens import Tokens
from notifier.process import descriptors
from notifier.settings import Settings
from servers.notifier import ServerProcess
from tests.support.deadlines import StoppedClock
from tests.support.frames import handshake
from tests.support.harness import JSON, SECONDS, SECRET, SEND, Device, Harness, ServerWith, until
from tests.support.people import identity_of

Processes = Callable[..., ServerProcess]

LIVE = b"GET /healthz/live/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
DESCRIPTORS = 200
ROOM = DESCRIPTORS - 64
"""Connections that there is room for with so few descriptors."""


@pytest.fixture
def limited(server_process: Processes) -> Processes:
    """Make server processes that may have few descriptors, and are started with fewer."""

    def make(**environment: str) -> ServerProcess:
        process = server_process(**environment)
        limits = f'ulimit -Sn 100; ulimit -Hn {DESCRIPTORS}; exec "$0" "$@"'
        process.program = ["sh", "-c", limits, *process.program]
        return process

    return make


@contextlib.contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing."""
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            made.append(socket.create_connection(("127.0.0.1", port), SECONDS))  # noqa: PERF401 - closed if one fails
        yield made
    finally:
        for each in made:
            each.close()


class Raw:
    """A connection that says just what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self, status: int) -> dict[str, object]:
        """The body of the next answer, which has to have ``status``."""
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            assert first.split()[1] == str(status), head
            self.headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(self.headers["Content-Length"]))
        answer: dict[str, object] = json.loads(body)
        return answer

    async def end(self) -> bytes:
        """What comes until the server ends the connection."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), SECONDS)
        return b""


@contextlib.asynccontextmanager
async def raw(server: Harness, said: bytes = b"", size: int = 0) -> AsyncIterator[Raw]:
    """A connection on which ``said`` was said, with a buffer of ``size`` for what comes back."""
    client = socket.socket()
    if size:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.server.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=max(size, 1024))
    try:
        writer.write(said)
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def all_of(server: Harness) -> Clients:
    """The connections of the server."""
    assert server.server.application is not None
    return server.server.application.clients


def refused(server: Harness, reason: str) -> int:
    return server.server.refusals.counts.get(reason, 0)


# Descriptors.


def processor_seconds(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limits_of(pid: int) -> list[str]:
    """How many descriptors a process may have: without asking, and at the most."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    return line.split()[3:5]


def opened_by(pid: int) -> int:
    """How many it has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.attack("more idle connections than descriptors", before="98 % CPU, nobody served")
async def test_more_connections_than_descriptors(limited: Processes) -> None:
    """Who is connected notices nothing, the server rests, and who waits is served in the end."""
    process = limited(NOTIFIER_HEADER_SECONDS="600")
    await asyncio.to_thread(process.start)
    assert limits_of(process.pid) == [str(DESCRIPTORS)] * 2, "the soft limit was raised"
    token = Tokens(SECRET, {"identity": 600}).issue("identity", 1, 0)
    url = f"ws{process.url.removeprefix('http')}/ws/notifications/1/?token={token}"
    async with (
        websockets.connect(url) as connection,
        httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http,
        httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as newcomer,
    ):
        device = Device(connection)
        await device.nothing_more()
        assert (await http.get("/healthz/live/")).status_code == 200
        with connections(process.port, 300) as idle:
            await until(lambda: "reason=connections" in process.log)
            waiting = asyncio.create_task(newcomer.get("/healthz/ready/"))
            used, began = processor_seconds(process.pid), time.monotonic()
            for n in range(10):
                answer = await http.post(SEND, json={"user_id": 1, "payload": n})
                assert answer.status_code == 200, answer.text
                assert (await device.next()).value == n
                await asyncio.sleep(0.1)
            share = (processor_seconds(process.pid) - used) / (time.monotonic() - began)
            assert share < 0.3
            assert ROOM < opened_by(process.pid) < DESCRIPTORS - 32, "there is room for the store"
            assert not waiting.done()
            for each in idle:
                each.close()
            assert (await waiting).status_code == 200
    assert await asyncio.to_thread(process.stop) == 0
    assert "Traceback" not in process.log
    assert len(process.log) < 4000


async def test_a_bound_for_all(server_with: ServerWith) -> None:
    """Beyond it newcomers wait, each until somebody leaves, however often that happens."""
    async with server_with(max_connections=3) as server, raw(server, LIVE) as first:
        await first.answer(200)
        with connections(server.server.port, 2) as idle:
            await until(lambda: len(all_of(server)) == 3)
            async with raw(server, LIVE) as second, raw(server, LIVE) as third:
                await until(lambda: refused(server, "connections"))
                first.writer.write(LIVE)
                await first.answer(200)
                assert len(all_of(server)) == 3
                idle[0].close()
                waiting = [asyncio.create_task(each.answer(200)) for each in (second, third)]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                idle[1].close()
                await asyncio.gather(*waiting)
        await until(lambda: len(all_of(server)) == 1)
        for _ in range(10):
            async with raw(server, LIVE) as each:
                await each.answer(200)


async def test_nobody_is_waited_for_by_a_stop(server_with: ServerWith) -> None:
    """A server that is full stops as any other."""
    async with server_with(max_connections=1) as server:
        with connections(server.server.port, 3):
            await until(lambda: refused(server, "connections"))
            await asyncio.wait_for(server.server.stop(), SECONDS)
            assert len(all_of(server)) == 0


@pytest.mark.attack("descriptors taken by something else", before="a traceback for each accept")
async def test_descriptors_that_others_have_taken(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When accepting fails for want of them, it is tried again a little later, and said once."""
    monkeypatch.setattr(listener, "_PAUSE_SECONDS", 0.05)
    accept = socket.socket.accept
    failures = [errno.EMFILE, errno.ENFILE, errno.EPROTO]
    tried: list[float] = []

    def fail(listening: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            tried.append(time.monotonic())
            number = failures.pop(0)
            raise OSError(number, os.strerror(number))
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", fail)
    async with raw(server, LIVE) as each:
        await each.answer(200)
    assert not failures
    assert refused(server, "descriptors") == 2
    assert tried[1] - tried[0] >= 0.05 <= tried[2] - tried[1]


@pytest.mark.parametrize(
    ("limit", "wanted", "most"),
    [
        (1024, 0, 960),
        (1024, 100, 100),
        (1024, 5000, 960),
        (100, 0, 50),
        (descriptors.resource.RLIM_INFINITY, 0, sys.maxsize - 64),
        (descriptors.resource.RLIM_INFINITY, 5000, 5000),
    ],
)
def test_room(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    limit: int,
    wanted: int,
    most: int,
) -> None:
    """Clients get what is wanted, or all but a reserve; more than there is is wanted in vain."""
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda _: (limit, limit))
    assert descriptors.most_connections(wanted) == most
    assert bool(caplog.records) == (wanted > most)


# Deadlines.


class Clock(StoppedClock):
    """Time for those who are late."""

    async def past(self, server: Harness, seconds: float) -> None:
        """Let so much time pass, and the server look who is late."""
        self.advance(seconds)
        await all_of(server).end_late()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.attack("connections that say nothing", before="open after 400 s")
async def test_silence(server: Harness, clock: Clock) -> None:
    """Who connects and says nothing is cut off, without an answer that nobody has asked for."""
    async with raw(server) as idle:
        await until(lambda: len(all_of(server)) == 1)
        await clock.past(server, 19)
        assert len(all_of(server)) == 1
        await clock.past(server, 2)
        assert await idle.end() == b""
        assert len(all_of(server)) == 0
        assert server.server.refusals.counts == {}


@pytest.mark.parametrize("said", [b"", LIVE], ids=["first", "next"])
@pytest.mark.attack("headers that trickle", before="open after 400 s")
async def test_trickled_headers(server: Harness, clock: Clock, said: bytes) -> None:
    """Headers end in time or with 408, however many of their lines have come."""
    async with raw(server, said) as slow:
        if said:
            await slow.answer(200)
        slow.writer.write(LIVE[:-2])
        await until(lambda: any(stream.unread for stream in all_of(server)))
        for _ in range(4):
            slow.writer.write(b"X: y\r\n")
            await slow.writer.drain()
            await clock.past(server, 18 if said else 4.8)
            assert refused(server, "headers_too_late") == 0
        await clock.past(server, 5)
        assert (await slow.answer(408))["code"] == "headers_too_late"
        assert slow.headers["Connection"] == "close"
        assert await slow.end() == b""
    assert refused(server, "headers_too_late") == 1


@pytest.mark.attack("connections kept idle between requests", before="3,600 s")
async def test_keep_alive(server: Harness, clock: Clock) -> None:
    """Between requests a client has its own time, anew after each, and is then cut off."""
    async with raw(server) as kept:
        for _ in range(3):
            kept.writer.write(LIVE)
            await kept.answer(200)
            await clock.past(server, 70)
        await clock.past(server, 6)
        assert await kept.end() == b""
        assert server.server.refusals.counts == {}


async def test_a_slow_answer_of_ours(
    server: Harness, clock: Clock, held_sends: asyncio.Event
) -> None:
    """Deadlines are for clients: one that waits for us is not cut off."""
    sending = asyncio.create_task(server.send(server.admin, 1))
    await until(lambda: server.server.application.requests == 1)
    for _ in range(3):
        await clock.past(server, 1000)
    held_sends.set()
    assert (await sending)["seq"] == 1


UNREAD = b"GET /static/swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.attack("an answer that is not read", before="open after 400 s")
async def test_an_unread_answer(server: Harness, clock: Clock) -> None:
    """Who asks and does not read is cut off."""
    async with raw(server, UNREAD * 20, 4096):
        await until(lambda: any(stream.writing() for stream in all_of(server)))
        while not refused(server, "answer_unread"):
            await asyncio.sleep(0.05)  # what is on its way fills the buffers of the system
            await clock.past(server, 61)
        assert len(all_of(server)) == 0


async def test_a_slow_reader(server: Harness, clock: Clock) -> None:
    """Who reads slowly, but enough of an answer each time, is not cut off before it stops."""
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours, peer:
        clients = all_of(server)
        stream = clients.accept(ours, "192.0.2.1")
        assert stream is not None
        clients.asked(stream, "192.0.2.1")
        stream.write(b"x" * 300_000)
        peer.setblocking(False)
        for taken in (70_000, 140_000, 210_000):
            while stream.sent < taken:
                await asyncio.get_running_loop().sock_recv(peer, 1000)
            await clock.past(server, 61)
            assert not stream.closed()
        await clock.past(server, 61)
        assert stream.closed()
    assert refused(server, "answer_unread") == 1


async def test_a_websocket_stays(server: Harness, clock: Clock) -> None:
    """None of these times is one of a WebSocket, which is pinged."""
    async with server.connect(server.admin) as device:
        await device.nothing_more()
        await clock.past(server, 1000)
        await server.send(server.admin, "still here")
        assert (await device.next()).value == "still here"


async def test_a_websocket_that_is_dead(server_with: ServerWith) -> None:
    """Who neither reads nor answers pings is cut off, with everything still unsent."""
    async with server_with(ping_seconds=0.3) as server:
        await server.append(server.admin, *[b'"%s"' % (b"x" * 900_000)] * 8)
        async with raw(server, server.handshake(server.admin), 4096):
            await until(lambda: server.server.hub.sockets == 1)
            await until(lambda: server.server.hub.sockets == len(all_of(server)) == 0)


# What is too large.


@pytest.mark.parametrize(
    "request_bytes",
    [
        LIVE[:-2] + b"X: " + b"y" * 40_000 + b"\r\n\r\n",
        LIVE[:-2] + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"x" * 200_000,
        LIVE + LIVE[:-2] + b"X: " + b"y" * 40_000,
    ],
    ids=["one line", "many lines", "a path", "the second request"],
)
@pytest.mark.attack("headers that are too large", before="no answer, a line of log each")
async def test_headers_that_are_too_large(server: Harness, request_bytes: bytes) -> None:
    """They get 431, and the connection ends."""
    async with raw(server, request_bytes) as large:
        if request_bytes.startswith(LIVE):
            await large.answer(200)
        assert (await large.answer(431))["code"] == "headers_too_large"
        assert await large.end() == b""
    assert refused(server, "headers_too_large") == 1


async def test_a_chunk_without_a_length(server: Harness) -> None:
    """A line of a chunked body that never ends is not said to be headers."""
    head = f"POST {SEND} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode()
    async with raw(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 5000) as odd:
        assert b"431" not in await odd.end()
    assert refused(server, "headers_too_large") == 0


# Addresses.


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.9.9.9", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("10.1.1.1", None),
    ],
)
def test_on_whose_account(address: str, client: str | None) -> None:
    """An address counts as itself, one of IPv6 as its network; this machine and proxies don't."""
    proxies = TrustedProxies(Settings(trusted_proxies="10.0.0.0/8").trusted_networks)
    assert Addresses(1, proxies).client(address) == client
    assert Addresses(0, proxies).client(address) is None


@pytest.mark.attack("one address takes all connections", before="no bound")
async def test_a_bound_for_each_address(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection too many is told so at once, is not kept, and others are served."""
    monkeypatch.setattr(Addresses, "_client", lambda _, address: address)
    async with server_with(address_connections=2) as server:
        other = await asyncio.open_connection(
            "127.0.0.1", server.server.port, local_addr=("127.0.0.2", 0)
        )
        with connections(server.server.port, 2) as mine:
            await until(lambda: len(all_of(server)) == 3)
            async with raw(server, LIVE) as third:
                answer = await third.answer(429)
                assert answer["code"] == "too_many_connections"
                assert int(third.headers["Retry-After"]) >= 1
                assert await third.end() == b""
            assert len(all_of(server)) == 3
            assert refused(server, "too_many_connections") == 1
            other[1].write(LIVE)
            await Raw(*other).answer(200)
            mine[0].close()
            await until(lambda: len(all_of(server)) == 2)
            async with raw(server, LIVE) as again:
                await again.answer(200)
        other[1].close()


@pytest.mark.attack("one client of a proxy takes all connections", before="no bound")
async def test_a_bound_for_each_client_of_a_proxy(server_with: ServerWith) -> None:
    """A proxy has as many connections as it likes; each of its clients only some at a time."""
    forwarded = functools.partial("X-Forwarded-For: {}\r\n".format)

    def from_client(address: str, request: bytes) -> bytes:
        return request[:-2] + forwarded(address).encode() + b"\r\n"

    async with server_with(address_connections=2, trusted_proxies="127.0.0.1") as server:
        handshake = from_client("192.0.2.1", server.handshake(server.admin))
        async with raw(server) as kept, raw(server, handshake) as one, raw(server, handshake):
            await until(lambda: server.server.hub.sockets == 2)
            async with raw(server, handshake) as third:
                assert (await third.answer(429))["code"] == "too_many_connections"
                # The connection is the proxy's, and goes on.
                third.writer.write(from_client("192.0.2.2", LIVE))
                await third.answer(200)
            for _ in range(4):
                kept.writer.write(from_client("192.0.2.2", LIVE))
                await kept.answer(200)
            kept.writer.write(from_client("192.0.2.1", LIVE))
            await kept.answer(429)
            one.writer.transport.abort()
            await until(lambda: server.server.hub.sockets == 1)
            for _ in range(4):
                kept.writer.write(from_client("192.0.2.1", LIVE))
                await kept.answer(200)
        assert refused(server, "too_many_connections") == 2


# The rest.


@pytest.mark.attack("300 connects at once", before="the last waits 1 s")
def test_backlog(server_process: Processes) -> None:
    """A crowd that comes while the server is busy is let in by the system, and served then."""
    somaxconn = Path("/proc/sys/net/core/somaxconn")
    if somaxconn.exists() and int(somaxconn.read_text()) < 300:
        pytest.skip("this machine lets fewer wait")
    process = server_process()
    process.start()
    with contextlib.ExitStack() as stack:
        with process.suspended():
            crowd = stack.enter_context(connections(process.port, 300))
            for each in crowd:
                each.sendall(LIVE)
        for each in crowd:
            assert each.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.attack("sockets that do not read when the server stops", before="50 tracebacks")
async def test_a_stop_with_unread_sockets(server_process: Processes) -> None:
    """Clients that do not read leave nothing in the log when the server stops."""
    process = server_process()
    await asyncio.to_thread(process.start)
    upgrade = handshake(f"/ws/notifications/1/?token={identity_of(1)}")
    with connections(process.port, 20) as sockets:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.sendall(upgrade)
            assert b" 101 " in await asyncio.to_thread(each.recv, 30)
        body = json.dumps({"user_id": 1, "payload": "x" * 900_000})
        async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
            for _ in range(8):
                assert (await http.post(SEND, content=body, headers=JSON)).status_code == 200
        assert await asyncio.to_thread(process.stop) == 0
    assert "Stopped" in process.log
    assert "Traceback" not in process.log


@pytest.mark.attack("asking for the version", before="Server: TornadoServer/…")
async def test_no_answer_names_the_library(server: Harness) -> None:
    """No kind of answer says what the server is made of."""
    async with raw(server, server.handshake(server.admin)) as upgraded:
        head = await asyncio.wait_for(upgraded.reader.readuntil(b"\r\n\r\n"), SECONDS)
    assert b" 101 " in head
    assert b"Server" not in head
    asked: list[Awaitable[httpx.Response]] = [
        server.http.get("/"),
        server.http.get("/api/notifications/"),
        server.http.get("/api/docs/"),
        server.http.get("/static/notifier.js"),
        server.http.get("/static/nothing"),
        server.http.get("/nowhere"),
        server.http.get("/healthz/live/"),
        server.http.get("/ws/notifications/1/"),
        server.http.get(SEND),
        server.post({}),
        server.http.request("TRACE", "/"),
    ]
    for each in asked:
        answer = await each
        assert "Server" not in answer.headers, answer.url
