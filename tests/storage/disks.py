"""Small disks, to fill them for real."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.missing import MissingServer


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """``folder``, made, on a disk of its own of ``size`` bytes. Only root may do that, or sudo."""
    folder.mkdir()
    as_root = ["sudo", "-n"] if os.geteuid() else []
    options = f"size={size},uid={os.geteuid()}"
    mount = [*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise MissingServer("the right to mount a small disk") from None
    try:
        yield folder
    finally:
        subprocess.run([*as_root, "umount", "--lazy", str(folder)], check=True)
