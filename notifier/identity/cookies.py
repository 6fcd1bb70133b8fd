"""What a browser holds of its session: ``<id of the session>.<count>.<MAC>``.

The MAC is an HMAC-SHA-256 over id, count and the session's nonce, with a key derived from the
secret for this purpose alone. So a cookie is no token, and a token no cookie; it cannot be made
without the secret; and that of a session is never that of another, also where a store that was
restored gives an id once more.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from notifier.errors import TokenNotValid
from notifier.models import Session
from notifier.wire import MAX_ID

_PURPOSE: Final = b"notifier: session cookies"
_COOKIE: Final = re.compile(r"([1-9][0-9]{0,18})\.([1-9][0-9]{0,15})\.([A-Za-z0-9_-]{43})")


class Cookie(NamedTuple):
    """One that has come, of whatever worth."""

    session_id: int
    number: int
    """Counts the cookies of its session."""
    mac: str


def parse(text: str) -> Cookie:
    """What ``text`` says. Raises TokenNotValid."""
    found = _COOKIE.fullmatch(text)
    if found is None or int(found[1]) > MAX_ID:
        raise TokenNotValid
    return Cookie(int(found[1]), int(found[2]), found[3])


class Cookies:
    """Makes them with the first of ``secrets``, and checks them with all."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), _PURPOSE, "sha256") for secret in secrets]

    def make(self, session: Session) -> str:
        """The newest cookie of ``session``."""
        mac = _mac(self._keys[0], session, session.issued)
        return f"{session.id}.{session.issued}.{mac}"

    def check(self, cookie: Cookie, session: Session) -> None:
        """Raises TokenNotValid for one that was never given for ``session``."""
        macs = [_mac(key, session, cookie.number) for key in self._keys]
        if not any(hmac.compare_digest(cookie.mac, mac) for mac in macs):
            raise TokenNotValid


def _mac(key: bytes, session: Session, count: int) -> str:
    message = f"{session.id}.{count}.".encode() + session.nonce
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).decode().rstrip("=")
