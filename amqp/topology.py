"""What has to exist on the broker: exchanges, queues and what binds them.

Notifications come by a durable quorum queue that all processes share. What can never
succeed ends in a second one, behind an exchange of its own. Declaring is idempotent, so
this is done on every connection.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

from amqp.broker import Channel, Connection
from amqp.errors import ChannelClosed, Misconfigured
from notifier.settings import Settings

logger = logging.getLogger(__name__)

SEND_KEY: Final = "notifications.send"
WITHDRAW_KEY: Final = "notifications.withdraw"
RESULT_KEY: Final = "notifications.result"

_PRECONDITION_FAILED: Final = 406
_FANOUT: Final = "fanout"
_FIRST_WITH_DELIVERY_LIMIT: Final = (4,)
_INEQUIVALENT = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)' for .*: "
    r"received (?P<wanted>.+?) but current is (?P<found>.+)"
)


class Topology:
    """The names, and how to bring them about."""

    def __init__(self, settings: Settings) -> None:
        self.exchange = settings.rabbit_exchange
        self.exchange_type = settings.rabbit_exchange_type
        self.queue = settings.rabbit_queue
        self.dead_exchange = f"{self.exchange}.dead"
        self.dead_queue = f"{self.queue}.dead"

    async def declare(self, connection: Connection) -> None:
        """Make sure that all of it exists. Raises Misconfigured, or another BrokerError."""
        await self._declare_exchange(connection, self.exchange, self.exchange_type)
        await self._declare_exchange(connection, self.dead_exchange, _FANOUT)
        await self._declare_queue(connection, self.dead_queue, {"x-queue-type": "quorum"})
        arguments: dict[str, object] = {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": self.dead_exchange,
        }
        if connection.version >= _FIRST_WITH_DELIVERY_LIMIT:
            # From version 4 on, a message is dropped after 20 redeliveries unless this says
            # otherwise, and 20 outages are no reason to lose one. Version 3 knows no such
            # default, and takes a negative limit for none at all.
            arguments["x-delivery-limit"] = -1
        await self._declare_queue(connection, self.queue, arguments)
        channel = await connection.channel()
        await channel.bind(self.dead_queue, self.dead_exchange, SEND_KEY)
        # Into one queue, so that what takes a notification back comes behind it.
        await channel.bind(self.queue, self.exchange, SEND_KEY)
        await channel.bind(self.queue, self.exchange, WITHDRAW_KEY)
        await channel.close()

    async def _declare_exchange(self, connection: Connection, name: str, kind: str) -> None:
        try:
            await _attempt(connection, lambda channel: channel.declare_exchange(name, kind))
        except ChannelClosed as error:
            if error.code != _PRECONDITION_FAILED:
                raise
            raise Misconfigured(_advice(name, error)) from error

    async def _declare_queue(
        self, connection: Connection, name: str, arguments: dict[str, object]
    ) -> None:
        try:
            await _attempt(connection, lambda channel: channel.declare_queue(name, arguments))
        except ChannelClosed as error:
            if error.code != _PRECONDITION_FAILED:
                raise
            await _attempt(connection, lambda channel: channel.find_queue(name))
            # Somebody has made it to their liking, or an older broker has.
            logger.warning(
                "A queue exists with other properties than ours; using it as it is",
                extra={"action": "rabbitmq_queue_differs", "queue": name, "reason": error.text},
            )


async def _attempt(connection: Connection, call: Callable[[Channel], Awaitable[None]]) -> None:
    """Do it on a channel of its own, because a refusal ends the channel."""
    channel = await connection.channel()
    await call(channel)
    await channel.close()


def _advice(name: str, error: ChannelClosed) -> str:
    found = _INEQUIVALENT.search(error.text)
    if found and found["argument"] == "type":
        kind = found["found"].strip("'")
        same = f"NOTIFIER_RABBIT_EXCHANGE_TYPE={kind}, or " if kind in ("topic", "direct") else ""
        return (
            f"The exchange {name!r} exists with type {kind!r}. Set {same}"
            "NOTIFIER_RABBIT_EXCHANGE to another name, or delete the exchange."
        )
    what = f"{found['argument']} {found['found']}" if found else error.text
    return (
        f"The exchange {name!r} exists with {what}. "
        "Set NOTIFIER_RABBIT_EXCHANGE to another name, or delete the exchange."
    )
