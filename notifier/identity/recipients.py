"""Recipients whom the application knows by a name of its own, and their numbers here.

A recipient comes into being with the first send or connection. The number never changes, so
it is looked up once; it is ours, below zero where those of accounts are above, and never
crosses the wire.
"""

import asyncio
from typing import Final

from notifier.models import Recipient
from notifier.storage.operations.recipients import CreateRecipient, RecipientByName
from notifier.storage.store import Store

_MOST_KNOWN: Final = 100_000
"""Names whose number is kept at hand; of others, it is read when needed."""


class Recipients:
    """All who are known by a name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: dict[str, int] = {}
        self._asked: dict[str, asyncio.Task[int]] = {}

    def known(self, name: str) -> int | None:
        """The number of ``name``, if it is at hand."""
        return self._numbers.get(name)

    def number(self, name: str) -> "asyncio.Future[int]":
        """The number of ``name``, who comes into being by that. May raise Unavailable.

        Callbacks of all who wait for the same name are called in the order in which they were
        added, before anybody finds the number at hand.
        """
        asked = self._asked.get(name)
        if asked is None:
            asked = asyncio.get_running_loop().create_task(self._ask(name))
            self._asked[name] = asked
            asked.add_done_callback(lambda done: self._answered(name, done))
        return asked

    async def find(self, name: str) -> Recipient | None:
        """The recipient of this name as it is now, if any. May raise Unavailable."""
        return await self._store.read(RecipientByName(name))

    async def made(self, name: str) -> Recipient:
        """The recipient of this name as it is now, who is made if need be.

        May raise Unavailable.
        """
        if found := await self.find(name):
            return found
        return await self._store.submit(CreateRecipient(name))

    def forget(self, name: str) -> None:
        """Look ``name`` up again: its number turned out to be nobody's."""
        self._numbers.pop(name, None)

    async def _ask(self, name: str) -> int:
        return (await self.made(name)).number

    def _answered(self, name: str, done: "asyncio.Task[int]") -> None:
        del self._asked[name]
        if done.cancelled() or done.exception():
            return
        self._numbers[name] = done.result()
        if len(self._numbers) > _MOST_KNOWN:
            del self._numbers[next(iter(self._numbers))]
