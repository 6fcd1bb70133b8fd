"""A connection to PostgreSQL: its address, how statements run on it, and what errors mean.

- Statements whose result nobody needs wait, and travel with the next one that has a
  result, or with COMMIT: a batch of sends takes two round trips, a batch of acks one.
- We wait for the socket ourselves, with a deadline, because a server that hangs keeps
  its connections alive and libpq would wait for ever.

Passwords are in the address and nowhere else: an address that can't be parsed is not
quoted, and libpq doesn't repeat it in its messages.
"""

import functools
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from notifier import clock
from notifier.errors import InvalidSettings, Unavailable
from notifier.storage.contract import AWAY, Conflict, Row, Session

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds until a transaction, or an attempt to connect, is given up."""

_MOST_HELD: Final = 1 << 20
"""Bytes of statements that wait for the next one; then they go on their own."""


def completed(dsn: str, timeout: float) -> str:
    """``dsn`` with our own options, except where it has them. Raises InvalidSettings."""
    given: dict[str, Any] | None = None
    with suppress(psycopg2.ProgrammingError):
        given = psycopg2.extensions.parse_dsn(dsn)
    if given is None or _is_torn(dsn, given):
        # From None: the cause quotes the address, and with it the password.
        raise InvalidSettings(
            "The database's address is not valid; expected postgresql://user:password@host/name, "
            "with percent-encoding for special characters of the password (%2F for /, %40 for @)."
        ) from None
    options: dict[str, Any] = {
        "application_name": "notifier",
        "client_encoding": "UTF8",
        # After a failover the old server may go on as one that only reads.
        "target_session_attrs": "read-write",
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": int(timeout * clock.SECOND),
    }
    return psycopg2.extensions.make_dsn("", **(options | given))


def _is_torn(dsn: str, given: Mapping[str, str]) -> bool:
    """Whether an address was taken apart within its password, which libpq would quote then.

    An unencoded / ends the host, and an @ begins it.
    """
    if not dsn.startswith(("postgresql://", "postgres://")):
        return False
    authority, _, rest = dsn.partition("://")[2].partition("/")
    ports = given.get("port", "").split(",")
    return (
        any(port and not port.isdecimal() for port in ports)
        or authority.count("@") > 1
        or "@" in rest.partition("?")[0]
    )


class Connection(Session):
    """A connection, and how statements run on it."""

    def __init__(self, dsn: str, timeout: float) -> None:
        self._timeout = timeout
        self._later: list[bytes] = []
        self._deadline = time.monotonic() + min(timeout, DEFAULT_TIMEOUT)
        # Always in autocommit mode: transactions are begun and ended by our statements.
        with _translated():
            self._connection = psycopg2.connect(dsn, async_=True)
        try:
            with _translated():
                self._wait()
                self._cursor = self._connection.cursor()
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _set_up(self) -> None:
        """Not in the start-up packet, which connection poolers refuse."""
        milliseconds = int(self._timeout * clock.SECOND)
        self.later(f"SET statement_timeout = {milliseconds}")
        self.later(f"SET lock_timeout = {milliseconds * 4 // 5}")
        # A process that hangs within a transaction keeps its locks from the others for so long.
        self.later(f"SET idle_in_transaction_session_timeout = {milliseconds // 5}")
        self.later("SET default_transaction_isolation = 'read committed'")
        # A commit must be on the disk; stricter settings than that are kept.
        self.run(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.restart_clock()
        return self._send(self._text(statement, parameters))

    def using(self, index: str) -> str:
        """Nothing: its statistics tell PostgreSQL."""
        return ""

    def later(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute ``statement`` no later than right before the next one that is run."""
        self._later.append(self._text(statement, parameters))
        if sum(map(len, self._later)) > _MOST_HELD:
            self.restart_clock()
            self._send(self._later.pop())

    def close(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.close()

    def restart_clock(self) -> None:
        self._deadline = time.monotonic() + self._timeout

    def _send(self, text: bytes) -> list[Row]:
        if self._later:
            text = b";".join((*self._later, text))
            self._later.clear()
        cursor = self._cursor
        with _translated():
            cursor.execute(text)
            self._wait()
            return cursor.fetchall() if cursor.description else []

    def _text(self, statement: str, parameters: Sequence[Any]) -> bytes:
        if not parameters:
            return statement.encode()
        with _translated():
            return self._cursor.mogrify(_marked(statement), parameters)

    def _wait(self) -> None:
        """Let libpq work until it is done. Raises Unavailable at the deadline."""
        connection = self._connection
        while (state := connection.poll()) != POLL_OK:
            left = self._deadline - time.monotonic()
            # Not select.select(), which fails once there are more than a thousand sockets.
            waiter = select.poll()
            waiter.register(connection.fileno(), _EVENTS[state])
            if left <= 0 or not waiter.poll(left * clock.SECOND):
                # An answer may still be on its way: this connection is of no use any more.
                self.close()
                raise Unavailable(AWAY) from TimeoutError("no answer in time")


_EVENTS: Final = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}


@functools.lru_cache(maxsize=256)
def _marked(statement: str) -> str:
    return statement.replace("?", "%s")


@contextmanager
def _translated() -> Iterator[None]:
    """Tell errors of a statement from those of the database."""
    try:
        yield
    except (psycopg2.DataError, psycopg2.IntegrityError):
        raise
    except psycopg2.Error as error:
        raise _meaning(error) from error


def _meaning(error: psycopg2.Error) -> Exception:
    """By class of the SQLSTATE (PostgreSQL's documentation, appendix A)."""
    match (error.pgcode or "")[:2]:
        case "40" if error.pgcode != "40003":
            return Conflict()
        case "54":  # a limit of the database, such as the size of an index entry
            return psycopg2.DataError(str(error))
        case _:
            return Unavailable(AWAY)
