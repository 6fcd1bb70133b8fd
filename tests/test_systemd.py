"""The service file, and what a service tells systemd."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifier.process.systemd import Supervisor
from servers import ROOT
from servers.missing import MissingServer
from servers.notifier import ServerProcess
from tests.support.harness import SECONDS

UNIT = ROOT / "deploy" / "notifier.service"
MOST_EXPOSED = 20
"""Tenths of what `systemd-analyze security` calls exposure; an ordinary service has 96."""


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(SECONDS)
        yield made


def heard(ear: socket.socket) -> str:
    """The next thing that is said."""
    return ear.recv(1000).decode()


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What systemd itself says of a unit."""
    program = shutil.which("systemd-analyze")
    if program is None:
        raise MissingServer("systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_a_service_from_start_to_stop(
    server_process: Callable[..., ServerProcess], ear: socket.socket
) -> None:
    """Ready when it answers, alive as often as is asked for, stopping when it does."""
    server = server_process(NOTIFY_SOCKET=ear.getsockname(), WATCHDOG_USEC="300000")
    server.start()
    said = [heard(ear) for _ in range(4)]
    assert sorted(said) == ["READY=1", *["WATCHDOG=1"] * 3]
    assert server.stop() == 0
    while (last := heard(ear)) == "WATCHDOG=1":
        pass
    assert last == "STOPPING=1"


def test_a_watchdog_of_another_process(ear: socket.socket) -> None:
    """Whose turn it is not says nothing; nor does anyone whom nobody has asked."""
    address = str(ear.getsockname())
    asked = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    for environment in (asked, {"NOTIFY_SOCKET": address}, {"WATCHDOG_USEC": "1000"}):
        asyncio.run(Supervisor(environment).reassure())
    Supervisor({"NOTIFY_SOCKET": address}).tell("READY=1")
    assert heard(ear) == "READY=1"


def test_nobody_listens(tmp_path: Path) -> None:
    """A service runs as well where the address leads nowhere, or to an abstract one."""
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).tell("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        name = f"notifier test {time.monotonic_ns()}"
        ear.bind(f"\0{name}")
        ear.settimeout(SECONDS)
        Supervisor({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
        assert heard(ear) == "READY=1"


def test_systemd_understands_it(tmp_path: Path) -> None:
    """All of its settings, without a remark."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/notifier/bin/python", sys.executable))
    done = analyze("verify", "--man=no", "--recursive-errors=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_may_do_little() -> None:
    """What systemd calls its exposure is small."""
    done = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager", UNIT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
