"""The program as people run it: a process of its own, with a data folder and a port."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.harness import ADMIN_PASSWORD, SECRET
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""For a start, a command or a stop, also on a busy machine."""


class ServerProcess:
    """``python -m notifier`` in its own process. Started and stopped by the caller."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.program = [sys.executable, "-m", "notifier"]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the server says that it runs."""
        said = len(self.output)
        with self._file("output").open("ab") as output, self._file("log").open("ab") as log:
            self._process = subprocess.Popen(
                self.program,
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=log,
            )
        deadline = time.monotonic() + SECONDS
        # All that it has to say comes at once, so that the first line stands for the rest.
        while not re.search(r"running on http://\S+\n", self.output[said:]):
            assert self._process.poll() is None, f"the server did not start: {self.log}"
            assert time.monotonic() < deadline, f"the server does not start: {self.log}"
            time.sleep(0.005)

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
            # Tests hold other connections too, so that they are taken for proxies.
            "NOTIFIER_OPEN_SEND": "1",
            **self._environment,
        }

    @property
    def output(self) -> str:
        """What the server has printed, over all its starts."""
        return self._read("output")

    @property
    def log(self) -> str:
        """What the server has logged, over all its starts."""
        return self._read("log")

    def _file(self, kind: str) -> Path:
        return self.folder / f"server.{kind}"

    def _read(self, kind: str) -> str:
        file = self._file(kind)
        return file.read_text() if file.exists() else ""

    def command(
        self, *arguments: str, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m notifier`` with ``arguments`` beside the server."""
        return subprocess.run(
            [*self.program, *arguments],
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

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, and let it do its work."""
        assert self._process is not None
        self._process.send_signal(number)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze it: its connections stay open, new ones are accepted, and nobody answers."""
        self.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait for the end that a signal has begun; returns the exit code."""
        process, self._process = self._process, None
        assert process is not None
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self.send_signal(number)
        return self.wait()
