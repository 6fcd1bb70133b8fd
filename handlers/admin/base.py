"""What the handlers for superusers share."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from handlers.base import ApiHandler
from handlers.openapi import Operation
from notifier import clock
from notifier.models import Actor, Online

Moment = Annotated[str, Meta(description="RFC 3339, UTC.")]

_ERRORS: Final[Mapping[int, str]] = {
    401: "Not signed in.",
    403: "Not a superuser.",
    503: "Try again later.",
}


def administration(
    summary: str, *, errors: Mapping[int, str] | None = None, **documented: Any
) -> Operation:
    """How the document describes a method that is for superusers."""
    return Operation(
        summary,
        "administration",
        errors={**_ERRORS, **(errors or {})},
        security=("accessToken",),
        **documented,
    )


class OnlineResponse(msgspec.Struct, frozen=True):
    """Connections of somebody, to all processes, and since when there is one."""

    sockets: int
    since: Moment

    @classmethod
    def of(cls, online: Online | None) -> "OnlineResponse | None":
        """``online`` as superusers see it."""
        return cls(online.sockets, clock.isoformat(online.since)) if online else None


class AdminHandler(ApiHandler):
    """Every method begins with :meth:`acting`, which lets only superusers pass."""

    async def acting(self) -> Actor:
        """The superuser who asks. Raises Unauthenticated and its kin, or PermissionDenied."""
        return self.actor(await self.require_superuser())
