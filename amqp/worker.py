"""Turns the messages of one connection into notifications.

A message is acknowledged after the commit of everything in it. What can never succeed is
published to the dead-letter exchange first, and the message is acknowledged once the
broker has confirmed that, so that it is always somewhere. Acknowledgements are gathered
and sent after all commits that ended together have been looked at.
"""

import asyncio
import logging
from typing import Any, Final

from amqp.acknowledgements import Acknowledgements
from amqp.broker import Channel
from amqp.confirms import Confirms
from amqp.errors import Disconnected
from amqp.frames import Delivery, Publish
from amqp.intake import Intake
from amqp.messages import Job, Part, Reader
from amqp.results import Results
from amqp.topology import RESULT_KEY, Topology
from notifier.errors import NotifierError, TooManyRequests
from notifier.refusals import Refusals
from notifier.sending.service import NotificationService
from notifier.settings import Settings

logger = logging.getLogger(__name__)

_RESULT_KEY: Final = RESULT_KEY.encode()
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
        *,
        refusals: Refusals,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._reader = Reader(settings.max_body_bytes, settings.users)
        self._queue = topology.queue
        self._prefetch = settings.rabbit_prefetch
        self._dead_exchange = topology.dead_exchange.encode()
        self._results = results
        self._refusals = refusals
        self._acknowledgements = Acknowledgements()
        self._intake = Intake(
            service,
            min(_MAX_WINDOW, max(1, settings.queue_size // 2)),
            # So many at most that others get past them.
            most_early=settings.rabbit_prefetch // 4,
            finished=self._finish,
            broken=channel.end,
        )
        self._dead_letters: Confirms[Job] = Confirms()
        self._unacknowledged = 0
        self._acknowledged = 0
        """How many of them have an acknowledgement that was not sent yet."""
        self._flush_is_due = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Consume. Raises Disconnected."""
        self._channel.on_return(lambda: self._dead_letter_lost("found no queue"))
        await self._channel.confirm(self._confirmed)
        await self._channel.consume(self._queue, self._prefetch, self._deliver)

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

    def _deliver(self, delivery: Delivery) -> None:
        if self._channel.ended.done():
            return  # it will come again
        try:
            if not self._unacknowledged:
                self._idle.clear()
            self._unacknowledged += 1
            if delivery.routing_key == _RESULT_KEY:
                # Somebody has bound our queue to everything: no answers to answers.
                self._acknowledge(delivery.tag)
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
            return self._reader.read(delivery)
        except Exception:
            logger.exception("Reading a message failed", extra={"action": "rabbitmq_read_failed"})
            job = Job(delivery)
            job.failed_whole(NotifierError("Something went wrong here."))
            return job, []

    def _finish(self, job: Job) -> None:
        if self._results is not None:
            self._results.publish(job)
        if job.dead_letters:
            self._dead_letter(job)
        else:
            self._acknowledge(job.delivery.tag)

    def _dead_letter(self, job: Job) -> None:
        delivery = job.delivery
        job.unconfirmed = len(job.dead_letters)
        for letter in job.dead_letters:
            self._channel.publish(
                Publish(
                    self._dead_exchange,
                    job.routing_key,
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
            self._dead_letters.published(job)
            if isinstance(letter.error, TooManyRequests):
                self._refusals.count(letter.error.code, queue=self._queue)
        first = job.dead_letters[0]
        if isinstance(first.error, TooManyRequests):
            return
        logger.warning(
            "A message was dead-lettered",
            extra={
                "action": "dead_letter",
                "message_id": first.message_id.decode(errors="replace"),
                "notifications": len(job.dead_letters),
                "reason": first.error.message,
            },
        )

    def _confirmed(self, number: int, multiple: bool, taken: bool) -> None:
        if not taken:
            self._dead_letter_lost("was refused")
            return
        for job in self._dead_letters.confirmed(number, multiple):
            job.unconfirmed -= 1
            if not job.unconfirmed:
                self._acknowledge(job.delivery.tag)

    def _dead_letter_lost(self, how: str) -> None:
        self._channel.end(Disconnected(f"A message for {self._dead_exchange.decode()!r} {how}."))

    def _acknowledge(self, tag: int) -> None:
        self._acknowledgements.add(tag)
        self._acknowledged += 1
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        for tag, multiple in self._acknowledgements.due():
            self._channel.ack(tag, multiple)
        self._unacknowledged -= self._acknowledged
        self._acknowledged = 0
        if not self._unacknowledged:
            self._idle.set()
