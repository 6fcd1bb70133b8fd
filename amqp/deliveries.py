"""Deliveries, read from the frames of one channel (AMQP 0-9-1 §2.3.5 and §4.2).

A delivery is a method frame, a header frame with properties, and as many body frames as
the body needs. Only the properties that matter here are decoded, and nothing in the others
can fail: a header table with a value that no library can represent is stepped over.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

import msgspec

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3

_DELIVER: Final = b"\x00\x3c\x00\x3c"
_TAG = Struct(">Q")
_CONTENT = Struct(">HHQH")
_TABLE_SIZE = Struct(">I")

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


Take = Callable[[Delivery], None]


class Deliveries:
    """Puts deliveries together from frames. Everything else is not for it."""

    def __init__(self, take: Take) -> None:
        self._take = take
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
        place = 5 + payload[4]  # behind the consumer tag
        (self._tag,) = _TAG.unpack_from(payload, place)
        place += 9  # and behind "redelivered"
        place += 1 + payload[place]  # and behind the exchange
        self._routing_key = payload[place + 1 : place + 1 + payload[place]]
        self._expected = HEADER
        return True

    def _header(self, payload: bytes) -> None:
        _class, _weight, self._missing, flags = _CONTENT.unpack_from(payload)
        self._expected = BODY
        place = _CONTENT.size
        content_type = correlation_id = reply_to = message_id = b""
        more = flags
        while more & _MORE_FLAGS:
            more = int.from_bytes(payload[place : place + 2], "big")
            place += 2
        if flags & _CONTENT_TYPE:
            end = place + 1 + payload[place]
            content_type = payload[place + 1 : end]
            place = end
        if flags & _CONTENT_ENCODING:
            place += 1 + payload[place]
        if flags & _HEADERS:
            place += 4 + _TABLE_SIZE.unpack_from(payload, place)[0]
        if flags & _DELIVERY_MODE:
            place += 1
        if flags & _PRIORITY:
            place += 1
        if flags & _CORRELATION_ID:
            end = place + 1 + payload[place]
            correlation_id = payload[place + 1 : end]
            place = end
        if flags & _REPLY_TO:
            end = place + 1 + payload[place]
            reply_to = payload[place + 1 : end]
            place = end
        if flags & _EXPIRATION:
            place += 1 + payload[place]
        if flags & _MESSAGE_ID:
            message_id = payload[place + 1 : place + 1 + payload[place]]
        self._properties = (content_type, correlation_id, reply_to, message_id)

    def _end(self) -> None:
        pieces, self._pieces = self._pieces, []
        self._expected = METHOD
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._take(Delivery(self._tag, self._routing_key, *self._properties, body))
