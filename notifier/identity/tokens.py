"""JSON Web Tokens: ``access`` for the API, ``refresh`` for new ones, ``identity`` for sockets.

Claims: ``token_type``, ``exp`` and ``iat`` (seconds since the epoch), ``jti``, ``user_id``
(an integer), and ``ver``, the user's token version; a token without it counts as 0.
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

_LAST_MOMENT: Final = 253_402_300_799
"""The end of the year 9999, beyond which no date can be written."""

TokenType = Literal["access", "refresh", "identity"]


class Token(msgspec.Struct, frozen=True):
    """What a valid token says."""

    token_type: TokenType
    user_id: int
    version: int
    expires_at: int
    """Milliseconds since the epoch."""


class Tokens:
    """Issues and checks tokens with one secret. ``lifetimes`` are in seconds."""

    def __init__(self, secret: str, lifetimes: dict[TokenType, int]) -> None:
        self._secret = secret
        self.lifetimes = lifetimes

    def issue(self, token_type: TokenType, user_id: int, version: int) -> str:
        """A new token."""
        issued = clock.now() // clock.SECOND
        claims = {
            "token_type": token_type,
            "exp": issued + self.lifetimes[token_type],
            "iat": issued,
            "jti": uuid.uuid4().hex,
            "user_id": user_id,
            "ver": version,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, token_type: TokenType | None = None) -> Token:
        """What ``token`` says, of the given type or any. Raises TokenNotValid."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iat", "token_type", "user_id"],
                    # A clock that was set back makes tokens of the future: they are as good.
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise TokenNotValid from error
        found = claims["token_type"]
        user_id = claims["user_id"]
        version = claims.get("ver", 0)
        expires_at = int(claims["exp"])
        if found not in get_args(TokenType) or (token_type and found != token_type):
            raise TokenNotValid("The token has the wrong type.")
        if type(user_id) is not int or type(version) is not int:
            raise TokenNotValid
        if not 1 <= user_id <= MAX_ID or expires_at > _LAST_MOMENT:
            raise TokenNotValid
        return Token(found, user_id, version, expires_at * clock.SECOND)
