"""Hashes of passwords: argon2id, each made and verified by one thread alone.

A hash says how many lanes it has, and the library starts a thread for each. Earlier releases
made hashes of four: verified by four threads they would take less time than others, which tells
who exists, and more cores than their share. One thread gets the same result.
"""

import base64
import hmac
from typing import Final

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import core, error_to_str, ffi

_LANES: Final = 1


class Hashes:
    """Makes and verifies them. Blocks for tens of milliseconds, with 64 MiB and without the GIL."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(parallelism=_LANES)

    def hash(self, password: str) -> str:
        """What to store of a password."""
        return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether it is the password of this hash; False too where that is no hash."""
        try:
            parameters = extract_parameters(password_hash)
            if parameters.parallelism > _LANES:
                return _verify_by_one_thread(parameters, password_hash, password)
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _verify_by_one_thread(parameters: Parameters, password_hash: str, password: str) -> bool:
    """The same for a hash of several lanes. Raises VerificationError."""
    salt, expected = map(_decode, password_hash.split("$")[-2:])
    secret = password.encode()
    # They are kept here, because the context has only their addresses.
    found = ffi.new("uint8_t[]", len(expected))
    c_secret, c_salt = ffi.new("uint8_t[]", secret), ffi.new("uint8_t[]", salt)
    context = ffi.new(
        "argon2_context *",
        {
            "out": found,
            "outlen": len(expected),
            "pwd": c_secret,
            "pwdlen": len(secret),
            "salt": c_salt,
            "saltlen": len(salt),
            "t_cost": parameters.time_cost,
            "m_cost": parameters.memory_cost,
            "lanes": parameters.parallelism,
            "threads": 1,
            "version": parameters.version,
        },
    )
    if error := core(context, parameters.type.value):
        raise VerificationError(error_to_str(error))
    return hmac.compare_digest(bytes(ffi.buffer(found)), expected)


def _decode(text: str) -> bytes:
    """Base64 without its padding, as hashes have it."""
    return base64.b64decode(text + "=" * (-len(text) % 4))
