"""What users do about their own accounts, with their own access tokens."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation, operation
from notifier.errors import Unauthenticated
from notifier.identity.authentication import Holder
from notifier.identity.passwords import MAX_LENGTH, MIN_LENGTH

_ERRORS: Final[Mapping[int, str]] = {401: "Not signed in.", 503: "Try again later."}


def own(summary: str, *, errors: Mapping[int, str] | None = None, **documented: Any) -> Operation:
    """How the document describes a method that is for every user, about themselves."""
    return Operation(
        summary,
        "account",
        errors={**_ERRORS, **(errors or {})},
        security=("accessToken",),
        **documented,
    )


class AccountHandler(ApiHandler):
    """Every method begins with :meth:`holder`, which lets only users pass."""

    async def holder(self) -> Holder:
        """Whose access token came along. Raises Unauthenticated or TokenNotValid."""
        if self.bearer is None:
            raise Unauthenticated
        return await self.application.authentication.holder(self.bearer, "access")


class PasswordRequest(msgspec.Struct, frozen=True):
    """The present password and the one that replaces it."""

    password: str
    new_password: Annotated[
        str,
        msgspec.Meta(
            min_length=MIN_LENGTH,
            max_length=MAX_LENGTH,
            extra={"expected": f"a password of {MIN_LENGTH} to {MAX_LENGTH} characters"},
        ),
    ]


class PasswordHandler(AccountHandler):
    """One's own password."""

    @operation(
        own(
            "Change one's own password",
            request=PasswordRequest,
            success=204,
            errors={403: "Not the present password.", 429: "Too many guesses."},
        )
    )
    async def post(self) -> None:
        request = self.parse(PasswordRequest)
        holder = await self.holder()
        await self.application.authentication.change_password(
            holder, request.password, request.new_password, self.actor(holder.user)
        )
        self.done()
