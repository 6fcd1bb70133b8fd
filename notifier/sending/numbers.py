"""The numbers of recipients at hand, so that a send need not look for them.

They are hints: the store, which has the last word, makes whoever was removed anew.
"""

from typing import Final

_MOST_KNOWN: Final = 100_000
"""Names whose number is kept; of others, the store finds it."""


class Numbers:
    """Numbers by name."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def get(self, name: str) -> int | None:
        """The number that ``name`` had when it was last heard of."""
        return self._numbers.get(name)

    def learn(self, name: str, number: int) -> None:
        """``name`` has this number now."""
        if self._numbers.get(name) != number:
            self._numbers[name] = number
            if len(self._numbers) > _MOST_KNOWN:
                del self._numbers[next(iter(self._numbers))]
