"""JSON Web Tokens: ``access`` for the API, ``refresh`` for new ones, ``identity`` for sockets.

Claims: ``token_type``, ``exp`` and ``iat`` (seconds since the epoch), ``jti``, ``user_id``
(an integer), and ``ver``, the user's token version; a token without it counts as 0. Those that
were given with a session have its id in ``sid``. The header's ``kid`` says which secret signed.
"""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Literal, get_args

import jwt
import msgspec

from notifier import clock
from notifier.errors import TokenNotValid
from notifier.models import Session
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
    session: int | None = None
    """With which it ends."""


def key_id(secret: str) -> str:
    """What tokens call ``secret``: it tells one from another, and nothing of any."""
    digest = hashlib.sha256(b"notifier: kid" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest[:6]).decode()


class Tokens:
    """Issues tokens with one secret, and checks those of ``others`` too.

    ``lifetimes`` are in seconds.
    """

    def __init__(
        self, secret: str, lifetimes: dict[TokenType, int], others: Sequence[str] = ()
    ) -> None:
        self._secret = secret
        self._secrets = {key_id(each): each for each in (secret, *others)}
        self._header = {"kid": key_id(secret)}
        # As our own tokens begin: these need not be parsed to know who signed them.
        self._beginnings = {
            jwt.encode({}, each, ALGORITHM, {"kid": kid}).partition(".")[0]: each
            for kid, each in self._secrets.items()
        }
        self.lifetimes = lifetimes

    def issue(
        self,
        token_type: TokenType,
        user_id: int,
        version: int,
        session: Session | None = None,
    ) -> str:
        """A new token, which lasts no longer than ``session`` would by itself."""
        issued = clock.now() // clock.SECOND
        claims = {
            "token_type": token_type,
            "exp": issued + self.lifetimes[token_type],
            "iat": issued,
            "jti": uuid.uuid4().hex,
            "user_id": user_id,
            "ver": version,
        }
        if session:
            claims["exp"] = min(claims["exp"], session.ends_at // clock.SECOND)
            claims["sid"] = session.id
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM, headers=self._header)

    def read(self, token: str, token_type: TokenType | None = None) -> Token:
        """What ``token`` says, of the given type or any. Raises TokenNotValid."""
        try:
            claims = self._claims(token)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise TokenNotValid from error
        found = claims["token_type"]
        user_id = claims["user_id"]
        version = claims.get("ver", 0)
        session = claims.get("sid")
        expires_at = int(claims["exp"])
        if found not in get_args(TokenType) or (token_type and found != token_type):
            raise TokenNotValid("The token has the wrong type.")
        if type(user_id) is not int or type(version) is not int:
            raise TokenNotValid
        if session is not None and type(session) is not int:
            raise TokenNotValid
        if not 1 <= user_id <= MAX_ID or expires_at > _LAST_MOMENT:
            raise TokenNotValid
        if not 1 <= (session or 1) <= MAX_ID:
            raise TokenNotValid
        return Token(found, user_id, version, expires_at * clock.SECOND, session)

    def _claims(self, token: str) -> dict[str, Any]:
        for secret in self._secrets_of(token):
            with suppress(jwt.InvalidSignatureError):
                claims: dict[str, Any] = jwt.decode(
                    token,
                    secret,
                    algorithms=[ALGORITHM],
                    leeway=LEEWAY,
                    options={
                        "require": ["exp", "iat", "token_type", "user_id"],
                        # A clock that was set back makes tokens of the future: as good as any.
                        "verify_iat": False,
                    },
                )
                return claims
        raise TokenNotValid

    def _secrets_of(self, token: str) -> Sequence[str]:
        """Which may have signed it. Tokens of earlier releases do not say."""
        if known := self._beginnings.get(token.partition(".")[0]):
            return [known]
        kid = jwt.get_unverified_header(token).get("kid")
        if kid is None:
            return tuple(self._secrets.values())
        return [self._secrets[kid]] if kid in self._secrets else []
