"""The page's session, which a cookie stands for; and all sessions of a user, as a list."""

from typing import Final

import msgspec
from tornado.httputil import HTTPServerRequest

from handlers.account import AccountHandler, own
from handlers.base import ApiHandler
from handlers.openapi.operation import operation
from handlers.users import SignInRequest, UserResponse
from notifier import clock
from notifier.errors import TokenNotValid, UnknownSession
from notifier.identity.sessions import Browser, SignedIn
from notifier.models import Session
from notifier.wire import parse_id


class SignedInResponse(msgspec.Struct, frozen=True):
    """Tokens for the page; what brings new ones is in a cookie that scripts cannot read."""

    access: str
    identity: str
    user: UserResponse


class EmptyRequest(msgspec.Struct, frozen=True):
    """An empty object: the cookie says everything."""


class SessionResponse(msgspec.Struct, frozen=True):
    """A browser in which the user has signed in."""

    id: int
    created_at: str
    used_at: str
    expires_at: str
    address: str
    user_agent: str
    current: bool

    @classmethod
    def of(cls, session: Session, current: int | None) -> "SessionResponse":
        """What its user may know of ``session``; ``current`` is the one that asks."""
        return cls(
            session.id,
            clock.isoformat(session.created_at),
            clock.isoformat(session.used_at),
            clock.isoformat(session.expires_at),
            session.address,
            session.user_agent,
            session.id == current,
        )


class SessionsResponse(msgspec.Struct, frozen=True):
    """Those that have not ended, the one that was used last first."""

    sessions: list[SessionResponse]


def _came_by_tls(request: HTTPServerRequest) -> bool:
    """Whether anything says that the browser spoke TLS, up to whatever proxy.

    Nobody has to be trusted for that: who says so wrongly loses their own cookie, because a
    browser keeps no `Secure` one of a plain connection, while one that lacks it can be read
    on the next plain request. The page's browser says it itself, by its origin.
    """
    headers = request.headers
    return (
        request.protocol == "https"
        or headers.get("Origin", "").startswith("https:")
        or "https" in headers.get("X-Forwarded-Proto", "").lower()
        or "proto=https" in headers.get("Forwarded", "").lower().replace('"', "")
    )


class _CookieHandler(ApiHandler):
    """The cookie of the page's session. Its path keeps it from every other request."""

    NAME: Final = "notifier_session"
    PATH: Final = "/api/users/session/"

    @property
    def cookie(self) -> str:
        """What the browser holds; empty where it is nothing."""
        return self.get_cookie(self.NAME) or ""

    @property
    def browser(self) -> Browser:
        """Which browser it is."""
        return Browser.of(self.request.remote_ip or "", self.header_text("User-Agent") or "")

    def remember(self, signed_in: SignedIn) -> None:
        """Answer with the tokens, and have the browser keep the cookie."""
        self.set_cookie(
            self.NAME,
            signed_in.cookie,
            path=self.PATH,
            max_age=signed_in.seconds,
            httponly=True,
            secure=_came_by_tls(self.request),
            samesite="Strict",
        )
        user = UserResponse.of(signed_in.user)
        self.reply(SignedInResponse(signed_in.access, signed_in.identity, user))

    async def sign_out(self, *, everywhere: bool) -> None:
        """End what the cookie stands for, and remove it."""
        await self.application.identity.sessions.sign_out(
            self.cookie, self.request.remote_ip or "", everywhere=everywhere
        )
        self.clear_cookie(self.NAME, path=self.PATH, samesite="Strict")
        self.done()


class SessionHandler(_CookieHandler):
    """Begin and end the page's session."""

    async def post(self) -> None:
        request = self.parse(SignInRequest)
        self.remember(
            await self.application.identity.sessions.begin(
                request.username, request.password, self.browser, self.cookie
            )
        )

    async def delete(self) -> None:
        """Sign out on this device: its session ends, with its tokens and connections."""
        await self.sign_out(everywhere=False)


class SessionEverywhereHandler(_CookieHandler):
    """End every session of the user whom the cookie names."""

    async def delete(self) -> None:
        """Sign out everywhere: all sessions and tokens of the user end, and all connections."""
        await self.sign_out(everywhere=True)


class SessionRefreshHandler(_CookieHandler):
    """New tokens for the page. Only JSON is accepted, which no foreign page can post."""

    async def post(self) -> None:
        self.parse(EmptyRequest)
        self.application.authentication.require_accounts()
        if not self.cookie:
            raise TokenNotValid("There is no session.")
        self.remember(await self.application.identity.sessions.renew(self.cookie, self.browser))


def _parse_id(text: str) -> int:
    """The id of a session. Raises UnknownSession for what none can have."""
    found = parse_id(text)
    if found is None:
        raise UnknownSession
    return found


class SessionsHandler(AccountHandler):
    """Where one is signed in."""

    @operation(own("List one's own sessions", response=SessionsResponse))
    async def get(self) -> None:
        holder = await self.holder()
        sessions = await self.application.identity.sessions.of(holder.user.id)
        self.reply(
            SessionsResponse([SessionResponse.of(each, holder.session) for each in sessions])
        )


class OneSessionHandler(AccountHandler):
    """One of the places where one is signed in."""

    @operation(
        own(
            "End one of one's own sessions",
            success=204,
            ids={"session_id": "Which one."},
            errors={404: "You have no session with this id."},
        )
    )
    async def delete(self, session_id: str) -> None:
        holder = await self.holder()
        await self.application.identity.sessions.end(
            holder.user.id, _parse_id(session_id), self.actor(holder.user)
        )
        self.done()
