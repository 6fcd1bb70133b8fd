"""The frames of AMQP 0-9-1 that we read and write ourselves (§2.3.5 and §4.2).

Nearly all frames are those of messages: three for each delivery, three for each publish.
Here they take a way of their own into and out of pika's connection; everything else (the
handshake, declarations, confirms, acknowledgements, heartbeats) is left to pika.

Why: pika gives up the whole connection over a header that it cannot represent, so that the
message would come again for ever. And it takes long over each frame. Calls of functions, in
Python and in C, for one message with four properties (pika 1.4.4 on CPython 3.11, counted
as in ``tests/amqp/test_frames.py``):

===================================  ====  ==============================================
what                                 here  pika
===================================  ====  ==============================================
a delivery, from bytes to a message    22  58, and then its frames are still to be joined
a publish, from a message to bytes     25  86
===================================  ====  ==============================================

That is 2.0 µs instead of 5.3 for a delivery and 1.3 instead of 4.3 for a publish, of 24 to 36 µs
for the whole message (``python -m benchmarks.frames`` and ``.amqp``, one run, two cores).

What is used of pika beyond its documentation, checked against 1.4.4 by
``tests/test_private_parts.py``:

===========================================  ============================================
``Connection._on_data_available(data)``      overridden: is given what came in
``Connection._frame_buffer``                 bytes that are not a whole frame yet
``Connection._process_frame(frame)``         takes a frame that is not ours
``Connection.bytes_received``                by which pika tells that the broker is alive
``BaseConnection._adapter_emit_data(data)``  overridden: is given what goes out
``BaseConnection._transport``                None once the connection has ended
``Connection._terminate_stream(error)``      ends it without waiting for the broker
``pika.frame.decode_frame(data)``            decodes a frame that is not ours
===========================================  ============================================
"""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

import msgspec
from pika.adapters.tornado_connection import TornadoConnection  # type: ignore[import-untyped]
from pika.exceptions import ConnectionClosed  # type: ignore[import-untyped]
from pika.frame import decode_frame  # type: ignore[import-untyped]

_HEAD = Struct(">BHI")
"""The head of a frame: its kind, channel and size."""

_END: Final = b"\xce"
_FRAME_OVERHEAD: Final = _HEAD.size + len(_END)

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3

_BASIC: Final = 60
_DELIVER: Final = b"\x00\x3c\x00\x3c"
_PUBLISH: Final = b"\x00\x3c\x00\x28\x00\x00"
_TAG = Struct(">Q")
_CONTENT = Struct(">HHQH")
_TABLE_SIZE = Struct(">I")
_PERSISTENT: Final = b"\x02"

# Which properties a header frame has, and in which order.
_CONTENT_TYPE: Final = 1 << 15
_CONTENT_ENCODING: Final = 1 << 14
_HEADERS: Final = 1 << 13
_DELIVERY_MODE: Final = 1 << 12
_PRIORITY: Final = 1 << 11
_CORRELATION_ID: Final = 1 << 10
_REPLY_TO: Final = 1 << 9
_EXPIRATION: Final = 1 << 8
_MESSAGE_ID: Final = 1 << 7
_MORE_FLAGS: Final = 1


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One message. Its strings are bytes as they came, and need not be UTF-8."""

    tag: int
    routing_key: bytes
    content_type: bytes
    correlation_id: bytes
    reply_to: bytes
    message_id: bytes
    body: bytes


Deliver = Callable[[Delivery], None]


class Deliveries:
    """Puts deliveries together from the frames of one channel. Other frames are not for it.

    Only the properties that matter here are decoded, and nothing in the others can fail.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._expected = METHOD
        self._tag = 0
        self._routing_key = b""
        self._properties = (b"", b"", b"", b"")
        self._missing = 0
        self._pieces: list[bytes] = []

    def frame(self, kind: int, payload: bytes) -> bool:
        """Take in a frame; returns whether it was part of a delivery."""
        if kind != self._expected:
            return False
        if kind == METHOD:
            return self._begin(payload)
        if kind == HEADER:
            self._header(payload)
        else:
            self._pieces.append(payload)
            self._missing -= len(payload)
        if self._missing <= 0:
            self._end()
        return True

    def _begin(self, payload: bytes) -> bool:
        if not payload.startswith(_DELIVER):
            return False
        at = 5 + payload[4]  # behind the consumer tag
        (self._tag,) = _TAG.unpack_from(payload, at)
        at += 9  # and behind "redelivered"
        at += 1 + payload[at]  # and behind the exchange
        self._routing_key = payload[at + 1 : at + 1 + payload[at]]
        self._expected = HEADER
        return True

    def _header(self, payload: bytes) -> None:
        _class, _weight, self._missing, flags = _CONTENT.unpack_from(payload)
        self._expected = BODY
        at = _CONTENT.size
        content_type = correlation_id = reply_to = message_id = b""
        more = flags
        while more & _MORE_FLAGS:
            more = int.from_bytes(payload[at : at + 2], "big")
            at += 2
        if flags & _CONTENT_TYPE:
            end = at + 1 + payload[at]
            content_type = payload[at + 1 : end]
            at = end
        if flags & _CONTENT_ENCODING:
            at += 1 + payload[at]
        if flags & _HEADERS:
            # Stepped over, whatever values it has.
            at += 4 + _TABLE_SIZE.unpack_from(payload, at)[0]
        if flags & _DELIVERY_MODE:
            at += 1
        if flags & _PRIORITY:
            at += 1
        if flags & _CORRELATION_ID:
            end = at + 1 + payload[at]
            correlation_id = payload[at + 1 : end]
            at = end
        if flags & _REPLY_TO:
            end = at + 1 + payload[at]
            reply_to = payload[at + 1 : end]
            at = end
        if flags & _EXPIRATION:
            at += 1 + payload[at]
        if flags & _MESSAGE_ID:
            message_id = payload[at + 1 : at + 1 + payload[at]]
        self._properties = (content_type, correlation_id, reply_to, message_id)

    def _end(self) -> None:
        pieces, self._pieces = self._pieces, []
        self._expected = METHOD
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._deliver(Delivery(self._tag, self._routing_key, *self._properties, body))


