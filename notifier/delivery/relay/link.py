"""One connection to one Redis server, which comes back by itself.

A link publishes and subscribes over the same connection (RESP3), everything that waits in
one write. Redis answers in the order of commands, so that each answer belongs to the
oldest command that has none. Whatever goes wrong ends the connection; the next one, after
a pause, begins with all subscriptions.
"""

import asyncio
import logging
import math
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from redis.exceptions import RedisError

from notifier.backoff import Backoff
from notifier.delivery.relay.connection import Connect, Connection, Words

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 500
"""Commands in one write, so that the loop is never held up for long."""

_MAX_WAITING: Final = 8 * 1024 * 1024
"""Bytes of messages that may wait for a slow Redis; beyond, the feeds read the store."""

_PING: Final = 1.0
_SILENCE: Final = 3.0
"""Seconds without a word from Redis, although it was asked, until the connection is given up."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0

Hear = Callable[[bytes, bytes], None]
"""Takes each message that was published to a subscribed channel, behind the channel."""


class Verbs(NamedTuple):
    """The commands of one kind of channels, and what Redis calls their messages."""

    publish: str
    subscribe: str
    unsubscribe: str
    message: bytes


CLASSIC: Final = Verbs("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", b"message")
SHARDED: Final = Verbs("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage")

Answered = asyncio.Future[Any]
"""Done with the answer, or with None when the connection has ended."""


class _Command(NamedTuple):
    words: Words
    answered: Answered | None


class Bus(Protocol):
    """Channels that one can publish to and subscribe to, on one server or on many."""

    @property
    def state(self) -> str:
        """``ok`` or ``away``."""
        ...

    async def start(self) -> None:
        """Connect; returns after the first attempt, whatever became of it."""
        ...

    async def stop(self) -> None:
        """Send what is under way, for a moment, and disconnect. Never raises."""
        ...

    def publish(self, channel: bytes, message: bytes) -> None:
        """Send soon, or never if Redis is away. Never blocks, never raises."""
        ...

    async def tell(self, channel: bytes, message: bytes) -> int:
        """Send, and return how many have heard it, we included; 0 if Redis is away."""
        ...

    async def subscribe(self, channel: bytes) -> None:
        """Hear this channel. Returns when Redis has confirmed it, or is away."""
        ...

    def unsubscribe(self, channel: bytes) -> None:
        """No longer hear this channel."""
        ...


class Link:
    """The bus on one server."""

    def __init__(
        self,
        connect: Connect,
        hear: Hear,
        verbs: Verbs = CLASSIC,
        *,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = "away"
        self._connect = connect
        self._hear = hear
        self._verbs = verbs
        self._lost = lost
        """Called whenever an attempt to connect has failed or a connection has ended."""
        self._channels: dict[bytes, Answered] = {}
        self._leaving: Counter[bytes] = Counter()
        self._connected = False
        self._outbox: deque[_Command] = deque()
        self._outbox_filled = asyncio.Event()
        self._waiting = 0
        self._unanswered: deque[Answered | None] = deque()
        self._answers = 0
        self._attempted = asyncio.Event()
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        await self._attempted.wait()

    async def stop(self) -> None:
        if self._task is None:
            return
        if self._connected:
            # Its answer comes behind all that was published before.
            await asyncio.wait([self._ask("PING")], timeout=_PING)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._went_away()

    def publish(self, channel: bytes, message: bytes) -> None:
        if self._connected and self._waiting < _MAX_WAITING:
            self._waiting += len(message)
            self._put(_Command((self._verbs.publish, channel, message), None))

    async def tell(self, channel: bytes, message: bytes) -> int:
        if not self._connected:
            return 0
        self._waiting += len(message)
        heard = self._ask(self._verbs.publish, channel, message)
        await asyncio.wait([heard])
        return int(heard.result() or 0)

    async def subscribe(self, channel: bytes) -> None:
        confirmed = self._channels.get(channel)
        if confirmed is None:
            confirmed = self._subscribe(channel)
        if not confirmed.done():
            # Not awaited itself, because whoever gives up waiting would cancel it.
            await asyncio.wait([confirmed])

    def _subscribe(self, channel: bytes) -> Answered:
        confirmed = self._ask(self._verbs.subscribe, channel) if self._connected else _answered()
        self._channels[channel] = confirmed
        return confirmed

    def unsubscribe(self, channel: bytes) -> None:
        if self._channels.pop(channel, None) is not None and self._connected:
            self._leaving[channel] += 1
            self._ask(self._verbs.unsubscribe, channel)

    def _ask(self, *words: str | bytes) -> Answered:
        answered: Answered = asyncio.get_running_loop().create_future()
        self._put(_Command(words, answered))
        return answered

    def _put(self, command: _Command) -> None:
        self._outbox.append(command)
        self._outbox_filled.set()

    # The connection.

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connected = math.inf
            try:
                async with asyncio.timeout(_SILENCE):
                    connection = await self._connect()
                connected = loop.time()
                await self._talk(connection)
            except* (RedisError, OSError) as failed:
                reason = "; ".join(str(error) or "no answer" for error in failed.exceptions)
                is_known = self._attempted.is_set() and self.state == "away"
                level = logging.DEBUG if is_known else logging.WARNING
                logger.log(level, "Redis is away", extra={"action": "away", "reason": reason})
            except* Exception:
                logger.exception("The link to Redis failed", extra={"action": "link_failed"})
            self._went_away()
            self._attempted.set()
            self._lost()
            self._backoff.lasted(loop.time() - connected)
            await asyncio.sleep(self._backoff.pause())

    async def _talk(self, connection: Connection) -> None:
        """Use ``connection`` until it ends, which raises an ExceptionGroup."""
        try:
            self._connected = True
            for channel in self._channels:
                self._subscribe(channel)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(connection))
                group.create_task(self._read(connection))
                group.create_task(self._watch())
        finally:
            with suppress(RedisError, OSError):
                await connection.close()

    def _went_away(self) -> None:
        self.state = "away"
        self._connected = False
        answers = [*self._unanswered, *(command.answered for command in self._outbox)]
        self._unanswered.clear()
        self._outbox.clear()
        self._leaving.clear()
        self._waiting = 0
        for answered in answers:
            _resolve(answered)

    async def _write(self, connection: Connection) -> None:
        while True:
            await self._outbox_filled.wait()
            await connection.send(self._take())
            if self._outbox:
                await asyncio.sleep(0)

    def _take(self) -> list[Words]:
        """The next commands to send; from now on they wait for their answers."""
        taken: list[Words] = []
        for _ in range(min(_AT_ONCE, len(self._outbox))):
            words, answered = self._outbox.popleft()
            if words[0] == self._verbs.publish:
                self._waiting -= len(words[-1])
            self._unanswered.append(answered)
            taken.append(words)
        if not self._outbox:
            self._outbox_filled.clear()
        return taken

    async def _read(self, connection: Connection) -> None:
        kind_of_message = self._verbs.message
        while True:
            reply = await connection.receive()
            if isinstance(reply, list):
                if reply[0] == kind_of_message:
                    self._hear(reply[1], reply[2])
                    continue
                self._check_unsubscribed(reply[0], reply[1])
            self._answers += 1
            _resolve(self._unanswered.popleft(), reply)

    def _check_unsubscribed(self, kind: bytes, channel: bytes) -> None:
        """A Redis cluster ends subscriptions to channels that have moved to another server."""
        if kind.endswith(b"unsubscribe"):
            if not self._leaving[channel]:
                raise ConnectionResetError("a channel has moved")
            self._leaving[channel] -= 1
            if not self._leaving[channel]:
                del self._leaving[channel]

    async def _watch(self) -> None:
        """Ask again and again, because a peer that hangs keeps its connections open."""
        while True:
            pong = self._ask("PING")
            while not pong.done():
                answers = self._answers
                await asyncio.wait([pong], timeout=_SILENCE)
                if not pong.done() and answers == self._answers:
                    raise TimeoutError
            if self.state != "ok":
                # All subscriptions were asked for before, so they are confirmed now.
                self.state = "ok"
                self._attempted.set()
                logger.info("Redis is there", extra={"action": "redis"})
            await asyncio.sleep(_PING)


def _answered() -> Answered:
    future: Answered = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _resolve(answered: Answered | None, reply: object = None) -> None:
    if answered is not None and not answered.done():
        answered.set_result(reply)
