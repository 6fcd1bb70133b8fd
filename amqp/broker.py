"""Connections and channels of RabbitMQ, for coroutines.

pika is known here and in :mod:`amqp.frames` only. Its callbacks become futures and its
exceptions :mod:`amqp.errors`. A connection or a channel that has ended stays so; whoever
needs another one opens it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import pika  # type: ignore[import-untyped]
from pika.exceptions import (  # type: ignore[import-untyped]
    AMQPError,
    ChannelClosedByBroker,
    ConnectionClosed,
)
from tornado.ioloop import IOLoop

from amqp.ending import Ending
from amqp.errors import ChannelClosed, Disconnected
from amqp.frames import Deliver, FrameConnection, Publish
from notifier.errors import InvalidSettings
from notifier.settings import Settings

SECONDS_TO_OPEN: Final = 15.0
_SECONDS_TO_CLOSE: Final = 2.0

# pika tells every failure several times, on several levels. Ours are the lines that count.
logging.getLogger("pika").setLevel(logging.CRITICAL)

Confirmed = Callable[[int, bool, bool], None]
"""Told of confirms: a number, whether it means "up to", and whether the broker took it."""


def parameters(settings: Settings) -> Any:
    """How to connect. Raises InvalidSettings."""
    if settings.amqp_url:
        try:
            return pika.URLParameters(settings.amqp_url)
        except Exception as error:
            # Of any kind: pika reads options as Python literals and opens the files they name.
            # Without the address itself, which holds a password.
            raise InvalidSettings(f"AMQP_URL is not valid: {type(error).__name__}.") from None
    return pika.ConnectionParameters(
        host=settings.rabbit_host,
        port=settings.rabbit_port,
        virtual_host=settings.rabbit_vhost,
        credentials=pika.PlainCredentials(settings.rabbit_user, settings.rabbit_password),
    )


class Connection(Ending):
    """An open connection to a broker."""

    def __init__(self) -> None:
        super().__init__(_reason)
        self.blocked = False
        """The broker is short of memory or disk, and takes nothing from us for now."""
        self._theirs: Any = None

    @classmethod
    async def open(cls, parameters: Any) -> "Connection":
        """Connect. Raises Disconnected."""
        connection = cls()
        try:
            async with asyncio.timeout(SECONDS_TO_OPEN):
                await connection.call(lambda opened: connection._start(parameters, opened))
        except BaseException as error:
            await connection.close()
            if isinstance(error, TimeoutError):
                raise Disconnected("The broker does not answer.") from None
            raise
        return connection

    def _start(self, parameters: Any, opened: Callable[[Any], None]) -> None:
        self._theirs = FrameConnection(
            parameters,
            on_open_callback=opened,
            on_open_error_callback=self._lost,
            on_close_callback=self._lost,
            custom_ioloop=IOLoop.current(),
        )
        self._theirs.add_on_connection_blocked_callback(lambda *_: self._block(True))
        self._theirs.add_on_connection_unblocked_callback(lambda *_: self._block(False))

    @property
    def version(self) -> tuple[int, ...]:
        """The broker's version, as far as it is numbers; empty if it says none."""
        text = str((self._theirs.server_properties or {}).get("version", ""))
        return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())

    async def channel(self) -> "Channel":
        """A new channel. Raises Disconnected."""
        channel = Channel()
        await channel.open(self._theirs)
        return channel

    async def close(self) -> None:
        """Say good-bye, but do not insist."""
        if self._theirs is None or self.ended.done():
            return
        with suppress(AMQPError):
            self._theirs.close()
        if not await self._has_ended():
            self._theirs.abort()
            await self._has_ended()

    async def _has_ended(self) -> bool:
        done, _ = await asyncio.wait([self.ended], timeout=_SECONDS_TO_CLOSE)
        return bool(done)

    def _block(self, blocked: bool) -> None:
        self.blocked = blocked

    def _lost(self, _: object, error: BaseException) -> None:
        self.end(_reason(error))


