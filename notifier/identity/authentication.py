"""Who someone is, by a name and a password or by a token; and the tokens that say so."""

import msgspec

from notifier.addresses import subscriber
from notifier.errors import NoActiveAccount, TokenNotValid, UnknownUser
from notifier.identity.accounts import Accounts
from notifier.identity.audit import Audit
from notifier.identity.guesses import Guesses
from notifier.identity.passwords import Passwords
from notifier.identity.tokens import Token, Tokens, TokenType
from notifier.models import User
from notifier.storage.operations.users import UserById
from notifier.storage.store import Store


class TokenSet(msgspec.Struct, frozen=True):
    """Fresh tokens for one user."""

    access: str
    refresh: str
    identity: str
    user: User


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
        whose = subscriber(address)
        with self._guesses.guess(username, whose):
            user = await self._accounts.named(username)
            password_hash = user.password_hash if user else None
            right = await self._passwords.verify(password_hash, password, whose=whose)
            if user is None or not right or not user.is_active:
                self._audit.sign_in_failed(user, address)
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
