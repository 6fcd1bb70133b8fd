"""What was published on one channel and not confirmed yet.

In confirm mode the broker numbers publishes 1, 2, 3 … per channel and answers with a
number, or with "up to this number", in any order.
"""

from typing import Generic, TypeVar

T = TypeVar("T")


class Confirms(Generic[T]):
    """Remembers an item for each publish until the broker confirms it, or refuses to."""

    def __init__(self) -> None:
        self._published = 0
        self._low = 0
        """Everything up to this number has been confirmed."""
        self._unconfirmed: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._unconfirmed)

    def published(self, item: T) -> None:
        """The next publish was for ``item``."""
        self._published += 1
        self._unconfirmed[self._published] = item

    def confirmed(self, number: int, multiple: bool) -> list[T]:
        """The items that the broker's answer is about, in the order of publishing."""
        first = self._low + 1 if multiple else number
        items = [
            self._unconfirmed.pop(each)
            for each in range(first, number + 1)
            if each in self._unconfirmed
        ]
        if multiple:
            self._low = max(self._low, number)
        return items

    def unconfirmed(self) -> list[T]:
        """All items that still wait, in the order of publishing."""
        return list(self._unconfirmed.values())
