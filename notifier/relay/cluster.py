"""The bus on a Redis cluster: sharded pub/sub, a link to each primary.

A channel lives on the server that owns its hash slot. Whenever a link ends (its server
died, or a slot has moved away) the cluster is asked anew who owns what, and channels
follow.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from redis.crc import key_slot
from redis.exceptions import RedisError

from notifier.relay.link import SHARDED, Connect, Hear, Link

logger = logging.getLogger(__name__)

_PAUSE: Final = 0.5
"""Seconds between two questions about the cluster, at least."""

_PATIENCE: Final = 3.0
_OFTEN: Final = 30.0
"""Seconds between two questions when nothing has happened: slots move unnoticed where no
channel is heard."""


class Slots:
    """Which server owns which slot."""

    def __init__(self, owners: Mapping[int, str], servers: Mapping[str, Connect]) -> None:
        self.servers = servers
        """How to connect to each primary, by name."""
        self._owners = owners

    def owner(self, channel: bytes) -> str | None:
        """The name of the server that ``channel`` lives on."""
        return self._owners.get(key_slot(channel))


Discover = Callable[[], Awaitable[Slots]]
"""Asks the cluster. May raise RedisError or OSError."""


class Cluster:
    """The bus on many servers."""

    def __init__(self, discover: Discover, hear: Hear) -> None:
        self._discover = discover
        self._hear = hear
        self._slots = Slots({}, {})
        self._links: dict[str, Link] = {}
        self._places: dict[bytes, Link | None] = {}
        self._stale = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        """``ok`` if all servers are there."""
        links = self._links.values()
        return "ok" if links and all(link.state == "ok" for link in links) else "away"

    async def start(self) -> None:
        await self._refresh()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.gather(*[link.stop() for link in self._links.values()])

    def publish(self, channel: bytes, message: bytes) -> None:
        if link := self._link(channel):
            link.publish(channel, message)

    async def subscribe(self, channel: bytes) -> None:
        link = self._places[channel] = self._link(channel)
        if link is not None:
            await link.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        if link := self._places.pop(channel, None):
            link.unsubscribe(channel)

    def _link(self, channel: bytes) -> Link | None:
        return self._links.get(self._slots.owner(channel) or "")

    # Following the cluster.

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_OFTEN):
                    await self._stale.wait()
                await asyncio.sleep(_PAUSE)
            except TimeoutError:
                pass
            self._stale.clear()
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                slots = await self._discover()
        except (RedisError, OSError) as error:
            reason = str(error)
            logger.debug("No answer", extra={"action": "cluster_away", "reason": reason})
            self._stale.set()
            return
        self._slots = slots
        gone = [self._links.pop(name) for name in self._links.keys() - slots.servers.keys()]
        fresh = {
            name: Link(slots.servers[name], self._hear, SHARDED, lost=self._stale.set)
            for name in slots.servers.keys() - self._links.keys()
        }
        self._links |= fresh
        await asyncio.gather(*[link.start() for link in fresh.values()])
        await self._move()
        await asyncio.gather(*[link.stop() for link in gone])

    async def _move(self) -> None:
        """Bring every channel to the link of its server."""
        moving = []
        for channel, place in self._places.items():
            link = self._link(channel)
            if link is not place:
                self._places[channel] = link
                if place is not None:
                    place.unsubscribe(channel)
                if link is not None:
                    moving.append(link.subscribe(channel))
        await asyncio.gather(*moving)
