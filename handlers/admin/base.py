"""What the handlers for superusers share."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation
from notifier import clock
from notifier.identity.cursors import CURSOR
from notifier.models import Actor, Online
from notifier.wire import Moment

Limit = Annotated[int, Meta(ge=1, le=100)]
Pending = Annotated[int, Meta(description="Notifications that wait; at most 1,000 count.")]

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


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list by name."""

    after: (
        Annotated[str, Meta(pattern=CURSOR.pattern, description="`next` of the page before.")]
        | UnsetType
    ) = UNSET
    limit: Limit = 50


class AdminHandler(ApiHandler):
    """Every method begins with :meth:`acting`, which lets only superusers pass."""

    async def acting(self) -> Actor:
        """The superuser who asks. Raises Unauthenticated and its kin, or PermissionDenied."""
        return self.actor(await self.require_superuser())

    async def going_on(self, numbers: Sequence[int]) -> tuple[Mapping[int, Online], dict[int, int]]:
        """Who of these users and recipients is online, and how much waits for each of them."""
        return await asyncio.gather(
            self.application.presence.online(numbers),
            self.application.notifications.pending_counts(numbers),
        )
