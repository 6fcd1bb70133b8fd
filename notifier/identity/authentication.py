"""Who someone is, by a name and a password or by a token; and the tokens that say so.

Whose users they are is set: accounts of this server, whom only our own tokens name; those of
the application, whom its tokens name, or ours that it has asked for; or both.
"""

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from notifier.addresses import subscriber
from notifier.errors import (
    NoAccounts,
    NoActiveAccount,
    TokenNotValid,
    UnknownUser,
    WrongPassword,
)
from notifier.identity.accounts import Accounts
from notifier.identity.application.header import header_of
from notifier.identity.audit import Audit
from notifier.identity.guesses import Guesses
from notifier.identity.passwords import Passwords, check_password
from notifier.identity.recipients import Recipients
from notifier.identity.tokens import ALGORITHM, NamedToken, Token, Tokens, TokenType
from notifier.models import Actor, Session, User
from notifier.storage.operations.recipients import RecipientByName
from notifier.storage.operations.users import SetPassword, UserById
from notifier.storage.store import Store

if TYPE_CHECKING:
    from notifier.identity.application.external import External


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
        recipients: Recipients,
        external: "External | None",
        has_accounts: bool,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._tokens = tokens
        self._passwords = passwords
        self._guesses = guesses
        self._audit = audit
        self._recipients = recipients
        self._has_accounts = has_accounts
        self.external = external
        """What reads the application's tokens, where it has users here."""

    def require_accounts(self) -> None:
        """Raises NoAccounts where nobody can sign in."""
        if not self._has_accounts:
            raise NoAccounts

    async def sign_in(self, username: str, password: str, address: str) -> TokenSet:
        """Tokens for a name and a password, tried from ``address``.

        Raises NoAccounts, NoActiveAccount, TooManySignIns or Unavailable.
        """
        user = await self.check(username, password, address)
        self._audit.signed_in(user, address)
        return self._issue(user)

    async def check(self, username: str, password: str, address: str) -> User:
        """Who has this name and this password, tried from ``address``.

        Raises NoActiveAccount, TooManySignIns or Unavailable.
        """
        self.require_accounts()
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
        """New tokens for a refresh token. Raises NoAccounts or TokenNotValid."""
        self.require_accounts()
        return self._issue(await self.user_of(refresh_token, "refresh"))

    async def verify(self, token: str) -> Token:
        """Check a token of any type. Raises TokenNotValid."""
        found = await self._read(token)
        if isinstance(found, NamedToken):
            return await self._recipient(found)
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
        """The active user of this id. Raises NoAccounts or TokenNotValid."""
        self.require_accounts()
        user = await self._store.read(UserById(user_id))
        if user is None or not user.is_active:
            raise TokenNotValid
        return user

    async def identify(self, identity_token: str, user_id: int | None = None) -> Token:
        """The identity token of exactly this user, or of whomever it names.

        ``user_id`` may be a recipient's number. Raises TokenNotValid.
        """
        found = await self._read(identity_token)
        if isinstance(found, NamedToken):
            found = await self._recipient(found)
        found.require("identity")
        if user_id is not None and found.user_id != user_id:
            raise TokenNotValid("The token belongs to another user.")
        if found.user is None:
            await self._holder(found)
        return found

    async def identity_of(self, user_id: int) -> tuple[str, Token]:
        """A new identity token of this user, and what it says. Raises NoAccounts or UnknownUser."""
        self.require_accounts()
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

    async def _read(self, token: str) -> Token | NamedToken:
        """What a token of ours says, or one of the application's. May raise Unavailable, too."""
        if self.external is None:
            return self._tokens.read(token)
        header = header_of(token)
        if header.alg != ALGORITHM:
            return await self.external.read(token, header)
        try:
            return self._tokens.read_any(token)
        except TokenNotValid:
            if not self.external.shares_algorithm:
                raise
        return await self.external.read(token, header)

    async def _recipient(self, named: NamedToken) -> Token:
        """The token of a recipient, who comes into being by that. Raises TokenNotValid."""
        recipient = await self._recipients.made(named.user)
        if named.issued_at < recipient.token_version:
            raise TokenNotValid
        return named.of(recipient.number)

    async def _holder(self, token: Token) -> User:
        if not self._has_accounts:
            raise TokenNotValid
        user = await self._store.read(UserById(token.user_id, token.session))
        if user is None or not user.is_active or user.token_version != token.version:
            raise TokenNotValid
        return user
