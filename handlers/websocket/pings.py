"""Whether the peers are still there: one clock that asks them all.

A task with a timer of its own for each connection, which is Tornado's way, takes memory
for as long as it lasts, and time to begin.
"""

import asyncio
from contextlib import suppress
from typing import Final

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketProtocol

from handlers.connections.deadlines import Deadlines

_AT_ONCE: Final = 100
"""Pings before everything else has its turn. After a restart thousands are due together."""


class Pings:
    """Each connection has ``seconds`` until it is asked, and as long for its answer."""

    def __init__(self, seconds: float) -> None:
        self._due: Deadlines[WebSocketProtocol] = Deadlines(seconds)
        self._asked: set[WebSocketProtocol] = set()

    def __len__(self) -> int:
        return len(self._due)

    @property
    def unanswered(self) -> int:
        """How many were asked and have not answered yet."""
        return len(self._asked)

    def begin(self, connection: WebSocketProtocol) -> None:
        """It is there now."""
        self._due.begin(connection)

    def answered(self, connection: WebSocketProtocol) -> None:
        """It is still there."""
        self._asked.discard(connection)

    def end(self, connection: WebSocketProtocol) -> None:
        """It has gone."""
        self._due.end(connection)
        self._asked.discard(connection)

    async def send(self) -> None:
        """Ask those whose time it is, and close on those that have not answered."""
        for number, connection in enumerate(self._due.late(), 1):
            if connection.is_closing():
                self.end(connection)
            elif connection in self._asked:
                self.end(connection)
                connection.close(reason="ping timed out")
            else:
                self._asked.add(connection)
                self._due.begin(connection)
                with suppress(StreamClosedError, WebSocketClosedError):
                    connection.write_ping(b"")
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
