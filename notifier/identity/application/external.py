"""Tokens that the application signs, or its identity provider: what they have to be and say.

A token says who somebody is, and nothing more: it never is an account's, whatever it claims.
It is signed by RS256, ES256, EdDSA (of Ed25519) or HS256, as its key wants it; names its issuer
and its audience as they are set; has an end, the moment at which it was issued, and the claim
that names the user.

Signatures that were found right are remembered for as long as the token lasts: what it says
follows from its text. Its end and the revocation of its user are looked at each time, and a
change of keys empties the memory. What an attacker can do with that: nothing without a valid
token, because only valid ones get in, and the memory is searched by a hash of the whole token.
With many valid tokens of their own they push out those of others, which are then verified
anew. A key that its issuer removes may have let a token in until the next look at the set,
and not longer, remembered or not. What is remembered holds no token, only hashes.

Anybody can have signatures verified that are wrong, at the price of a connection or a request
each, as with every kind of token.
"""

import hashlib
import math
from typing import Any, Final, NamedTuple

import jwt

from notifier import clock
from notifier.errors import InvalidField, TokenNotValid
from notifier.identity.application.header import Header
from notifier.identity.application.sources import Source
from notifier.identity.application.verifying import VerifyingKey
from notifier.identity.tokens import ALGORITHM, LAST_MOMENT, LEEWAY, NamedToken
from notifier.wire import check_name

_MOST_AHEAD: Final = 60
"""Seconds by which a token may be of the future: for so long it may outlive a revocation."""
_MOST_REMEMBERED: Final = 10_000


class Rules(NamedTuple):
    """What tokens have to say."""

    issuer: str
    audience: str
    user_claim: str


class External:
    """Reads the tokens of the application."""

    def __init__(self, source: Source, rules: Rules) -> None:
        self.source = source
        self._rules = rules
        self._remembered: dict[bytes, NamedToken] = {}
        self._version = source.version

    @property
    def shares_algorithm(self) -> bool:
        """Whether the application signs as we do, so that no header tells who did."""
        return ALGORITHM in self.source.algorithms

    async def read(self, token: str, header: Header) -> NamedToken:
        """What a token with this header says. Raises TokenNotValid or Unavailable."""
        digest = hashlib.sha256(token.encode()).digest()
        found = self._recall(digest)
        if found is None:
            key = await self._key(header)
            found = self._verify(token, key)
            self._remember(digest, found)
        elif found.expires_at + LEEWAY * clock.SECOND <= clock.now():
            del self._remembered[digest]
            raise TokenNotValid
        return found

    async def _key(self, header: Header) -> VerifyingKey:
        for algorithm in self.source.algorithms:
            if algorithm == header.alg:
                found = await self.source.find(algorithm, header.kid)
                if found is not None:
                    return found
        raise TokenNotValid

    def _verify(self, token: str, key: VerifyingKey) -> NamedToken:
        rules = self._rules
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=rules.issuer,
                audience=rules.audience,
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iat", "iss", "aud", rules.user_claim],
                    # Of these three we want what _read() checks, and no more.
                    "verify_iat": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
            return _read(claims, rules.user_claim)
        except (
            jwt.PyJWTError,
            InvalidField,
            ValueError,
            OverflowError,
            RecursionError,
            TypeError,
        ) as error:
            raise TokenNotValid from error

    def _recall(self, digest: bytes) -> NamedToken | None:
        if self._version != self.source.version:
            self._version = self.source.version
            self._remembered.clear()
        found = self._remembered.pop(digest, None)
        if found is not None:
            self._remembered[digest] = found  # at the end: those go that were used longest ago
        return found

    def _remember(self, digest: bytes, found: NamedToken) -> None:
        if self._version != self.source.version:
            return  # the keys have just changed: the next time is soon enough
        self._remembered[digest] = found
        if len(self._remembered) > _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]


def _read(claims: dict[str, Any], user_claim: str) -> NamedToken:
    """Raises ValueError, TypeError or InvalidField for what no token may say."""
    issued_at, expires_at = _moment(claims["iat"]), _moment(claims["exp"])
    if issued_at > clock.now() + _MOST_AHEAD * clock.SECOND:
        raise ValueError("of the future")
    return NamedToken(_user(claims[user_claim]), issued_at, expires_at)


def _moment(seconds: object) -> int:
    """Milliseconds since the epoch."""
    if type(seconds) not in (int, float) or not 0 <= seconds <= LAST_MOMENT:  # type: ignore[operator]
        raise ValueError("no moment")
    return math.floor(seconds * clock.SECOND)  # type: ignore[operator]


def _user(claim: object) -> str:
    name = str(claim) if type(claim) is int else claim
    if not isinstance(name, str):
        raise TypeError("no user")
    return check_name(name)
