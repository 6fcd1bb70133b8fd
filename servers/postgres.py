"""A real PostgreSQL. ``shared()`` is one server for the whole run; tests get a database each."""

import functools
import itertools
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

from servers.program import Program

PASSWORD = "secret-of-the-tests"


class PostgresServer(Program):
    """One server. ``durable`` makes it flush to the disk, which only benchmarks need."""

    NAME = "PostgreSQL"
    ACCOUNTS = ("postgres", "nobody")
    STOP = signal.SIGINT  # sessions are ended, what is committed stays
    KILL = signal.SIGQUIT  # no checkpoint

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self._durable = durable
        self._initdb, self._postgres = _binary("initdb"), _binary("postgres")
        self._numbers = itertools.count(1)

    def _prepare(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        self.give(self.folder, secret)
        making = self.popen(
            self._initdb,
            *("-D", self.folder / "data", "-U", "postgres", "-E", "UTF8", "--locale=C"),
            *("-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"),
            stdout=subprocess.PIPE,
        )
        output, _ = making.communicate()
        if making.returncode:
            raise RuntimeError(f"initdb failed: {output.decode(errors='replace')}")

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 100,
            "fsync": "on" if self._durable else "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._postgres, "-D", self.folder / "data", *options]

    def _is_ready(self) -> bool:
        try:
            return bool(self.execute("SELECT 1"))
        except psycopg2.OperationalError:
            return False

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


def _binary(name: str) -> str:
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versions, key=lambda folder: float(folder.parent.name), reverse=True)
    return PostgresServer.find(name, *newest_first)


def execute(
    address: str, statement: str, parameters: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """Run one statement at ``address`` on a connection of its own, outside transactions."""
    with closing(psycopg2.connect(address, application_name="tests")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


@functools.cache
def shared() -> PostgresServer:
    """The server of this run, started with the first test that needs it."""
    server = PostgresServer()
    server.start()
    return server
