"""The audit log: what operators read, and what is recorded that changes nothing else."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from notifier.addresses import subscriber
from notifier.errors import Unavailable
from notifier.identity.repetitions import Repetitions
from notifier.models import THE_SERVER, AuditEntry, User
from notifier.storage.operations.audit import AddEntry, AddRepetitions, AuditEntries
from notifier.storage.store import Store

_PATIENCE: Final = 2.0
"""Seconds that a stopping process waits for the store."""


class Audit:
    """The audit log of this installation, and what this process has yet to record."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted = (Repetitions("sign_in_failed"), Repetitions("signed_in"))
        self._failed, self._signed_in = self._counted

    async def entries(
        self,
        limit: int,
        *,
        action: str | None = None,
        actor: str | None = None,
        before: int | None = None,
        since: int | None = None,
    ) -> list[AuditEntry]:
        """Entries before the id ``before``, the newest first; or those behind ``since``, in order.

        Of one action, or of one actor, where given. Raises Unavailable.
        """
        return await self._store.read(AuditEntries(limit, action, actor, before, since))

    async def started(self, details: Mapping[str, Any]) -> None:
        """A server has started. Raises Unavailable."""
        await self._store.submit(AddEntry("started", THE_SERVER, details=details))

    def sign_in_failed(self, user: User | None, address: str) -> None:
        """A wrong password, a locked user, or a name that nobody has: for :meth:`write`.

        Such a name is not recorded. It may be a password that was typed into the wrong field.
        """
        self._failed.count(user.actor if user else "", subscriber(address))

    def signed_in(self, user: User, address: str) -> None:
        """A program has signed in, which it may do often: for :meth:`write`."""
        self._signed_in.count(user.actor, subscriber(address))

    async def write(self) -> None:
        """Record what was counted. Raises Unavailable; then it is recorded the next time."""
        for counted in self._counted:
            await self._write(counted)

    async def _write(self, counted: Repetitions) -> None:
        taken = counted.take()
        if not taken:
            return
        try:
            entries = await self._store.submit(AddRepetitions(taken))
        except Unavailable:
            # Nobody knows whether it was: better counted twice than not at all.
            counted.put_back(taken)
            raise
        counted.recorded(taken, entries)

    async def close(self) -> None:
        """:meth:`write` for the last time. What the store does not take soon is lost."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self.write()
