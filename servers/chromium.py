"""The browser that is installed, told to keep to itself."""

import shutil

from servers.missing import MissingServer

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str:
    """The path of Debian's Chromium, or of another one. Raises MissingServer.

    First the one without windows, which is the same engine at two thirds of the CPU.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise MissingServer("chromium")
