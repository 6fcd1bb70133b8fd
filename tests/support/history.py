"""The previous release, and what is said when a test needs it, and it is not here."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Final

from servers import ROOT
from servers.missing import MissingServer

PREVIOUS: Final = "3d2272a"
"""The commit of the previous release. To be replaced at each release."""


class MissingHistory(MissingServer):
    """The checkout has not the commit of this name: a shallow clone, or an archive.

    The test is left out and counted, in CI as well: nothing that it could install brings it.
    """


def previous_release(folder: Path) -> Path:
    """``folder``, with the previous release's code in it."""
    if shutil.which("git") is None:
        raise MissingServer("git")
    packages = ("notifier", "handlers", "amqp", "static")
    archive = subprocess.run(
        ["git", "archive", PREVIOUS, *packages], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        raise MissingHistory(f"the git history with {PREVIOUS}, the previous release,")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder
