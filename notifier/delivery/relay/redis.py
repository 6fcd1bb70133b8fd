"""The relay of several processes: Redis pub/sub, one channel for each connected user.

A process hears the channels of those users who are connected to it. Its own events it
delivers itself, at once, and ignores when they come back from Redis. What arrives
together is delivered together, as it is where it was committed. One more channel is heard by
all, for what they ask each other.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from notifier.delivery.relay import Receiver, questions
from notifier.delivery.relay.link import Bus, Hear
from notifier.delivery.relay.nudges import NotANudge, Nudge, Nudges
from notifier.events import Event
from notifier.models import Online

logger = logging.getLogger(__name__)

_COMPLAIN: Final = 60.0
"""Seconds between two complaints about messages that are no nudges."""

_ANSWER: Final = 0.5
"""Seconds in which other processes have to answer a question."""


class RedisRelay:
    """Carries nudges through a bus of Redis."""

    name = "redis"

    def __init__(
        self, make_bus: Callable[[Hear], Bus], *, prefix: str, secrets: Sequence[str]
    ) -> None:
        self._bus = make_bus(self._hear)
        # Other channels than those of releases whose nudges were not sealed.
        self._prefix = f"{prefix}events:".encode()
        # Not a number, so it is no user's; and below the same prefix, for which an ACL is made.
        self._questions = self._prefix + b"questions"
        self._asked: dict[bytes, asyncio.Queue[questions.Answer]] = {}
        self._nudges = Nudges(*secrets)
        self._receiver: Receiver | None = None
        self._arrived: list[Nudge] = []
        self.rejected = 0
        self._silent_until = 0.0

    @property
    def state(self) -> str:
        """``ok`` or ``away``."""
        return self._bus.state

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        # Before the start, so that whenever Redis is there this is heard.
        await self._bus.subscribe(self._questions)
        await self._bus.start()

    async def stop(self) -> None:
        await self._bus.stop()
        self._receiver = None

    def publish(self, events: Sequence[Event]) -> None:
        by_user: dict[int, list[Event]] = {}
        for event in events:
            by_user.setdefault(event.user_id, []).append(event)
        for user_id, those in by_user.items():
            self._bus.publish(self._channel(user_id), self._nudges.make(user_id, those))
        if self._receiver is not None:
            self._receiver.deliver(events)

    async def subscribe(self, user_id: int) -> None:
        await self._bus.subscribe(self._channel(user_id))

    def unsubscribe(self, user_id: int) -> None:
        self._bus.unsubscribe(self._channel(user_id))

    async def ask_online(self, user_ids: Sequence[int]) -> Sequence[Mapping[int, Online]]:
        question = questions.question(user_ids)
        message = self._nudges.seal(questions.encode(question))
        arriving = self._asked[question.id] = asyncio.Queue()
        answers: list[Mapping[int, Online]] = []
        try:
            async with asyncio.timeout(_ANSWER):
                heard = await self._bus.tell(self._questions, message)
                while len(answers) < heard - 1:
                    answers.append(questions.read(await arriving.get()))
        except TimeoutError:
            logger.debug("Not all have answered", extra={"action": "unanswered"})
        finally:
            del self._asked[question.id]
        return answers

    def _channel(self, user_id: int) -> bytes:
        return b"%b%d" % (self._prefix, user_id)

    def _hear(self, channel: bytes, message: bytes) -> None:
        try:
            if channel == self._questions:
                self._hear_question(message)
            else:
                self._hear_nudge(message)
        except NotANudge:
            self._reject(len(message))

    def _hear_question(self, message: bytes) -> None:
        """A question, which is answered at once, or an answer. Raises NotANudge."""
        if len(message) > questions.MAX_MESSAGE:
            raise NotANudge
        body = self._nudges.unseal(message)
        if body is None or self._receiver is None:
            return
        try:
            found = questions.decode(body)
        except msgspec.DecodeError:
            return  # of a later release
        if isinstance(found, questions.Question):
            answer = questions.answer(found, self._receiver.online(found.user_ids))
            self._bus.publish(self._questions, self._nudges.seal(questions.encode(answer)))
        elif arriving := self._asked.get(found.id):
            arriving.put_nowait(found)

    def _hear_nudge(self, message: bytes) -> None:
        nudge = self._nudges.read(message)
        if nudge is not None:
            self._arrived.append(nudge)
            if len(self._arrived) == 1:
                # The link goes through all that came in one packet before the loop gets here.
                asyncio.get_running_loop().call_soon(self._deliver)

    def _reject(self, size: int) -> None:
        self.rejected += 1
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _COMPLAIN
            logger.warning(
                "Not a nudge",
                extra={"action": "not_a_nudge", "size": size, "rejected": self.rejected},
            )

    def _deliver(self) -> None:
        nudges, self._arrived = self._arrived, []
        receiver = self._receiver
        if receiver is None:
            return
        try:
            receiver.deliver([event for nudge in nudges for event in nudge.events()])
        except Exception:
            logger.exception("Nudges were lost", extra={"action": "nudges_lost"})
        for nudge in nudges:
            # For what the nudges did not bring; whoever has it all does nothing.
            receiver.heard(nudge.user_id, nudge.seq)
