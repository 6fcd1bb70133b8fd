"""What a server does by itself, again and again, beside answering."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NoReturn

from notifier import clock
from notifier.delivery.hub import Hub
from notifier.errors import Unavailable
from notifier.histogram import Histogram
from notifier.storage.contract import Operation
from notifier.storage.operations.audit import RemoveEntries
from notifier.storage.operations.inbox.noting import RemoveInboxChanges
from notifier.storage.operations.notifications import RemoveNotifications
from notifier.storage.operations.sessions import RemoveSessions
from notifier.storage.operations.users import LastUserChange, RemoveUserChanges, UserChangesSince
from notifier.storage.store import Store

logger = logging.getLogger(__name__)

RETENTION_INTERVAL: Final = 60.0
USER_CHANGES_INTERVAL: Final = 0.5
KEY_USES_INTERVAL: Final = 60.0
AUDIT_INTERVAL: Final = 1.0
LAG_INTERVAL: Final = 1.0
INBOX_INTERVAL: Final = 2.5
_REMOVE_AT_ONCE: Final = 500
"""Rows in one removal: few, because sends wait for its transaction."""
_CHANGES_KEPT: Final = clock.DAY
"""Milliseconds for which a server may be out of touch and still learn who was changed, and for
which a device may be away and still learn what has changed in its inbox."""


async def every(seconds: float, chore: Callable[[], Awaitable[object]]) -> NoReturn:
    """Run ``chore`` again and again. A store that is away is only waited for."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
        except Unavailable as error:
            logger.debug("Chore postponed", extra={"action": "postponed", "reason": str(error)})


async def watch_loop(lag: Histogram) -> NoReturn:
    """Observe how late the loop is for what is due, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        lag.observe(max(0.0, loop.time() - due))


class Retention:
    """Removes, in small batches, what ended long enough ago: of notifications, of the audit log,
    of sessions and of user changes."""

    def __init__(self, store: Store, days: float, audit_days: float) -> None:
        self._store = store
        self._kept = int(days * clock.DAY)
        self._audit_kept = int(audit_days * clock.DAY)

    async def remove(self) -> int:
        """Remove everything that is due; returns how many rows. Raises Unavailable."""
        now = clock.now()
        due = now - self._kept
        removed = await self._in_batches(partial(RemoveNotifications, due, due))
        if removed:
            logger.info("Old notifications removed", extra={"action": "removed", "rows": removed})
        entries = await self._in_batches(partial(RemoveEntries, now - self._audit_kept))
        kept = now - _CHANGES_KEPT
        changes = await self._in_batches(partial(RemoveUserChanges, kept))
        changes += await self._in_batches(partial(RemoveInboxChanges, kept))
        return removed + entries + changes + await self._in_batches(RemoveSessions)

    async def _in_batches(self, removal: Callable[[int], Operation[int]]) -> int:
        """Remove, with a limit, until there is less to do; returns how many rows went."""
        total = 0
        removed = _REMOVE_AT_ONCE
        while removed == _REMOVE_AT_ONCE:
            removed = await self._store.submit(removal(_REMOVE_AT_ONCE))
            total += removed
        return total


class UserChanges:
    """Ends the connections of users who were deactivated or got new credentials.

    The change may have been made by another process, such as the command line: the store
    tells. If it no longer has all that happened since it was last asked (this process was
    stopped, or the store away, for longer than changes are kept), every connection ends and
    has to come back with a token, which is then checked.
    """

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._last = 0

    async def start(self) -> None:
        """What happened before does not concern connections that come later."""
        self._last = await self._store.read(LastUserChange())

    async def apply(self) -> None:
        """Close what has to be closed. Raises Unavailable."""
        changes = await self._store.read(UserChangesSince(self._last))
        if changes is None:
            # Asked first: what happens from now on comes with the next round.
            self._last = await self._store.read(LastUserChange())
            self._hub.revoke_all("credentials may have changed")
            logger.warning("Missed user changes", extra={"action": "revoked_all"})
            return
        for change in changes:
            if change.session is None:
                self._hub.revoke(change.user_id, change.version, change.reason)
            else:
                self._hub.end_session(change.user_id, change.session, change.reason)
            self._last = change.id
