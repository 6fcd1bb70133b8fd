"""The figures as a text for Prometheus, made with a library that only those load who are asked."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

from notifier.errors import Unavailable
from notifier.process.status import Status
from notifier.storage.operations.notifications import AllPending

if TYPE_CHECKING:
    from notifier.process.metrics import Metrics


_FRESH: Final = 30.0
"""Seconds for which what is pending is not counted again: with millions that takes a while."""


class Exposition:
    """Of one process."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._counted_until = 0.0

    @cached_property
    def _metrics(self) -> "Metrics":
        from notifier.process.metrics import Metrics  # noqa: PLC0415 - 3 MB of each process

        return Metrics(self._status)

    @property
    def content_type(self) -> str:
        """As what the text is sent."""
        return self._metrics.content_type

    async def text(self) -> bytes:
        """All figures now."""
        if time.monotonic() >= self._counted_until:
            self._counted_until = time.monotonic() + _FRESH
            self._metrics.pending = await self._pending()
        return self._metrics.text()

    async def _pending(self) -> int | None:
        try:
            return await self._status.store.read(AllPending())
        except Unavailable:
            return None
