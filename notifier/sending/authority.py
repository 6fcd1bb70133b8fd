"""Who may send over HTTP, and who may do what else programs do for users.

An API key that has the scope, or a superuser's access token. As long as no API key was ever
made, programs of the server's own account on this very machine may send, too, where that can
be known (:mod:`notifier.identity.neighbour`). The right to send is established here and
checked once more in the transaction that stores the notification, so that revoking a key
works at once, and so does its end.

Each key, each superuser, and all that send without, may send only so often: a program that
has gone wild leaves room for the others.
"""

import time
from collections.abc import Hashable
from typing import Final, NamedTuple

import msgspec

from notifier import clock
from notifier.buckets import Buckets
from notifier.errors import (
    ApiKeyExpired,
    ApiKeyNotValid,
    PermissionDenied,
    ScopeMissing,
    TooManySends,
    Unauthenticated,
    UserNotAllowed,
)
from notifier.identity.authentication import Authentication
from notifier.identity.keys import digest
from notifier.identity.uses import KeyUses
from notifier.models import ANYONE, TRUSTED, Actor, ApiKey, Authority, Scope, Sender, User
from notifier.refusals import Refusals
from notifier.storage.operations.keys import ApiKeyByDigest, named
from notifier.storage.store import Store

_REMEMBER: Final = 5.0
"""Seconds for which an API key that may send is not looked up again: its transaction does so."""
_MOST_REMEMBERED: Final = 10_000
_BURST_SECONDS: Final = 2
"""A sender that was quiet may send as much at once as it may in so many seconds."""

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


class Permit(NamedTuple):
    """The right to send."""

    sender: Sender
    account: Hashable
    """Whose sends are counted together."""
    rate: int
    """So many of them may pass a second; 0 is no limit."""


class _Known(NamedTuple):
    """An API key that may send."""

    key: ApiKey
    sender: Sender
    until: float
    """When it is looked up again."""


class Senders:
    """Decides what a request may do, and on whose authority."""

    def __init__(
        self,
        authentication: Authentication,
        store: Store,
        refusals: Refusals,
        uses: KeyUses,
        *,
        open_send: bool,
        sends_per_second: int,
        keyless_sends_per_second: int,
    ) -> None:
        self._authentication = authentication
        self._store = store
        self._refusals = refusals
        self._uses = uses
        self._open_send = open_send
        self._rate = sends_per_second
        self._keyless_rate = keyless_sends_per_second
        # Of seconds, not of sends: one that may send more often pays less for each.
        self._seconds = Buckets(1, _BURST_SECONDS)
        self._remembered: dict[bytes, _Known] = {}

    async def authorize(self, credentials: Credentials) -> Permit:
        """The authority to send with, once; :meth:`further` says how often beyond that.

        Raises Unauthenticated and its kin, PermissionDenied, or TooManySends.
        """
        if credentials.secret is None:
            sender = self._without_credentials(credentials)
            return self._take(Permit(sender, None, self._keyless_rate))
        if credentials.is_token:
            superuser = await self._check_superuser(credentials.secret)
            return self._take(Permit(TRUSTED, superuser.id, self._rate))
        key_digest = digest(credentials.secret)
        key, sender, _ = await self._key_that_sends(key_digest)
        rate = self._rate if key.rate is None else key.rate
        permit = self._take(Permit(sender, key_digest, rate))
        self._uses.note(key.id, credentials.address)
        return permit

    def further(self, permit: Permit, sends: int) -> int:
        """How many of so many more sends pass now, at most all; those are counted."""
        if not permit.rate:
            return sends
        return self._seconds.take_most(permit.account, sends, 1 / permit.rate)

    def too_many(self, permit: Permit) -> TooManySends:
        """What is said of those that do not pass."""
        wait = self._seconds.wait(permit.account, 1 / permit.rate)
        return TooManySends(retry_after=wait)

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
            return Authority(Actor(superuser.actor, credentials.address))
        # Looked up each time: there is no transaction that would notice a revoked key.
        key = await self._key_with(scope, digest(credentials.secret))
        self._uses.note(key.id, credentials.address)
        return Authority(Actor(named(key), credentials.address), key.user_prefix)

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
        if key.expired(clock.now()):
            raise ApiKeyExpired
        if scope not in key.scopes:
            raise ScopeMissing(scope)
        return key

    async def _key_that_sends(self, key_digest: bytes) -> _Known:
        known = self._remembered.get(key_digest)
        now = time.monotonic()
        if known is None or known.until < now:
            key = await self._key_with("send", key_digest)
            sender = Sender(digest=key_digest, user_prefix=key.user_prefix)
            known = _Known(key, sender, now + _REMEMBER)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key_digest] = known
        return known

    def _take(self, permit: Permit) -> Permit:
        """Let one send pass. Raises TooManySends."""
        if permit.rate and (wait := self._seconds.take(permit.account, 1 / permit.rate)):
            raise TooManySends(retry_after=wait)
        return permit
