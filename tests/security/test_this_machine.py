"""Nobody becomes "this machine" through a proxy, and whoever is on it still needs no key.

The rows of the table in docs/security.md: every proxy of :mod:`tests.security.proxies`, under the
server's account and under another one, with requests that try to look direct.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import CannotStart
from notifier.identity import neighbour
from notifier.identity.neighbour import Connection, find_neighbours
from notifier.process import run
from servers.missing import MissingServer
from servers.notifier import ServerProcess
from tests.security.proxies import KINDS, PIPES, Kind, ask, running
from tests.support.harness import SECONDS, SEND, Harness, ServerWith

BODY = json.dumps({"user_id": 1, "payload": "from whom?"})
WANTED = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
DROPPED = "Connection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Real-IP, Via"


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server as it is after its first start: without any key."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), NOTIFIER_OPEN_SEND="")
    process.start()
    yield process
    process.stop()


def stored(process: ServerProcess) -> int:
    """How many notifications the server has."""
    with closing(sqlite3.connect(process.folder / "data" / "notifier.sqlite3")) as store:
        ((count,),) = store.execute("SELECT count(*) FROM notifications").fetchall()
    return int(count)


def curl(url: str) -> list[str]:
    """README's curl; it prints the status."""
    found = shutil.which("curl")
    if found is None:
        raise MissingServer("curl")
    content = ("-H", "accept: application/json", "-H", "Content-Type: application/json")
    status = ("-s", "-o", "/dev/null", "-w", "%{http_code}")
    return [found, *status, "-X", "POST", url + SEND, *content, "-d", BODY]


def said(*command: str) -> str:
    """What a program prints that has to succeed."""
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


# Who is on this machine.


