"""Attacks with bodies: many, large, slow, never sent, and such as two readers read differently."""

import asyncio
import contextlib
import gzip
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.connections import bodies
from notifier.limits import check_text
from servers.notifier import ServerProcess
from tests.support.harness import SEND, Harness, ServerWith, until
from tests.support.raw import Raw

KILOBYTE = 1024
MEGABYTE = 1024 * 1024
VERIFY = "/api/users/token/verify/"


def memory(process: ServerProcess) -> int:
    """The bytes that the process has in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * KILOBYTE


def attack(port: int, head: str, body: bytes) -> socket.socket:
    """A connection on which all of ``body`` was sent, or as much as is taken."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    with contextlib.suppress(OSError):
        connection.sendall(f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode() + body)
    connection.setblocking(False)
    return connection


def is_over(connection: socket.socket) -> bool:
    """Whether it was answered, or has ended."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize(
    ("count", "head", "start"),
    [
        (30, "Transfer-Encoding: chunked\r\n", b"fffff\r\n"),
        (200, f"Content-Length: {MEGABYTE}\r\n", b""),
    ],
    ids=["chunked", "announced"],
)
@pytest.mark.attack("bodies begun and not finished", before="220 MB for 200 of 1 MB")
def test_memory_is_bounded(
    server_process: Callable[..., ServerProcess], count: int, head: str, start: bytes
) -> None:
    """Unfinished bodies of one address take its share of the budget, however many they are."""
    server = server_process(NOTIFIER_BODY_BUDGET_BYTES=str(4 * MEGABYTE))
    server.start()
    body = start + b"x" * (MEGABYTE - 16)
    before = memory(server)
    connections = [attack(server.port, head, body) for _ in range(count)]
    deadline = time.monotonic() + 60
    while sum(map(is_over, connections)) < count - 2:
        assert time.monotonic() < deadline, "too many are still under way"
        time.sleep(0.05)
    assert memory(server) - before < 28 * MEGABYTE
    for each in connections:
        each.close()
    assert "Traceback" not in server.log


async def hold(server: Harness, count: int, size: int = 100 * KILOBYTE) -> list[Raw]:
    """Announce so many bodies, of which nothing comes."""
    held = []
    for _ in range(count):
        raw = await Raw.to(server)
        raw.say(f"Content-Length: {size}\r\n")
        held.append(raw)
    taken = server.server.application.bodies.budget
    await until(lambda: taken.taken == count * size)
    return held


@pytest.mark.attack("one address takes all room for bodies", before="no limit")
async def test_one_address_gets_half(server_with: ServerWith) -> None:
    """Beyond its share an address gets 429 before its body is read; small bodies pass."""
    async with server_with(body_budget_bytes=400 * KILOBYTE) as server:
        held = await hold(server, 2)
        raw = await Raw.to(server)
        raw.say(f"Content-Length: {100 * KILOBYTE}\r\n")
        status, headers, body = await raw.answer()
        assert (status, headers["Retry-After"]) == (429, "1")
        assert body["code"] == "too_many_bodies"  # type: ignore[index,call-overload]
        assert server.server.refusals.counts["too_many_bodies"] == 1
        await server.send(server.admin, "small")
        for each in held:
            each.leave()
        budget = server.server.application.bodies.budget
        await until(lambda: budget.taken == 0)
        await server.send(server.admin, "x" * 100 * KILOBYTE)
        assert budget.taken == 0
        raw.leave()


async def test_a_network_gets_half(server_with: ServerWith) -> None:
    """In IPv6 one host has a whole network of addresses, which shares one half."""
    async with server_with(body_budget_bytes=400 * KILOBYTE, trusted_proxies="127.0.0.1") as server:
        length = f"Content-Length: {150 * KILOBYTE}\r\nX-API-Key: ntf_any\r\n"
        first, second = await Raw.to(server), await Raw.to(server)
        first.say(f"{length}X-Forwarded-For: 2001:db8::1\r\n")
        await until(lambda: server.server.application.bodies.budget.taken)
        second.say(f"{length}X-Forwarded-For: 2001:db8::2\r\n")
        status, _, body = await second.answer()
        assert (status, body["code"]) == (429, "too_many_bodies")  # type: ignore[index,call-overload]
        first.leave()
        second.leave()


async def test_all_together_get_the_budget(server_with: ServerWith) -> None:
    """When the whole budget is taken, a large body gets 503, chunked too; small ones pass."""
    async with server_with(body_budget_bytes=400 * KILOBYTE) as server:
        server.server.application.bodies.budget.take("192.0.2.1", 200 * KILOBYTE)
        server.server.application.bodies.budget.take("192.0.2.2", 200 * KILOBYTE)
        for headers in (f"Content-Length: {100 * KILOBYTE}\r\n", "Transfer-Encoding: chunked\r\n"):
            raw = await Raw.to(server)
            raw.say(headers, b"" if "Length" in headers else b"fffff\r\n" + b"x" * 100 * KILOBYTE)
            status, sent, body = await raw.answer()
            assert (status, sent["Retry-After"]) == (503, "1")
            assert body["code"] == "bodies_full"  # type: ignore[index,call-overload]
            raw.leave()
        raw = await Raw.to(server)
        raw.say("Content-Length: 30\r\n")
        raw.writer.write(b'{"user_id": 1, "payload": "x"}')
        assert (await raw.answer())[0] == 200
        raw.leave()


@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ("Content-Length: 10\r\n", b""),
        ("Content-Length: 10\r\n", b'{"user'),
        ("Content-Length: 16000\r\n", b"{"),
        (f"Content-Length: {MEGABYTE}\r\n", b"{"),
        ("Transfer-Encoding: chunked\r\n", b""),
        ("Transfer-Encoding: chunked\r\n", b"fff\r\n{"),
        ("Expect: 100-continue\r\nContent-Length: 10\r\n", b""),
    ],
)
@pytest.mark.attack("a body that is never sent", before="open after 400 s")
async def test_never_sent(server_with: ServerWith, headers: str, start: bytes) -> None:
    """A body that does not come gets 408 and the connection ends, however small it is."""
    async with server_with(body_seconds=0.5) as server:
        raw = await Raw.to(server)
        raw.say(headers, start)
        if "Expect" in headers:
            await raw.reader.readuntil(b"\r\n\r\n")
        status, sent, body = await raw.answer()
        assert (status, sent["Connection"]) == (408, "close")
        assert body["code"] == "body_too_late"  # type: ignore[index,call-overload]
        assert await raw.end() == b""
        assert server.server.refusals.counts["body_too_late"] == 1
        assert server.server.application.bodies.budget.taken == 0
        raw.leave()


@pytest.mark.attack("a body that trickles", before="open after 400 s")
async def test_trickled(server_with: ServerWith) -> None:
    """A body that comes byte by byte ends long before it would be complete."""
    async with server_with(body_seconds=0.5) as server:
        raw = await Raw.to(server)
        raw.say("Content-Length: 16000\r\n")

        async def trickle() -> None:
            while True:
                raw.writer.write(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        assert (await raw.answer())[0] == 408
        trickling.cancel()
        raw.leave()


async def test_slow_but_fast_enough(server_with: ServerWith) -> None:
    """A body of the largest size is taken, as long as it keeps above the least rate."""
    async with server_with(body_seconds=20, body_bytes_per_second=16 * KILOBYTE) as server:
        coming = server.server.application.bodies
        body = b'{"user_id": 1, "payload": "' + b"x" * (MEGABYTE - 29) + b'"}'
        raw = await Raw.to(server)
        raw.say("Transfer-Encoding: chunked\r\n")
        for begin in range(0, MEGABYTE, 64 * KILOBYTE):
            raw.writer.write(b"10000\r\n" + body[begin : begin + 64 * KILOBYTE] + b"\r\n")
            received = begin + 64 * KILOBYTE
            await until(lambda received=received: coming.budget.taken == received)  # type: ignore[misc]
            for _ in range(3):  # as many seconds pass
                await coming.end_late()
        raw.writer.write(b"0\r\n\r\n")
        assert (await raw.answer())[0] == 200
        raw.leave()


@pytest.mark.parametrize("path", [VERIFY, "/api/users/token/", "/nowhere", "/api/users/1/identity"])
@pytest.mark.parametrize("headers", ["Content-Length: 16385\r\n", "Transfer-Encoding: chunked\r\n"])
@pytest.mark.attack("1 MB of brackets where a token is expected", before="72 ms of the loop")
async def test_small_where_only_names_and_tokens_come(
    server: Harness, path: str, headers: str
) -> None:
    """What is no send may have 16 KB: a body of brackets is refused unread."""
    raw = await Raw.to(server)
    raw.say(headers, b"" if "Length" in headers else b"ffff\r\n" + b"[" * 0xFFFF, path=path)
    status, _, body = await raw.answer()
    assert (status, body) == (
        413,
        {"detail": "The body exceeds 16384 bytes.", "code": "request_too_large"},
    )
    raw.leave()


@pytest.mark.parametrize("headers", ["Content-Length: 20000\r\n", "Transfer-Encoding: chunked\r\n"])
@pytest.mark.attack("a large body without a key, from elsewhere", before="read, then refused")
async def test_strangers_send_nothing_large(server_with: ServerWith, headers: str) -> None:
    """Who brings no credentials and comes from elsewhere gets 401 before the body is read."""
    async with server_with(trusted_proxies="127.0.0.1") as server:
        forwarded = "X-Forwarded-For: 192.0.2.1\r\n"
        raw = await Raw.to(server)
        raw.say(forwarded + headers)
        assert (await raw.answer())[0] == 401
        raw.leave()
        raw = await Raw.to(server)
        raw.say(forwarded + "X-API-Key: wrong\r\nContent-Length: 20000\r\n", b"x" * 20000)
        assert (await raw.answer())[2]["code"] == "api_key_not_valid"  # type: ignore[index,call-overload]
        raw.leave()
    async with server_with(trusted_proxies="127.0.0.1", open_send=True) as server:
        raw = await Raw.to(server)
        raw.say(forwarded + "Content-Length: 20000\r\n", b"x" * 20000)
        assert (await raw.answer())[0] == 400  # it was read
        raw.leave()


@pytest.mark.attack("refused bodies sent on for ever", before="64 MiB each, any number")
async def test_only_so_many_refused_bodies_are_read(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number of them, the connection ends with the answer."""
    monkeypatch.setattr(bodies, "_MOST_DROPPED", 1)
    first, second = await Raw.to(server), await Raw.to(server)
    for raw in (first, second):
        raw.say("Content-Length: 99999999999\r\n")
        assert (await raw.answer())[0] == 413
    assert await second.end() == b""
    first.writer.write(b"x" * MEGABYTE)
    await first.writer.drain()
    first.leave()
    second.leave()
    await until(lambda: server.server.application.bodies.refused == 0)


