"""What a token says about itself, before anything of it is known to be true."""

import base64
import binascii
import re
from typing import Any, Final

import msgspec

from notifier.errors import TokenNotValid

MAX_TOKEN: Final = 8 * 1024
"""Bytes of a token, of any kind. Longer ones are not looked into."""

_TOKEN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Header(msgspec.Struct):
    """By it, a token finds the key that verifies it."""

    alg: str
    kid: str | None = None
    crit: Any = None
    """Extensions that must be understood. None is, here (RFC 7515 §4.1.11)."""


_header: Final = msgspec.json.Decoder(Header)


def header_of(token: str) -> Header:
    """The header of what may be a token. Raises TokenNotValid."""
    if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        raise TokenNotValid
    first = token.partition(".")[0]
    try:
        header = _header.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TokenNotValid from None
    if header.crit is not None:
        raise TokenNotValid
    return header
