"""When API keys were last used: kept in memory at each use, stored now and then.

Several processes may store it: the latest moment counts. What a crash loses is the last
minute of it.
"""

from contextlib import suppress

from notifier import clock
from notifier.errors import Unavailable
from notifier.models import KeyUse
from notifier.storage.operations.keys import RecordKeyUses
from notifier.storage.store import Store


class KeyUses:
    """The uses of all keys that are not stored yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uses: dict[int, KeyUse] = {}

    def note(self, key_id: int, address: str) -> None:
        """The key was used just now, by a client at ``address``."""
        now = clock.now()
        use = self._uses.get(key_id)
        if use is None:
            self._uses[key_id] = KeyUse(key_id, address, now, now)
        else:
            use.last_at = now

    async def write(self) -> None:
        """Store them. Raises Unavailable, and keeps them for the next time."""
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        try:
            await self._store.submit(RecordKeyUses(tuple(uses.values())))
        except Unavailable:
            self._keep(uses)
            raise

    async def close(self) -> None:
        """Store them, if the store is there."""
        with suppress(Unavailable):
            await self.write()

    def _keep(self, uses: dict[int, KeyUse]) -> None:
        for key_id, later in self._uses.items():
            if earlier := uses.get(key_id):
                earlier.last_at = later.last_at
            else:
                uses[key_id] = later
        self._uses = uses