URLLIB = """
import sys, urllib.request
content = {"Content-Type": "application/json"}
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), content)
print(urllib.request.urlopen(request).status, end="")
"""
HTTPX = """
import asyncio, httpx, sys
async def main():
    async with httpx.AsyncClient(headers={"Content-Type": "application/json"}, timeout=60) as http:
        for _ in range(2):
            sent = await http.post(sys.argv[1], content=sys.argv[2])
    print(sent.status_code, end="")
asyncio.run(main())
"""
NODE = """
const [url, body] = process.argv.slice(1);
fetch(url, {method: "POST", body, headers: {"Content-Type": "application/json"}})
  .then(({status}) => process.stdout.write(String(status)));
"""
LISTENS = "import socket; listener = socket.create_server(('127.0.0.1', 0))\n" + URLLIB
IS_CONNECTED = (
    "import socket; listener = socket.create_server(('127.0.0.1', 0))\n"
    "link = socket.create_connection(listener.getsockname()); listener.accept(); listener.close()\n"
) + URLLIB
LISTENS_ON_A_PATH = (
    "import socket, tempfile; listener = socket.socket(socket.AF_UNIX)\n"
    "listener.bind(tempfile.mkdtemp() + '/socket'); listener.listen()\n"
) + URLLIB
SPEAKS_UDP = (
    "import socket; link = socket.socket(type=socket.SOCK_DGRAM); link.bind(('127.0.0.1', 0))\n"
) + URLLIB
LEAVES_IT_TO_A_CHILD = (
    # As a proxy's helper does that inherits its connections, but closes what it listens on.
    "import os, socket, sys, urllib.parse\n"
    "to = urllib.parse.urlsplit(sys.argv[1])\n"
    "link = socket.create_connection((to.hostname, to.port)); child = os.fork()\n"
    "if child:\n"
    "    listener = socket.create_server(('127.0.0.1', 0)); os.waitpid(child, 0); sys.exit()\n"
    "head = f'POST {to.path} HTTP/1.1\\r\\nHost: {to.netloc}\\r\\n'\n"
    "head += f'Content-Type: application/json\\r\\nContent-Length: {len(sys.argv[2])}\\r\\n'\n"
    "link.sendall(f'{head}\\r\\n{sys.argv[2]}'.encode())\n"
    "print(link.recv(12).decode()[9:], end='')\n"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_curl(untouched: ServerProcess, host: str) -> None:
    """The README's curl needs no key."""
    assert said(*curl(untouched.url.replace("127.0.0.1", host))) == "200"


@pytest.mark.parametrize("program", ["urllib", "httpx", "node"])
def test_scripts(untouched: ServerProcess, program: str) -> None:
    """Nor does a script, in whatever language."""
    commands = {
        "urllib": (sys.executable, "-c", URLLIB),
        "httpx": (sys.executable, "-c", HTTPX),
        "node": (str(Path(sys.executable).parent / "node"), "-e", NODE),
    }
    assert said(*commands[program], untouched.url + SEND, BODY) == "200"


def test_notify(untouched: ServerProcess) -> None:
    """Nor does the command line."""
    assert untouched.command("notify", "1", '"x"').returncode == 0


@pytest.mark.parametrize(
    "script",
    [LISTENS, IS_CONNECTED, LISTENS_ON_A_PATH, SPEAKS_UDP, LEAVES_IT_TO_A_CHILD],
    ids=["listens", "is connected", "listens on a path", "speaks UDP", "leaves it to a child"],
)
def test_programs_that_may_be_proxies(untouched: ServerProcess, script: str) -> None:
    """A program with another connection may send what a stranger wants, so it needs a key."""
    before = stored(untouched)
    attempt = subprocess.run(
        [sys.executable, "-c", script, untouched.url + SEND, BODY],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "401" in attempt.stdout + attempt.stderr
    assert stored(untouched) == before


@pytest.mark.attack("sends without a key by another account", before="200")
def test_other_accounts(untouched: ServerProcess) -> None:
    """Whoever else has an account on this machine needs a key."""
    if os.geteuid() != 0:
        raise MissingServer("another account (only root can change to one)")
    other = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    assert said(*other, *curl(untouched.url)) == "401"


# Through proxies.


def disguises(proxy: int, server: int) -> dict[str, bytes]:
    """Sends that try to look as if they came directly, by what is special about them."""
    path, here = SEND, f"127.0.0.1:{server}"

    def send(host: str, *, target: str = path, version: str = "1.1", more: str = "") -> bytes:
        named = f"Host: {host}\r\n" if host else ""
        return f"POST {target} HTTP/{version}\r\n{named}{WANTED}{more}\r\n{BODY}".encode()

    return {
        "as people send it": send(f"127.0.0.1:{proxy}", more="Connection: close\r\n"),
        "the server's Host": send(here, more="Connection: close\r\n"),
        "localhost": send(f"localhost:{server}", more="Connection: close\r\n"),
        "IPv6": send(f"[::1]:{server}", more="Connection: close\r\n"),
        "HTTP/1.0 without Host": send("", version="1.0"),
        "HTTP/1.0": send(here, version="1.0"),
        "headers to be dropped": send(here, more=f"{DROPPED}\r\n"),
        "absolute": send(here, target=f"http://{here}{path}", more="Connection: close\r\n"),
        "kept alive": send(here) + send(here, more="Connection: close\r\n"),
    }


def refuses_all(process: ServerProcess, port: int, kind: Kind) -> None:
    """Check that what stands at ``port`` forwards, and that no disguise gets anything stored."""
    alive = f"GET /healthz/live/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    assert b" 200 " in ask(port, alive.encode(), tls=kind.tls), "it does not forward"
    before = stored(process)
    for name, request in disguises(port, process.port).items():
        answer = ask(port, request, tls=kind.tls)
        assert b" 200 " not in answer.partition(b"\r\n")[0], name
        assert stored(process) == before, name


ROWS = [
    pytest.param(name, other, id=f"{name}, {'other' if other else 'same'} account")
    for name in KINDS
    for other in (False, True)
    # Nobody signs in to an account that is for services.
    if not (other and name.startswith("ssh"))
]


@pytest.mark.parametrize(("name", "other_account"), ROWS)
@pytest.mark.attack("sends without a key through a proxy", before="200: everybody was this machine")
def test_proxies(untouched: ServerProcess, name: str, *, other_account: bool) -> None:
    """Nothing passes without a key through any proxy, whoever runs it."""
    with running(KINDS[name], untouched.port, other_account=other_account) as port:
        refuses_all(untouched, port, KINDS[name])
    assert said(*curl(untouched.url)) == "200", "and this machine still may send"


@pytest.mark.parametrize(
    ("other_account", "status"), [(False, b"200"), (True, b"401")], ids=["same", "other"]
)
def test_a_tunnel_of_pipes(untouched: ServerProcess, status: bytes, *, other_account: bool) -> None:
    """Documented: a tunnel that hides behind a pipe is its owner's own act, if ours too."""
    with running(PIPES, untouched.port, other_account=other_account) as port:
        answer = ask(port, disguises(port, untouched.port)["the server's Host"])
        assert answer.split()[1] == status


RELAY = """
import socket, sys, threading
def copy(source, target):
    while piece := source.recv(65536):
        target.sendall(piece)
    target.shutdown(socket.SHUT_WR)
listener = socket.socket(fileno=int(sys.argv[1]))
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for ends in ((client, server), (server, client)):
        threading.Thread(target=copy, args=ends, daemon=True).start()
"""
"""Listens in one network, for which it was given the socket, and connects in its own."""


@pytest.mark.parametrize("own_processes", [False, True], ids=["own network", "own processes too"])
@pytest.mark.attack("sends without a key through a container's port", before="not tried")
def test_port_of_a_container(tmp_path: Path, *, own_processes: bool) -> None:
    """A container's port mapping, which enters its network from outside, is no program in it."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        raise MissingServer("containers (root, util-linux, iproute2)")
    process = ServerProcess(tmp_path, NOTIFIER_OPEN_SEND="")
    apart = ("--pid", "--fork", "--mount-proc") if own_processes else ()
    up = 'ip link set lo up && exec "$@"'
    process.program = ["unshare", "--net", *apart, "sh", "-c", up, "sh", *process.program]
    process.start()
    inside = process.pid
    if own_processes:
        inside = int(Path(f"/proc/{inside}/task/{inside}/children").read_text())
    network = ("nsenter", "--target", str(inside), "--net")
    try:
        everything = (*network, "--pid", "--mount")
        assert said(*(everything if own_processes else network), *curl(process.url)) == "200"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            number = listener.fileno()
            relay = (sys.executable, "-c", RELAY, str(number), str(process.port))
            with subprocess.Popen([*network, *relay], pass_fds=[number]) as mapping:
                try:
                    refuses_all(process, listener.getsockname()[1], PIPES)
                finally:
                    mapping.terminate()
    finally:
        os.kill(inside, signal.SIGTERM)
        process.wait()


# What a request says. These come from the server's own process, which the kernel vouches for.


async def status_of(server: Harness, head: str) -> int:
    """The status of a send whose head, but for its body's type and length, is ``head``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(f"{head}{WANTED}Connection: close\r\n\r\n{BODY}".encode())
    answer = await asyncio.wait_for(reader.read(), SECONDS)
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Host: 127.0.0.1:{}", 200),
        ("Host: localhost:{}", 200),
        ("Host: LOCALHOST:{}", 200),
        ("Host: [::1]:{}", 200),
        ("Host: 127.0.0.1", 401),
        ("Host: localhost", 401),
        ("Host: localhost:80", 401),
        ("Host: localhost:1{}", 401),
        ("Host: localhost:{}.evil.example", 401),
        ("Host: localhost.evil.example:{}", 401),
        ("Host: evil.example", 401),
        ("Host: evil.example:{}", 401),
        ("Host: ::1:{}", 401),
        ("Host: [127.0.0.1]:{}", 200),
        ("Host: ", 401),
        ("Host: 192.0.2.1:{}", 401),
    ],
)
@pytest.mark.attack("sends without a key for another host", before="200 without the port")
async def test_hosts(server: Harness, line: str, status: int) -> None:
    """The Host has to be this machine with the server's own port, as in the address people type."""
    named = line.format(server.server.port)
    assert await status_of(server, f"POST {SEND} HTTP/1.1\r\n{named}\r\n") == status