class Publish(msgspec.Struct, frozen=True, gc=False):
    """One message to publish, persistent. What is empty is left out.

    Strings are bytes of at most 255, so that what came in with a message goes out unchanged,
    whatever its encoding.
    """

    exchange: bytes
    routing_key: bytes
    body: bytes
    content_type: bytes = b""
    correlation_id: bytes = b""
    reply_to: bytes = b""
    message_id: bytes = b""
    headers: Mapping[str, str] = {}
    mandatory: bool = False

    def frames(self, channel: int, frame_max: int) -> bytes:
        """The frames, none larger than ``frame_max`` bytes."""
        body = self.body
        method = b"%b%b%b%c" % (
            _PUBLISH,
            _short(self.exchange),
            _short(self.routing_key),
            self.mandatory,
        )
        frames = _frame(METHOD, channel, method) + _frame(HEADER, channel, self._header())
        room = frame_max - _FRAME_OVERHEAD
        if len(body) <= room:
            return frames + _frame(BODY, channel, body) if body else frames
        pieces = [body[at : at + room] for at in range(0, len(body), room)]
        return frames + b"".join([_frame(BODY, channel, piece) for piece in pieces])

    def _header(self) -> bytes:
        # In the order of their bits.
        flags, properties = _DELIVERY_MODE, _PERSISTENT
        if self.headers:
            flags |= _HEADERS
            properties = _table(self.headers) + properties
        if self.content_type:
            flags |= _CONTENT_TYPE
            properties = _short(self.content_type) + properties
        if self.correlation_id:
            flags |= _CORRELATION_ID
            properties += _short(self.correlation_id)
        if self.reply_to:
            flags |= _REPLY_TO
            properties += _short(self.reply_to)
        if self.message_id:
            flags |= _MESSAGE_ID
            properties += _short(self.message_id)
        return _CONTENT.pack(_BASIC, 0, len(self.body), flags) + properties


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _HEAD.pack(kind, channel, len(payload)) + payload + _END


def _short(text: bytes) -> bytes:
    return b"%c%b" % (len(text), text)


def _table(entries: Mapping[str, str]) -> bytes:
    """A table whose values all are long strings."""
    table = b""
    for name, value in entries.items():
        text = value.encode(errors="replace")
        table += b"%bS%b%b" % (_short(name.encode()), len(text).to_bytes(4, "big"), text)
    return len(table).to_bytes(4, "big") + table


class FrameConnection(TornadoConnection):  # type: ignore[misc]
    """pika's connection, which gives the frames of deliveries to :class:`Deliveries`.

    What is sent within one turn of the loop goes out in one write.
    """

    _frame_buffer: bytes

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._deliveries: Deliveries | None = None
        self._channel_of_deliveries = 0
        self._gathered: list[bytes] = []
        super().__init__(*arguments, **options)

    def deliver_to(self, deliver: Deliver, channel: int) -> None:
        """Call ``deliver`` with each delivery of the channel with this number."""
        self._deliveries = Deliveries(deliver)
        self._channel_of_deliveries = channel

    def emit(self, frames: bytes) -> None:
        """Send complete frames."""
        self._adapter_emit_data(frames)

    def abort(self) -> None:
        """End it without waiting for the broker."""
        self._terminate_stream(ConnectionClosed(320, "aborted"))

    # Overridden.

    def _on_data_available(self, data_in: bytes) -> None:
        data = self._frame_buffer + data_in
        at, end = 0, len(data)
        while end - at >= _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(data, at)
            behind = at + _FRAME_OVERHEAD + size
            if behind > end:
                break
            if channel != self._channel_of_deliveries or not self._is_delivery(
                kind, data[at + _HEAD.size : behind - 1]
            ):
                _, frame = decode_frame(data[at:behind])
                self._process_frame(frame)
            at = behind
        self._frame_buffer = data[at:]
        self.bytes_received += at

    def _is_delivery(self, kind: int, payload: bytes) -> bool:
        return self._deliveries is not None and self._deliveries.frame(kind, payload)

    def _adapter_emit_data(self, data: bytes) -> None:
        if not self._gathered:
            self.ioloop.add_callback(self._emit_gathered)
        self._gathered.append(data)

    def _emit_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        if self._transport is not None:
            super()._adapter_emit_data(b"".join(gathered))
