"""The log is not for strangers to fill."""

import re
import socket
from collections.abc import Callable

import httpx
import pytest

from servers.notifier import ServerProcess
from servers.program import SECONDS
from tests.security.table import Now
from tests.support.harness import SEND


@pytest.fixture
def server(server_process: Callable[..., ServerProcess]) -> ServerProcess:
    """A server that logs into a file."""
    process = server_process(NOTIFIER_OPEN_SEND="")
    process.start()
    return process


def lines(server: ServerProcess, marked: str) -> list[str]:
    """What the log has of this when the server has stopped."""
    assert server.stop() == 0
    return [line for line in server.log.splitlines() if marked in line]


@pytest.mark.attack("a path of 30 kB", before="30 kB in the log")
def test_long_path(server: ServerProcess, now: Now) -> None:
    """A path has its beginning and its end in the log."""
    answer = httpx.get(f"{server.url}/api/{'x' * 30_000}/end")
    assert answer.status_code == 404
    [line] = lines(server, "status=404")
    assert "path=/api/xxx" in line
    assert "x/end " in line
    assert len(line) < 1500
    now(f"{len(line)} bytes")


@pytest.mark.attack("sends without credentials, for as long as one likes", before="2 lines each")
def test_refused_sends(server: ServerProcess, in_full: bool, now: Now) -> None:
    """The first is explained, so many have their line, and the others are counted."""
    tried = 20_000 if in_full else 500
    headers = {"Host": "notifier.example"}
    with httpx.Client(base_url=server.url, timeout=SECONDS) as http:
        for _ in range(tried):
            refused = http.post(SEND, json={"user_id": 1, "payload": 1}, headers=headers)
            assert refused.status_code == 401
    hint = lines(server, "reason=no_credentials")[0]
    assert "apikey create" in hint
    assert len(lines(server, "status=401")) < tried
    now(f"{len(server.log.splitlines())} lines for {tried}")


@pytest.mark.attack("nonsense instead of HTTP", before="a line each")
def test_nonsense(server: ServerProcess, in_full: bool, now: Now) -> None:
    """What is no HTTP is no reason to write much, either."""
    tried = 5_000 if in_full else 300
    for _ in range(tried):
        with socket.create_connection(("127.0.0.1", server.port)) as stranger:
            stranger.sendall(b"nonsense\r\n\r\n")
            stranger.recv(100)
    found = lines(server, "Malformed HTTP message")
    left_out = re.findall(r"left_out=(\d+)", server.log)
    assert 0 < len(found) < tried
    assert len(found) + sum(map(int, left_out)) <= tried
    now(f"{len(found)} lines for {tried}")
