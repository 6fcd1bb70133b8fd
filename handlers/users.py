"""Signing in: tokens for programs, and a cookie session for the page; tokens for back ends."""

from typing import Annotated, Final

import msgspec
from tornado.httputil import HTTPServerRequest

from handlers.base import ApiHandler
from handlers.openapi import Operation, operation
from notifier import clock
from notifier.errors import TokenNotValid, Unauthenticated, UnknownUser
from notifier.identity.authentication import TokenSet
from notifier.identity.tokens import Token
from notifier.models import User
from notifier.wire import parse_user_id

_BAD_CREDENTIALS: Final = {401: "Not valid.", 503: "Try again later."}
_NO_ACCOUNTS: Final = {403: "Nobody signs in here: the users are an application's."}
_REFRESH_ERRORS: Final = _BAD_CREDENTIALS | _NO_ACCOUNTS
_SIGN_IN_ERRORS: Final = _REFRESH_ERRORS | {429: "Too many wrong passwords from this address."}


class SignInRequest(msgspec.Struct, frozen=True):
    """A name and a password."""

    username: str
    password: str


class RefreshRequest(msgspec.Struct, frozen=True):
    """A refresh token."""

    refresh: str


class VerifyRequest(msgspec.Struct, frozen=True):
    """A token of any type."""

    token: str


class SignInResponse(msgspec.Struct, frozen=True):
    """``identity`` opens WebSockets, ``access`` the API, ``refresh`` brings new ones."""

    access: str
    refresh: str
    identity: str


class RefreshResponse(msgspec.Struct, frozen=True):
    """New tokens."""

    access: str
    identity: str


class VerifyResponse(msgspec.Struct, frozen=True):
    """Nothing: the token is valid."""


class UserResponse(msgspec.Struct, frozen=True):
    """Who is signed in."""

    id: int
    username: str
    is_superuser: bool

    @classmethod
    def of(cls, user: User) -> "UserResponse":
        """What others may know of ``user``."""
        return cls(user.id, user.username, user.is_superuser)


class IdentityResponse(msgspec.Struct, frozen=True):
    """A token that opens the user's WebSocket."""

    identity: str
    expires_at: Annotated[str, msgspec.Meta(description="When it ends: RFC 3339, UTC.")]


class MeResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a token names: ``user_id`` of an account, or ``user`` of your application."""

    expires_at: Annotated[str, msgspec.Meta(description="When it ends: RFC 3339, UTC.")]
    user_id: int | msgspec.UnsetType = msgspec.UNSET
    user: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, token: Token) -> "MeResponse":
        """What its holder may know of ``token``. A recipient's number stays here."""
        expires_at = clock.isoformat(token.expires_at)
        if token.user is None:
            return cls(expires_at, user_id=token.user_id)
        return cls(expires_at, user=token.user)


class SessionResponse(msgspec.Struct, frozen=True):
    """Tokens for the page; the refresh token is in a cookie that scripts cannot read."""

    access: str
    identity: str
    user: UserResponse


class EmptyRequest(msgspec.Struct, frozen=True):
    """An empty object: the cookie says everything."""


async def _sign_in(handler: ApiHandler) -> TokenSet:
    """Tokens for the name and the password in the body."""
    request = handler.parse(SignInRequest)
    address = handler.request.remote_ip or ""
    return await handler.application.authentication.sign_in(
        request.username, request.password, address
    )


class TokenHandler(ApiHandler):
    """Tokens for a name and a password."""

    @operation(Operation("Sign in", "users", SignInRequest, SignInResponse, errors=_SIGN_IN_ERRORS))
    async def post(self) -> None:
        tokens = await _sign_in(self)
        self.reply(SignInResponse(tokens.access, tokens.refresh, tokens.identity))


class RefreshHandler(ApiHandler):
    """New tokens for a refresh token."""

    @operation(
        Operation(
            "Get new tokens", "users", RefreshRequest, RefreshResponse, errors=_REFRESH_ERRORS
        )
    )
    async def post(self) -> None:
        tokens = await self.application.authentication.refresh(self.parse(RefreshRequest).refresh)
        self.reply(RefreshResponse(tokens.access, tokens.identity))


