"""The verbs of notifications: send, acknowledge. The only door for HTTP, RabbitMQ and CLI.

A send is over when its commit is: fresh notifications go from the store's commit straight
to the relay, in order, before their senders hear of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from notifier import wire
from notifier.clock import SECOND
from notifier.errors import UnknownUser
from notifier.events import Appended
from notifier.models import TRUSTED, Sender
from notifier.storage.operations.notifications import Acknowledge, Append, PendingCounts
from notifier.storage.store import Store
from notifier.wire import SendRequest

_MOST_COUNTED: Final = 1000


class NotificationService:
    """What one can do with notifications."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def send(self, request: SendRequest, sender: Sender = TRUSTED) -> Appended:
        """Store one notification and nudge its user's devices; returns after the commit.

        Raises InvalidField, UnknownUser, KeyConflict, Unauthenticated, ApiKeyNotValid or
        ScopeMissing (the sender has no right, or no longer), InboxFull, and Unavailable
        (nothing was promised: send again with the same key).
        """
        return await self.submit(request, sender)

    def submit(self, request: SendRequest, sender: Sender = TRUSTED) -> "asyncio.Future[Appended]":
        """:meth:`send` without a coroutine, for many at once. Errors come here or in the future."""
        user_id = wire.parse_user_id(request.user_id)
        payload = wire.check_payload(request.payload)
        if user_id is None:
            raise UnknownUser
        given = request.key is not None
        append = Append(
            user_id,
            request.key if request.key is not None else wire.make_key(),
            payload,
            ttl=None if request.ttl is None else request.ttl * SECOND,
            key_given=given,
            sender=sender,
        )
        return self._store.submit(append)

    async def pending_counts(self, user_ids: Sequence[int]) -> dict[int, int]:
        """How many are pending for each of these users, up to a thousand. Raises Unavailable."""
        return await self._store.read(PendingCounts(user_ids, _MOST_COUNTED))

    def acknowledge(self, user_id: int, key: str) -> "asyncio.Future[None]":
        """Acknowledge a notification, for all devices of its user.

        The first acknowledgement counts; unknown and acknowledged ones change nothing. The future
        is done with the commit. Raises Unavailable if there is no room.
        """
        return self._store.submit(Acknowledge(user_id, key))
