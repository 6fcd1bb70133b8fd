"""The Tornado application: the services that handlers use, and what all requests share."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler, stream_request_body

from handlers.base import ApiHandler, NotFoundHandler
from handlers.proxies import TrustedProxies
from notifier.accounts import Accounts
from notifier.config import Settings
from notifier.errors import RequestTooLarge
from notifier.hub import Hub
from notifier.senders import Senders
from notifier.service import NotificationService
from notifier.status import Status

if TYPE_CHECKING:
    from tornado.web import _HandlerDelegate

access_log = logging.getLogger("notifier.access")

_MAX_FRAME: Final = 64 * 1024
"""Bytes of a client's frame: acknowledgements and commands are small."""

_BODY_SECONDS: Final = 60.0
"""For how long a client may take to send a body that is not small."""

_SMALL_BODY: Final = 16 * 1024
"""Bytes that may come as slowly as they like: a timer for each would cost more than they do."""

_DISCARD_SECONDS: Final = 10.0
"""For how long the rest of a refused body is read, so that the client sees the answer."""


class NotifierApplication(Application):
    """Routes requests, and holds the verbs that handlers call."""

    def __init__(
        self,
        routes: Sequence[URLSpec],
        *,
        options: Settings,
        notifications: NotificationService,
        accounts: Accounts,
        senders: Senders,
        hub: Hub,
        status: Status,
    ) -> None:
        super().__init__(
            list(routes),
            default_handler_class=NotFoundHandler,
            log_function=_log_request,
            compress_response=True,
            websocket_ping_interval=options.ping_seconds,
            websocket_ping_timeout=options.ping_seconds,
            websocket_max_message_size=_MAX_FRAME,
        )
        self.options = options
        self.notifications = notifications
        self.accounts = accounts
        self.senders = senders
        self.hub = hub
        self.status = status
        self.proxies = TrustedProxies(options.trusted_networks)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> "_HandlerDelegate":
        self.proxies.correct(request)
        # Here the headers are known and the body is not read yet. Tornado itself would
        # close the connection without an answer.
        length = request.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else 0
        if size > self.options.max_body_bytes:
            return self.get_handler_delegate(request, _TooLargeHandler)
        if size > _SMALL_BODY or "Transfer-Encoding" in request.headers:
            assert isinstance(request.connection, HTTP1Connection)
            request.connection.set_body_timeout(_BODY_SECONDS)
        return super().find_handler(request, **kwargs)


@stream_request_body
class _TooLargeHandler(ApiHandler):
    """Answers before the body has arrived, and lets the rest of it pass."""

    def prepare(self) -> None:
        super().prepare()
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection)
        connection.set_max_body_size(int(self.request.headers["Content-Length"]))
        connection.set_body_timeout(_DISCARD_SECONDS)
        raise RequestTooLarge(f"The body exceeds {self.application.options.max_body_bytes} bytes.")

    def data_received(self, chunk: bytes) -> None:
        """Drop it."""


def _log_request(handler: RequestHandler) -> None:
    status = handler.get_status()
    level = logging.DEBUG if status < 400 else logging.INFO if status < 500 else logging.WARNING
    if access_log.isEnabledFor(level):
        request = handler.request
        access_log.log(
            level,
            "Request",
            extra={
                "action": "request",
                "method": request.method,
                "path": request.path,
                "status": status,
                "milliseconds": round(1000 * request.request_time(), 1),
                "remote_ip": request.remote_ip,
            },
        )
