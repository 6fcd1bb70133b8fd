"""The administration of accounts: users with a name and a password."""

import re
from typing import Final

from notifier.errors import InvalidField, UnknownUser
from notifier.identity.passwords import Passwords, check_password
from notifier.models import Actor, User
from notifier.storage.operations.users import (
    CreateUser,
    EndSessions,
    RevokeUser,
    SetActive,
    SetPassword,
    UserById,
    UserByName,
    Users,
)
from notifier.storage.store import Store

_USERNAME: Final = re.compile(r"[\w.@+-]{1,150}")


class Accounts:
    """All users who may have a password here."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def create_user(self, username: str, password: str, *, is_superuser: bool) -> User:
        """A new user. Raises InvalidField or UsernameTaken."""
        user = await self._create_user(username, password, is_superuser=is_superuser)
        assert user is not None
        return user

    async def create_first_superuser(self, username: str, password: str) -> User | None:
        """None if there was a superuser before. Raises InvalidField or UsernameTaken."""
        return await self._create_user(username, password, is_superuser=True, only_as_first=True)

    async def _create_user(
        self, username: str, password: str, *, is_superuser: bool, only_as_first: bool = False
    ) -> User | None:
        if not _USERNAME.fullmatch(username):
            raise InvalidField(
                "username", "A name has 1 to 150 letters, digits, or any of . @ + - _"
            )
        check_password(password)
        return await self._store.submit(
            CreateUser(
                username,
                await self._passwords.hash(password),
                is_superuser=is_superuser,
                only_as_first=only_as_first,
            )
        )

    async def change_password(self, username: str, password: str) -> User:
        """Also ends every token and connection. Raises InvalidField or UnknownUser."""
        check_password(password)
        user = await self.find(username)
        await self._store.submit(SetPassword(user.id, await self._passwords.hash(password)))
        return user

    async def set_active(self, username: str, is_active: bool) -> User:
        """Deactivating ends every token and connection. Raises UnknownUser."""
        user = await self.find(username)
        await self._store.submit(SetActive(user.id, is_active))
        return user

    async def sign_out_everywhere(self, user_id: int) -> None:
        """End every token and connection of the user. Raises UnknownUser."""
        await self._store.submit(EndSessions(user_id))

    async def get(self, user_id: int) -> User:
        """The user with this id, deactivated or not. Raises UnknownUser."""
        user = await self._store.read(UserById(user_id))
        if user is None:
            raise UnknownUser(f"There is no user with the id {user_id}.")
        return user

    async def revoke(self, user_id: int, by: Actor) -> None:
        """End every session, token and connection of the user. Raises UnknownUser."""
        await self._store.submit(RevokeUser(user_id, by))

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
