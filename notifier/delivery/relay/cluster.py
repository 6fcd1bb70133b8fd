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

from notifier.delivery.relay.link import SHARDED, Connect, Hear, Link

logger = logging.getLogger(__name__)

_PAUSE: Final = 0.5
"""Seconds between two questions about the cluster, at least."""

_PATIENCE: Final = 3.0
_OFTEN: Final = 30.0
"""Seconds between two questions when nothing has happened: slots move unnoticed where no
channel is heard."""


Place = tuple[str, int]
"""Host and port of a server."""


class Cluster:
    """The bus on many servers."""

    def __init__(
        self, places: Iterable[Place], server: Callable[[Place], Connect], hear: Hear
    ) -> None:
        self._known = dict.fromkeys(places)
        self._server = server
        """How to connect to a server."""
        self._hear = hear
        self._owners: dict[int, Place] = {}
        self._links: dict[Place, Link] = {}
        self._places: dict[bytes, Link | None] = {}
        self._stale = asyncio.Event()
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

    async def subscribe(self, channel: bytes) -> None:
        if channel not in self._places:
            self._places[channel] = self._link(channel)
        if link := self._places[channel]:
            await link.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        if link := self._places.pop(channel, None):
            link.unsubscribe(channel)

    def _link(self, channel: bytes) -> Link | None:
        owner = self._owners.get(key_slot(channel))
        return None if owner is None else self._links.get(owner)

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
        gone = [self._links.pop(place) for place in self._links.keys() - primaries]
        fresh = {
            place: Link(self._server(place), self._hear, SHARDED, lost=self._stale.set)
            for place in primaries - self._links.keys()
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

    async def _ask_for_owners(self) -> dict[int, Place]:
        """Who owns each slot, as the first server says that answers; empty if none does."""
        for place in random.sample(list(self._known), len(self._known)):
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await _owners(place, self._server(place))
            except (RedisError, OSError) as error:
                reason = str(error)
                logger.debug("No answer", extra={"action": "cluster_away", "reason": reason})
        self._stale.set()
        return {}


async def _owners(place: Place, connect: Connect) -> dict[int, Place]:
    connection = await connect()
    try:
        command = connection.pack_commands([("CLUSTER", "SLOTS")])
        await connection.send_packed_command(command, check_health=False)
        ranges = await connection.read_response(disable_decoding=True, push_request=True)
    finally:
        await connection.disconnect(nowait=True)
    owners: dict[int, Place] = {}
    for first, last, (host, port, *_), *_ in ranges:
        # A server that does not know its own address means the one that we used.
        owner = (host.decode() if host else place[0], port)
        owners.update(dict.fromkeys(range(first, last + 1), owner))
    return owners
