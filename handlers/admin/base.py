"""What the handlers for superusers share."""

from collections.abc import Mapping
from typing import Any, Final

from handlers.base import ApiHandler
from handlers.openapi import Operation
from notifier.models import Actor

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


class AdminHandler(ApiHandler):
    """Every method begins with :meth:`acting`, which lets only superusers pass."""

    async def acting(self) -> Actor:
        """The superuser who asks. Raises Unauthenticated and its kin, or PermissionDenied."""
        return self.actor(await self.require_superuser())
