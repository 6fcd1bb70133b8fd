"""The program as people run it: a process of its own, with a data folder and a port."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from servers import ROOT
from servers.program import SECONDS, Program

SECRET = "only-for-tests-only-for-tests-only-for-tests"
ADMIN_PASSWORD = "a password for tests"


class ServerProcess(Program):
    """``python -m notifier`` in ``folder``, with settings in ``environment``."""

    NAME = "Notifier"
    LOG = "server.log"
    always: ClassVar[Mapping[str, str]] = {}
    """Settings of all of them, unless one has its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder=folder)
        self.program = [sys.executable, "-m", "notifier"]
        self._settings = environment
        self._said = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What the server has printed, over all its starts."""
        file = self.folder / "server.output"
        return file.read_text() if file.exists() else ""

    def set(self, **environment: str) -> None:
        """Settings for its next start."""
        self._settings |= environment

    def start(self) -> None:
        """Start, and return when the server says that it runs."""
        self._said = len(self.output)
        super().start()

    def _command(self) -> Sequence[str | Path]:
        return self.program

    def popen(self, *command: str | Path, **options: Any) -> "subprocess.Popen[bytes]":
        """Its log is what it writes to standard error; what it prints is another file."""
        with (
            (self.folder / "server.output").open("ab") as output,
            (self.folder / self.LOG).open("ab") as log,
        ):
            return super().popen(*command, stdout=output, stderr=log, **options)

    def _is_ready(self) -> bool:
        # All that it has to say comes at once, so that the first line stands for the rest.
        return re.search(r"running on http://\S+\n", self.output[self._said :]) is not None

    def environment(self) -> Mapping[str, str]:
        """The environment of the process: nothing of ours leaks in."""
        return {
            "PATH": os.environ["PATH"],
            # The client too is that of this very checkout.
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "clients/python"))),
            "NOTIFIER_PORT": str(self.port),
            "NOTIFIER_DATA_DIR": str(self.folder / "data"),
            "SECRET_KEY": SECRET,
            "NOTIFIER_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "NOTIFIER_DRAIN_SECONDS": "0",
            # Tests hold other connections too, so that they are taken for proxies.
            "NOTIFIER_OPEN_SEND": "1",
            **self.always,
            **self._settings,
        }

    def command(
        self, *arguments: str, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m notifier`` with ``arguments`` beside the server."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=self.folder,
            env={**self.environment(), **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
