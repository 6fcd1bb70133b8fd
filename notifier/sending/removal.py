"""Remove a user or a recipient with everything that was kept for them."""

import asyncio
from typing import Final

from notifier.models import Actor
from notifier.storage.operations.removal import LockOut, Remove
from notifier.storage.store import Store

_AT_ONCE: Final = 500
"""Notifications in one transaction: few, because sends wait for it."""
_PAUSE: Final = 0.005
"""Seconds between two of them, in which others have their turn."""


class Removal:
    """Ends whoever must not be here any more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def remove(self, number: int, actor: Actor) -> None:
        """Lock out whoever has this number, then remove their log, and then themselves.

        ``number`` is a user's id or the number of a recipient; it is never given again. Doing it
        again finishes what was interrupted. Raises UnknownUser, Unavailable, or InvalidField for
        the last active superuser.
        """
        await self._store.submit(LockOut(number))
        # An event could not tell what keeps another process.
        while not await self._store.submit(  # noqa: ASYNC110
            Remove(number, actor, _AT_ONCE)
        ):
            await asyncio.sleep(_PAUSE)