SMUGGLED = b"0\r\n\r\nGET /healthz/live/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "1.1"),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "1.1"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "1.1"),
        ("Transfer-Encoding: gzip, chunked\r\n", "1.1"),
        ("Transfer-Encoding: chunked, identity\r\n", "1.1"),
        ("Transfer-Encoding: identity\r\n", "1.1"),
        ("Transfer-Encoding: xchunked\r\n", "1.1"),
        ("Transfer-Encoding:\r\n", "1.1"),
        ("Transfer-Encoding: chunked\r\n", "1.0"),
        ("Content-Length: 4\r\nContent-Length: 5\r\n", "1.1"),
        ("Content-Length: 4\r\nContent-Length: 4\r\n", "1.1"),
        ("Content-Length: 4, 4\r\n", "1.1"),
    ],
)
@pytest.mark.attack("two lengths, or a coding and a length: request smuggling", before="a bare 400")
async def test_nothing_is_smuggled(server: Harness, headers: str, version: str) -> None:
    """A body whose end is in doubt gets 400 with the reason, and nothing behind it is read."""
    raw = await Raw.to(server)
    raw.say(headers, SMUGGLED, version=version)
    raw.writer.write_eof()
    status, sent, body = await raw.answer()
    assert (status, sent["Connection"]) == (400, "close")
    assert body["code"] == "invalid"  # type: ignore[index,call-overload]
    assert await raw.end() == b""
    raw.leave()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "gzip, identity"])
