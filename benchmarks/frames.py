"""CPU of a RabbitMQ message's frames, in our own codec and in pika's.

``python -m benchmarks.frames``: a delivery from bytes to a message, and a publish from a
message to bytes, each as the median of alternating rounds.
"""

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from pika.adapters.tornado_connection import TornadoConnection  # type: ignore[import-untyped]
from pika.frame import Body, Header, Method  # type: ignore[import-untyped]
from pika.spec import Basic, BasicProperties  # type: ignore[import-untyped]
from tornado.ioloop import IOLoop

from amqp.frames import Delivery, FrameConnection, Publish

CHANNEL: Final = 5
_FRAME_MAX: Final = 1 << 17
BODY: Final = b'{"user_id": 1, "payload": {"additionalProp1": "string", "number": 12345}}'
_ROUNDS: Final = 15
_MESSAGES: Final = 5000

_PROPERTIES: Final = BasicProperties(
    content_type="application/json", correlation_id="c", message_id="m", delivery_mode=2
)


def marshal(method: object) -> bytes:
    """A message as pika writes it."""
    frames = (
        Method(CHANNEL, method),
        Header(CHANNEL, len(BODY), _PROPERTIES),
        Body(CHANNEL, BODY),
    )
    return b"".join(frame.marshal() for frame in frames)


def _microseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(_MESSAGES):
        work()
    return (time.process_time() - began) / _MESSAGES * 1_000_000


def _compare(what: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    rounds = [(_microseconds(ours), _microseconds(theirs)) for _ in range(_ROUNDS)]
    here, pika = (median(each) for each in zip(*rounds, strict=True))
    print(
        f"{what:<10} {here:5.2f} µs here, {pika:5.2f} µs in pika: {pika / here:.1f} times as long"
    )


async def main() -> None:
    """Print both."""
    ours, theirs = (
        kind(custom_ioloop=IOLoop.current(), internal_connection_workflow=False)
        for kind in (FrameConnection, TornadoConnection)
    )
    delivered: list[Delivery] = []
    ours.deliver_to(delivered.append, CHANNEL)
    theirs._process_frame = lambda frame: None  # noqa: SLF001 - what pika decodes goes nowhere
    data = marshal(Basic.Deliver("ctag1.0123456789abcdef", 7, False, "e", "notifications.send"))
    _compare(
        "delivery",
        lambda: ours._on_data_available(data),  # noqa: SLF001 - where the bytes come in
        lambda: theirs._on_data_available(data),  # noqa: SLF001
    )
    publish = Publish(b"e", b"key", BODY, b"application/json", b"c", message_id=b"m")
    _compare(
        "publish",
        lambda: publish.frames(CHANNEL, _FRAME_MAX),
        lambda: marshal(Basic.Publish(exchange="e", routing_key="key")),
    )


if __name__ == "__main__":
    asyncio.run(main())
