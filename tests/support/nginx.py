"""A real nginx with the configuration that we ship, in front of processes of the tests."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from deploy.nginx import configuration
from tests.support.ports import free_port
from tests.support.servers import MissingServer

_SECONDS = 10.0


class NginxServer:
    """One nginx, which forwards to ``processes`` (each host:port)."""

    def __init__(self, processes: Sequence[str], *, port: int = 0) -> None:
        found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if found is None:
            raise MissingServer("nginx")
        self._binary = found
        self._processes = processes
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the master process, whose children do the work."""
        assert self._process is not None
        return self._process.pid

    def memory(self) -> int:
        """Resident memory of the workers, in bytes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in children]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._folder = Path(tempfile.mkdtemp(prefix="notifier-nginx-"))
        atexit.register(self.remove)
        config = self._folder / "nginx.conf"
        config.write_text(configuration(self.port, self._processes, self._folder))
        # As root its workers would change to an account that cannot use our folder.
        account = "user root;" if os.geteuid() == 0 else ""
        options: dict[str, str | Path] = {
            "-p": self._folder,
            "-c": config,
            "-e": self._folder / "error.log",
            "-g": f"daemon off; pid {self._folder / 'pid'}; {account}",
        }
        self._process = subprocess.Popen(
            [self._binary, *[word for option in options.items() for word in option]],
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _SECONDS
        while not self._listens():
            assert time.monotonic() < deadline, f"nginx did not start: {self.log}"
            time.sleep(0.02)

    @property
    def log(self) -> str:
        """All that it has logged."""
        assert self._folder is not None
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def remove(self) -> None:
        """Stop it and delete its folder."""
        atexit.unregister(self.remove)
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
