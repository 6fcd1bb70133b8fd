"""Whose inbox a request is about, and what pages of other origins are told that ask first."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation
from notifier.errors import Unauthenticated
from notifier.identity.tokens import Token
from notifier.wire import NamedInAddress, parse_user_id

_ERRORS: Final[Mapping[int, str]] = {
    401: "Bring an access or identity token of whoever's inbox it is, an API key, or a "
    "superuser's access token.",
    403: "The API key lacks the scope `inbox` or is for other users, or the token is of somebody "
    "else who is no superuser.",
    404: "There is no such user.",
    503: "Try again later.",
}

_PREFLIGHT: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key",
    "Access-Control-Max-Age": "7200",
}


def inbox_operation(
    summary: str, *, errors: Mapping[int, str] | None = None, **documented: Any
) -> Operation:
    """How the document describes a method of an inbox."""
    return Operation(
        summary,
        "inbox",
        errors={**_ERRORS, **(errors or {})},
        security=("accessToken", "apiKey"),
        names_nobody=True,
        **documented,
    )


class WhoseQuery(NamedInAddress, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose inbox it is: by default that of whoever's token came along."""


class InboxHandler(ApiHandler):
    """Every method begins with :meth:`whose`, which lets only those pass who may."""

    def options(self, *_: str) -> None:
        """What browsers ask before they let a page of another origin send its token."""
        for name, value in _PREFLIGHT.items():
            self.set_header(name, value)
        self.done()

    async def whose(self, query: WhoseQuery) -> int:
        """The user, or the number of the recipient, whose inbox this is about.

        Raises Unauthenticated and its kin, PermissionDenied, InvalidField, UnknownUser or
        Unavailable.
        """
        own = await self._own()
        if query.user_id is UNSET and query.user is UNSET:
            if own is None:
                raise Unauthenticated
            return own.user_id
        return await self._named(query, own)

    async def _own(self) -> Token | None:
        """Whose token came along; None for a key, or nothing."""
        return await self.require_token() if self.credentials.is_token else None

    async def _named(self, query: WhoseQuery, own: Token | None) -> int:
        if own is not None and self._is(query, own):
            return own.user_id
        authority = await self.application.senders.authorize_for(self.credentials, "inbox")
        return await self.number_of(query, authority)

    def _is(self, query: WhoseQuery, own: Token) -> bool:
        if own.user is not None:
            return query.user == own.user and query.user_id is UNSET
        named = query.user_id is not UNSET and parse_user_id(query.user_id) == own.user_id
        return named and query.user is UNSET
