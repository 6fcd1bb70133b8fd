"""Who may send over HTTP.

An API key, a superuser's access token, or, as long as no API key was ever made, anyone
on this very machine. The right is established here and checked once more in the
transaction that stores the notification, so that revoking a key works at once.
"""

import logging
import time
from typing import Final

import msgspec

from notifier.accounts import Accounts, digest
from notifier.errors import ApiKeyNotValid, PermissionDenied, Unauthenticated
from notifier.storage.contract import ANYONE, TRUSTED, Sender
from notifier.storage.store import Store

logger = logging.getLogger(__name__)

_REMEMBER: Final = 5.0
"""Seconds for which an API key is not looked up again before its transaction checks it."""
_MOST_REMEMBERED: Final = 10_000


class Credentials(msgspec.Struct, frozen=True):
    """What a request brings to show its right to send."""

    bearer: str | None = None
    """An API key or an access token."""
    api_key: str | None = None
    from_this_machine: bool = False
    """It came directly over loopback: no proxy forwarded it, no foreign page caused it."""


class Senders:
    """Decides on whose authority a request may send."""

    def __init__(
        self, accounts: Accounts, store: Store, *, open_send: bool, loopback: bool
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._open_send = open_send
        self._loopback = loopback
        self._remembered: dict[bytes, float] = {}

    async def authorize(self, credentials: Credentials) -> Sender:
        """The authority to send with. Raises Unauthenticated and its kin, or PermissionDenied."""
        secret = credentials.api_key or credentials.bearer
        if secret is None:
            return self._without_credentials(credentials)
        # An access token is three parts with dots; a key has none.
        if credentials.api_key is None and secret.count(".") == 2:
            return await self._with_access_token(secret)
        return await self._with_api_key(secret)

    def _without_credentials(self, credentials: Credentials) -> Sender:
        if self._open_send:
            return TRUSTED
        if self._loopback and credentials.from_this_machine:
            return ANYONE
        logger.warning(
            "Send refused: no credentials. Make a key with `python -m notifier apikey create "
            "--name NAME` and send it as X-API-Key; NOTIFIER_OPEN_SEND=1 lets everyone send",
            extra={"action": "send_refused"},
        )
        raise Unauthenticated

    async def _with_access_token(self, token: str) -> Sender:
        user = await self._accounts.user_of(token, "access")
        if not user.is_superuser:
            raise PermissionDenied("Only superusers and API keys may send.")
        return TRUSTED

    async def _with_api_key(self, key: str) -> Sender:
        key_digest = digest(key)
        now = time.monotonic()
        if self._remembered.get(key_digest, 0.0) < now:
            if not await self._store.has_api_key(key_digest):
                raise ApiKeyNotValid
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key_digest] = now + _REMEMBER
        return Sender(digest=key_digest)
