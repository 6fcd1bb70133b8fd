"""``make cluster``: what it starts, and what it says when it cannot."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from servers import ROOT
from servers.ports import free_port
from servers.program import SECONDS


def make_cluster(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "servers", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refused(making: "subprocess.Popen[str]") -> str:
    """What it says when nothing can be started: one line."""
    said, complaint = making.communicate(timeout=SECONDS)
    assert (making.returncode, said) == (1, "")
    assert complaint.startswith("make cluster: ")
    assert complaint.count("\n") == 1
    return complaint


def test_missing_programs(tmp_path: Path) -> None:
    """What is not installed is named, all of it, with how to get it."""
    complaint = refused(make_cluster(PATH=str(tmp_path)))
    assert "Redis" in complaint
    assert "apt install" in complaint
    assert "redis-server" in complaint


def test_a_port_that_is_taken() -> None:
    """A port that is in use, or none at all, is refused, and another one can be given."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        complaint = refused(make_cluster("--port", str(port)))
    assert f"cannot listen on port {port} (Address already in use)" in complaint
    assert "make cluster PORT=" in complaint
    assert "no such port" in refused(make_cluster("--port", "70000"))


@pytest.mark.parametrize(
    ("arguments", "passed"), [((), "servers"), (("PORT=9000",), "--port 9000")]
)
def test_the_port_of_make(arguments: tuple[str, ...], passed: str) -> None:
    """``make cluster PORT=…`` passes it on; without it, it is the usual one."""
    command = ["make", "--dry-run", "cluster", *arguments]
    environment = {"PATH": os.environ["PATH"]}
    dry = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert dry.stdout.strip().endswith(passed)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that servers can reach which do not run as root, unlike ``tmp_path``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_it_runs_until_it_is_interrupted(temporary: Path) -> None:
    """It serves where it says, and Ctrl-C stops all of it and leaves nothing."""
    port = free_port()
    making = make_cluster("--processes", "1", "--port", str(port), TMPDIR=str(temporary))
    assert making.stdout is not None
    try:
        started = next((line for line in making.stdout if "is running on" in line), "")
        assert f"http://127.0.0.1:{port}," in started
        ready = httpx.get(f"http://127.0.0.1:{port}/healthz/ready/", timeout=SECONDS)
        assert ready.status_code == 200
    finally:
        making.send_signal(signal.SIGINT)
        said, complaint = making.communicate(timeout=60)
    assert (making.returncode, complaint) == (0, "")
    assert "Stopping" in said
    assert list(temporary.iterdir()) == []
