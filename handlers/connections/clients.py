"""Who is connected, how many of them, and for how long each is waited for.

A client has so long for the headers of its first request, so long from an answer to those of
the next one, and so long for each piece of an answer that does not leave because the client
does not read. Bodies have limits of their own (:mod:`handlers.connections.bodies`), and a
WebSocket, which is pinged, none.
"""

import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final

from handlers.connections.addresses import Addresses
from handlers.connections.deadlines import Deadlines
from handlers.connections.stream import ClientStream, refuse
from handlers.errors import reply_for
from handlers.proxies import TrustedProxies
from notifier.errors import HeadersTooLarge, HeadersTooLate, NotifierError, TooManyConnections
from notifier.refusals import Refusals
from notifier.settings import Settings
from notifier.wire import encode

_PIECE: Final = 64 * 1024
"""Bytes of an answer that a client has to read within the time for an answer."""


class Clients:
    """All connections of this process."""

    def __init__(self, options: Settings, proxies: TrustedProxies, refusals: Refusals) -> None:
        self._refusals = refusals
        self._addresses = Addresses(options.address_connections, proxies)
        self._first: Deadlines[ClientStream] = Deadlines(options.header_seconds)
        self._next: Deadlines[ClientStream] = Deadlines(options.keep_alive_seconds)
        self._answer: Deadlines[ClientStream] = Deadlines(options.answer_seconds)
        self._open: set[ClientStream] = set()
        self.on_closed: Callable[[], None] = lambda: None
        """Called when a connection has ended."""

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[ClientStream]:
        return iter(tuple(self._open))

    def accept(
        self, connection: socket.socket, address: str, **sizes: int | None
    ) -> ClientStream | None:
        """Begin to serve a new connection; None if its address has too many already.

        ``sizes`` are those of a stream's buffers.
        """
        client = self._addresses.client(address)
        if client is not None and not self._addresses.take(client):
            connection.setblocking(False)
            self._refuse(connection, TooManyConnections(), address)
            connection.close()
            return None
        stream = ClientStream(
            connection, address, closed=self._closed, too_long=self._too_long, **sizes
        )
        stream.client = client
        self._open.add(stream)
        stream.wait_for(self._first)
        return stream

    def asked(self, stream: ClientStream, address: str | None) -> None:
        """The headers of a request have come, from the client at ``address``.

        Raises TooManyConnections where a proxy has brought it, and the client has too many.
        """
        stream.wait_for(self._answer)
        stream.sent_before = stream.sent
        if address is None or address == stream.address or stream.closed():
            return
        client = self._addresses.client(address)
        if client is None:
            return
        if not self._addresses.take(client):
            raise TooManyConnections
        stream.behind = client

    def expect(self, stream: ClientStream) -> None:
        """A request may come; what came before it has been answered."""
        if stream.awaited is self._first:
            return
        stream.wait_for(self._next)
        if stream.behind is not None:
            self._addresses.give_back(stream.behind)
            stream.behind = None

    async def end_late(self) -> None:
        """End the connections of those who are late."""
        for stream in [*self._first.late(), *self._next.late()]:
            # Who has said nothing expects no answer, and may take it for that to a request
            # that is just being sent.
            if stream.unread:
                self._refuse(stream.socket, HeadersTooLate(), stream.address)
            stream.close()
        for stream in self._answer.late():
            if stream.writing() and stream.sent - stream.sent_before < _PIECE:
                self._refusals.count("answer_unread", remote_ip=stream.address)
                stream.close()
            else:
                stream.sent_before = stream.sent
                self._answer.begin(stream)

    def _too_long(self, stream: ClientStream) -> None:
        # Behind the headers only the lines of a chunked body have such a limit.
        if stream.awaited in (self._first, self._next):
            self._refuse(stream.socket, HeadersTooLarge(), stream.address)

    def _closed(self, stream: ClientStream) -> None:
        stream.wait_for(None)
        self._open.discard(stream)
        for client in (stream.client, stream.behind):
            if client is not None:
                self._addresses.give_back(client)
        stream.client = stream.behind = None
        self.on_closed()

    def _refuse(self, connection: socket.socket, error: NotifierError, address: str) -> None:
        self._refusals.count(error.code, remote_ip=address)
        refuse(connection, _answer(error))


def _answer(error: NotifierError) -> bytes:
    """A whole answer, for those whom no handler can give one."""
    reply = reply_for(error, 400)
    body = encode(reply.body)
    headers = {
        **reply.headers,
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = HTTPStatus(reply.status)
    return f"HTTP/1.1 {status} {status.phrase}\r\n{lines}\r\n".encode() + body
