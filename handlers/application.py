"""The Tornado application: who takes which request, and what is logged of it."""

import logging
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.web import RequestHandler

from handlers.base import RefusedHandler
from handlers.connections.bodies import Bodies
from handlers.connections.stream import stream_of
from handlers.services import Services
from notifier.errors import TooManyConnections

access_log = logging.getLogger("notifier.access")


class NotifierApplication(Services):
    """Routes requests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bodies = Bodies(self)

    def find_handler(  # type: ignore[override]  # any delegate will do
        self, request: HTTPServerRequest, **kwargs: Any
    ) -> HTTPMessageDelegate:
        self.proxies.correct(request)
        try:
            self.clients.asked(stream_of(request), request.remote_ip)
        except TooManyConnections as error:
            delegate = self.get_handler_delegate(request, RefusedHandler, {"error": error})
        else:
            delegate = super().find_handler(request, **kwargs)
        return self.bodies.receive(request, delegate)

    def log_request(self, handler: RequestHandler) -> None:
        """Quietly, unless it went wrong."""
        self.bodies.end(handler.request)
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
