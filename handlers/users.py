"""Signing in of programs: tokens for a name and a password; tokens for back ends."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation, operation
from notifier import clock
from notifier.errors import UnknownUser
from notifier.identity.tokens import Token
from notifier.models import Actor, Scope, User
from notifier.sending.authority import may_name
from notifier.wire import ForSomebody, parse_user_id

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


class TokenHandler(ApiHandler):
    """Tokens for a name and a password."""

    @operation(Operation("Sign in", "users", SignInRequest, SignInResponse, errors=_SIGN_IN_ERRORS))
    async def post(self) -> None:
        request = self.parse(SignInRequest)
        tokens = await self.application.authentication.sign_in(
            request.username, request.password, self.request.remote_ip or ""
        )
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
        self.reply(MeResponse.of(await self.require_token()))


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
                403: "The API key lacks the scope `identity` or is for other users, or the "
                "access token is no superuser's.",
                404: "There is no active user with this id.",
                503: "Try again later.",
            },
            security=("apiKey", "accessToken"),
            ids={"user_id": "Whose token it will be."},
        )
    )
    async def post(self, user_id: str) -> None:
        authority = await self.application.senders.authorize_for(self.credentials, "identity")
        may_name(authority, None)
        whose = parse_user_id(user_id)
        if whose is None:
            raise UnknownUser
        identity, token = await self.application.authentication.identity_of(whose)
        self.reply(IdentityResponse(identity, clock.isoformat(token.expires_at)))


class UserRequest(ForSomebody, frozen=True, forbid_unknown_fields=True):
    """Whom it is about."""


_FOR_SOMEBODY: Final = {
    401: "Bring an API key or a superuser's access token.",
    404: "There is no active user with this id.",
    503: "Try again later.",
}


class _SomebodyHandler(ApiHandler):
    """What programs with a key do for one user."""

    async def whose(self, scope: Scope) -> tuple[Actor, int | str]:
        """Who asks, and whom it is about: an id or a name, which they may do this to.

        Raises Unauthenticated and its kin, PermissionDenied, UnknownUser, and what
        :meth:`parse` does.
        """
        authority = await self.application.senders.authorize_for(self.credentials, scope)
        request = self.parse(UserRequest)
        if request.user is not UNSET:
            may_name(authority, request.user)
            return authority.actor, request.user
        may_name(authority, None)
        assert request.user_id is not UNSET, "or parse() would have refused it"
        user_id = parse_user_id(request.user_id)
        if user_id is None:
            raise UnknownUser
        return authority.actor, user_id


class AnyIdentityHandler(_SomebodyHandler):
    """Identity tokens of whomever the body names."""

    @operation(
        Operation(
            "Get the identity token of whomever the body names",
            "users",
            UserRequest,
            IdentityResponse,
            errors=_FOR_SOMEBODY
            | {
                403: "The API key lacks the scope `identity` or is for other users, or the "
                "access token is no superuser's.",
            },
            security=("apiKey", "accessToken"),
            example={"user_id": 1},
        )
    )
    async def post(self) -> None:
        _, whose = await self.whose("identity")
        authentication = self.application.authentication
        if isinstance(whose, str):
            identity, expires_at = await authentication.identity_named(whose)
        else:
            identity, token = await authentication.identity_of(whose)
            expires_at = token.expires_at
        self.reply(IdentityResponse(identity, clock.isoformat(expires_at)))


class RevokeHandler(_SomebodyHandler):
    """The end of somebody's tokens and connections."""

    @operation(
        Operation(
            "End all tokens, sessions and connections of a user, everywhere",
            "users",
            UserRequest,
            success=204,
            errors=_FOR_SOMEBODY
            | {
                403: "The API key lacks the scope `revoke` or is for other users, or the "
                "access token is no superuser's.",
            },
            security=("apiKey", "accessToken"),
        )
    )
    async def post(self) -> None:
        actor, whose = await self.whose("revoke")
        identity = self.application.identity
        if isinstance(whose, str):
            await identity.recipients.revoke(whose, actor)
        else:
            await identity.accounts.revoke(whose, actor)
        self.done()
