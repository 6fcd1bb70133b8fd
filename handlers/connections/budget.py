"""How many bytes all request bodies under way may take, and how many of them one address.

A body is under way from its headers to its answer. One address gets half of the whole, so
that nobody alone can shut out the others.
"""

from collections import Counter

from notifier.errors import BodiesFull, TooManyBodies


class Budget:
    """``total`` bytes, and who has them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._share = total // 2
        self.taken = 0
        """Bytes that are taken now."""
        self._by_address: Counter[str] = Counter()

    def take(self, address: str, size: int) -> None:
        """Raises BodiesFull or TooManyBodies, with nothing taken, where there is no room."""
        if self.taken + size > self._total:
            raise BodiesFull
        if self._by_address[address] + size > self._share:
            raise TooManyBodies
        self.charge(address, size)

    def charge(self, address: str, size: int) -> None:
        """Take what is too small to be refused."""
        self.taken += size
        self._by_address[address] += size

    def give_back(self, address: str, size: int) -> None:
        """``size`` bytes are free again."""
        self.taken -= size
        self._by_address[address] -= size
        if not self._by_address[address]:
            del self._by_address[address]
