"""The verbs of notifications: send, acknowledge, look back. For HTTP, RabbitMQ and CLI alike.

A send is over when its commit is: fresh notifications go from the store's commit straight
to the relay, in order, before their senders hear of it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from msgspec import UNSET

from notifier import wire
from notifier.clock import SECOND
from notifier.errors import NotifierError, Unavailable, UnknownUser
from notifier.events import Appended, Withdrawn
from notifier.models import TRUSTED, Page, Sender, SentPage
from notifier.sending.authority import may_name
from notifier.sending.numbers import Numbers
from notifier.storage.contract import Operation
from notifier.storage.operations.history import PAGE_BYTES, History
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.notifications import (
    NOBODY,
    Acknowledge,
    AcknowledgeUpTo,
    Append,
    Pending,
    PendingCounts,
)
from notifier.storage.store import Store
from notifier.wire import SendRequest, WithdrawRequest

_MOST_COUNTED: Final = 1000

_TOGETHER: Final = 250
"""Sends of a batch that are prepared, and committed, in one go: what others wait for, for one or
two milliseconds on the loop and a few more in the store."""


class NotificationService:
    """What one can do with notifications."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_acks: dict[int, asyncio.Future[None]] = {}
        """The last acknowledgement of each user that is not stored yet."""
        self._numbers = Numbers()

    async def send(self, request: SendRequest, sender: Sender = TRUSTED) -> Appended:
        """Store one notification and nudge its user's devices; returns after the commit.

        Raises InvalidField, UnknownUser, UserNotAllowed, KeyConflict, Unauthenticated,
        ApiKeyNotValid, ApiKeyExpired or ScopeMissing (the sender has no right, or no longer),
        InboxFull, and Unavailable (nothing was promised: send again with the same key).
        """
        return await self.submit(request, sender)

    def submit(self, request: SendRequest, sender: Sender = TRUSTED) -> "asyncio.Future[Appended]":
        """:meth:`send` without a coroutine, for many at once. Errors come here or in the future."""
        future = self._store.submit(self._append(request, sender))
        if request.user is not UNSET:
            future.add_done_callback(partial(self._learn, request.user))
        return future

    async def send_all(
        self,
        requests: Sequence[SendRequest | NotifierError],
        sender: Sender = TRUSTED,
        *,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Sequence[Appended | NotifierError]:
        """:meth:`send` of all, in order, each with its outcome. What is refused already stays so.

        Others have their turn in between. Once one finds the store away or full, or nobody wants
        the rest, nothing more is begun: then whatever comes behind cannot overtake it.
        """
        outcomes: list[Appended | NotifierError] = []
        ends = time.monotonic() + self._store.timeout
        while len(outcomes) < len(requests):
            some = requests[len(outcomes) : len(outcomes) + _TOGETHER]
            found = await self._send_together(some, sender)
            outcomes += found
            away = next((each for each in found if isinstance(each, Unavailable)), None)
            if away is None and (time.monotonic() > ends or not is_wanted()):
                away = Unavailable("The store did not answer in time.")
            if away is not None:
                rest = requests[len(outcomes) :]
                outcomes += [each if isinstance(each, NotifierError) else away for each in rest]
        return outcomes

    async def _send_together(
        self, requests: Sequence[SendRequest | NotifierError], sender: Sender
    ) -> Sequence[Appended | NotifierError]:
        outcomes: list[Any] = list(requests)
        appends: dict[int, Append] = {}
        for place, request in enumerate(requests):
            if not isinstance(request, NotifierError):
                try:
                    appends[place] = self._append(request, sender)
                except NotifierError as refusal:
                    outcomes[place] = refusal
        stored = await self._store_all([*appends.values()])
        for (place, append), outcome in zip(appends.items(), stored, strict=True):
            outcomes[place] = outcome
            if append.user is not None and isinstance(outcome, Appended):
                self._numbers.learn(append.user, outcome.notification.user_id)
        return outcomes

    async def _store_all(self, appends: Sequence[Append]) -> Sequence[Appended | NotifierError]:
        if not appends:
            return []
        try:
            return await self._store.submit_all(appends)
        except Unavailable as away:
            return [away] * len(appends)

    def _append(self, request: SendRequest, sender: Sender) -> Append:
        """What ``request`` asks of the store. Raises InvalidField, UnknownUser, UserNotAllowed."""
        name = None if request.user is UNSET else request.user
        may_name(sender, name)
        if name is None:
            assert request.user_id is not UNSET, "whoever parsed it has seen to that"
            user_id = wire.parse_user_id(request.user_id)
        else:
            user_id = self._numbers.get(name) or NOBODY
        payload = wire.check_payload(request.payload)
        if user_id is None:
            raise UnknownUser
        given = request.key is not None
        return Append(
            user_id,
            request.key if request.key is not None else wire.make_key(),
            payload,
            ttl=None if request.ttl is None else request.ttl * SECOND,
            key_given=given,
            sender=sender,
            category=request.category,
            priority=None if request.priority == "normal" else request.priority,
            collapse_key=request.collapse_key,
            user=name,
        )

    def _learn(self, name: str, sent: "asyncio.Future[Appended]") -> None:
        if not sent.cancelled() and sent.exception() is None:
            self._numbers.learn(name, sent.result().notification.user_id)

    async def pending_counts(self, user_ids: Sequence[int]) -> dict[int, int]:
        """How many are pending for each of these users, up to a thousand. Raises Unavailable."""
        return await self._store.read(PendingCounts(user_ids, _MOST_COUNTED))

    async def history(self, user_id: int, before: int | None, limit: int) -> SentPage:
        """What was sent to a user or a recipient before a ``seq``, the newest first.

        At most ``limit``, fewer where payloads are large. Raises Unavailable.
        """
        found = await self._store.read(History(user_id, before, limit + 1))
        sent = found[:limit]
        size = sum(len(each.notification.payload) for each in sent)
        more = len(found) > limit or size > PAGE_BYTES
        return SentPage(sent, sent[-1].notification.seq if more else None)

    async def withdraw(self, user_id: int, key: str) -> Withdrawn:
        """Take a notification back: who was not given it never is, and who shows it no longer does.

        Its key stays taken. Raises UnknownNotification or Unavailable.
        """
        return await self._store.submit(Withdraw(user_id, key))

    def submit_withdrawal(self, request: WithdrawRequest) -> "asyncio.Future[Withdrawn]":
        """:meth:`withdraw` behind all that was submitted before, for many at once.

        Of what was sent earlier in the same transaction, too. Errors come here or in the future.
        """
        key = wire.check_stored_key(request.key)
        if request.user is not UNSET:
            return self._store.submit(Withdraw(NOBODY, key, request.user))
        assert request.user_id is not UNSET, "whoever parsed it has seen to that"
        return self._store.submit(Withdraw(wire.parse_user_id(request.user_id) or NOBODY, key))

    def acknowledge(self, user_id: int, key: str) -> "asyncio.Future[None]":
        """Acknowledge a notification, for all devices of its user.

        The first one counts; of what is unknown or has expired, it changes nothing. The future
        is done with the commit, for which others are waited for a moment. Raises Unavailable if
        there is no room.
        """
        return self._settling(user_id, Acknowledge(user_id, key))

    def acknowledge_up_to(self, user_id: int, up_to: int) -> "asyncio.Future[None]":
        """The same for all that is pending up to a ``seq`` and has not expired."""
        return self._settling(user_id, AcknowledgeUpTo(user_id, up_to))

    def _settling(self, user_id: int, ack: Operation[None]) -> "asyncio.Future[None]":
        stored = self._store.submit(ack)
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
