"""Accepts connections, as many as there is room for.

Each connection takes a descriptor of the process, and so do the store, Redis and RabbitMQ.
When there are as many connections as may be, nobody else is accepted until one of them ends:
whoever comes meanwhile waits in the operating system's backlog. Tornado's own way would go on
trying, with a traceback for each failure, and nothing else would be done.
"""

import asyncio
import errno
import socket
from collections.abc import Iterable
from typing import Any, Final

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.ioloop import IOLoop

from handlers.connections.stream import ClientStream
from handlers.services import Services

_AT_ONCE: Final = 128
"""Connections that are accepted in one go, before others are served."""

_WITHOUT_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS: Final = 1.0
"""After which accepting is tried again, when something else has taken the descriptors."""


class Listener(HTTPServer):
    """``Listener(application, most=1000)``: an HTTP server with at most so many connections."""

    def initialize(  # type: ignore[override]  # Tornado passes on what its constructor is given
        self, application: Services, *, most: int
    ) -> None:
        options = application.options
        super().initialize(
            application,
            max_body_size=options.max_body_bytes,
            max_header_size=options.max_header_bytes,
        )
        # Deadlines are those of `Clients`: Tornado has one for both the first request and the
        # next, says nothing when it is over, and takes a timer for each request.
        self.conn_params.header_timeout = None
        self._most = most
        self._refusals = application.refusals
        self._clients = application.clients
        self._clients.on_closed = self._closed
        self._listening: list[socket.socket] = []
        self._paused = False
        self._retry: asyncio.TimerHandle | None = None

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        self._listening.extend(sockets)
        self._watch()

    def stop(self) -> None:
        """Accept nobody any more."""
        self._unwatch()
        for each in self._listening:
            each.close()
        self._listening.clear()

    # Accepting.

    def _watch(self) -> None:
        for each in self._listening:
            IOLoop.current().add_handler(each, self._accept, IOLoop.READ)

    def _unwatch(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if not self._paused:
            for each in self._listening:
                IOLoop.current().remove_handler(each)

    def _accept(self, listening: socket.socket, events: int) -> None:
        room = self._most - len(self._clients)
        if room <= 0:
            self._pause("connections", open=len(self._clients))
        for _ in range(min(room, _AT_ONCE)):
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _WITHOUT_ROOM:
                    self._pause("descriptors", error=error.strerror)
                    self._retry = asyncio.get_running_loop().call_later(
                        _PAUSE_SECONDS, self._resume
                    )
                    return
                continue  # the fault of one connection (accept(2))
            self._take(connection, address)

    def _take(self, connection: socket.socket, address: Any) -> None:
        stream = self._clients.accept(
            connection,
            address[0],
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )
        if stream is not None:
            self.handle_stream(stream, address)

    def _pause(self, reason: str, **fields: object) -> None:
        self._refusals.count(reason, **fields)
        self._unwatch()
        self._paused = True

    def _resume(self) -> None:
        if self._paused:
            self._unwatch()
            self._paused = False
            self._watch()

    def _closed(self) -> None:
        if self._paused and len(self._clients) < self._most:
            self._resume()

    # A connection and its requests.

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)
        assert isinstance(request_conn.stream, ClientStream)
        self._clients.expect(request_conn.stream)
        return super().start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        assert isinstance(server_conn, HTTP1ServerConnection)
        assert isinstance(server_conn.stream, ClientStream)
        # It has ended, or it is a WebSocket now.
        server_conn.stream.wait_for(None)
