"""A client's connection, from its acceptance until its descriptor is closed."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream, UnsatisfiableReadError

from handlers.connections.deadlines import Deadlines

_UNREAD: Final = 16
"""Pieces of 64 KB that may be dropped, so that the client can read why it is refused."""


class ClientStream(IOStream):
    """One connection; what happens to it is told to ``closed`` and ``too_long``.

    The latter is told of a line or of headers over their limit, before the connection ends.
    """

    # Beside the attributes of Tornado's: with more than thirty an object has a table of their
    # names to itself, of two kilobytes (CPython 3.11).
    __slots__ = (
        "_closed_callback",
        "_too_long_callback",
        "address",
        "awaited",
        "behind",
        "client",
        "neighbour_at",
        "sent",
        "sent_before",
    )

    def __init__(
        self,
        connection: socket.socket,
        address: str,
        *,
        closed: "Callable[[ClientStream], None]",
        too_long: "Callable[[ClientStream], None]",
        **sizes: int | None,
    ) -> None:
        super().__init__(connection, **sizes)
        self.address = address
        """The peer's."""
        self.client: str | None = None
        """On whose account the connection goes, if on anybody's."""
        self.behind: str | None = None
        """On whose account a proxy's connection goes while it has a request of theirs."""
        self.neighbour_at: int | None = None
        """Our port, if the kernel says that a neighbour is at the other end (see
        :mod:`handlers.this_machine`), or else 0; None if it was not asked."""
        self.awaited: Deadlines[ClientStream] | None = None
        """What has to be done in time, if anything."""
        self.sent = 0
        """Bytes that were given to the operating system."""
        self.sent_before = 0
        """The same when the time for the answer began."""
        self._closed_callback = closed
        self._too_long_callback = too_long

    def wait_for(self, deadlines: "Deadlines[ClientStream] | None") -> None:
        """From now on there is time until one of ``deadlines``. Nothing is awaited once it is
        closed, although a request may still be found in what was read before."""
        if self.awaited is not None and self.awaited is not deadlines:
            self.awaited.end(self)
        self.awaited = None if self.closed() else deadlines
        if self.awaited is not None:
            self.awaited.begin(self)

    @property
    def unread(self) -> int:
        """How many bytes have come of what is waited for.

        Tornado tells nobody of a part, and to count what is read would cost each frame.
        """
        return self._read_buffer_size

    def write_to_fd(self, data: memoryview) -> int:
        sent = super().write_to_fd(data)
        self.sent += sent
        return sent

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            self._too_long_callback(self)
        super().close(exc_info)

    def close_fd(self) -> None:
        super().close_fd()
        self._closed_callback(self)


def connection_of(request: HTTPServerRequest) -> HTTP1Connection:
    """The connection that ``request`` came on."""
    assert isinstance(request.connection, HTTP1Connection)
    return request.connection


def stream_of(request: HTTPServerRequest) -> ClientStream:
    """The stream beneath it."""
    stream = connection_of(request).stream
    assert isinstance(stream, ClientStream)
    return stream


def refuse(connection: socket.socket, answer: bytes) -> None:
    """Send ``answer`` on a connection that is closed next, if that can be done at once.

    What was sent to us meanwhile is read, because otherwise the operating system would take
    the answer away from the client (RFC 9112 §9.6).
    """
    with suppress(OSError):
        connection.send(answer)
        connection.shutdown(socket.SHUT_WR)
        for _ in range(_UNREAD):
            if not connection.recv(65536):
                break
