"""JSON Web Tokens: ``access`` for the API, ``refresh`` for new ones, ``identity`` for sockets.

Claims: ``token_type``, ``exp`` and ``iat`` (seconds since the epoch), ``jti``, ``user_id``
(an integer), and ``ver``, the user's token version; a token without it counts as 0.

An identity token may name a user of the application instead: ``user``, with ``ver`` the moment
at which it was issued, in milliseconds since the epoch.
"""

import uuid
from typing import Any, Final, Literal, get_args

import jwt
import msgspec

from notifier import clock
from notifier.errors import TokenNotValid
from notifier.wire import MAX_ID

ALGORITHM: Final = "HS256"
LEEWAY: Final = 5
"""Seconds by which clocks may differ."""

LAST_MOMENT: Final = 253_402_300_799
"""The end of the year 9999, beyond which no date can be written."""

TokenType = Literal["access", "refresh", "identity"]


class Token(msgspec.Struct, frozen=True):
    """What a valid token says."""

    token_type: TokenType
    user_id: int
    """Whose it is: of a user of the application, the recipient's number."""
    version: int
    expires_at: int
    """Milliseconds since the epoch."""
    user: str | None = None
    """The name of a user of the application."""

    def require(self, token_type: TokenType) -> None:
        """Raises TokenNotValid for a token of another type."""
        if self.token_type != token_type:
            raise TokenNotValid("The token has the wrong type.")


class NamedToken(msgspec.Struct, frozen=True):
    """What a valid identity token of a user of the application says."""

    user: str
    issued_at: int
    """Milliseconds since the epoch, as below."""
    expires_at: int

    def of(self, number: int) -> Token:
        """The same, with the recipient's number."""
        return Token("identity", number, self.issued_at, self.expires_at, user=self.user)


class Tokens:
    """Issues and checks tokens with one secret. ``lifetimes`` are in seconds."""

    def __init__(self, secret: str, lifetimes: dict[TokenType, int]) -> None:
        self._secret = secret
        self.lifetimes = lifetimes

    def issue(self, token_type: TokenType, user_id: int, version: int) -> str:
        """A new token."""
        return self._issue(token_type, {"user_id": user_id, "ver": version})

    def issue_named(self, user: str) -> str:
        """A new identity token of a user of the application."""
        return self._issue("identity", {"user": user, "ver": clock.now()})

    def _issue(self, token_type: TokenType, whose: dict[str, Any]) -> str:
        issued = clock.now() // clock.SECOND
        claims = {
            "token_type": token_type,
            "exp": issued + self.lifetimes[token_type],
            "iat": issued,
            "jti": uuid.uuid4().hex,
            **whose,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, token_type: TokenType | None = None) -> Token:
        """What ``token`` says, of the given type or any. Raises TokenNotValid."""
        found = self.read_any(token)
        if isinstance(found, NamedToken):
            raise TokenNotValid
        if token_type:
            found.require(token_type)
        return found

    def read_any(self, token: str) -> Token | NamedToken:
        """The same, also of a user of the application. Raises TokenNotValid."""
        claims = self._claims(token)
        found, version, expires_at = claims["token_type"], claims.get("ver", 0), int(claims["exp"])
        if found not in get_args(TokenType):
            raise TokenNotValid("The token has the wrong type.")
        if type(version) is not int or expires_at > LAST_MOMENT:
            raise TokenNotValid
        expires_at *= clock.SECOND
        user, user_id = claims.get("user"), claims.get("user_id")
        if found == "identity" and user_id is None and isinstance(user, str):
            return NamedToken(user, version, expires_at)
        if type(user_id) is not int or not 1 <= user_id <= MAX_ID:
            raise TokenNotValid
        return Token(found, user_id, version, expires_at)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iat", "token_type"],
                    # A clock that was set back makes tokens of the future: they are as good.
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise TokenNotValid from error
        return claims
