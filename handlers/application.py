"""The Tornado application: the services that handlers use, and what all requests share."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from handlers.base import NotFoundHandler
from handlers.bodies import receive
from handlers.proxies import TrustedProxies
from notifier.config import Settings
from notifier.delivery.hub import Hub
from notifier.identity.accounts import Accounts
from notifier.process.status import Status
from notifier.sending.authority import Senders
from notifier.sending.service import NotificationService

access_log = logging.getLogger("notifier.access")

_MAX_FRAME: Final = 64 * 1024
"""Bytes of a client's frame: acknowledgements and commands are small."""


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
        self.requests = 0
        """How many requests are being answered."""

    def find_handler(  # type: ignore[override]  # any delegate will do
        self, request: HTTPServerRequest, **kwargs: Any
    ) -> HTTPMessageDelegate:
        self.proxies.correct(request)
        return receive(self, request, super().find_handler(request, **kwargs))


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
