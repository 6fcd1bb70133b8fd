"""Turns the messages of one connection into notifications.

A message is acknowledged after the commit of everything in it. What can never succeed is
published to the dead-letter exchange first, and the message is acknowledged once the
broker has confirmed that, so that it is always somewhere. Acknowledgements are gathered
and sent after all commits that ended together have been looked at.
"""

import asyncio
import logging
from typing import Any, Final

from amqp.broker import Channel
from amqp.confirms import Confirms
from amqp.deliveries import Delivery
from amqp.errors import Disconnected
from amqp.intake import Intake
from amqp.ledger import Ledger
from amqp.messages import Job, Part, read
from amqp.publishing import Outgoing
from amqp.results import Results
from amqp.topology import RESULT_KEY, SEND_KEY, Topology
from notifier.config import Settings
from notifier.errors import NotifierError
from notifier.models import Notification
from notifier.service import NotificationService

logger = logging.getLogger(__name__)

_RESULT_KEY: Final = RESULT_KEY.encode()
_SEND_KEY: Final = SEND_KEY.encode()
_MAX_REASON: Final = 500
"""Characters of a reason that go into a header, whose frame has a limit."""

_MAX_WINDOW: Final = 2000
"""Notifications that are given to the store at once: two of its transactions."""


class Worker:
    """The work of one consuming channel, which is ended if anything goes wrong with it."""

    def __init__(
        self,
        channel: Channel,
        service: NotificationService,
        settings: Settings,
        topology: Topology,
        results: Results | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._max_bytes = settings.max_body_bytes
        self._queue = topology.queue
        self._prefetch = settings.rabbit_prefetch
        self._dead_exchange = topology.dead_exchange.encode()
        self._results = results
        self._ledger = Ledger()
        self._intake = Intake(
            service,
            min(_MAX_WINDOW, max(1, settings.queue_size // 2)),
            stored=self._stored,
            refused=self._refused,
            broken=channel.end,
        )
        self._dead: Confirms[Job] = Confirms()
        self._unfinished = 0
        self._settled = 0
        self._flush_is_due = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Consume. Raises Disconnected."""
        self._channel.on_return(lambda: self._dead_letter_lost("found no queue"))
        await self._channel.confirm(self._confirmed)
        await self._channel.consume(self._queue, self._prefetch, self._take)

    async def drain(self) -> None:
        """Take nothing new, and return when all that was taken is acknowledged."""
        await self._channel.cancel()
        idle = asyncio.ensure_future(self._idle.wait())
        ends: list[asyncio.Future[Any]] = [idle, self._channel.ended]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()

    def close(self) -> None:
        """The channel has ended: the broker will deliver again what was not acknowledged."""
        self._intake.close()

    def _take(self, delivery: Delivery) -> None:
        if self._channel.ended.done():
            return  # it will come again
        try:
            if not self._unfinished:
                self._idle.clear()
            self._unfinished += 1
            if delivery.routing_key == _RESULT_KEY:
                # Somebody has bound our queue to everything: no answers to answers.
                self._settle(delivery.tag)
                return
            job, parts = self._read(delivery)
            if not job.waiting:
                self._finish(job)
            for part in parts:
                self._intake.put(part)
        except Exception as error:
            self._channel.end(error)

    def _read(self, delivery: Delivery) -> tuple[Job, list[Part]]:
        try:
            return read(delivery, self._max_bytes)
        except Exception:
            logger.exception("Reading a message failed", extra={"action": "rabbitmq_read_failed"})
            job = Job(delivery)
            job.refuse_whole(NotifierError("Something went wrong here."))
            return job, []

    def _stored(self, part: Part, notification: Notification) -> None:
        if part.job.answer(part, notification):
            self._finish(part.job)

    def _refused(self, part: Part, error: NotifierError) -> None:
        if part.job.refuse(part, error):
            self._finish(part.job)

    def _finish(self, job: Job) -> None:
        if self._results is not None:
            self._results.publish(job)
        if job.refused:
            self._lay_aside(job)
        else:
            self._settle(job.delivery.tag)

    def _lay_aside(self, job: Job) -> None:
        delivery = job.delivery
        job.waiting = len(job.refused)
        for letter in job.refused:
            self._channel.publish(
                Outgoing(
                    self._dead_exchange,
                    _SEND_KEY,
                    letter.body,
                    content_type=delivery.content_type,
                    correlation_id=delivery.correlation_id,
                    reply_to=delivery.reply_to,
                    message_id=letter.message_id,
                    headers={
                        "reason": letter.error.message[:_MAX_REASON],
                        "code": letter.error.code,
                    },
                    mandatory=True,
                )
            )
            self._dead.published(job)
        first = job.refused[0]
        logger.warning(
            "A message was laid aside",
            extra={
                "action": "dead_letter",
                "message_id": first.message_id.decode(errors="replace"),
                "notifications": len(job.refused),
                "reason": first.error.message,
            },
        )

    def _confirmed(self, number: int, multiple: bool, taken: bool) -> None:
        if not taken:
            self._dead_letter_lost("was refused")
            return
        for job in self._dead.answered(number, multiple):
            job.waiting -= 1
            if not job.waiting:
                self._settle(job.delivery.tag)

    def _dead_letter_lost(self, how: str) -> None:
        self._channel.end(Disconnected(f"A message for {self._dead_exchange.decode()!r} {how}."))

    def _settle(self, tag: int) -> None:
        self._ledger.settle(tag)
        self._settled += 1
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        for tag, multiple in self._ledger.due():
            self._channel.ack(tag, multiple)
        self._unfinished -= self._settled
        self._settled = 0
        if not self._unfinished:
            self._idle.set()
