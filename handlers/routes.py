"""The one route table. Every path works with and without its trailing slash."""

import re
from typing import Any, Final

from tornado.routing import URLSpec
from tornado.web import RequestHandler, StaticFileHandler

from handlers.base import NotFoundHandler
from handlers.notifications import SendHandler
from handlers.openapi import build
from handlers.pages import (
    STATIC_FOLDER,
    SWAGGER_FOLDER,
    AssetHandler,
    DocsPageHandler,
    NotificationsPageHandler,
    RootHandler,
    SchemaHandler,
    SwaggerAssetHandler,
)
from handlers.socket import FeedSocketHandler
from handlers.status import LiveHandler, ReadyHandler, StatsHandler
from handlers.users import (
    IdentityHandler,
    IsAuthenticatedHandler,
    RefreshHandler,
    SessionEverywhereHandler,
    SessionHandler,
    SessionRefreshHandler,
    TokenHandler,
    VerifyHandler,
)
from notifier.wire import encode

PATHS: Final[tuple[tuple[str, type[RequestHandler]], ...]] = (
    ("/api/notifications/send/", SendHandler),  # first, because it is looked up most
    ("/ws/notifications/{user_id}/", FeedSocketHandler),
    ("/api/users/token/", TokenHandler),
    ("/api/users/token/refresh/", RefreshHandler),
    ("/api/users/token/verify/", VerifyHandler),
    ("/api/users/is-authenticated/", IsAuthenticatedHandler),
    ("/api/users/session/", SessionHandler),
    ("/api/users/session/refresh/", SessionRefreshHandler),
    ("/api/users/session/everywhere/", SessionEverywhereHandler),
    ("/api/users/{user_id}/identity/", IdentityHandler),
    ("/api/stats/", StatsHandler),
    ("/api/notifications/", NotificationsPageHandler),
    ("/api/docs/", DocsPageHandler),
    ("/healthz/live/", LiveHandler),
    ("/healthz/ready/", ReadyHandler),
)


def routes() -> list[URLSpec]:
    """All routes of the application."""
    document = encode(build(PATHS))
    return [
        *(_route(template, handler) for template, handler in PATHS),
        _route("/api/schema/", SchemaHandler, document=document),
        URLSpec(r"/", RootHandler),
        URLSpec(r"/static/swagger/(.*)", SwaggerAssetHandler, {"path": str(SWAGGER_FOLDER)}),
        URLSpec(r"/static/(.*)", AssetHandler, {"path": str(STATIC_FOLDER)}),
        URLSpec(r".*", NotFoundHandler),
    ]


def _route(template: str, handler: type[RequestHandler], **arguments: Any) -> URLSpec:
    if issubclass(handler, StaticFileHandler):
        arguments["path"] = str(STATIC_FOLDER)
    pattern = re.sub(r"\{\w+\}", "([^/]+)", template.removesuffix("/"))
    return URLSpec(f"{pattern}/?", handler, arguments)
