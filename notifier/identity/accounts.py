"""The verbs of identity: sign in, refresh, verify, and the administration of users and keys."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from notifier.addresses import subscriber
from notifier.errors import InvalidField, NoActiveAccount, TokenNotValid, UnknownUser
from notifier.identity.guesses import Guesses
from notifier.identity.passwords import Passwords, check_password
from notifier.identity.tokens import Token, Tokens, TokenType
from notifier.models import SCOPES, ApiKey, Scope, User
from notifier.storage.operations.keys import ApiKeys, CreateApiKey, RevokeApiKey
from notifier.storage.operations.users import (
    CreateUser,
    EndSessions,
    SetActive,
    SetPassword,
    UserById,
    UserByName,
    Users,
)
from notifier.storage.store import Store

_USERNAME: Final = re.compile(r"[\w.@+-]{1,150}")
_NAME: Final = re.compile(r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}(?<!\s)")
_KEY_PREFIX: Final = "ntf_"


class TokenSet(msgspec.Struct, frozen=True):
    """Fresh tokens for one user."""

    access: str
    refresh: str
    identity: str
    user: User


def digest(api_key: str) -> bytes:
    """How an API key is stored. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(api_key.encode()).digest()


class Accounts:
    """Who someone is, and what that allows."""

    def __init__(
        self, store: Store, tokens: Tokens, passwords: Passwords, guesses: Guesses
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._passwords = passwords
        self._guesses = guesses

    # Tokens.

    async def sign_in(self, username: str, password: str, address: str) -> TokenSet:
        """Tokens for a name and a password, tried from ``address``.

        Raises NoActiveAccount, TooManySignIns or Unavailable.
        """
        whose = subscriber(address)
        with self._guesses.guess(username, whose):
            user = await self._named(username)
            password_hash = user.password_hash if user else None
            right = await self._passwords.verify(password_hash, password, whose=whose)
            if user is None or not right or not user.is_active:
                raise NoActiveAccount
            return self._issue(user)

    async def refresh(self, refresh_token: str) -> TokenSet:
        """New tokens for a refresh token. Raises TokenNotValid."""
        return self._issue(await self.user_of(refresh_token, "refresh"))

    async def verify(self, token: str) -> Token:
        """Check a token of any type. Raises TokenNotValid."""
        found = self._tokens.read(token)
        await self._holder(found)
        return found

    async def user_of(self, token: str, token_type: TokenType) -> User:
        """The active user whose token this is. Raises TokenNotValid."""
        return await self._holder(self._tokens.read(token, token_type))

    async def identify(self, identity_token: str, user_id: int) -> Token:
        """The identity token of exactly this user. Raises TokenNotValid."""
        token = self._tokens.read(identity_token, "identity")
        if token.user_id != user_id:
            raise TokenNotValid("The token belongs to another user.")
        await self._holder(token)
        return token

    async def identity_of(self, user_id: int) -> tuple[str, Token]:
        """A new identity token of this user, and what it says. Raises UnknownUser."""
        user = await self._store.read(UserById(user_id))
        if user is None or not user.is_active:
            raise UnknownUser
        identity = self._tokens.issue("identity", user.id, user.token_version)
        return identity, self._tokens.read(identity)

    def _issue(self, user: User) -> TokenSet:
        def issue(token_type: TokenType) -> str:
            return self._tokens.issue(token_type, user.id, user.token_version)

        return TokenSet(issue("access"), issue("refresh"), issue("identity"), user)

    async def _holder(self, token: Token) -> User:
        user = await self._store.read(UserById(token.user_id))
        if user is None or not user.is_active or user.token_version != token.version:
            raise TokenNotValid
        return user

    # Users.

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

    async def find(self, username: str) -> User:
        """The user of this name. Raises UnknownUser."""
        user = await self._named(username)
        if user is None:
            raise UnknownUser(f"There is no user named {username!r}.")
        return user

    async def _named(self, username: str) -> User | None:
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

    # API keys.

    async def create_api_key(self, name: str, scopes: Sequence[str]) -> tuple[ApiKey, str]:
        """A new key: what is stored of it, and the key itself. Raises InvalidField."""
        if not _NAME.fullmatch(name):
            raise InvalidField("name", "A name has 1 to 100 characters, on one line.")
        key = _KEY_PREFIX + secrets.token_urlsafe(32)
        create = CreateApiKey(name, digest(key), _check_scopes(scopes))
        return await self._store.submit(create), key

    async def api_keys(self) -> list[ApiKey]:
        """All keys, revoked ones too."""
        return await self._store.read(ApiKeys())

    async def revoke_api_key(self, id_or_name: str) -> int:
        """Revoke the active keys of this id or name; returns how many there were."""
        if not _NAME.fullmatch(id_or_name):
            return 0
        return await self._store.submit(RevokeApiKey(id_or_name))


def _check_scopes(names: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of these names, in the order of all. Raises InvalidField."""
    known = ", ".join(SCOPES)
    if not any(names):
        raise InvalidField("scope", f"A key needs at least one of the scopes {known}.")
    for name in names:
        if name not in SCOPES:
            raise InvalidField("scope", f"There is no scope {name!r}. The scopes are {known}.")
    if len(set(names)) < len(names):
        raise InvalidField("scope", "A scope is named more than once.")
    return tuple(scope for scope in SCOPES if scope in names)
