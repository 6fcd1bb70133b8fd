"""How long a request's body may be, and the refusal of one that is longer.

Most clients send a whole body before they look at the answer, and a connection that is
closed with something unread takes the answer away from them (RFC 9112 §9.6). Hence the
answer goes out at once, for those who look, and what still comes is dropped piece by piece:
for so long and so much, and then the connection ends.
"""

import re
import sys
from collections.abc import Awaitable
from typing import Final

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import stream_request_body

from handlers.base import ApiHandler
from handlers.errors import reply_for
from handlers.services import Services
from notifier.errors import InvalidRequest, NotifierError, RequestTooLarge
from notifier.wire import encode

_BODY_SECONDS: Final = 60.0
"""For how long a client may take to send a body that is not small."""

_SMALL_BODY: Final = 16 * 1024
"""Bytes that may come as slowly as they like: a timer for each would cost more than they do."""

_DROP_SECONDS: Final = 30.0
"""For how long a refused body may come."""

_DROP_BYTES: Final = 64 * 1024 * 1024
"""By how much a body may exceed its limit and still be read to its end."""

_LENGTH: Final = re.compile(r"[0-9]{1,18}")


def receive(
    application: Services, request: HTTPServerRequest, delegate: HTTPMessageDelegate
) -> HTTPMessageDelegate:
    """Who takes the body of ``request``, whose headers are known: ``delegate``, or a refusal."""
    connection, headers = _connection(request), request.headers
    limit = application.options.max_body_bytes
    if "Transfer-Encoding" in headers:
        # Tornado's own limit would end the connection without an answer.
        connection.set_max_body_size(sys.maxsize)
        connection.set_body_timeout(_BODY_SECONDS)
        return _Measured(application, request, delegate)
    length = headers.get("Content-Length")
    if length is None:
        return delegate
    if not _LENGTH.fullmatch(length):
        error = InvalidRequest("Content-Length is not a number of bytes.")
        return _refused(application, request, error, limit + _DROP_BYTES)
    size = int(length)
    if size > limit:
        drop = min(size, limit + _DROP_BYTES)
        return _refused(application, request, _too_large(limit), drop)
    if size > _SMALL_BODY:
        connection.set_body_timeout(_BODY_SECONDS)
    return delegate


def _connection(request: HTTPServerRequest) -> HTTP1Connection:
    assert isinstance(request.connection, HTTP1Connection)
    return request.connection


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The body exceeds {limit} bytes.")


def _refused(
    application: Services, request: HTTPServerRequest, error: NotifierError, drop: int
) -> HTTPMessageDelegate:
    connection = _connection(request)
    connection.set_max_body_size(drop)
    connection.set_body_timeout(_DROP_SECONDS)
    # Tornado goes by these headers: it reads so much, and does not ask for the body.
    request.headers["Content-Length"] = str(drop)
    request.headers.pop("Expect", None)
    return application.get_handler_delegate(request, _RefusedHandler, {"error": error})


class _Measured(HTTPMessageDelegate):
    """Passes on a body that doesn't say its length, until it turns out to be too large."""

    def __init__(
        self,
        application: Services,
        request: HTTPServerRequest,
        delegate: HTTPMessageDelegate,
    ) -> None:
        self._application = application
        self._request = request
        self._delegate = delegate
        self._limit = application.options.max_body_bytes
        self._size = 0
        self._is_refused = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Pass on."""
        self._start = start_line, headers
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on, refuse, or end the connection."""
        self._size += len(chunk)
        if self._size > self._limit + _DROP_BYTES:
            _connection(self._request).close()
        elif self._size > self._limit and not self._is_refused:
            return self._refuse()
        else:
            return self._delegate.data_received(chunk)
        return None

    def _refuse(self) -> Awaitable[None] | None:
        self._is_refused = True
        self._delegate.on_connection_close()  # lets go of what it has
        self._delegate = self._application.get_handler_delegate(
            self._request, _RefusedHandler, {"error": _too_large(self._limit)}
        )
        return self._delegate.headers_received(*self._start)

    def finish(self) -> None:
        """Pass on."""
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on."""
        self._delegate.on_connection_close()


@stream_request_body
class _RefusedHandler(ApiHandler):
    """Answers before the body has arrived, and lets the rest of it pass."""

    def initialize(self, error: NotifierError) -> None:
        self._error = error

    def prepare(self) -> None:
        # Not counted as a request that a stopping server waits for: it is answered.
        answer = reply_for(self._error, 400)
        body = encode(answer.body)
        self.set_status(answer.status)
        self.set_header("Content-Length", len(body))
        self.set_header("Connection", "close")
        self.write(body)
        self.flush()

    def data_received(self, chunk: bytes) -> None:
        """Drop it."""

    def post(self) -> None:
        self.finish()
        _connection(self.request).close()

    get = head = delete = patch = put = options = post

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.application.log_request(self)
