"""Who has to do something, each within the same time.

They stand in the order in which they began, so that whoever looks for those that are late
looks at no others. A timer for each request would cost more than answering some of them.
"""

import time
from collections.abc import Hashable
from itertools import takewhile
from typing import Final, Generic, TypeVar

CHECK_SECONDS: Final = 1.0
"""Between two looks for those that are late."""

Who = TypeVar("Who", bound=Hashable)


class Deadlines(Generic[Who]):
    """Those who have ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Who, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def begin(self, who: Who) -> None:
        """The time of ``who`` runs from now on."""
        self._since.pop(who, None)
        self._since[who] = time.monotonic()

    def end(self, who: Who) -> None:
        """It is done."""
        self._since.pop(who, None)

    def late(self) -> list[Who]:
        """All whose time is over."""
        begun = time.monotonic() - self._seconds
        return [who for who, _ in takewhile(lambda each: each[1] <= begun, self._since.items())]
