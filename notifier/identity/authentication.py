"""Who someone is, by a name and a password or by a token; and the tokens that say so."""

from typing import NamedTuple

import msgspec

from notifier.addresses import subscriber
from notifier.errors import NoActiveAccount, TokenNotValid, UnknownUser, WrongPassword
from notifier.identity.accounts import Accounts
from notifier.identity.audit import Audit
from notifier.identity.guesses import Guesses
from notifier.identity.passwords import Passwords, check_password
from notifier.identity.tokens import Token, Tokens, TokenType
from notifier.models import Actor, Session, User
from notifier.storage.operations.recipients import RecipientByName
from notifier.storage.operations.users import SetPassword, UserById
from notifier.storage.store import Store


class TokenSet(msgspec.Struct, frozen=True):
    """Fresh tokens for one user."""

    access: str
    refresh: str
    identity: str
    user: User


class Holder(NamedTuple):
    """Whose token it is, and the session that it was given with, if any."""

    user: User
    session: int | None


class Authentication:
    """Checks passwords and tokens, and issues tokens."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        tokens: Tokens,
        passwords: Passwords,
        guesses: Guesses,
        *,
        audit: Audit,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._tokens = tokens
        self._passwords = passwords
        self._guesses = guesses
        self._audit = audit

    async def sign_in(self, username: str, password: str, address: str) -> TokenSet:
        """Tokens for a name and a password, tried from ``address``.

        Raises NoActiveAccount, TooManySignIns or Unavailable.
        """
        return self._issue(await self.check(username, password, address))

    async def check(self, username: str, password: str, address: str) -> User:
        """Who has this name and this password, tried from ``address``.

        Raises NoActiveAccount, TooManySignIns or Unavailable.
        """
        whose = subscriber(address)
        with self._guesses.guess(username, whose):
            user = await self._accounts.named(username)
            password_hash = user.password_hash if user else None
            right = await self._passwords.verify(password_hash, password, whose=whose)
            if user is None or not right or not user.is_active:
                self._audit.sign_in_failed(user, address)
                raise NoActiveAccount
            return user

    async def change_password(
        self, holder: Holder, password: str, new_password: str, by: Actor
    ) -> None:
        """Change one's own password, which ends everything but the session that asks.

        Who has only somebody's token may guess no oftener than who signs in. Raises
        WrongPassword, InvalidField, TooManySignIns, TokenNotValid or Unavailable.
        """
        check_password(new_password, "new_password")
        try:
            user = await self.check(holder.user.username, password, by.address)
        except NoActiveAccount:
            raise WrongPassword from None
        new_hash = await self._passwords.hash(new_password, whose=subscriber(by.address))
        await self._store.submit(
            SetPassword(user.id, new_hash, by, but=holder.session, version=user.token_version)
        )

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
        return (await self.holder(token, token_type)).user

    async def holder(self, token: str, token_type: TokenType) -> Holder:
        """The active user whose token this is, and its session. Raises TokenNotValid."""
        found = self._tokens.read(token, token_type)
        return Holder(await self._holder(found), found.session)

    async def active(self, user_id: int) -> User:
        """The active user of this id. Raises TokenNotValid."""
        user = await self._store.read(UserById(user_id))
        if user is None or not user.is_active:
            raise TokenNotValid
        return user

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

    async def identity_named(self, name: str) -> tuple[str, int]:
        """A new identity token of a recipient, and when it ends. May raise Unavailable.

        Nobody comes into being by that.
        """
        recipient = await self._store.read(RecipientByName(name))
        version = recipient.token_version if recipient else 0
        identity = self._tokens.issue_named(name, version)
        return identity, self._tokens.read_any(identity).expires_at

    def issue_for(self, user: User, session: Session) -> tuple[str, str]:
        """An access and an identity token, which end with ``session``."""
        version = user.token_version
        return (
            self._tokens.issue("access", user.id, version, session),
            self._tokens.issue("identity", user.id, version, session),
        )

    def _issue(self, user: User) -> TokenSet:
        def issue(token_type: TokenType) -> str:
            return self._tokens.issue(token_type, user.id, user.token_version)

        return TokenSet(issue("access"), issue("refresh"), issue("identity"), user)

    async def _holder(self, token: Token) -> User:
        user = await self._store.read(UserById(token.user_id, token.session))
        if user is None or not user.is_active or user.token_version != token.version:
            raise TokenNotValid
        return user
