"""A key that verifies tokens of the application, with the one algorithm that fits it.

A token's header never chooses how a key is used: it only finds the key. So a public key is no
secret of an HMAC, and `none` fits no key.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Algorithm = Literal["RS256", "ES256", "EdDSA", "HS256"]

_LEAST_RSA_BITS: Final = 2048  # RFC 7518 §3.3
_MOST_RSA_BITS: Final = 8192
"""Larger ones take milliseconds for each token."""

_PUBLIC_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("kty", "n", "e"),
    "EC": ("kty", "crv", "x", "y"),
    "OKP": ("kty", "crv", "x"),
}
"""What a public key is made of (RFC 7518 §6, RFC 8037 §2), by its kind. `oct` is a secret."""

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "RS256": frozenset({"RS256"}),
    "ES256": frozenset({"ES256"}),
    "EdDSA": frozenset({"EdDSA", "Ed25519"}),  # RFC 9864 §2.2
}
"""How a JWK may call the algorithm that it is for."""


class UnusableKey(ValueError):
    """It verifies nothing here, and why."""


class VerifyingKey(NamedTuple):
    """A key and its algorithm."""

    algorithm: Algorithm
    key: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | bytes


def from_secret(secret: str) -> VerifyingKey:
    """The key of a secret that the application signs with too."""
    return VerifyingKey("HS256", secret.encode())


def from_pem(text: str) -> VerifyingKey:
    """The public key of a PEM text, which may have ``\\n`` for its line breaks.

    Raises UnusableKey.
    """
    try:
        key = load_pem_public_key(text.replace("\\n", "\n").strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("wants a public key as PEM text (BEGIN PUBLIC KEY)") from None
    return _fitting(key)


def from_jwk(jwk: Mapping[str, Any]) -> VerifyingKey:
    """The public key of a JWK that verifies signatures (RFC 7517). Raises UnusableKey."""
    members = _PUBLIC_MEMBERS.get(str(jwk.get("kty")))
    if members is None:
        raise UnusableKey("no public key")
    if "d" in jwk:
        raise UnusableKey("a private key, which everybody can read")
    operations = jwk.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    if jwk.get("use", "sig") != "sig" or not verifies:
        raise UnusableKey("not for signatures")
    try:
        key = jwt.PyJWK({name: jwk[name] for name in members}).key
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableKey("damaged, or of another kind") from error
    found = _fitting(key)
    if str(jwk.get("alg", found.algorithm)) not in _NAMES[found.algorithm]:
        raise UnusableKey("for another algorithm")
    return found


def _fitting(key: object) -> VerifyingKey:
    if isinstance(key, RSAPublicKey):
        if not _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
            raise UnusableKey(f"wants an RSA key of {_LEAST_RSA_BITS} to {_MOST_RSA_BITS} bits")
        return VerifyingKey("RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return VerifyingKey("ES256", key)
    if isinstance(key, Ed25519PublicKey):
        return VerifyingKey("EdDSA", key)
    raise UnusableKey("wants a key of RSA, of the curve P-256, or of Ed25519")
