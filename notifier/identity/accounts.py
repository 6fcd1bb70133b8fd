"""The administration of accounts: users with a name and a password."""

import re
from collections.abc import Sequence
from typing import Final

from notifier.errors import InvalidField, UnknownUser
from notifier.identity.cursors import cursor_of, place_at
from notifier.identity.passwords import Passwords, check_password
from notifier.models import THE_SERVER, Actor, User
from notifier.storage.operations.users import (
    CreateUser,
    EditUser,
    EndSessions,
    FindUsers,
    SetActive,
    SetPassword,
    UserById,
    UserByName,
    Users,
)
from notifier.storage.store import Store
from notifier.wire import USERNAME

_USERNAME: Final = re.compile(USERNAME)


class Accounts:
    """All users who may have a password here. What changes one says on whose behalf: ``by``."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def create_user(
        self, username: str, password: str, *, is_superuser: bool, by: Actor
    ) -> User:
        """A new user. Raises InvalidField or UsernameTaken."""
        user = await self._create_user(username, password, is_superuser=is_superuser, by=by)
        assert user is not None
        return user

    async def create_first_superuser(self, username: str, password: str) -> User | None:
        """None if there was a superuser before. Raises InvalidField or UsernameTaken."""
        return await self._create_user(
            username, password, is_superuser=True, only_as_first=True, by=THE_SERVER
        )

    async def _create_user(
        self,
        username: str,
        password: str,
        *,
        is_superuser: bool,
        only_as_first: bool = False,
        by: Actor,
    ) -> User | None:
        _check_username(username)
        check_password(password)
        return await self._store.submit(
            CreateUser(
                username,
                await self._passwords.hash(password),
                is_superuser=is_superuser,
                only_as_first=only_as_first,
                by=by,
            )
        )

    async def edit(
        self,
        user_id: int,
        *,
        username: str | None = None,
        password: str | None = None,
        is_active: bool | None = None,
        is_superuser: bool | None = None,
        by: Actor,
    ) -> User:
        """Change what is given, all or nothing; returns the user as they are then.

        A new password and deactivating end every token and connection. Raises InvalidFields (also
        where superusers take their own rights), UsernameTaken or UnknownUser.
        """
        if username is not None:
            _check_username(username)
        if password is not None:
            check_password(password)
        await self.get(user_id)  # spares the hash where there is nobody
        password_hash = None if password is None else await self._passwords.hash(password)
        return await self._store.submit(
            EditUser(user_id, username, password_hash, is_active, is_superuser, by)
        )

    async def change_password(self, username: str, password: str, by: Actor) -> User:
        """Also ends every token and connection. Raises InvalidField or UnknownUser."""
        check_password(password)
        user = await self.find(username)
        await self._store.submit(SetPassword(user.id, await self._passwords.hash(password), by))
        return user

    async def set_active(self, username: str, is_active: bool, by: Actor) -> User:
        """Deactivating ends every token and connection. Raises UnknownUser."""
        user = await self.find(username)
        await self._store.submit(SetActive(user.id, is_active, by))
        return user

    async def sign_out_everywhere(self, user_id: int, by: Actor) -> None:
        """End every token and connection of the user. Raises UnknownUser."""
        await self._store.submit(EndSessions(user_id, by))

    async def get(self, user_id: int) -> User:
        """The user with this id, deactivated or not. Raises UnknownUser."""
        user = await self._store.read(UserById(user_id))
        if user is None:
            raise UnknownUser(f"There is no user with the id {user_id}.")
        return user

    async def page(
        self, beginning: str, after: str | None, limit: int
    ) -> tuple[Sequence[User], str | None]:
        """Users in the order of their names, in any case, that begin like this; and a cursor.

        With the cursor as ``after`` they go on; it is None behind the last one.
        """
        found = await self._store.read(FindUsers(beginning, place_at(after), limit))
        return found.found, cursor_of(found.next)

    async def revoke(self, user_id: int, by: Actor) -> None:
        """End every session, token and connection of the user. Raises UnknownUser."""
        await self._store.submit(EndSessions(user_id, by, revoked=True))

    async def find(self, username: str) -> User:
        """The user of this name. Raises UnknownUser."""
        user = await self.named(username)
        if user is None:
            raise UnknownUser(f"There is no user named {username!r}.")
        return user

    async def named(self, username: str) -> User | None:
        """The user of this name, if any, whatever text it is."""
        if not _USERNAME.fullmatch(username):
            return None  # not every text can be given to a database
        return await self._store.read(UserByName(username))

    async def has_password(self, user: User, password: str) -> bool:
        """Whether this is the user's password."""
        return await self._passwords.verify(user.password_hash, password)

    async def users(self) -> list[User]:
        """All users, by id."""
        return await self._store.read(Users())

    async def superusers(self) -> list[User]:
        """All superusers, deactivated ones too, by id."""
        return await self._store.read(Users(superusers_only=True))


def _check_username(username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise InvalidField("username", "A name has 1 to 150 letters, digits, or any of . @ + - _")
