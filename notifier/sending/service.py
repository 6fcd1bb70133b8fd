"""The verbs of notifications: send, acknowledge. The only door for HTTP, RabbitMQ and CLI.

A send is over when its commit is: fresh notifications go from the store's commit straight
to the relay, in order, before their senders hear of it.
"""

import asyncio

from notifier import wire
from notifier.clock import SECOND
from notifier.errors import UnknownUser
from notifier.events import Appended
from notifier.models import TRUSTED, Page, Sender
from notifier.sending.authority import may_name
from notifier.storage.operations.notifications import Acknowledge, Append, Pending
from notifier.storage.store import Store
from notifier.wire import SendRequest


class NotificationService:
    """What one can do with notifications."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_acks: dict[int, asyncio.Future[None]] = {}
        """The last acknowledgement of each user that is not stored yet."""

    async def send(self, request: SendRequest, sender: Sender = TRUSTED) -> Appended:
        """Store one notification and nudge its user's devices; returns after the commit.

        Raises InvalidField, UnknownUser, UserNotAllowed, KeyConflict, Unauthenticated,
        ApiKeyNotValid, ApiKeyExpired or ScopeMissing (the sender has no right, or no longer),
        InboxFull, and Unavailable (nothing was promised: send again with the same key).
        """
        return await self.submit(request, sender)

    def submit(self, request: SendRequest, sender: Sender = TRUSTED) -> "asyncio.Future[Appended]":
        """:meth:`send` without a coroutine, for many at once. Errors come here or in the future."""
        may_name(sender, None)
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

    def acknowledge(self, user_id: int, key: str) -> "asyncio.Future[None]":
        """Acknowledge a notification, for all devices of its user.

        The first acknowledgement counts; unknown and acknowledged ones change nothing. The future
        is done with the commit, for which others are waited for a moment. Raises Unavailable if
        there is no room.
        """
        stored = self._store.submit(Acknowledge(user_id, key))
        self._last_acks[user_id] = stored
        stored.add_done_callback(lambda _: self._settled(user_id, stored))
        return stored

    def _settled(self, user_id: int, ack: "asyncio.Future[None]") -> None:
        if self._last_acks.get(user_id) is ack:
            del self._last_acks[user_id]

    async def pending(self, user_id: int, after: int, *, rows: int, size: int) -> Page:
        """What is pending of a user behind ``after``: see :class:`Pending`. May raise Unavailable.

        Who comes back at once after an acknowledgement is not given the same again: a reader from
        the beginning waits for what is on its way to the store.
        """
        if after == 0 and (ack := self._last_acks.get(user_id)):
            await asyncio.wait([ack])
        return await self._store.read(Pending(user_id, after, rows, size))
