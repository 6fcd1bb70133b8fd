"""``/metrics`` for Prometheus: with a right on the main port, without on a port of its own."""

from typing import Final

from tornado.httpserver import HTTPServer
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from handlers.base import ApiHandler
from notifier.process.exposition import Exposition

_IDLE_SECONDS: Final = 120.0
"""For which a connection stays open that asks nothing: longer than between two scrapes."""


class MetricsHandler(ApiHandler):
    """For a key with the scope `metrics`, or a superuser's token."""

    async def get(self) -> None:
        await self.application.senders.authorize_for(self.credentials, "metrics")
        await _answer(self, self.application.exposition)


class _OpenHandler(RequestHandler):
    def initialize(self, exposition: Exposition) -> None:
        self._exposition = exposition

    async def get(self) -> None:
        self.clear_header("Server")
        await _answer(self, self._exposition)


async def _answer(handler: RequestHandler, exposition: Exposition) -> None:
    handler.set_header("Content-Type", exposition.content_type)
    handler.finish(await exposition.text())


def metrics_server(exposition: Exposition) -> HTTPServer:
    """Answers ``/metrics`` and nothing else, to everyone who reaches it."""
    route = URLSpec("/metrics/?", _OpenHandler, {"exposition": exposition})
    application = Application([route], log_function=lambda _: None)
    return HTTPServer(application, max_body_size=0, idle_connection_timeout=_IDLE_SECONDS)
