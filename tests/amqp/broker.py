"""A publisher and listener beside the server, with exchange and queue names of its own."""

import json
import uuid
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from servers.rabbitmq import RabbitServer
from tests.support.harness import until

SEND = "notifications.send"
RESULT = "notifications.result"


class Message:
    """What came out of a queue."""

    def __init__(self, routing_key: str, properties: pika.BasicProperties, body: bytes) -> None:
        self.routing_key = routing_key
        self.properties = properties
        self.headers: dict[str, Any] = properties.headers or {}
        self.body = body

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Rabbit:
    """One test's corner of the broker."""

    def __init__(self, broker: RabbitServer) -> None:
        self.broker = broker
        name = uuid.uuid4().hex[:12]
        self.exchange = f"exchange-{name}"
        self.queue = f"queue-{name}"
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._results = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The server's settings for this corner."""
        return {
            "amqp_url": self.broker.address,
            "rabbit_exchange": self.exchange,
            "rabbit_queue": self.queue,
        }

    @property
    def channel(self) -> BlockingChannel:
        """A channel in confirm mode; another one if the last has ended."""
        if self._connection is None or not self._connection.is_open:
            # Tests may keep it idle for long, and nobody would answer heartbeats.
            address = f"{self.broker.address}?heartbeat=0"
            self._connection = pika.BlockingConnection(pika.URLParameters(address))
        if self._channel is None or not self._channel.is_open:
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
        return self._channel

    def publish(self, body: object, key: str = SEND, **properties: Any) -> None:
        """Publish ``body``, bytes as they are; returns when the broker has it."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        basic = pika.BasicProperties(delivery_mode=2, **properties)
        self.channel.basic_publish(self.exchange, key, content, basic, mandatory=True)

    def get(self, queue: str) -> Message | None:
        """The next message of ``queue``, if there is one."""
        found, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return None if found is None else Message(found.routing_key, properties, body)

    async def take(self, queue: str, count: int) -> list[Message]:
        """The next messages of ``queue``, as soon as there are so many."""
        messages: list[Message] = []

        def enough() -> bool:
            while len(messages) < count and (message := self.get(queue)):
                messages.append(message)
            return len(messages) >= count

        await until(enough, 20)
        return messages

    def listen(self) -> None:
        """Keep the results from now on. The exchange has to exist."""
        self._results = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self._results, self.exchange, RESULT)

    async def results(self, count: int) -> list[Message]:
        """The next results."""
        return await self.take(self._results, count)

    async def dead(self, count: int) -> list[Message]:
        """The next messages that were dead-lettered."""
        return await self.take(f"{self.queue}.dead", count)

    def ready(self, queue: str | None = None) -> int:
        """How many messages wait in a queue for somebody to take them."""
        declared = self.channel.queue_declare(queue or self.queue, passive=True)
        return int(declared.method.message_count)

    def disconnect(self) -> None:
        """Leave; the next call connects again."""
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def remove(self) -> None:
        """Leave nothing behind."""
        for queue in (self.queue, f"{self.queue}.dead"):
            self.channel.queue_delete(queue)
        for exchange in (self.exchange, f"{self.exchange}.dead"):
            self.channel.exchange_delete(exchange)
        self.disconnect()