@pytest.mark.attack("a compressed bomb as a body", before="400, not unpacked")
async def test_encoded_bodies(server: Harness, coding: str) -> None:
    """An encoded body gets 415 and is not unpacked, whatever it holds."""
    for body in (gzip.compress(b" " * MEGABYTE), b'{"user_id": 1, "payload": 1}'):
        answer = await server.post(body, headers={"Content-Encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")
        assert answer.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "text",
    [
        b"[" * MEGABYTE,
        b"[]" * (MEGABYTE // 2),
        b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2),
        (b"[" * 100 + b"]" * 100) * (MEGABYTE // 200),
        b"[[[[[[[[]]]]]]]]" * (MEGABYTE // 16),
        b"[" + b'"",' * (MEGABYTE // 3) + b"[" * 101,
        b'"["' * (MEGABYTE // 3),
        b'["' + b'\\"' * (MEGABYTE // 2) + b'"' + b"[]" * 101,
    ],
    ids=["open", "pairs", "mountain", "towers", "hills", "strings", "in_strings", "escapes"],
)
@pytest.mark.attack("1 MB of brackets or strings as a payload", before="14 to 44 ms of the loop")
def test_brackets_cost_little(text: bytes) -> None:
    """A megabyte that is made to be hard to check costs a few times what reading it does."""

    def cost(work: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            begun = time.thread_time()
            with contextlib.suppress(Exception):
                work()
            times.append(time.thread_time() - begun)
        return min(times)

    scan = cost(lambda: [text.translate(None, b"x") for _ in range(10)])
    assert cost(lambda: check_text(text)) < 10 * scan
