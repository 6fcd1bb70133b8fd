"""A real PostgreSQL for tests: on a free port, in a temporary folder, gone afterwards.

``shared()`` is one server for the whole run; tests get a database each. The server
refuses to run as root, so that as root it is given to an unprivileged user.
"""

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

from tests.support.ports import free_port
from tests.support.servers import MissingServer

PASSWORD = "secret-of-the-tests"
_SECONDS_TO_START = 60.0
_UNPRIVILEGED = ("postgres", "nobody")


def _binary(name: str) -> str:
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versions, key=lambda folder: float(folder.parent.name), reverse=True)
    path = os.pathsep.join([*map(str, newest_first), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingServer("PostgreSQL")
    return found


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as, where it can't be us."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MissingServer("PostgreSQL")


class PostgresServer:
    """One server. ``durable`` makes it flush to the disk, which only benchmarks need."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self._initdb, self._postgres = _binary("initdb"), _binary("postgres")
        self._account = _account()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self.port = free_port()

    def start(self) -> None:
        """Start it, unless it runs, and return when it takes connections."""
        if self.running:
            return
        if self._folder is None:
            self._folder = self._make_folder()
            atexit.register(self.remove)
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 100,
            "fsync": "on" if self._durable else "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = self._popen(
                self._postgres, "-D", str(self._folder / "data"), *options, log=log
            )
        self._wait_until_ready()

    @property
    def pid(self) -> int:
        """The id of the first process, whose children serve the sessions."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Shut it down: sessions are ended, what is committed stays."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Let it crash: no checkpoint, no goodbyes."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop and start it; every session is lost."""
        self.stop()
        self.start()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze it: connections stay open, and nobody answers."""
        assert self._process is not None
        pids = [self._process.pid, *_children(self._process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                # One that had ended is gone as soon as its parent goes on.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its folder."""
        atexit.unregister(self.remove)
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def create_database(self, encoding: str = "UTF8") -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0")
        return self.address(name)

    def address(self, database: str = "postgres") -> str:
        """The address of a database of this server, password included."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, outside any transaction."""
        return execute(self.address(), statement, parameters)

    def end_sessions(self, application: str) -> int:
        """pg_terminate_backend for all sessions of ``application``: how many there were."""
        return len(
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = %s AND pid <> pg_backend_pid()",
                (application,),
            )
        )

    def _make_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="notifier-postgres-"))
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        if self._account is not None:
            for path in (folder, secret):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        making = self._popen(
            self._initdb,
            *("-D", str(folder / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C"),
            *("-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"),
            log=subprocess.PIPE,
        )
        try:
            output, _ = making.communicate()
            if making.returncode:
                raise RuntimeError(f"initdb failed: {output.decode(errors='replace')}")
        except BaseException:
            making.kill()
            making.wait()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

    def _popen(self, *command: str, log: Any) -> subprocess.Popen[bytes]:
        as_whom: dict[str, Any] = {}
        if self._account is not None:
            as_whom = {
                "user": self._account.pw_uid,
                "group": self._account.pw_gid,
                "extra_groups": (),
            }
        return subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **as_whom,
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg2.OperationalError:
                if not self.running or time.monotonic() > deadline:
                    assert self._folder is not None
                    log = (self._folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def _end(self, signal_number: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait()
            self._process = None


def execute(
    address: str, statement: str, parameters: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """Run one statement at ``address`` on a connection of its own, outside transactions."""
    with closing(psycopg2.connect(address, application_name="tests")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@functools.cache
def shared() -> PostgresServer:
    """The server of this run, started with the first test that needs it."""
    server = PostgresServer()
    server.start()
    return server
