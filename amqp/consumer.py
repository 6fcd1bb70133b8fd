"""Keeps consuming from RabbitMQ, whatever happens to the connection.

One task connects, consumes until something ends, and connects again after a pause that
grows until consuming has worked for longer than it. Nothing that goes wrong here reaches
the rest of the server, which does not need RabbitMQ for anything.
"""

import asyncio
import logging
import math
from contextlib import suppress
from typing import Final

from amqp.broker import SECONDS_TO_OPEN, Connection, parameters
from amqp.errors import BrokerError, Disconnected, Misconfigured
from amqp.results import Results
from amqp.topology import Topology
from amqp.worker import Worker
from notifier.backoff import Backoff
from notifier.refusals import Refusals
from notifier.sending.service import NotificationService
from notifier.settings import Settings

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 30.0


class Consumer:
    """Takes notifications from RabbitMQ from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, service: NotificationService, settings: Settings, refusals: Refusals
    ) -> None:
        """Raises InvalidSettings."""
        self._service = service
        self._refusals = refusals
        self._settings = settings
        self._parameters = parameters(settings)
        self._topology = Topology(settings)
        self._results = (
            Results(self._topology.exchange, settings.reply_queues, refusals)
            if settings.rabbit_results
            else None
        )
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._connection: Connection | None = None
        self._worker: Worker | None = None
        self._consuming_since = math.inf
        self._reported = ""
        self._task: asyncio.Task[None] | None = None

    def state(self) -> str:
        """``connecting``, ``consuming``, or ``blocked`` while the broker is short of memory."""
        if self._worker is None or self._connection is None:
            return "connecting"
        return "blocked" if self._connection.blocked else "consuming"

    def start(self) -> None:
        """Begin. Returns at once, whether or not there is a broker."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Take nothing new, finish and acknowledge what was taken, and say good-bye.

        The broker keeps what cannot be finished within the time limit of a send.
        """
        try:
            with suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(self._settings.request_timeout):
                    await self._drain()
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])

    async def _drain(self) -> None:
        if self._worker is not None:
            await self._worker.drain()
            if self._results is not None:
                await self._results.drain()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._consuming_since = math.inf
            try:
                reason = await self._consume()
            except Exception as error:
                reason = error
            self._report(reason)
            self._backoff.lasted(loop.time() - self._consuming_since)
            await asyncio.sleep(self._backoff.pause())

    async def _consume(self) -> Exception:
        """Consume over one connection until that ends; returns or raises why."""
        connection = self._connection = await Connection.open(self._parameters)
        publishing: asyncio.Task[Exception] | None = None
        try:
            async with asyncio.timeout(SECONDS_TO_OPEN):
                await self._topology.declare(connection)
                if self._results is not None:
                    await self._results.open(connection)
                channel = await connection.channel()
                worker = Worker(
                    channel,
                    self._service,
                    self._settings,
                    self._topology,
                    self._results,
                    refusals=self._refusals,
                )
                await worker.start()
            self._worker = worker
            self._consuming()
            if self._results is not None:
                publishing = asyncio.create_task(self._results.keep_open(connection))
            ends = [channel.ended, *([publishing] if publishing else [])]
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        except TimeoutError:
            raise Disconnected("The broker does not answer.") from None
        finally:
            if publishing is not None:
                publishing.cancel()
            if self._worker is not None:
                self._worker.close()
                self._worker = None
            await connection.close()
            if self._results is not None:
                self._results.close()

    def _consuming(self) -> None:
        self._consuming_since = asyncio.get_running_loop().time()
        self._reported = ""
        logger.info(
            "Consuming from RabbitMQ",
            extra={"action": "rabbitmq_consuming", "queue": self._topology.queue},
        )

    def _report(self, reason: Exception) -> None:
        """Say why consuming ended, once while it stays the same."""
        text = str(reason)
        if not isinstance(reason, BrokerError):
            logger.error(
                "Consuming from RabbitMQ failed; starting again",
                exc_info=reason,
                extra={"action": "rabbitmq_failed"},
            )
        elif text != self._reported:
            level = logging.ERROR if isinstance(reason, Misconfigured) else logging.WARNING
            logger.log(
                level,
                "RabbitMQ cannot be used; trying again",
                extra={"action": "rabbitmq_away", "reason": text},
            )
        self._reported = text
