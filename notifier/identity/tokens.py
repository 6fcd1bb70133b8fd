"""JSON Web Tokens: ``access`` for the API, ``refresh`` for new ones, ``identity`` for sockets.

Claims: ``token_type``, ``exp`` and ``iat`` (seconds since the epoch), ``jti``, ``user_id``
(an integer), and ``ver``, the user's token version; a token without it counts as 0. Those that
were given with a session have its id in ``sid``. The header's ``kid`` says which secret signed.

An identity token may name a user of the application instead: ``user``, with ``ver`` the moment
at which it was issued, in milliseconds since the epoch.
"""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Literal, TypeGuard, get_args

import jwt
import msgspec

from notifier import clock
from notifier.errors import TokenNotValid
from notifier.models import Session
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
    session: int | None = None
    """With which it ends."""
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
        return self._issue(token_type, {"user_id": user_id, "ver": version}, session)

    def issue_named(self, user: str, version: int = 0) -> str:
        """A new identity token of a user of the application, whose tokens need this version."""
        # The clock of whoever revoked the ones before may be ahead of ours.
        return self._issue("identity", {"user": user, "ver": max(clock.now(), version)})

    def _issue(
        self, token_type: TokenType, whose: dict[str, Any], session: Session | None = None
    ) -> str:
        issued = clock.now() // clock.SECOND
        claims = {
            "token_type": token_type,
            "exp": issued + self.lifetimes[token_type],
            "iat": issued,
            "jti": uuid.uuid4().hex,
            **whose,
        }
        if session:
            claims["exp"] = min(claims["exp"], session.ends_at // clock.SECOND)
            claims["sid"] = session.id
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM, headers=self._header)

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
        if not _is_id(user_id):
            raise TokenNotValid
        session = claims.get("sid")
        if session is not None and not _is_id(session):
            raise TokenNotValid
        return Token(found, user_id, version, expires_at, session)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            for secret in self._secrets_of(token):
                with suppress(jwt.InvalidSignatureError):
                    return self._decode(token, secret)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise TokenNotValid from error
        raise TokenNotValid

    def _decode(self, token: str, secret: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            leeway=LEEWAY,
            options={
                "require": ["exp", "iat", "token_type"],
                # A clock that was set back makes tokens of the future: they are as good.
                "verify_iat": False,
            },
        )

    def _secrets_of(self, token: str) -> Sequence[str]:
        """Which may have signed it. Tokens of earlier releases do not say."""
        if known := self._beginnings.get(token.partition(".")[0]):
            return [known]
        kid = jwt.get_unverified_header(token).get("kid")
        if kid is None:
            return tuple(self._secrets.values())
        return [self._secrets[kid]] if kid in self._secrets else []


def _is_id(value: object) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= MAX_ID
