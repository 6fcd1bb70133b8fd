"""The JavaScript: its own tests under node's runner, and its types under tsc."""

import sys
from pathlib import Path

import pytest

from servers import ROOT
from tests.support.javascript import NODE, run, tool

FOLDER = ROOT / "tests" / "js"
MOST = {"notifier.min.js": 5_000, "notifier-bell.min.js": 24_500}
"""Bytes by brotli: the client alone; the client, the inbox and the bell."""


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name)
def test_under_node(file: Path) -> None:
    """The client's and the page's own tests pass."""
    run(NODE, "--test", file, PYTHON=sys.executable)


def test_types() -> None:
    """The declarations of notifier.js fit the code and a program that uses it."""
    run(tool("tsc"), "--project", FOLDER / "tsconfig.json")


def test_sizes(tmp_path: Path) -> None:
    """Minified and compressed, what a page of somebody's fetches stays small."""
    tool("esbuild")
    said = run(NODE, ROOT / "deploy" / "package.mjs", tmp_path)
    sizes = {name: int(size) for name, _, size in map(str.split, said.splitlines())}
    for name, most in MOST.items():
        assert 1_000 < sizes[name] < most, sizes
