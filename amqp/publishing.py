"""Publishes, as frames (AMQP 0-9-1 §2.3.5 and §4.2): persistent, and with our properties only.

Strings are bytes of at most 255, so that what came in with a message goes out unchanged,
whatever its encoding.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Final

import msgspec

_HEAD = Struct(">BHI")
_METHOD: Final = 1
_HEADER: Final = 2
_BODY: Final = 3
_END: Final = b"\xce"
_FRAME_OVERHEAD: Final = _HEAD.size + len(_END)

_PUBLISH: Final = b"\x00\x3c\x00\x28\x00\x00"
_CONTENT = Struct(">HHQH")
_BASIC: Final = 60
_PERSISTENT: Final = b"\x02"

_CONTENT_TYPE: Final = 1 << 15
_HEADERS: Final = 1 << 13
_DELIVERY_MODE: Final = 1 << 12
_CORRELATION_ID: Final = 1 << 10
_REPLY_TO: Final = 1 << 9
_MESSAGE_ID: Final = 1 << 7


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One message to publish. What is empty is left out."""

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
        frames = _frame(_METHOD, channel, method) + _frame(_HEADER, channel, self._header())
        room = frame_max - _FRAME_OVERHEAD
        if len(body) <= room:
            return frames + _frame(_BODY, channel, body) if body else frames
        pieces = [body[place : place + room] for place in range(0, len(body), room)]
        return frames + b"".join([_frame(_BODY, channel, piece) for piece in pieces])

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
