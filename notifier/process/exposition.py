"""The figures as a text for Prometheus, made with a library that only those load who are asked."""

from functools import cached_property
from typing import TYPE_CHECKING

from notifier.process.status import Status

if TYPE_CHECKING:
    from notifier.process.metrics import Metrics


class Exposition:
    """Of one process."""

    def __init__(self, status: Status) -> None:
        self._status = status

    @cached_property
    def _metrics(self) -> "Metrics":
        from notifier.process.metrics import Metrics  # noqa: PLC0415 - 3 MB of each process

        return Metrics(self._status)

    @property
    def content_type(self) -> str:
        """As what the text is sent."""
        return self._metrics.content_type

    def text(self) -> bytes:
        """All figures now."""
        return self._metrics.text()
