"""How long a request's body may be, how slowly it may come, and the refusal of one that isn't so.

A small body that came together with its headers, as that of nearly every send does, passes
as it is. Any other is *under way*: counted in the budget of all bodies until its request is
answered, and looked at once a second. Nobody has a timer of his own.

Most clients send a whole body before they look at the answer, and a connection that is
closed with something unread takes the answer away from them (RFC 9112 §9.6). Hence the
answer goes out at once, for those who look, and what still comes is dropped piece by piece:
for so long and so much, from so many at once, and then the connection ends.
"""

import re
import sys
from collections.abc import Awaitable
from typing import Final

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import stream_request_body

from handlers.base import ApiHandler
from handlers.connections.budget import Budget
from handlers.connections.deadlines import CHECK_SECONDS
from handlers.connections.stream import connection_of, stream_of
from handlers.errors import reply_for
from handlers.services import Services
from notifier.addresses import is_loopback, subscriber
from notifier.errors import (
    BodyTooLate,
    InvalidRequest,
    NotifierError,
    RequestTooLarge,
    TryLater,
    Unauthenticated,
)
from notifier.wire import encode

_DROP_SECONDS: Final = 30.0
"""For how long a refused body may come."""

_DROP_BYTES: Final = 32 * 1024 * 1024
"""By how much a body may exceed its limit and still be read to its end."""

_MOST_DROPPED: Final = 64
"""So many refused bodies are read at a time; beyond, the connection ends with the answer."""

_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class Bodies:
    """Those that are under way in this process."""

    def __init__(self, application: Services) -> None:
        options = application.options
        self.application = application
        self.budget = Budget(options.body_budget_bytes)
        self.seconds = options.body_seconds
        self.bytes_per_second = options.body_bytes_per_second
        self.small = min(options.small_body_bytes, options.max_body_bytes)
        self._large = options.max_body_bytes
        self._open_send = options.open_send
        self.refused = 0
        """How many refused bodies are being read."""
        self._under_way: dict[HTTPServerRequest, _Body] = {}

    def receive(
        self, request: HTTPServerRequest, delegate: HTTPMessageDelegate
    ) -> HTTPMessageDelegate:
        """Who takes the body of ``request``, whose headers are known: ``delegate``, or another."""
        headers = request.headers
        if "Transfer-Encoding" in headers:
            return self._receive_chunks(request, delegate)
        length = headers.get("Content-Length")
        if length is None:
            return delegate
        if not _LENGTH.fullmatch(length):
            body = _Body(self, request, delegate, self._large)
            error = InvalidRequest("Content-Length is not a number of bytes.")
            return body.refused(error, self._large + _DROP_BYTES)
        size = int(length)
        if size <= self.small and size <= stream_of(request).unread:
            return delegate
        return self._receive_announced(request, delegate, size)

    def _receive_announced(
        self, request: HTTPServerRequest, delegate: HTTPMessageDelegate, size: int
    ) -> HTTPMessageDelegate:
        limit = self._limit(delegate)
        body = _Body(self, request, delegate, limit, announced=size)
        try:
            if size > limit:
                raise RequestTooLarge(f"The body exceeds {limit} bytes.")
            if size > self.small:
                self._check_sender(request)
            body.charge(size)
        except NotifierError as error:
            return body.refused(error, min(size, limit + _DROP_BYTES))
        return body

    def _receive_chunks(
        self, request: HTTPServerRequest, delegate: HTTPMessageDelegate
    ) -> HTTPMessageDelegate:
        limit = self._limit(delegate)
        body = _Body(self, request, delegate, limit)
        headers = request.headers
        try:
            if (
                request.version != "HTTP/1.1"
                or "Content-Length" in headers
                or headers["Transfer-Encoding"].lower() != "chunked"
            ):
                # Where the body ends depends on who reads it (RFC 9112 §6.1, §6.3).
                raise InvalidRequest("Expected Transfer-Encoding: chunked, or Content-Length.")
            if limit > self.small:
                self._check_sender(request)
        except NotifierError as error:
            return body.refused(error, limit + _DROP_BYTES)
        # Tornado's own limit would end the connection without an answer.
        connection_of(request).set_max_body_size(sys.maxsize)
        return body

    def _limit(self, delegate: HTTPMessageDelegate) -> int:
        handler = getattr(delegate, "handler_class", None)
        return self._large if getattr(handler, "takes_payload", False) else self.small

    def _check_sender(self, request: HTTPServerRequest) -> None:
        # Who may send without credentials is for others to say: but nobody may from elsewhere.
        headers = request.headers
        if (
            not self._open_send
            and "X-API-Key" not in headers
            and "Authorization" not in headers
            and not is_loopback(request.remote_ip or "")
        ):
            raise Unauthenticated

    # What is under way.

    @property
    def may_drop(self) -> bool:
        """Whether one more refused body may be read."""
        return self.refused < _MOST_DROPPED

    def begin(self, request: HTTPServerRequest, body: "_Body") -> None:
        """The headers have come."""
        self._under_way[request] = body

    def end(self, request: HTTPServerRequest) -> None:
        """``request`` is answered, or its connection has ended."""
        body = self._under_way.pop(request, None)
        if body is not None:
            body.give_back()
            self.refused -= body.is_refused

    async def end_late(self) -> None:
        """Look at all bodies under way, once in CHECK_SECONDS, and end those that are late."""
        for request, body in tuple(self._under_way.items()):
            if request in self._under_way:
                await body.check()


