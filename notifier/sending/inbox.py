"""The verbs of the inbox: look, count, mark, undo. For HTTP and WebSocket alike."""

import asyncio
import logging
from typing import Final

from msgspec import UNSET

from notifier.buckets import Buckets
from notifier.errors import ChangesGone, InvalidField, TooManyChanges, Unavailable
from notifier.events import InboxChanged
from notifier.inbox_wire import ChangeRequest, SnoozeRequest, check_until
from notifier.models import InboxCounts, InboxFilter, InboxNews, InboxPage, Verb
from notifier.storage.operations.inbox.changes import ChangeKeys, ChangeUpTo, Undo
from notifier.storage.operations.inbox.locked import InboxOperation
from notifier.storage.operations.inbox.ranges import CarryOut, Progress, UnderWay
from notifier.storage.operations.inbox.reading import CountInbox, InboxNewsSince, PageOfInbox
from notifier.storage.store import Store
from notifier.wire import check_stored_key

logger = logging.getLogger(__name__)

_MOST_LEFT: Final = 100
_LEAVES: Final = 20
"""To others: so many times as long as one step of carrying out has taken. All inboxes share it."""
_LONGEST_PAUSE: Final = 1.0
"""Seconds, however long a step has taken."""
_BURST_SECONDS: Final = 2
"""Whoever was quiet may change as much at once as in so many seconds."""


class Inboxes:
    """What one can do with an inbox. A recipient's has a number, in place of a user's id."""

    def __init__(self, store: Store, changes_per_second: int) -> None:
        self._store = store
        self._changes = Buckets(changes_per_second, max(1, changes_per_second * _BURST_SECONDS))
        self._carrying: dict[int, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._progress: set[Progress] = set()

    async def page(self, wanted: InboxFilter) -> InboxPage:
        """A stretch of an inbox, the newest first. May raise Unavailable."""
        return await self._store.read(PageOfInbox(wanted))

    async def count(self, user_id: int) -> InboxCounts:
        """How many are unread. May raise Unavailable."""
        return await self._store.read(CountInbox(user_id))

    async def news(self, user_id: int, after: int | None) -> InboxNews:
        """What has changed behind a version, if that is known; None asks for the counts alone.

        May raise Unavailable.
        """
        return await self._store.read(InboxNewsSince(user_id, after))

    async def changes(self, user_id: int, after: int) -> InboxNews:
        """What has changed behind a version. Raises ChangesGone or Unavailable."""
        news = await self.news(user_id, after)
        if news.changes is None:
            raise ChangesGone
        return news

    async def change(self, user_id: int, verb: Verb, request: ChangeRequest) -> InboxChanged:
        """Do something with some notifications, or with all that the inbox shows up to a place.

        Unknown keys change nothing. Raises InvalidField, TooManyChanges, UnknownUser or
        Unavailable.
        """
        until = check_until(request.until) if isinstance(request, SnoozeRequest) else None
        if request.keys is not UNSET:
            if request.up_to is not UNSET or request.category is not None:
                raise InvalidField("keys", "Not together with up_to or category.")
            keys = tuple(check_stored_key(key, "keys") for key in request.keys)
            return await self._submit(ChangeKeys(user_id, verb, keys, until))
        if request.up_to is UNSET:
            raise InvalidField("keys", "One of keys and up_to is required.")
        return await self._begin(ChangeUpTo(user_id, verb, request.up_to, request.category, until))

    async def undo(self, user_id: int, version: int) -> InboxChanged:
        """Take back what a change did. Raises UnknownChange, TooManyChanges or Unavailable."""
        return await self._begin(Undo(user_id, version))

    async def _begin(self, operation: InboxOperation[InboxChanged]) -> InboxChanged:
        """Make a change that holds at once, and goes on to be carried out."""
        changed = await self._submit(operation)
        self._carry_out(operation.user_id)
        return changed

    async def _submit(self, operation: InboxOperation[InboxChanged]) -> InboxChanged:
        if wait := self._changes.take(operation.user_id):
            raise TooManyChanges(wait)
        return await self._store.submit(operation)

    async def carry_on(self) -> None:
        """Carry out what was left, such as by a server that died. May raise Unavailable.

        That is what has not moved since the last call.
        """
        found = await self._store.read(UnderWay(_MOST_LEFT))
        progress = set(found)
        for left in progress & self._progress:
            self._carry_out(left.user_id)
        self._progress = progress

    def _carry_out(self, user_id: int) -> None:
        if user_id not in self._carrying:
            task = asyncio.get_running_loop().create_task(self._carry(user_id))
            self._carrying[user_id] = task
            task.add_done_callback(lambda _: self._carrying.pop(user_id))

    async def _carry(self, user_id: int) -> None:
        try:
            left = True
            while left:
                async with self._turn:
                    left = await self._step(user_id)
        except Unavailable:
            logger.debug("Carried out later", extra={"action": "inbox_postponed"})

    async def _step(self, user_id: int) -> bool:
        """Some rows, and a pause for all others; whether there are more."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = await self._store.submit(CarryOut(user_id))
        await asyncio.sleep(min((loop.time() - began) * _LEAVES, _LONGEST_PAUSE))
        return left

    async def close(self) -> None:
        """Stop carrying out: the store keeps what is left."""
        tasks = list(self._carrying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
