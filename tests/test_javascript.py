"""The JavaScript: its own tests under node's runner, and its types under tsc."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import ROOT
from servers.missing import MissingServer

FOLDER = ROOT / "tests" / "js"
NODE = Path(sys.executable).with_name("node")
TSC = ROOT / "tests" / "browser" / "node_modules" / ".bin" / "tsc"
SECONDS = 180


def run(*command: str | Path) -> None:
    """Run ``command``, which has to succeed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name)
def test_under_node(file: Path) -> None:
    """The client's and the page's own tests pass."""
    run(NODE, "--test", file)


def test_types() -> None:
    """The declarations of notifier.js fit the code and a program that uses it."""
    if not TSC.exists():
        raise MissingServer("TypeScript")
    run(NODE, TSC, "--project", FOLDER / "tsconfig.json")
