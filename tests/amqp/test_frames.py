"""Frames that we write and frames that we read."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from pika.adapters.tornado_connection import TornadoConnection
from pika.frame import Body, Header, Method, decode_frame
from pika.spec import Basic, BasicProperties
from tornado.ioloop import IOLoop

from amqp.frames import Deliveries, Delivery, FrameConnection, Publish
from benchmarks.frames import BODY, CHANNEL, marshal

FRAME_MAX = 4096

short = st.binary(max_size=255)
ids = st.text(max_size=60).map(str.encode)


def taken(frames: list[tuple[int, bytes]]) -> list[Delivery]:
    """What a channel with these frames delivers."""
    deliveries: list[Delivery] = []
    reader = Deliveries(deliveries.append)
    for kind, payload in frames:
        assert reader.frame(kind, payload)
    return deliveries


def payload_of(frame: Method | Header) -> tuple[int, bytes]:
    raw = frame.marshal()
    return raw[0], raw[7:-1]


@given(ids, ids, ids, ids, st.booleans(), st.lists(st.binary(min_size=1, max_size=20), max_size=3))
def test_delivery_with_any_properties(  # noqa: PLR0917 - drawn in this order
    content_type: bytes,
    correlation_id: bytes,
    reply_to: bytes,
    message_id: bytes,
    others: bool,
    pieces: list[bytes],
) -> None:
    """The properties that matter are found whatever others stand around them."""
    properties = BasicProperties(
        content_type=content_type.decode() or None,
        correlation_id=correlation_id.decode() or None,
        reply_to=reply_to.decode() or None,
        message_id=message_id.decode() or None,
    )
    if others:
        properties.content_encoding = "utf-8"
        properties.headers = {"a": 1, "b": {"c": [True, None]}}
        properties.delivery_mode = 2
        properties.priority = 3
        properties.expiration = "1000"
        properties.timestamp = 10**15
        properties.type = "t"
        properties.app_id = "x"
    method = Method(CHANNEL, Basic.Deliver("ctag", 7, True, "exchange", "notifications.send"))
    body = b"".join(pieces)
    [delivery] = taken(
        [
            payload_of(method),
            payload_of(Header(CHANNEL, len(body), properties)),
            *[(3, piece) for piece in pieces],
        ]
    )
    assert delivery == Delivery(
        7, b"notifications.send", content_type, correlation_id, reply_to, message_id, body
    )


def test_other_frames_are_left_to_others() -> None:
    """A returned message and its content are none of our deliveries."""
    reader = Deliveries(lambda delivery: None)
    returned = Method(CHANNEL, Basic.Return(312, "NO_ROUTE", "", "nobody"))
    assert not reader.frame(*payload_of(returned))
    assert not reader.frame(*payload_of(Header(CHANNEL, 1, BasicProperties())))
    assert not reader.frame(3, b"x")


@given(short, short, short, short, st.binary(max_size=3 * FRAME_MAX), st.booleans())
@example(b"", b"", b"", b"", b"x" * (2 * FRAME_MAX + 1), False)
def test_publish(  # noqa: PLR0917 - drawn in this order
    content_type: bytes,
    correlation_id: bytes,
    reply_to: bytes,
    message_id: bytes,
    body: bytes,
    mandatory: bool,
) -> None:
    """What is written is what pika reads, in frames that the broker accepts."""
    message = Publish(
        b"exchange",
        b"key",
        body,
        content_type,
        correlation_id,
        reply_to,
        message_id,
        {"reason": "so", "code": "c"},
        mandatory,
    )
    data = message.frames(CHANNEL, FRAME_MAX)
    frames = []
    while data:
        size, frame = decode_frame(data)
        assert 0 < size <= FRAME_MAX
        assert frame.channel_number == CHANNEL
        frames.append(frame)
        data = data[size:]
    method, header, *bodies = frames
    assert (method.method.exchange, method.method.routing_key) == ("exchange", "key")
    assert method.method.mandatory == mandatory
    assert header.body_size == len(body)
    properties = header.properties
    assert properties.headers == {"reason": "so", "code": "c"}
    assert properties.delivery_mode == 2
    for found, wanted in (
        (properties.content_type, content_type),
        (properties.correlation_id, correlation_id),
        (properties.reply_to, reply_to),
        (properties.message_id, message_id),
    ):
        assert (found.encode() if isinstance(found, str) else found or b"") == wanted
    assert all(isinstance(each, Body) for each in bodies)
    assert b"".join(each.fragment for each in bodies) == body


def calls(of: Callable[[], object]) -> int:
    """How many functions are called, in Python and in C."""
    count = 0

    def profile(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        of()
    finally:
        sys.setprofile(before)
    return count


async def test_reading_saves_half_of_the_calls() -> None:
    """A delivery takes less than half as many calls as pika needs for its frames alone."""
    data = marshal(Basic.Deliver("ctag1.0123456789abcdef", 7, False, "e", "notifications.send"))
    ours, theirs = (
        kind(custom_ioloop=IOLoop.current(), internal_connection_workflow=False)
        for kind in (FrameConnection, TornadoConnection)
    )
    deliveries: list[Delivery] = []
    ours.deliver_to(deliveries.append, CHANNEL)
    frames: list[object] = []
    theirs._process_frame = frames.append
    spent = calls(lambda: ours._on_data_available(data))
    assert 2 * spent < calls(lambda: theirs._on_data_available(data))
    assert [delivery.body for delivery in deliveries] == [BODY]
    assert len(frames) == 3


def test_writing_saves_two_thirds_of_the_calls() -> None:
    """A publish takes less than a third of pika's calls, for the same message."""
    publish = Publish(b"e", b"key", BODY, b"application/json", b"c", message_id=b"m")
    spent = calls(lambda: publish.frames(CHANNEL, FRAME_MAX))
    assert 3 * spent < calls(lambda: marshal(Basic.Publish(exchange="e", routing_key="key")))
    assert publish.frames(CHANNEL, FRAME_MAX) == marshal(
        Basic.Publish(exchange="e", routing_key="key")
    )
