"""CPU of the server per RabbitMQ message: committed, delivered to a socket, acknowledged by it.

``python -m benchmarks.amqp [messages]``: bursts for one connected user, on SQLite and on
PostgreSQL, with results off and on, against servers of its own that are stopped afterwards.
"""

import asyncio
import sys
import time
from statistics import median

import pika  # type: ignore[import-untyped]

from benchmarks.measure import SECRET, Subject, subject
from notifier.identity.tokens import Tokens
from servers.postgres import PostgresServer
from servers.rabbitmq import RabbitServer

ROUNDS = 3
SECONDS = 60.0
BODY = b'{"user_id": 1, "payload": {"additionalProp1": "string", "number": 12345}}'
EXCHANGE = "notifications_exchange"
KEY = "notifications.send"
QUEUE = "notifications"


def publish(broker: RabbitServer, messages: int) -> pika.BlockingConnection:
    """One burst, each message with an id of its own.

    The connection is to be closed when they have arrived: a channel that closes right behind
    unconfirmed messages may take the last ones with it.
    """
    connection = pika.BlockingConnection(pika.URLParameters(broker.address))
    channel = connection.channel()
    started = time.monotonic_ns()
    for number in range(messages):
        properties = pika.BasicProperties(message_id=f"{started}-{number}", delivery_mode=2)
        channel.basic_publish(EXCHANGE, KEY, BODY, properties)
    return connection


def wait_for_consumer(broker: RabbitServer) -> None:
    """Return when the server has made the queue and consumes from it."""
    deadline = time.monotonic() + SECONDS
    with pika.BlockingConnection(pika.URLParameters(broker.address)) as connection:
        while time.monotonic() < deadline:
            try:
                queue = connection.channel().queue_declare(QUEUE, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                time.sleep(0.05)
            else:
                if queue.method.consumer_count:
                    return
    raise TimeoutError("the server does not consume")


class Device:
    """A WebSocket client without frills, so that the server does not wait for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Device":
        token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = (
            f"GET /ws/notifications/1/?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        return cls(reader, writer)

    async def receive(self, messages: int) -> None:
        """Acknowledge so many notifications. Their frames have 16 bits of length."""
        data = b""
        while messages > 0:
            data += await self._reader.read(1 << 16)
            place = 0
            acks = []
            while len(data) - place >= 4:
                size = data[place + 1]
                start = place + (4 if size == 126 else 2)
                end = start + (int.from_bytes(data[place + 2 : start], "big") or size)
                if end > len(data):
                    break
                acks.append(_ack(data[start:end].split(b'"', 8)[7]))
                place = end
            data = data[place:]
            self._writer.write(b"".join(acks))
            messages -= len(acks)

    def close(self) -> None:
        self._writer.close()


async def burst(server: Subject, broker: RabbitServer, messages: int) -> tuple[float, float]:
    """Microseconds of server CPU per message, and messages per second."""
    device = await Device.connect(server.port)
    before, began = server.cpu(), time.monotonic()
    receiving = asyncio.create_task(device.receive(messages))
    publisher = await asyncio.to_thread(publish, broker, messages)
    await asyncio.wait_for(receiving, SECONDS)
    seconds = time.monotonic() - began
    await asyncio.sleep(0.5)  # the last acknowledgements are being stored
    spent = server.cpu() - before
    publisher.close()
    device.close()
    return spent / messages, messages / seconds


def _ack(key: bytes) -> bytes:
    """An acknowledgement, masked with zeros (RFC 6455 §5.3)."""
    message = b'{"type":"message_ack","key":"%b"}' % key
    return b"\x81%c\0\0\0\0%b" % (0x80 | len(message), message)


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    broker, postgres = RabbitServer(), PostgresServer(durable=True)
    broker.start()
    postgres.start()
    try:
        for results in ("0", "1"):
            settings = {"AMQP_URL": broker.address, "NOTIFIER_RABBIT_RESULTS": results}
            with_results = f"results {'on' if results == '1' else 'off'}"
            rounds(f"SQLite, {with_results}", broker, messages, settings)
            settings["DATABASE_URL"] = postgres.create_database()
            rounds(f"PostgreSQL, {with_results}", broker, messages, settings)
    finally:
        broker.remove()
        postgres.remove()


def rounds(name: str, broker: RabbitServer, messages: int, settings: dict[str, str]) -> None:
    """Measure one way of running the server, and print what it takes."""
    with subject("notifier", **settings) as server:
        wait_for_consumer(broker)
        asyncio.run(burst(server, broker, 500))
        figures = [asyncio.run(burst(server, broker, messages)) for _ in range(ROUNDS)]
    each = ", ".join(f"{cpu:.0f}" for cpu, _ in figures)
    print(
        f"{name:<24} {median(cpu for cpu, _ in figures):5.0f} µs a message (rounds: {each}), "
        f"{median(rate for _, rate in figures):5.0f} messages/s"
    )


if __name__ == "__main__":
    main()
