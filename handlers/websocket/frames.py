"""What a client's bytes say: WebSocket frames, read as strictly as RFC 6455 wants.

Nothing here reads or writes: bytes go in, frames come out, or the close code that the
connection fails with.
"""

from typing import Final

from tornado.util import _websocket_mask

from notifier.delivery.closing import CloseCode

PIECE: Final = 0x0

_TEXT: Final = 0x1
_BINARY: Final = 0x2
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_OPCODES: Final = frozenset((PIECE, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_SIZE: Final = 0x7F
_LARGEST_CONTROL: Final = 125

Frame = tuple[int, bytes]
"""Opcode and payload: of a control frame, or of a message with all of its pieces.
:data:`PIECE` is a piece of a message that goes on."""


class BadFrame(Exception):
    """The connection fails, with this close code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frames:
    """The frames of one connection. No message is larger than ``largest`` bytes."""

    __slots__ = ("_at", "_bytes", "_kind", "_largest", "_message")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._bytes = b""
        self._at = 0
        self._kind = 0
        self._message: bytearray | None = None

    def feed(self, chunk: bytes) -> None:
        """Add what the peer has sent."""
        self._bytes = self._bytes[self._at :] + chunk
        self._at = 0

    def next(self) -> Frame | None:
        """The next frame, or None where its end has not come yet. Raises BadFrame."""
        data, at = self._bytes, self._at
        if len(data) < at + 2:
            if len(data) == at:
                self._bytes, self._at = b"", 0  # an idle connection keeps no chunk
            return None
        first, second = data[at], data[at + 1]
        opcode, size, mask = first & _OPCODE, second & _SIZE, at + 2
        self._check(first, second)
        if size > _LARGEST_CONTROL:
            mask += 2 if size == _LARGEST_CONTROL + 1 else 8
            if len(data) < mask:
                return None
            size = _long(data[at + 2 : mask])
        if size + len(self._message or b"") > self._largest and opcode < _CLOSE:
            raise BadFrame(CloseCode.TOO_LARGE, f"more than {self._largest} bytes")
        start = mask + 4
        end = start + size
        if len(data) < end:
            return None
        self._at = end
        payload = _websocket_mask(data[mask:start], data[start:end])
        if opcode < _CLOSE:
            return self._gather(opcode, payload, final=bool(first & _FINAL))
        if opcode == _CLOSE:
            _check_close(payload)
        return opcode, payload

    def _check(self, first: int, second: int) -> None:
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise _wrong("reserved bits")
        if opcode not in _OPCODES:
            raise _wrong("reserved opcode")
        if not second & _MASKED:
            raise _wrong("not masked")
        if opcode >= _CLOSE:
            if not first & _FINAL:
                raise _wrong("control frame in pieces")
            if second & _SIZE > _LARGEST_CONTROL:
                raise _wrong("control frame of more than 125 bytes")
        elif (opcode == PIECE) is (self._message is None):
            raise _wrong("message in another" if opcode else "piece of no message")

    def _gather(self, opcode: int, payload: bytes, *, final: bool) -> Frame:
        if self._message is not None:
            self._message += payload
            if not final:
                return PIECE, b""
            opcode, payload = self._kind, bytes(self._message)
            self._message = None
        elif not final:
            self._kind, self._message = opcode, bytearray(payload)
            return PIECE, b""
        if opcode == _TEXT:
            _check_text(payload)
        return opcode, payload


def _wrong(reason: str) -> BadFrame:
    return BadFrame(CloseCode.PROTOCOL_ERROR, reason)


def _long(size: bytes) -> int:
    """A size in 2 or 8 bytes, which must be the shortest form (RFC 6455 §5.2)."""
    number = int.from_bytes(size, "big")
    if number <= (_LARGEST_CONTROL if len(size) == 2 else 0xFFFF) or number >> 63:
        raise _wrong("size in the wrong form")
    return number


def _check_text(text: bytes) -> None:
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise BadFrame(CloseCode.INVALID_DATA, "not UTF-8") from None


def _check_close(payload: bytes) -> None:
    """Code and reason of a close frame (RFC 6455 §7.4, and what IANA has registered since)."""
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    registered = 1000 <= code <= 1003 or 1007 <= code <= 1014
    if len(payload) == 1 or not (registered or 3000 <= code <= 4999):
        raise _wrong("close code that cannot be sent")
    _check_text(payload[2:])
