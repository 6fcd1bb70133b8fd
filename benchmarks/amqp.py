"""CPU of the server per RabbitMQ message: committed, delivered to a socket, acknowledged by it.

``python -m benchmarks.amqp [messages]``: one burst for one connected user, with results off
and on, against a broker of its own that is stopped afterwards.
"""

import asyncio
import sys
import time

import pika
import websockets

from benchmarks.measure import SECRET, Subject, subject
from notifier.tokens import Tokens
from tests.support.rabbitmq import RabbitServer

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


async def receive(socket: websockets.ClientConnection, messages: int) -> None:
    """Acknowledge every notification, without spending our core on JSON."""
    for _ in range(messages):
        frame = await socket.recv(decode=False)
        key = frame.split(b'"', 8)[7]
        await socket.send(b'{"type":"message_ack","key":"%b"}' % key, text=True)


async def burst(server: Subject, broker: RabbitServer, messages: int) -> tuple[float, float]:
    """Microseconds of server CPU per message, and messages per second."""
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    url = f"ws://127.0.0.1:{server.port}/ws/notifications/1/?token={token}"
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        receiving = asyncio.create_task(receive(socket, messages))
        before, began = server.cpu(), time.monotonic()
        publisher = await asyncio.to_thread(publish, broker, messages)
        await asyncio.wait_for(receiving, SECONDS)
        seconds = time.monotonic() - began
        await asyncio.sleep(0.5)  # the last acknowledgements are being stored
        publisher.close()
        return (server.cpu() - before) / messages, messages / seconds


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    broker = RabbitServer()
    broker.start()
    try:
        for results in sys.argv[2:] or ("0", "1"):
            settings = {"AMQP_URL": broker.address, "NOTIFIER_RABBIT_RESULTS": results}
            with subject("notifier", **settings) as server:
                wait_for_consumer(broker)
                asyncio.run(burst(server, broker, 500))
                for _ in range(ROUNDS):
                    cpu, rate = asyncio.run(burst(server, broker, messages))
                    state = "on " if results == "1" else "off"
                    print(f"results {state}  {cpu:6.1f} µs a message  {rate:7.0f} messages/s")
    finally:
        broker.remove()


if __name__ == "__main__":
    main()
