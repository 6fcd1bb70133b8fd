"""Recipients whom the application knows by a name of its own, and their numbers here.

A recipient comes into being with the first send or connection. The number never changes while
there is one; it is ours, below zero where those of accounts are above, and never crosses the
wire.
"""

from collections.abc import Sequence

from notifier.errors import UnknownUser
from notifier.identity.cursors import cursor_of, place_at
from notifier.models import Actor, Recipient
from notifier.storage.operations.recipients import (
    CreateRecipient,
    FindRecipients,
    RecipientByName,
    RevokeRecipient,
)
from notifier.storage.store import Store


class Recipients:
    """All who are known by a name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, name: str) -> Recipient | None:
        """The recipient of this name as it is now, if any. May raise Unavailable."""
        return await self._store.read(RecipientByName(name))

    async def get(self, name: str) -> Recipient:
        """The same. Raises UnknownUser."""
        recipient = await self.find(name)
        if recipient is None:
            raise UnknownUser("There is no user of this name.")
        return recipient

    async def page(
        self, beginning: str, cursor: str | None, limit: int
    ) -> tuple[Sequence[Recipient], str | None]:
        """Those whose names begin like this, in any case, by name; and the cursor of the next page.

        Raises InvalidField or Unavailable.
        """
        page = await self._store.read(FindRecipients(beginning, place_at(cursor), limit))
        return page.found, cursor_of(page.next)

    async def made(self, name: str) -> Recipient:
        """The recipient of this name as it is now, who is made if need be.

        May raise Unavailable.
        """
        if found := await self.find(name):
            return found
        return await self._store.submit(CreateRecipient(name))

    async def revoke(self, name: str, by: Actor) -> None:
        """End all tokens and connections of whoever has this name, or will. May raise Unavailable.

        Tokens that are issued from now on hold.
        """
        await self._store.submit(RevokeRecipient(name, by))