class VerifyHandler(ApiHandler):
    """Whether a token is valid."""

    @operation(
        Operation("Check a token", "users", VerifyRequest, VerifyResponse, errors=_BAD_CREDENTIALS)
    )
    async def post(self) -> None:
        await self.application.authentication.verify(self.parse(VerifyRequest).token)
        self.reply(VerifyResponse())


class IsAuthenticatedHandler(ApiHandler):
    """Whether the access token of this request is valid, and whose it is."""

    @operation(
        Operation(
            "Who am I?",
            "users",
            response=UserResponse,
            errors={401: "Not signed in."},
            security=("accessToken",),
        )
    )
    async def get(self) -> None:
        self.reply(UserResponse.of(await self.require_user()))


class MeHandler(ApiHandler):
    """Whose token this request brings."""

    @operation(
        Operation(
            "Whose token is this?",
            "users",
            response=MeResponse,
            errors={
                401: "Bring an access or identity token, yours or your application's.",
                503: "Try again later.",
            },
            security=("accessToken",),
        )
    )
    async def get(self) -> None:
        if self.bearer is None:
            raise Unauthenticated
        token = await self.application.authentication.verify(self.bearer)
        if token.token_type == "refresh":  # noqa: S105 - a kind of token
            raise TokenNotValid("The token has the wrong type.")
        self.reply(MeResponse.of(token))


class IdentityHandler(ApiHandler):
    """Identity tokens of any user, for back ends that know who is signed in with them."""

    @operation(
        Operation(
            "Get a user's identity token",
            "users",
            response=IdentityResponse,
            errors={
                400: "The id is not a number.",
                401: "Bring an API key or a superuser's access token.",
                403: "The API key lacks the scope `identity`, or the access token is no "
                "superuser's.",
                404: "There is no active user with this id.",
                503: "Try again later.",
            },
            security=("apiKey", "accessToken"),
            ids={"user_id": "Whose token it will be."},
        )
    )
    async def post(self, user_id: str) -> None:
        await self.application.senders.authorize_identities(self.credentials)
        whose = parse_user_id(user_id)
        if whose is None:
            raise UnknownUser
        identity, token = await self.application.authentication.identity_of(whose)
        self.reply(IdentityResponse(identity, clock.isoformat(token.expires_at)))


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


class _SessionCookie(ApiHandler):
    """The page's refresh token. Its path keeps it from every other request."""

    NAME: Final = "notifier_session"
    PATH: Final = "/api/users/session/"

    def remember(self, tokens: TokenSet) -> None:
        """Answer with the tokens, and keep the refresh token in the cookie."""
        self.set_cookie(
            self.NAME,
            tokens.refresh,
            path=self.PATH,
            max_age=self.application.options.refresh_seconds,
            httponly=True,
            secure=_came_by_tls(self.request),
            samesite="Strict",
        )
        self.reply(SessionResponse(tokens.access, tokens.identity, UserResponse.of(tokens.user)))

    def forget(self) -> None:
        """Answer with nothing, and remove the cookie."""
        self.clear_cookie(self.NAME, path=self.PATH, samesite="Strict")
        self.set_status(204)
        self.finish()


class SessionHandler(_SessionCookie):
    """Begin and end the page's session."""

    async def post(self) -> None:
        self.remember(await _sign_in(self))

    async def delete(self) -> None:
        """Sign out on this device: its cookie is forgotten. No token ends by that."""
        self.forget()


class SessionEverywhereHandler(_SessionCookie):
    """End every session of the user whom the cookie names."""

    async def delete(self) -> None:
        """Sign out everywhere: all tokens of the user end, and all connections."""
        identity = self.application.identity
        try:
            user = await identity.authentication.user_of(
                self.get_cookie(self.NAME, "") or "", "refresh"
            )
        except TokenNotValid:
            pass  # over already
        else:
            await identity.accounts.sign_out_everywhere(user.id)
        self.forget()


class SessionRefreshHandler(_SessionCookie):
    """New tokens for the page. Only JSON is accepted, which no foreign page can post."""

    async def post(self) -> None:
        self.parse(EmptyRequest)
        self.application.authentication.require_accounts()
        cookie = self.get_cookie(self.NAME)
        if not cookie:
            raise TokenNotValid("There is no session.")
        self.remember(await self.application.authentication.refresh(cookie))
