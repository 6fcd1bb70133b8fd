"""What a server does by itself, again and again, beside answering."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from notifier import clock
from notifier.closing import CloseCode
from notifier.errors import Unavailable
from notifier.hub import Hub
from notifier.storage.store import Store

logger = logging.getLogger(__name__)

RETENTION_INTERVAL: Final = 60.0
USER_CHANGES_INTERVAL: Final = 0.5
_REMOVE_AT_ONCE: Final = 500
"""Rows in one removal: few, because sends wait for its transaction."""


async def every(seconds: float, chore: Callable[[], Awaitable[object]]) -> NoReturn:
    """Run ``chore`` again and again. A store that is away is only waited for."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
        except Unavailable as error:
            logger.debug("Chore postponed", extra={"action": "postponed", "reason": str(error)})


class Retention:
    """Removes what was settled long enough ago, in small batches."""

    def __init__(self, store: Store, days: float) -> None:
        self._store = store
        self._kept = int(days * clock.DAY)

    async def remove(self) -> int:
        """Remove everything that is due; returns how many rows. Raises Unavailable."""
        due = clock.now() - self._kept
        total = 0
        removed = _REMOVE_AT_ONCE
        while removed == _REMOVE_AT_ONCE:
            removed = await self._store.remove_settled(
                acked_before=due, expired_before=due, limit=_REMOVE_AT_ONCE
            )
            total += removed
        if total:
            logger.info("Old notifications removed", extra={"action": "removed", "rows": total})
        return total


class UserChanges:
    """Ends the connections of users who were deactivated or got new credentials.

    The change may have been made by another process, such as the command line: the store
    tells.
    """

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._last = 0

    async def start(self) -> None:
        """What happened before does not concern connections that come later."""
        self._last = await self._store.last_user_change()

    async def apply(self) -> None:
        """Close what has to be closed. Raises Unavailable."""
        for change in await self._store.user_changes(self._last):
            self._hub.revoke(change.user_id, CloseCode.REVOKED, change.reason)
            self._last = change.id
