"""The one route table. Every path works with and without its trailing slash."""

import re
from functools import cache, partial
from typing import Any, Final

from tornado.routing import URLSpec
from tornado.web import RequestHandler

from handlers import headers
from handlers.account import PasswordHandler
from handlers.admin.audit import AuditHandler
from handlers.admin.history import UserHistoryHandler
from handlers.admin.keys import KeyHandler, KeyRotationHandler, KeysHandler
from handlers.admin.recipients import (
    RecipientHandler,
    RecipientHistoryHandler,
    RecipientsHandler,
)
from handlers.admin.users import UserHandler, UserSessionsHandler, UsersHandler
from handlers.assets import Asset, installed
from handlers.base import NotFoundHandler
from handlers.inbox.looking import ChangesHandler, CountHandler, InboxPageHandler
from handlers.inbox.marking import (
    ArchiveHandler,
    ReadHandler,
    SeenHandler,
    SnoozeHandler,
    UnarchiveHandler,
    UndoHandler,
    UnreadHandler,
)
from handlers.metrics import MetricsHandler
from handlers.notifications import (
    BatchHandler,
    NotificationsHandler,
    ReceiptHandler,
    SendHandler,
)
from handlers.pages import AssetHandler, MadeAssetHandler, RootHandler, StaticHandler
from handlers.sessions import (
    OneSessionHandler,
    SessionEverywhereHandler,
    SessionHandler,
    SessionRefreshHandler,
    SessionsHandler,
)
from handlers.status import LiveHandler, ReadyHandler, StatsHandler
from handlers.users import (
    AnyIdentityHandler,
    IdentityHandler,
    IsAuthenticatedHandler,
    MeHandler,
    RefreshHandler,
    RevokeHandler,
    TokenHandler,
    VerifyHandler,
)
from handlers.websocket.socket import FeedSocketHandler
from notifier.models import WhoseUsers
from notifier.wire import encode

PATHS: Final[tuple[tuple[str, type[RequestHandler]], ...]] = (
    ("/api/notifications/send/", SendHandler),  # first, because it is looked up most
    ("/ws/notifications/{user_id}/", FeedSocketHandler),
    ("/api/notifications/send/batch/", BatchHandler),
    ("/api/users/token/", TokenHandler),
    ("/api/users/token/refresh/", RefreshHandler),
    ("/api/users/token/verify/", VerifyHandler),
    ("/api/users/is-authenticated/", IsAuthenticatedHandler),
    ("/api/users/me/", MeHandler),
    ("/api/users/session/", SessionHandler),
    ("/api/users/session/refresh/", SessionRefreshHandler),
    ("/api/users/session/everywhere/", SessionEverywhereHandler),
    ("/api/users/identity/", AnyIdentityHandler),
    ("/api/users/revoke/", RevokeHandler),
    ("/api/users/sessions/", SessionsHandler),
    ("/api/users/sessions/{session_id}/", OneSessionHandler),
    ("/api/users/password/", PasswordHandler),
    ("/api/users/{user_id}/identity/", IdentityHandler),
    ("/api/admin/users/", UsersHandler),
    ("/api/admin/users/{user_id}/", UserHandler),
    ("/api/admin/users/{user_id}/sessions/", UserSessionsHandler),
    ("/api/admin/audit/", AuditHandler),
    ("/api/admin/keys/", KeysHandler),
    ("/api/admin/keys/{key_id}/", KeyHandler),
    ("/api/admin/keys/{key_id}/rotate/", KeyRotationHandler),
    ("/api/admin/users/{user_id}/notifications/", UserHistoryHandler),
    ("/api/admin/recipients/", RecipientsHandler),
    ("/api/admin/recipients/{user}/", RecipientHandler),
    ("/api/admin/recipients/{user}/notifications/", RecipientHistoryHandler),
    ("/api/notifications/receipt/", ReceiptHandler),
    ("/api/inbox/", InboxPageHandler),
    ("/api/inbox/count/", CountHandler),
    ("/api/inbox/changes/", ChangesHandler),
    ("/api/inbox/read/", ReadHandler),
    ("/api/inbox/unread/", UnreadHandler),
    ("/api/inbox/seen/", SeenHandler),
    ("/api/inbox/archive/", ArchiveHandler),
    ("/api/inbox/unarchive/", UnarchiveHandler),
    ("/api/inbox/snooze/", SnoozeHandler),
    ("/api/inbox/undo/", UndoHandler),
    ("/api/stats/", StatsHandler),
    ("/metrics/", MetricsHandler),
    ("/healthz/live/", LiveHandler),
    ("/healthz/ready/", ReadyHandler),
)

DOCUMENTED: Final[tuple[tuple[str, type[RequestHandler]], ...]] = (
    *PATHS,
    ("/api/notifications/", NotificationsHandler),
)


def routes(users: WhoseUsers = "accounts") -> list[URLSpec]:
    """All routes of the application, with a document of how it takes these ``users``."""
    assets = installed()
    page, docs = assets.pages["index.html"], assets.pages["docs.html"]
    revalidated = {"Cache-Control": headers.REVALIDATED}
    return [
        *(_route(template, handler) for template, handler in PATHS),
        _route("/api/notifications/", NotificationsHandler, asset=page, on_top=headers.PAGE),
        _route("/api/docs/", AssetHandler, asset=docs, on_top=headers.DOCS),
        _route("/api/schema/", MadeAssetHandler, make=partial(schema, users), on_top=revalidated),
        URLSpec(r"/", RootHandler),
        URLSpec(r"/static/((?:v/[^/]*/)?)(.*)", StaticHandler, {"assets": assets}),
        URLSpec(r".*", NotFoundHandler),
    ]


@cache
def schema(users: WhoseUsers) -> Asset:
    """The OpenAPI document, made at its first use: a third of all that a start would take."""
    from handlers.openapi.document import build  # noqa: PLC0415 - and what it is made with

    return Asset(encode(build(DOCUMENTED, users)), headers.ALWAYS["Content-Type"])


def _route(template: str, handler: type[RequestHandler], **arguments: Any) -> URLSpec:
    pattern = re.sub(r"\{\w+\}", "([^/]+)", template.removesuffix("/"))
    return URLSpec(f"{pattern}/?", handler, arguments)
