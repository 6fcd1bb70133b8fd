"""How many connections each address holds.

This machine and the trusted proxies may hold as many as they like: where a proxy stands in
front, it is the address of its client that counts.
"""

from collections import Counter
from functools import lru_cache

from handlers.proxies import TrustedProxies
from notifier.addresses import is_loopback, subscriber


class Addresses:
    """What is held by those who are limited. ``most`` for each; 0 is no limit."""

    def __init__(self, most: int, proxies: TrustedProxies) -> None:
        self._most = most
        self._proxies = proxies
        self._held: Counter[str] = Counter()
        self.client = lru_cache(maxsize=4096)(self._client)
        """On whose account a connection of an address goes; None if nobody counts."""

    def _client(self, address: str) -> str | None:
        if not self._most or self._proxies.trusts(address):
            return None
        host = address.partition("%")[0]
        client = subscriber(host)
        return None if is_loopback(host) or is_loopback(client) else client

    def take(self, client: str) -> bool:
        """Count one more connection of ``client``, if it may have one."""
        if self._held[client] >= self._most:
            return False
        self._held[client] += 1
        return True

    def give_back(self, client: str) -> None:
        """One that was taken has ended."""
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
