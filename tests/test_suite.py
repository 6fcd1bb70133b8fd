"""How the tests themselves run: side by side, on ports of their own, with nothing hidden."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from servers import ROOT
from servers.ports import free_port
from servers.program import SECONDS
from tests.conftest import LONG

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
NEED_REDIS = ("test_flush", "test_wrong_password")


def run(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run two tests that need Redis where no server is installed."""
    file = "tests/relay/test_losses.py"
    return subprocess.run(
        [*PYTEST, *options, *(f"{file}::{name}" for name in NEED_REDIS)],
        cwd=ROOT,
        env={"PATH": str(Path(sys.executable).parent), **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "load")], ids=["one", "workers"])
def test_missing_servers_are_said_last(options: tuple[str, ...]) -> None:
    """What was left out is counted over all workers and said before the closing line."""
    done = run(*options)
    assert done.returncode == 0, done.stdout
    missing, closing = done.stdout.splitlines()[-2:]
    assert missing == "MISSING: Redis is not here; 2 tests were left out"
    assert " 2 skipped in " in closing


def test_missing_servers_fail_in_ci() -> None:
    """With CI set nothing is left out."""
    done = run("-n", "2", "--dist", "load", CI="1")
    assert done.returncode == 1
    assert "MISSING" not in done.stdout
    assert "2 errors in " in done.stdout.splitlines()[-1]


def test_attacks_are_shown() -> None:
    """What an attack measured stands in the table, also where workers ran it."""
    test = "tests/security/test_bytes.py::test_what_is_no_broker"
    done = subprocess.run(
        [*PYTEST, "-n", "1", "-m", "attack", "--attack", test],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "| any bytes at any parser | not tried | 500 each" in done.stdout


def test_long_files_exist() -> None:
    """The list of files that start first names only files of tests."""
    assert not [name for name in LONG if not (ROOT / "tests" / name).is_file()]


def test_a_port_is_given_once() -> None:
    """A port that one process was given is given to no other, though nobody listens there yet."""
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    with socket.create_server(("127.0.0.1", ports[0])):
        pass
    script = f"""
import random
from servers.ports import free_port
offered = iter([{ports[0]}, {ports[1]}, *range(10_000, 32_768)])
random.choice = lambda ports: next(offered)
print(free_port())
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) not in ports
