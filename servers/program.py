"""A program that runs beside us: on a free port, in a folder of its own, gone afterwards.

A subclass says how it is called, prepared and started, and when it is ready. As root it is
given to an account without rights where it refuses to run as root.
"""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from servers.missing import MissingServer
from servers.ports import free_port

SECONDS = 90.0
"""For a start, a command or a stop, also on a busy machine."""


class Program:
    """One process with its children. Started and stopped by whoever made it."""

    NAME: ClassVar[str]
    """As people call it."""
    ACCOUNTS: ClassVar[Sequence[str]] = ()
    """Whom it runs as, the first that exists, where we are root and it refuses to be."""
    LOG: ClassVar[str] = "log"
    """The file that takes what it says."""
    STOP: ClassVar[signal.Signals] = signal.SIGTERM
    KILL: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(self, *, port: int = 0, folder: Path | None = None) -> None:
        """On ``port``, or a free one; in ``folder``, or a temporary one."""
        self.port = port or free_port()
        self._account = self._find_account()
        self._folder = folder
        self._is_temporary = folder is None
        self._process: subprocess.Popen[bytes] | None = None

    # What a subclass says.

    def _command(self) -> Sequence[str | Path]:
        """What to run."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """Put into the new folder what it needs."""

    def environment(self) -> Mapping[str, str] | None:
        """Its environment; None is ours."""
        return None

    def _is_ready(self) -> bool:
        """Whether it serves."""
        return listens(self.port)

    # What all have in common.

    @classmethod
    def find(cls, name: str, *folders: str | Path) -> str:
        """The path of one of its files. Raises MissingServer."""
        path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
        found = shutil.which(name, path=path)
        if found is None:
            raise MissingServer(cls.NAME)
        return found

    @classmethod
    def _find_account(cls) -> pwd.struct_passwd | None:
        if os.geteuid() != 0 or not cls.ACCOUNTS:
            return None
        for name in cls.ACCOUNTS:
            with suppress(KeyError):
                return pwd.getpwnam(name)
        raise MissingServer(cls.NAME)

    @property
    def folder(self) -> Path:
        """Where it keeps its files; it must have been started."""
        assert self._folder is not None
        return self._folder

    @property
    def pid(self) -> int:
        """The id of the first process, whose children may do the work."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that it has said, over all its starts."""
        file = self.folder / self.LOG
        return file.read_text(errors="replace") if file.exists() else ""

    def start(self) -> None:
        """Start it, unless it runs, and return when it is ready."""
        if self.running:
            return
        if self._folder is None:
            self._make_folder()
        self._process = self.popen(*self._command())
        wait_for(self._is_ready_or_dead, lambda: f"{self.NAME} does not start: {self.log[-2000:]}")

    def stop(self) -> int:
        """Let it shut down in good order; returns the exit code."""
        return self._end(self.STOP)

    def kill(self) -> None:
        """Let it crash: no goodbyes."""
        self._end(self.KILL)

    def restart(self) -> None:
        """Stop and start it: every connection is lost."""
        self.stop()
        self.start()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, and let it do its work."""
        assert self._process is not None
        self._process.send_signal(number)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze it: connections stay open, new ones are accepted, and nobody answers."""
        pids = family(self.pid)
        _signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal_all(pids, signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its folder."""
        atexit.unregister(self.remove)
        self.stop()
        if self._folder is not None and self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def memory(self) -> int:
        """Resident memory of the process and its children, in bytes."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(self.pid)]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def popen(self, *command: str | Path, **options: Any) -> "subprocess.Popen[bytes]":
        """Run something as this program runs: in its folder, as its account."""
        account = self._account
        as_whom: dict[str, Any] = {}
        if account is not None:
            as_whom = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
        with (self.folder / self.LOG).open("ab") as log:
            given = {"stdout": log, "stderr": subprocess.STDOUT, **as_whom, **options}
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                **given,
            )

    def give(self, *paths: Path) -> None:
        """Let the program's account own files that we have made."""
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _make_folder(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=f"notifier-{self.NAME.lower()}-"))
        atexit.register(self.remove)
        try:
            self._prepare()
        except BaseException:
            self.remove()
            raise
        self.give(self._folder, *self._folder.iterdir())

    def _is_ready_or_dead(self) -> bool:
        assert self.running, f"{self.NAME} did not start: {self.log[-2000:]}"
        return self._is_ready()

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self.send_signal(number)
        return self.wait()

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


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(each for child in children for each in family(int(child)))]
    return []


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        # One that had ended is gone as soon as its parent goes on.
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def listens(port: int) -> bool:
    """Whether something takes connections at ``port`` of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_for(condition: Callable[[], object], complaint: Callable[[], str]) -> None:
    """Return as soon as ``condition`` holds. Raises RuntimeError if it does not in time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(complaint())
        time.sleep(0.02)
