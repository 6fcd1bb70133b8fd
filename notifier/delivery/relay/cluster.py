"""The bus on a Redis cluster: sharded pub/sub, a link to each primary.

A channel lives on the server that owns its hash slot. Whenever a link ends (its server
died, or a slot has moved away) the cluster is asked anew who owns what, and channels
follow.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from typing import Final

from redis.crc import key_slot
from redis.exceptions import RedisError

from notifier.backoff import Backoff
from notifier.delivery.relay.connection import Connect
from notifier.delivery.relay.link import SHARDED, Hear, Link

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 2.0
_PATIENCE: Final = 3.0
_REFRESH_INTERVAL: Final = 30.0
"""Seconds after which the cluster is asked although nothing has happened: slots move unnoticed
where no channel is heard."""

Address = tuple[str, int]
"""Host and port of a server."""


class Cluster:
    """The bus on many servers."""

    def __init__(
        self, addresses: Iterable[Address], server: Callable[[Address], Connect], hear: Hear
    ) -> None:
        self._known = dict.fromkeys(addresses)
        self._server = server
        """How to connect to a server."""
        self._hear = hear
        self._owners: dict[int, Address] = {}
        self._links: dict[Address, Link] = {}
        self._channels: dict[bytes, Link | None] = {}
        """What is heard, and over which link; None while nobody owns its slot."""
        self._stale = asyncio.Event()
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        """``ok`` if all servers are there."""
        links = self._links.values()
        return "ok" if links and all(link.state == "ok" for link in links) else "away"

    async def start(self) -> None:
        await self._try_to_refresh()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.gather(*[link.stop() for link in self._links.values()])

    def publish(self, channel: bytes, message: bytes) -> None:
        if link := self._link(channel):
            link.publish(channel, message)

    async def tell(self, channel: bytes, message: bytes) -> int:
        link = self._link(channel)
        return await link.tell(channel, message) if link else 0

    async def subscribe(self, channel: bytes) -> None:
        if channel not in self._channels:
            self._channels[channel] = self._link(channel)
        if link := self._channels[channel]:
            await link.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        if link := self._channels.pop(channel, None):
            link.unsubscribe(channel)

    def _link(self, channel: bytes) -> Link | None:
        owner = self._owners.get(key_slot(channel))
        return None if owner is None else self._links.get(owner)

    # Following the cluster.

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_REFRESH_INTERVAL):
                    await self._stale.wait()
                await asyncio.sleep(self._backoff.pause())
            except TimeoutError:
                pass
            self._stale.clear()
            await self._try_to_refresh()

    async def _try_to_refresh(self) -> None:
        """A failure nobody expected is logged, and the cluster asked again soon."""
        try:
            await self._refresh()
        except Exception:
            logger.exception("Following the cluster failed", extra={"action": "cluster_failed"})
            self._stale.set()

    async def _refresh(self) -> None:
        self._owners = await self._ask_for_owners() or self._owners
        primaries = set(self._owners.values())
        # Those met before stay known: the first ones may leave the cluster some day.
        self._known |= dict.fromkeys(primaries)
        gone = [self._links.pop(address) for address in self._links.keys() - primaries]
        fresh = {
            address: Link(self._server(address), self._hear, SHARDED, lost=self._stale.set)
            for address in primaries - self._links.keys()
        }
        self._links |= fresh
        await asyncio.gather(*[link.start() for link in fresh.values()])
        await self._move()
        await asyncio.gather(*[link.stop() for link in gone])

    async def _move(self) -> None:
        """Bring every channel to the link of its server."""
        moving = []
        for channel, before in self._channels.items():
            link = self._link(channel)
            if link is not before:
                self._channels[channel] = link
                if before is not None:
                    before.unsubscribe(channel)
                if link is not None:
                    moving.append(link.subscribe(channel))
        await asyncio.gather(*moving)

    async def _ask_for_owners(self) -> dict[int, Address]:
        """Who owns each slot, as the first server says that answers; empty if none does."""
        for address in random.sample(list(self._known), len(self._known)):
            try:
                async with asyncio.timeout(_PATIENCE):
                    owners = await _owners(address, self._server(address))
            except (RedisError, OSError) as error:
                reason = str(error)
                logger.debug("No answer", extra={"action": "cluster_away", "reason": reason})
            else:
                self._backoff.reset()
                return owners
        self._stale.set()
        return {}


async def _owners(address: Address, connect: Connect) -> dict[int, Address]:
    connection = await connect()
    try:
        await connection.send([("CLUSTER", "SLOTS")])
        ranges = await connection.receive()
    finally:
        await connection.close()
    owners: dict[int, Address] = {}
    for first, last, (host, port, *_), *_ in ranges:
        # A server that does not know its own address means the one that we used.
        owner = (host.decode() if host else address[0], port)
        owners.update(dict.fromkeys(range(first, last + 1), owner))
    return owners
