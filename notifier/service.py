"""The verbs of notifications: send, acknowledge. The only door for HTTP, RabbitMQ and CLI.

A send is over when its commit is: fresh notifications go from the store's commit straight
to the relay, in order, before their senders hear of it.
"""

import asyncio

from notifier import wire
from notifier.clock import SECOND
from notifier.errors import NotifierError, UnknownUser
from notifier.events import Appended
from notifier.models import TRUSTED, Sender
from notifier.storage.contract import Append, Result
from notifier.storage.store import Store
from notifier.wire import SendRequest

Promise = asyncio.Future[Result]
"""Done with the commit, or with what prevented it."""


class NotificationService:
    """What one can do with notifications."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.sends = 0
        """How many notifications were stored, since the start."""
        self.acks = 0
        """How many acknowledgements were stored, since the start."""

    async def send(self, request: SendRequest, sender: Sender = TRUSTED) -> Appended:
        """Store one notification and nudge its user's devices; returns after the commit.

        Raises InvalidField, UnknownUser, KeyConflict, Unauthenticated, ApiKeyNotValid or
        ScopeMissing (the sender has no right, or no longer), and Unavailable (nothing was
        promised: send again with the same key).
        """
        return self.stored(await self.submit(request, sender))

    def submit(self, request: SendRequest, sender: Sender = TRUSTED) -> Promise:
        """:meth:`send` without a coroutine, for many at once.

        Its errors are raised here or in the future, whose result goes to :meth:`stored`.
        """
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
        return self._store.writer.submit(append)

    def stored(self, result: Result) -> Appended:
        """Count what a future of :meth:`submit` has brought, and return it."""
        assert isinstance(result, Appended)
        self.sends += not result.replayed
        return result

    def acknowledge(self, user_id: int, key: str) -> "asyncio.Future[Result]":
        """Settle a notification for all devices of its user.

        The first acknowledgement counts; unknown and settled keys change nothing. The future
        is done with the commit and goes to :meth:`acknowledged`. Raises Unavailable if there
        is no room.
        """
        return self._store.acknowledge(user_id, key)

    def acknowledged(self, settled: "asyncio.Future[Result]") -> NotifierError | None:
        """Count what a future of :meth:`acknowledge` has brought; why it was not stored."""
        error = settled.exception()
        if error is None:
            self.acks += 1
            return None
        assert isinstance(error, NotifierError)
        return error
