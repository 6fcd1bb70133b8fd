"""Accounts: find, make and change them, and end their sessions."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from handlers.admin.base import AdminHandler, OnlineResponse, PageQuery, Pending, administration
from handlers.openapi.operation import operation
from handlers.sessions import SessionResponse, SessionsResponse
from notifier import clock
from notifier.errors import InvalidField, UnknownUser
from notifier.identity.passwords import MAX_LENGTH, MIN_LENGTH
from notifier.models import Online, User
from notifier.wire import Moment, Username, parse_user_id

Password = Annotated[
    str,
    Meta(
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        extra={"expected": f"{MIN_LENGTH} to {MAX_LENGTH} characters"},
    ),
]


class UsersQuery(PageQuery, frozen=True):
    """Which users."""

    search: Annotated[str, Meta(description="The beginning of a name, in any case.")] = ""


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account to be made."""

    username: Username
    password: Password
    is_superuser: bool = False


class UserChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed. A new password ends all sessions, and so does deactivating."""

    username: Username | None = None
    is_active: bool | None = None
    is_superuser: bool | None = None
    password: Password | None = None


class AdminUser(msgspec.Struct, frozen=True):
    """An account as superusers see it."""

    id: int
    username: str
    is_active: bool
    is_superuser: bool
    created_at: Moment
    online: OnlineResponse | None
    pending: Pending

    @classmethod
    def of(cls, user: User, online: Online | None, pending: int) -> "AdminUser":
        """``user``, who has so many pending notifications."""
        return cls(
            user.id,
            user.username,
            user.is_active,
            user.is_superuser,
            clock.isoformat(user.created_at),
            OnlineResponse.of(online),
            pending,
        )


class UsersResponse(msgspec.Struct, frozen=True):
    """Users in the order of their names."""

    users: Sequence[AdminUser]
    next: str | None


_NO_SUCH_USER: Final = "There is no user with this id."
_REFUSED_CHANGE: Final = "Not valid, or superusers would take their own rights."
_TAKEN: Final = "Somebody else has this name."
_BUSY: Final = "Too many passwords are being hashed."
_WHO: Final = {"user_id": "The id of an account."}


class _UsersHandler(AdminHandler):
    """What all of these say of users."""

    async def described(self, users: Sequence[User]) -> list[AdminUser]:
        """``users`` with what is going on with them."""
        online, pending = await self.going_on([user.id for user in users])
        return [AdminUser.of(user, online.get(user.id), pending[user.id]) for user in users]

    async def describe(self, user: User) -> None:
        """Answer with ``user``."""
        (described,) = await self.described([user])
        self.reply(described)


class UsersHandler(_UsersHandler):
    """All accounts."""

    @operation(
        administration(
            "List users",
            query=UsersQuery,
            response=UsersResponse,
            errors={400: "A parameter is not valid."},
        )
    )
    async def get(self) -> None:
        await self.acting()
        query = self.parse_query(UsersQuery)
        users, end = await self.application.identity.accounts.page(
            query.search, query.after or None, query.limit
        )
        self.reply(UsersResponse(await self.described(users), end))

    @operation(
        administration(
            "Make a user",
            request=NewUser,
            response=AdminUser,
            success=201,
            errors={409: _TAKEN, 429: _BUSY},
        )
    )
    async def post(self) -> None:
        by = await self.acting()
        new = self.parse(NewUser)
        user = await self.application.identity.accounts.create_user(
            new.username, new.password, is_superuser=new.is_superuser, by=by
        )
        self.set_status(201)
        await self.describe(user)


class UserHandler(_UsersHandler):
    """One account."""

    @operation(
        administration(
            "Get a user",
            response=AdminUser,
            errors={400: "The id is not a number.", 404: _NO_SUCH_USER},
            ids=_WHO,
        )
    )
    async def get(self, user_id: str) -> None:
        await self.acting()
        await self.describe(await self.application.identity.accounts.get(_number(user_id)))

    @operation(
        administration(
            "Rename, promote, demote, activate or deactivate a user, or set a password",
            request=UserChanges,
            response=AdminUser,
            errors={400: _REFUSED_CHANGE, 404: _NO_SUCH_USER, 409: _TAKEN, 429: _BUSY},
            ids=_WHO,
        )
    )
    async def patch(self, user_id: str) -> None:
        by = await self.acting()
        changes = msgspec.structs.asdict(self.parse(UserChanges))
        accounts = self.application.identity.accounts
        await self.describe(await accounts.edit(_number(user_id), **changes, by=by))

    @operation(
        administration(
            "Delete a user, with everything that was kept for them",
            success=204,
            errors={400: "The id is not a number, or one's own.", 404: _NO_SUCH_USER},
            ids=_WHO,
        )
    )
    async def delete(self, user_id: str) -> None:
        by = await self.acting()
        user = await self.application.identity.accounts.get(_number(user_id))
        if user.actor == by.name:
            raise InvalidField("user_id", "Only another superuser can do this to you.")
        await self.application.removal.remove(user.id, by)
        self.done()


class UserSessionsHandler(AdminHandler):
    """Where somebody is signed in."""

    @operation(
        administration(
            "List the sessions of a user",
            response=SessionsResponse,
            errors={400: "The id is not a number.", 404: _NO_SUCH_USER},
            ids=_WHO,
        )
    )
    async def get(self, user_id: str) -> None:
        await self.acting()
        identity = self.application.identity
        user = await identity.accounts.get(_number(user_id))
        sessions = await identity.sessions.of(user.id)
        self.reply(SessionsResponse([SessionResponse.of(each, None) for each in sessions]))

    @operation(
        administration(
            "End all sessions, tokens and connections of a user",
            success=204,
            errors={400: "The id is not a number.", 404: _NO_SUCH_USER},
            ids=_WHO,
        )
    )
    async def delete(self, user_id: str) -> None:
        by = await self.acting()
        await self.application.identity.accounts.sign_out_everywhere(_number(user_id), by)
        self.done()


def _number(user_id: str) -> int:
    """The id in a path. Raises InvalidField or UnknownUser."""
    number = parse_user_id(user_id)
    if number is None:
        raise UnknownUser(_NO_SUCH_USER)
    return number
