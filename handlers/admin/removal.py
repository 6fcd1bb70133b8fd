"""Delete an account."""

from handlers.admin.base import AdminHandler, administration
from handlers.openapi import operation
from notifier.errors import InvalidField, UnknownUser
from notifier.wire import parse_user_id


class UserRemovalHandler(AdminHandler):
    """One account, which goes."""

    @operation(
        administration(
            "Delete a user, with everything that was kept for them",
            success=204,
            errors={
                400: "The id is not a number, or it is that of whoever asks or of the last "
                "active superuser.",
                404: "There is no user with this id.",
            },
            ids={"user_id": "The id of an account."},
        )
    )
    async def delete(self, user_id: str) -> None:
        actor = await self.acting()
        number = parse_user_id(user_id)
        if number is None:
            raise UnknownUser
        user = await self.application.identity.accounts.get(number)
        if actor.name == f"user:{user.username}":
            raise InvalidField("user_id", "Only another superuser can do this to you.")
        await self.application.removal.remove(user.id, actor)
        self.set_status(204)
        self.finish()
