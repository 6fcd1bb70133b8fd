"""A connection to Redis: redis-py's, without the client, the pool and the pub/sub around it.

Those take a connection for publishing and another one for subscribing, and a write for each
command. Here one connection does both, and what waits goes out in one write.

redis-py documents its clients, but not what is used here of its connections, checked
against 8.1.0 by ``tests/test_private_parts.py``:

==============================================  ====================================
``ConnectionPool.make_connection``              a connection with the pool's options
``AbstractConnection.connect``, ``disconnect``  greets the server; hangs up
``AbstractConnection.pack_commands``            many commands as bytes
``AbstractConnection.send_packed_command``      writes these
``AbstractConnection.read_response``            the next answer or push
``AbstractConnection._parser``                  hands each push to a handler first
its ``set_pubsub_push_handler``                 which handler
==============================================  ====================================
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, ConnectionPool

Words = Sequence[str | bytes]
"""A command and its arguments."""


class Connection:
    """An open connection that speaks RESP3. Its methods may raise RedisError or OSError."""

    def __init__(self, theirs: AbstractConnection) -> None:
        self._theirs = theirs

    @classmethod
    async def open(cls, theirs: AbstractConnection) -> "Connection":
        """Connect and greet."""
        try:
            await theirs.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            # Cancelled too: a server that hangs takes connections and never greets.
            await theirs.disconnect(nowait=True)
            raise
        parser: Any = theirs._parser  # noqa: SLF001 - there is no other way
        # Theirs logs each message that comes in, in full, also where nobody reads the log.
        parser.set_pubsub_push_handler(_pass)
        return cls(theirs)

    async def send(self, commands: Iterable[Words]) -> None:
        """Write ``commands``, all at once."""
        packed = self._theirs.pack_commands(commands)
        await self._theirs.send_packed_command(packed, check_health=False)

    def receive(self) -> Awaitable[Any]:
        """The next answer, or the next message of a channel, in bytes as it came."""
        return self._theirs.read_response(disable_decoding=True, push_request=True)

    async def close(self) -> None:
        """Hang up, without a word."""
        await self._theirs.disconnect(nowait=True)


Connect = Callable[[], Awaitable[Connection]]
"""Opens a connection. May raise RedisError or OSError."""


def connect_with(pool: ConnectionPool) -> Connect:
    """How to connect with the options of ``pool``. Raises TypeError for an unknown one.

    The pool only knows how to make connections: ours are never shared or returned.
    """
    pool.make_connection()  # type: ignore[no-untyped-call]  # opens nothing yet

    async def connect() -> Connection:
        return await Connection.open(pool.make_connection())  # type: ignore[no-untyped-call]

    return connect


async def _pass(push: Any) -> Any:
    return push