@pytest.mark.parametrize("host", ["", "Host: 127.0.0.1:{}\r\n"])
@pytest.mark.attack("sends without a key over HTTP/1.0", before="200")
async def test_older_protocol(server: Harness, host: str) -> None:
    """HTTP/1.0, which proxies speak and nobody else does, is not direct."""
    named = host.format(server.server.port)
    assert await status_of(server, f"POST {SEND} HTTP/1.0\r\n{named}") == 401


@pytest.mark.parametrize(
    "name",
    [
        *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
        *("X-Forwarded-Port", "X-Forwarded-Server", "x-forwarded-prefix", "X-Real-IP"),
        *("CF-Connecting-IP", "CF-Ray", "CDN-Loop", "True-Client-IP", "X-Client-IP"),
        *("X-Cluster-Client-IP", "X-Original-Forwarded-For", "X-Envoy-External-Address"),
        *("Fastly-Client-IP", "Fly-Client-IP", "X-Amzn-Trace-Id", "X-Azure-ClientIP"),
    ],
)
@pytest.mark.attack("sends without a key with a header of a proxy", before="200 with some of them")
async def test_headers_of_proxies(server: Harness, name: str) -> None:
    """A single header that only proxies add makes a request a forwarded one."""
    assert (await server.post({"user_id": 1, "payload": 1})).status_code == 200
    refused = await server.post({"user_id": 1, "payload": 1}, headers={name: "x"})
    assert refused.status_code == 401


