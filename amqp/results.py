"""Results: what became of each message, for whoever sent it and whoever listens.

Published with confirms, of which nobody waits for a single one. What the broker has not
confirmed when the connection is lost goes out again on the next one, so a result may come
twice. A result that nobody is bound to receive is dropped by the broker, and that is fine.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from amqp.broker import Channel, Connection
from amqp.confirms import Confirms
from amqp.errors import ChannelClosed
from amqp.frames import Delivery, Publish
from amqp.messages import Job
from amqp.topology import RESULT_KEY
from notifier.backoff import Backoff
from notifier.refusals import Refusals

logger = logging.getLogger(__name__)

_MAX_UNCONFIRMED: Final = 10_000
"""Results that are remembered for a broker that confirms none. More are dropped."""

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_DRAIN_INTERVAL: Final = 0.01
_NOT_FOUND: Final = 404
"""The exchange is gone, and with it the binding of the queue: all of it has to be made anew."""

_CONTENT_TYPE: Final = b"application/json"
_RESULT_KEY: Final = RESULT_KEY.encode()


class Results:
    """Publishes results on a channel of its own, on one connection after the other."""

    def __init__(self, exchange: str, reply_queues: Sequence[str], refusals: Refusals) -> None:
        self._exchange = exchange.encode()
        names = [name.encode() for name in reply_queues]
        self._reply_queues = {name for name in names if not name.endswith(b"*")}
        self._reply_prefixes = tuple(name[:-1] for name in names if name.endswith(b"*"))
        self._refusals = refusals
        self._channel: Channel | None = None
        self._confirms: Confirms[Publish] = Confirms()
        self._left_over: list[Publish] = []
        self._dropped = 0

    async def open(self, connection: Connection) -> None:
        """Publish over ``connection`` from now on, first what is left of the last one.

        Raises Disconnected.
        """
        channel = await connection.channel()
        self._confirms = Confirms()
        await channel.confirm(self._confirmed)
        self._channel = channel
        left_over, self._left_over = self._left_over, []
        for result in left_over:
            self._send(result)

    async def keep_open(self, connection: Connection) -> Exception:
        """Open another channel when the broker closes one; returns why there can be none.

        A result that we have no right to publish must not stop notifications, and not the
        results behind it.
        """
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            assert self._channel is not None, "not opened"
            reason = await self._channel.ended
            if not isinstance(reason, ChannelClosed) or reason.code == _NOT_FOUND:
                return reason
            self._channel = None
            # One of them was refused, and nobody says which.
            self._dropped += len(self._confirms)
            self._confirms = Confirms()
            logger.error(
                "The broker refused a result",
                extra={"action": "result_refused", "reason": reason.text},
            )
            await asyncio.sleep(backoff.pause())
            await self.open(connection)

    def close(self) -> None:
        """The connection has ended: keep what it has not confirmed for the next one."""
        self._channel = None
        self._left_over += self._confirms.unconfirmed()
        self._confirms = Confirms()
        self._report_dropped()

    async def drain(self) -> None:
        """Return when the broker has confirmed everything."""
        while self._confirms:  # noqa: ASYNC110 - an event would be set for every confirm
            await asyncio.sleep(_DRAIN_INTERVAL)

    def publish(self, job: Job) -> None:
        """Tell what became of ``job``."""
        body = job.result()
        delivery = job.delivery
        self._send(self._result(self._exchange, _RESULT_KEY, delivery, body))
        if delivery.reply_to:
            self._reply(delivery, body)

    def _reply(self, delivery: Delivery, body: bytes) -> None:
        """Answer into the queue that a sender has named, if it may.

        With our rights that could be any queue, whatever reads it. The result went out anyway.
        """
        queue = delivery.reply_to
        if queue in self._reply_queues or queue.startswith(self._reply_prefixes):
            # The default exchange takes a queue's name for a routing key.
            self._send(self._result(b"", queue, delivery, body))
        else:
            self._refusals.count("reply_to", queue=queue.decode(errors="replace"))

    @staticmethod
    def _result(exchange: bytes, key: bytes, delivery: Delivery, body: bytes) -> Publish:
        return Publish(
            exchange,
            key,
            body,
            content_type=_CONTENT_TYPE,
            correlation_id=delivery.correlation_id,
        )

    def _send(self, result: Publish) -> None:
        if self._channel is None or len(self._confirms) >= _MAX_UNCONFIRMED:
            self._dropped += 1
            return
        self._channel.publish(result)
        self._confirms.published(result)

    def _confirmed(self, number: int, multiple: bool, taken: bool) -> None:
        results = self._confirms.confirmed(number, multiple)
        if not taken:
            self._dropped += len(results)
        if self._dropped:
            self._report_dropped()

    def _report_dropped(self) -> None:
        if self._dropped:
            logger.warning(
                "Results were dropped", extra={"action": "results_dropped", "count": self._dropped}
            )
            self._dropped = 0