class _Body(HTTPMessageDelegate):
    """Passes on a body that comes, until it turns out to be too large, too much or too late."""

    def __init__(
        self,
        bodies: Bodies,
        request: HTTPServerRequest,
        delegate: HTTPMessageDelegate,
        limit: int,
        announced: int | None = None,
    ) -> None:
        self._bodies = bodies
        self._request = request
        self._delegate = delegate
        self._limit = limit
        self._announced = announced
        self._whose = subscriber(request.remote_ip or "")
        self._charged = 0
        self._size = 0
        self._is_complete = False
        self.is_refused = False
        # Counted in looks, not by the clock: a process that was frozen or busy has not looked,
        # and what came meanwhile waits to be read.
        self._age = -CHECK_SECONDS

    # Room.

    def charge(self, size: int) -> None:
        """Take so many bytes of the budget. Raises TryLater where there is no room."""
        if self._charged + size <= self._bodies.small:
            self._bodies.budget.charge(self._whose, size)
        else:
            self._bodies.budget.take(self._whose, size)
        self._charged += size

    def give_back(self) -> None:
        """Whatever was taken is free again."""
        self._bodies.budget.give_back(self._whose, self._charged)
        self._charged = 0

    # Refusing.

    def refused(self, error: NotifierError, drop: int) -> "_Body":
        """This body, refused before it is read; at most ``drop`` bytes of it are read."""
        if not self._bodies.may_drop:
            drop = 0
        connection_of(self._request).set_max_body_size(drop)
        # Tornado goes by these headers: it reads so much, and does not ask for the body.
        headers = self._request.headers
        headers["Content-Length"] = str(drop)
        for name in ("Transfer-Encoding", "Expect"):
            headers.pop(name, None)
        self._become_refused(error)
        return self

    def _become_refused(self, error: NotifierError) -> None:
        request, application = self._request, self._bodies.application
        self.give_back()
        self._age = 0.0
        self.is_refused = True
        self._bodies.refused += 1
        application.refusals.count(error.code, remote_ip=request.remote_ip)
        self._delegate = application.get_handler_delegate(
            request, _RefusedHandler, {"error": error}
        )

    async def _refuse(self, error: NotifierError, *, drops: bool) -> None:
        self._delegate.on_connection_close()  # lets go of what it has
        self._become_refused(error)
        answered = self._delegate.headers_received(*self._start)
        if answered is not None:
            await answered
        if not drops:
            connection_of(self._request).close()

    async def check(self) -> None:
        """End the connection, if the body is late."""
        self._age += CHECK_SECONDS
        if self._is_complete:
            return
        if self.is_refused:
            if self._age > _DROP_SECONDS:
                connection_of(self._request).close()
            return
        due = (self._age - self._bodies.seconds) * self._bodies.bytes_per_second
        if due > 0 and self._size < due:
            await self._refuse(BodyTooLate(), drops=False)

    # What Tornado tells us.

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Pass on."""
        self._start = start_line, headers
        self._bodies.begin(self._request, self)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on, refuse, or end the connection."""
        self._size += len(chunk)
        if self.is_refused:
            if self._size > self._limit + _DROP_BYTES:
                connection_of(self._request).close()
                return None
        elif self._announced is None:
            try:
                if self._size > self._limit:
                    raise RequestTooLarge(f"The body exceeds {self._limit} bytes.")
                self.charge(len(chunk))
            except (RequestTooLarge, TryLater) as error:
                return self._refuse(error, drops=self._bodies.may_drop)
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass on."""
        self._is_complete = True
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on."""
        self._bodies.end(self._request)
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
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.set_header("Content-Length", len(body))
        self.set_header("Connection", "close")
        self.write(body)
        self.flush()

    def data_received(self, chunk: bytes) -> None:
        """Drop it."""

    def post(self) -> None:
        self.finish()
        connection_of(self.request).close()

    get = head = delete = patch = put = options = post

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.application.log_request(self)
