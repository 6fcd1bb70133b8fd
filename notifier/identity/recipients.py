"""Recipients whom the application knows by a name of its own, and their numbers here.

A recipient comes into being with the first send or connection. The number never changes while
there is one; it is ours, below zero where those of accounts are above, and never crosses the
wire.
"""

import re
from collections.abc import Sequence
from typing import Final

from notifier.errors import InvalidField, UnknownUser
from notifier.models import Actor, Recipient
from notifier.storage.operations.recipients import (
    CreateRecipient,
    FindRecipients,
    RecipientByName,
    RecipientPlace,
    RevokeRecipient,
)
from notifier.storage.store import Store

CURSOR: Final = re.compile(r"^[0-9]{1,18}\.")
"""How a cursor in a list of recipients begins."""


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
        after = None if cursor is None else _place(cursor)
        page = await self._store.read(FindRecipients(beginning, after, limit))
        end = page.next
        return page.recipients, f"{end.id}.{end.lower_name}" if end else None

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


def _place(cursor: str) -> RecipientPlace:
    """Where a page begins. Raises InvalidField."""
    if not CURSOR.match(cursor):
        raise InvalidField("after", "Expected what was given as `next`.")
    recipient_id, _, lower_name = cursor.partition(".")
    return RecipientPlace(lower_name, int(recipient_id))