class Channel(Ending):
    """An open channel."""

    def __init__(self) -> None:
        super().__init__(_reason)
        self._theirs: Any = None
        self._consumer = ""
        self._frame_max = 0

    async def open(self, connection: Any) -> None:
        """Open it on a connection of pika. Raises Disconnected."""

        def start(opened: Callable[[Any], None]) -> None:
            self._theirs = connection.channel(on_open_callback=opened)
            self._theirs.add_on_close_callback(lambda _, error: self.end(_reason(error)))

        await self.call(start)
        self._frame_max = connection.params.frame_max

    async def declare_exchange(self, name: str, kind: str) -> None:
        """Make sure that this durable exchange exists. Raises ChannelClosed if another one does."""
        await self.call(
            lambda done: self._theirs.exchange_declare(name, kind, durable=True, callback=done)
        )

    async def declare_queue(self, name: str, arguments: Mapping[str, object]) -> None:
        """Make sure that this durable queue exists. Raises ChannelClosed if another one does."""
        await self.call(
            lambda done: self._theirs.queue_declare(
                name, durable=True, arguments=dict(arguments), callback=done
            )
        )

    async def find_queue(self, name: str) -> None:
        """Raises ChannelClosed if there is no queue of this name."""
        await self.call(lambda done: self._theirs.queue_declare(name, passive=True, callback=done))

    async def bind(self, queue: str, exchange: str, key: str) -> None:
        """Let messages with this routing key into the queue."""
        await self.call(lambda done: self._theirs.queue_bind(queue, exchange, key, callback=done))

    async def confirm(self, confirmed: Confirmed) -> None:
        """Have the broker confirm what is published from now on."""

        def on_confirm(frame: Any) -> None:
            method = frame.method
            confirmed(method.delivery_tag, method.multiple, method.NAME == "Basic.Ack")

        await self.call(lambda done: self._theirs.confirm_delivery(on_confirm, callback=done))

    async def consume(self, queue: str, prefetch: int, deliver: Deliver) -> None:
        """Be given messages, of which at most ``prefetch`` are unacknowledged at any time.

        The channel counts as ended if the broker cancels this, as when the queue is deleted.
        """

        def start(done: Callable[[Any], None]) -> None:
            self._consumer = self._theirs.basic_consume(queue, _never, callback=done)

        self._theirs.connection.deliver_to(deliver, self._theirs.channel_number)
        self._theirs.add_on_cancel_callback(
            lambda _: self.end(Disconnected(f"The broker has cancelled consuming from {queue!r}."))
        )
        await self.call(lambda done: self._theirs.basic_qos(prefetch_count=prefetch, callback=done))
        await self.call(start)

    async def cancel(self) -> None:
        """Be given nothing more; the broker takes back what was under way."""
        await self.call(lambda done: self._theirs.basic_cancel(self._consumer, callback=done))

    def on_return(self, returned: Callable[[], None]) -> None:
        """Call ``returned`` when a mandatory publish found no queue."""
        self._theirs.add_on_return_callback(lambda *_: returned())

    def ack(self, tag: int, multiple: bool) -> None:
        """Acknowledge; nothing happens on a channel that has ended."""
        if not self.ended.done():
            self._theirs.basic_ack(tag, multiple)

    def publish(self, message: Publish) -> None:
        """Publish; nothing happens on a channel that has ended."""
        if not self.ended.done():
            self._theirs.connection.emit(
                message.frames(self._theirs.channel_number, self._frame_max)
            )

    async def close(self) -> None:
        """Say good-bye."""
        if not self.ended.done():
            with suppress(AMQPError):
                self._theirs.close()
                await self.ended


def _never(*message: object) -> None:
    """pika wants to know whom to give messages, but never sees one."""


def _reason(error: BaseException) -> Disconnected:
    """``error`` of pika in our words, with the innermost cause."""
    while (cause := _cause(error)) is not None:
        error = cause
    if isinstance(error, ChannelClosedByBroker):
        return ChannelClosed(error.reply_code, error.reply_text)
    if isinstance(error, ConnectionClosed):
        return Disconnected(f"{error.reply_text} ({error.reply_code})")
    return Disconnected(str(error) or type(error).__name__)


def _cause(error: BaseException) -> BaseException | None:
    """What ``error`` wraps: pika has attempts to connect, and their phases, in between."""
    inner = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args[:1]]
    return next((each for each in inner if isinstance(each, BaseException)), None)
