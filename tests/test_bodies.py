"""How long a body may be: what is refused, and that the sender can read why."""

import asyncio
import contextlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handlers.connections import bodies
from servers.notifier import ServerProcess
from tests.support.harness import JSON, SECONDS, SEND, Harness, until
from tests.support.raw import Raw

MEGABYTE = 1024 * 1024
TOO_LARGE = (413, {"detail": f"The body exceeds {MEGABYTE} bytes.", "code": "request_too_large"})
TRIES = 25


def post(url: str, body: bytes | Iterator[bytes]) -> tuple[int, object]:
    """POST as Python's own client does: everything is sent before the answer is looked at."""
    request = urllib.request.Request(url + SEND, body, JSON)  # type: ignore[arg-type]
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def pieces(size: int) -> Iterator[bytes]:
    """A body that does not say its length."""
    for _ in range(size // 65536):
        yield b"x" * 65536


def peak_memory(process: ServerProcess) -> int:
    """The most bytes that the process ever had in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("megabytes", [2, 8, 20])
@pytest.mark.parametrize("announced", [True, False])
def test_every_sender_reads_why(
    server_process: Callable[..., ServerProcess], megabytes: int, announced: bool
) -> None:
    """A body over the limit gets 413 each time, and is dropped as it comes, not kept."""
    server = server_process()
    server.start()
    body = b"x" * (megabytes * MEGABYTE)
    post(server.url, body)
    before = peak_memory(server)
    for _ in range(TRIES):
        assert post(server.url, body if announced else pieces(len(body))) == TOO_LARGE
    assert peak_memory(server) - before < 4 * MEGABYTE
    assert "Traceback" not in server.log


async def test_answered_before_the_body_comes(server: Harness) -> None:
    """Who waits for a go-ahead is refused instead, and who looks early need not send it all."""
    for headers in ("Expect: 100-continue\r\n", ""):
        raw = await Raw.to(server)
        raw.say(f"{headers}Content-Length: 9999999999\r\n")
        status, sent, body = await raw.answer()
        assert (status, body) == TOO_LARGE
        assert sent["Connection"] == "close"
        raw.leave()


async def test_a_chunk_over_the_limit(server: Harness) -> None:
    """One chunk that announces more than any limit is a body that is too large."""
    raw = await Raw.to(server)
    raw.say("Transfer-Encoding: chunked\r\n", b"fffffffff\r\n" + b"x" * 2 * MEGABYTE)
    status, _, body = await raw.answer()
    assert (status, body) == TOO_LARGE
    raw.leave()


@pytest.mark.parametrize(
    "headers", ["Content-Length: 99999999999\r\n", "Transfer-Encoding: chunked\r\n"]
)
async def test_no_more_is_read_than_a_bound(
    server: Harness, monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    """Who goes on sending in spite of the answer is cut off."""
    monkeypatch.setattr(bodies, "_DROP_BYTES", 3 * MEGABYTE)
    raw = await Raw.to(server)
    raw.say(headers, b"fffffffff\r\n" + b"x" * 2 * MEGABYTE)
    assert (await raw.answer())[0] == 413
    with pytest.raises(ConnectionError):
        for _ in range(100):
            raw.writer.write(b"x" * MEGABYTE)
            await asyncio.wait_for(raw.writer.drain(), SECONDS)
    raw.leave()


async def test_no_longer_is_waited_than_a_bound(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who neither sends the refused body nor leaves is cut off."""
    monkeypatch.setattr(bodies, "_DROP_SECONDS", 0.1)
    raw = await Raw.to(server)
    raw.say("Content-Length: 99999999999\r\n")
    assert (await raw.answer())[0] == 413
    assert await raw.end() == b""
    raw.leave()


async def test_a_stop_does_not_wait_for_refused_bodies(server: Harness) -> None:
    """What is refused counts as answered while its body still comes."""
    raw = await Raw.to(server)
    raw.say("Content-Length: 99999999999\r\n")
    await raw.answer()
    assert server.server.application.requests == 0
    raw.leave()


@pytest.mark.parametrize(
    "length",
    [
        "\u00b2",
        "9" * 5000,
        "0" * 5000 + "2",
        "-1",
        "+2",
        "1_0",
        "0x2",
        "2.0",
        "2 2",
        "2, 3",
        "",
        "x",
    ],
)
async def test_lengths_that_are_none(server: Harness, length: str) -> None:
    """A Content-Length that is no length gets 400 with the reason, and the connection ends."""
    raw = await Raw.to(server)
    raw.say(f"Content-Length: {length}\r\n", b"{}")
    status, headers, body = await raw.answer()
    assert status == 400
    assert body == {"detail": "Content-Length is not a number of bytes.", "code": "invalid"}
    assert headers["Connection"] == "close"
    raw.writer.write_eof()
    assert await raw.end() == b""
    raw.leave()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_any_method_and_path(server: Harness, method: str) -> None:
    """A body that is too large is refused wherever it is sent."""

    def request() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.server.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request(method, "/nowhere", b"x" * 2 * MEGABYTE)
            return connection.getresponse().status

    assert await asyncio.to_thread(request) == 413


async def test_a_sender_that_leaves_is_in_the_log(
    server: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is logged, also where the rest of the body never came."""
    caplog.set_level("INFO", "notifier.access")
    raw = await Raw.to(server)
    raw.say("Content-Length: 99999999999\r\n")
    await raw.answer()
    raw.leave()
    await until(lambda: [r for r in caplog.records if getattr(r, "status", 0) == 413])
