"""The program as people run it: a process of its own, with a data folder and a port."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.harness import ADMIN_PASSWORD, SECRET

ROOT = Path(__file__).parents[2]
SECONDS = 15.0


class ServerProcess:
    """``python -m notifier`` in its own process. Started and stopped by the caller."""

    def __init__(self, folder: Path, *, port: int = 0, **environment: str) -> None:
        self.folder = folder
        self.port = port
        self.output = ""
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the server says that it runs. Keeps its port over restarts."""
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "notifier"],
                cwd=self.folder,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if found := re.search(r"running on http://\S+:(\d+)", line):
                self.port = int(found[1])
                return
        raise AssertionError(f"the server did not start: {self.log}")

    def environment(self) -> dict[str, str]:
        """The environment of the process: nothing of ours leaks in."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "NOTIFIER_PORT": str(self.port),
            "NOTIFIER_DATA_DIR": str(self.folder / "data"),
            "SECRET_KEY": SECRET,
            "NOTIFIER_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "NOTIFIER_DRAIN_SECONDS": "0",
            **self._environment,
        }

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.folder / "server.log").read_text()

    def command(
        self, *arguments: str, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m notifier`` with ``arguments`` beside the server."""
        return subprocess.run(
            [sys.executable, "-m", "notifier", *arguments],
            cwd=self.folder,
            env=self.environment() | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def kill(self) -> None:
        """As a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; returns the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        self._process = None
        process.send_signal(number)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            assert process.stdout is not None
            process.stdout.close()
        return code
