"""The JavaScript: its own tests under node's runner, and its types under tsc."""

import sys
from pathlib import Path

import pytest

from handlers.assets import STATIC_FOLDER, without_comments
from servers import ROOT
from tests.support.javascript import NODE, TOOLS, run, tool

FOLDER = ROOT / "tests" / "js"
MOST = {
    "client": 4_500,
    "client and inbox": 12_000,
    "client, inbox and bell: before it opens": 9_500,
    "client, inbox and bell: all": 26_500,
}
"""Bytes by brotli of what a page fetches."""

SAME = """
const { readFileSync, readdirSync } = require("node:fs");
const [esbuild, folder] = process.argv.slice(1);
const { transformSync } = require(esbuild);
const read = (name) => readFileSync(`${folder}/${name}`, "utf8");
const code = (name) => transformSync(read(name), { minify: true }).code;
for (const name of readdirSync(folder).filter((name) => /^\\d+.js$/.test(name))) {
  if (code(name) !== code(name.replace(".js", ".sent.js"))) throw new Error(name);
}
"""
"""Compares scripts with what is sent of them, in a folder."""


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name)
def test_under_node(file: Path) -> None:
    """The client's and the page's own tests pass."""
    run(NODE, "--test", file, PYTHON=sys.executable)


def test_types() -> None:
    """The declarations of notifier.js fit the code and a program that uses it."""
    run(tool("tsc"), "--project", FOLDER / "tsconfig.json")


def test_nothing_but_comments_stays_at_home(tmp_path: Path) -> None:
    """A script without its comments does the same, line by line."""
    tool("esbuild")
    for number, file in enumerate(sorted(STATIC_FOLDER.rglob("*.js"))):
        sent = without_comments(file.read_bytes())
        assert sent.count(b"\n") == file.read_bytes().count(b"\n")
        (tmp_path / f"{number}.js").write_bytes(file.read_bytes())
        (tmp_path / f"{number}.sent.js").write_bytes(sent)
    run(NODE, "--eval", SAME, TOOLS / "esbuild", tmp_path)


def test_sizes(tmp_path: Path) -> None:
    """Minified and compressed, what a page of somebody's fetches stays small."""
    tool("esbuild")
    said = run(NODE, ROOT / "deploy" / "package.mjs", tmp_path)
    lines = [line.rsplit(maxsplit=2) for line in said.splitlines() if line]
    sizes = {what: int(size) for what, _, size in lines[1:]}
    for what, most in MOST.items():
        assert most * 0.8 < sizes[what] < most, sizes