async def test_known_proxies(server_with: ServerWith) -> None:
    """Where the settings name a proxy, a request without forwarding headers is none from here."""
    async with server_with(trusted_proxies="127.0.0.1") as server:
        assert not server.server.sends_are_open
        assert (await server.post({"user_id": 1, "payload": 1})).status_code == 401


# What it costs, and what happens where nobody can tell.


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many connections each search was for."""
    seen: list[int] = []

    def find(connections: Collection[Connection]) -> set[Connection]:
        seen.append(len(connections))
        return find_neighbours(connections)

    monkeypatch.setattr(neighbour, "find_neighbours", find)
    return seen


async def test_once_for_each_connection(server: Harness, searches: list[int]) -> None:
    """Who is at the other end is asked with the first send of a connection, and not again."""
    searches.clear()
    for _ in range(10):
        assert (await server.post({"user_id": 1, "payload": 1})).status_code == 200
    assert searches == [1]
    await server.post({"user_id": 1, "payload": 1}, headers={"Via": "x"})
    await server.post({"user_id": 1, "payload": 1}, headers={"X-API-Key": "x"})
    assert searches == [1]


async def test_many_at_a_time(server: Harness, searches: list[int]) -> None:
    """However many connect at once, they are looked for together."""
    searches.clear()
    head = f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1:{server.server.port}\r\n"
    statuses = await asyncio.gather(*[status_of(server, head) for _ in range(100)])
    assert set(statuses) == {200}
    assert sum(searches) == 100
    assert len(searches) <= 20


async def test_who_left_is_nobody(server: Harness) -> None:
    """A connection whose other end is closed has nobody who could be asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours = listener.accept()[0]
    with ours:
        connection = Connection.of(ours)
        assert find_neighbours([connection]) == {connection}
        theirs.close()
        assert find_neighbours([connection]) == set()


async def test_where_nobody_can_tell(
    server_with: ServerWith,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a rule sends are closed: a first start makes a key, and says how to use it.

    The key is in a file that only its owner can read, and neither printed nor logged. The curl
    that is printed works as it stands, and `notify` finds the key by itself.
    """
    monkeypatch.setattr(neighbour, "_PROC", tmp_path / "no such folder")
    async with server_with() as server:
        refused = await server.post({"user_id": 1, "payload": 1})
        assert refused.status_code == 401
        file = server.server.first_key
        assert file == tmp_path / "api_key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        key = file.read_text().strip()
        run._introduce(server.server)
        output = capsys.readouterr().out
        assert key not in output + caplog.text
        command = output[output.index("  curl ") :].replace("curl ", "curl -s ", 1)
        assert '"seq":1' in await asyncio.to_thread(said, "sh", "-c", command)
        environment = {"NOTIFIER_PORT": str(server.server.port), "NOTIFIER_DATA_DIR": str(tmp_path)}
        client = ServerProcess(tmp_path, **environment)
        sent = await asyncio.to_thread(client.command, "notify", "1", "2")
        assert "number 2" in sent.stdout
        elsewhere = {"NOTIFIER_URL": server.url}
        sent = await asyncio.to_thread(client.command, "notify", "1", "2", **elsewhere)
        assert "need an API key" in sent.stderr
    async with server_with() as server:
        assert server.server.first_key is None
        assert (await server.post({"user_id": 1, "payload": 1})).status_code == 401
        sent_with = await server.post({"user_id": 1, "payload": 1}, headers={"X-API-Key": key})
        assert sent_with.status_code == 200


async def test_a_key_that_nobody_could_read(
    server_with: ServerWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first key cannot be written, the start says so and makes none."""
    monkeypatch.setattr(neighbour, "_PROC", tmp_path / "no such folder")
    (tmp_path / "api_key").mkdir()
    with pytest.raises(CannotStart, match=r"api_key cannot be written: Is a directory"):
        async with server_with():
            pass
    (tmp_path / "api_key").rmdir()
    async with server_with() as server:
        assert server.server.first_key == tmp_path / "api_key"
