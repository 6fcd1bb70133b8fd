"""Who may send over HTTP, and who may do what else programs do for users.

An API key that has the scope, or a superuser's access token. As long as no API key was ever
made, programs of the server's own account on this very machine may send, too, where that can
be known (:mod:`notifier.identity.neighbour`). The right to send is established here and
checked once more in the transaction that stores the notification, so that revoking a key
works at once.

Each key, each superuser, and all that send without, may send only so often: a program that
has gone wild leaves room for the others.
"""

import time
from typing import Final

import msgspec

from notifier.buckets import Buckets
from notifier.errors import (
    ApiKeyNotValid,
    PermissionDenied,
    ScopeMissing,
    TooManySends,
    Unauthenticated,
    UserNotAllowed,
)
from notifier.identity.authentication import Authentication
from notifier.identity.keys import digest
from notifier.models import ANYONE, TRUSTED, Actor, ApiKey, Authority, Scope, Sender, User
from notifier.refusals import Refusals
from notifier.storage.operations.keys import ApiKeyByDigest, named
from notifier.storage.store import Store

_REMEMBER: Final = 5.0
"""Seconds for which an API key that may send is not looked up again: its transaction does so."""
_MOST_REMEMBERED: Final = 10_000

_HINT: Final = (
    "Make a key with `python -m notifier apikey create --name NAME` and send it as X-API-Key; "
    "NOTIFIER_OPEN_SEND=1 lets everyone send"
)
_NEEDS_KEY: Final = (
    "Sends need an API key here, or a superuser's access token. "
    "`python -m notifier apikey create --name NAME` makes a key."
)


class Credentials(msgspec.Struct, frozen=True):
    """What a request brings to show its rights."""

    bearer: str | None = None
    """An API key or an access token."""
    api_key: str | None = None
    from_this_machine: bool | None = False
    """A program of our account sent it, directly; None as long as nobody has asked for that."""
    address: str = ""
    """Of the client."""

    @property
    def secret(self) -> str | None:
        """Whatever was brought, key or token."""
        return self.bearer if self.api_key is None else self.api_key

    @property
    def is_token(self) -> bool:
        """Whether the secret is an access token: three parts with dots. A key has none."""
        return self.api_key is None and self.bearer is not None and self.bearer.count(".") == 2


def may_name(who: Sender | Authority, user: str | None) -> None:
    """Raises UserNotAllowed where ``who`` has a key that is not for this user.

    ``user`` is a recipient's name, or None for an account, which has a number.
    """
    prefix = who.user_prefix
    if prefix is not None and not (user is not None and user.startswith(prefix)):
        raise UserNotAllowed(prefix)


class Senders:
    """Decides what a request may do, and on whose authority."""

    def __init__(
        self,
        authentication: Authentication,
        store: Store,
        refusals: Refusals,
        *,
        open_send: bool,
        sends: Buckets,
        keyless_sends: Buckets,
    ) -> None:
        self._authentication = authentication
        self._store = store
        self._refusals = refusals
        self._open_send = open_send
        self._sends = sends
        self._keyless_sends = keyless_sends
        self._remembered: dict[bytes, float] = {}

    async def authorize(self, credentials: Credentials) -> Sender:
        """The authority to send with.

        Raises Unauthenticated and its kin, PermissionDenied, or TooManySends.
        """
        if credentials.secret is None:
            sender = self._without_credentials(credentials)
            _take(self._keyless_sends, None)
            return sender
        if credentials.is_token:
            superuser = await self._check_superuser(credentials.secret)
            _take(self._sends, superuser.id)
            return TRUSTED
        key_digest = digest(credentials.secret)
        sender = await self._with_api_key(key_digest)
        _take(self._sends, key_digest)
        return sender

    async def authorize_for(self, credentials: Credentials, scope: Scope) -> Authority:
        """The authority for something else than sends, which a key needs ``scope`` for.

        Raises Unauthenticated and its kin, or PermissionDenied. To whom it may be done,
        :func:`may_name` says.

        Open sends do not count here: without credentials nobody passes.
        """
        if credentials.secret is None:
            raise Unauthenticated
        if credentials.is_token:
            superuser = await self._check_superuser(credentials.secret)
            return Authority(Actor(f"user:{superuser.username}", credentials.address))
        # Looked up each time: there is no transaction that would notice a revoked key.
        key = await self._key_with(scope, digest(credentials.secret))
        return Authority(Actor(named(key), credentials.address))

    def _without_credentials(self, credentials: Credentials) -> Sender:
        if self._open_send:
            return TRUSTED
        if credentials.from_this_machine:
            return ANYONE
        self._refusals.count("no_credentials", hint=_HINT)
        raise Unauthenticated(_NEEDS_KEY)

    async def _check_superuser(self, access_token: str) -> User:
        user = await self._authentication.user_of(access_token, "access")
        if not user.is_superuser:
            raise PermissionDenied("Only superusers and API keys may do this.")
        return user

    async def _key_with(self, scope: Scope, key_digest: bytes) -> ApiKey:
        key = await self._store.read(ApiKeyByDigest(key_digest))
        if key is None or key.revoked_at is not None:
            raise ApiKeyNotValid
        if scope not in key.scopes:
            raise ScopeMissing(scope)
        return key

    async def _with_api_key(self, key_digest: bytes) -> Sender:
        now = time.monotonic()
        if self._remembered.get(key_digest, 0.0) < now:
            await self._key_with("send", key_digest)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key_digest] = now + _REMEMBER
        return Sender(digest=key_digest)


def _take(sends: Buckets, sender: bytes | int | None) -> None:
    """Let one send pass. Raises TooManySends."""
    if wait := sends.take(sender):
        raise TooManySends(retry_after=wait)
