"""WebSocket frames by hand, for peers that do what no client library would."""

import asyncio
import json
from contextlib import suppress

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def handshake(path: str, *, host: str = "notifier.example", more: str = "") -> bytes:
    """The request that opens a WebSocket. ``more`` are further headers, each with its end."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"{more}\r\n"
    ).encode()


def frame(opcode: int, payload: bytes = b"", *, first: int = 0x80, masked: bool = True) -> bytes:
    """A client's frame (RFC 6455 §5.2). ``first`` has the bits beside the opcode: 0x80 is FIN."""
    size = len(payload)
    form, more = (size, 0) if size < 126 else (126, 2) if size < 1 << 16 else (127, 8)
    head = bytes((first | opcode, (0x80 if masked else 0) | form)) + size.to_bytes(8)[8 - more :]
    if not masked:
        return head + payload
    mask = b"\x11\x22\x33\x44"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def text(message: object) -> bytes:
    """``message`` as JSON in a client's frame."""
    return frame(TEXT, json.dumps(message).encode())


def close(code: int, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return frame(CLOSE, code.to_bytes(2) + reason)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the server's next frame. Raises IncompleteReadError at the end."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2))
    return first & 0x0F, await reader.readexactly(size)


async def read_to_the_end(reader: asyncio.StreamReader) -> list[tuple[int, bytes]]:
    """Opcode and payload of each frame that the server writes before it hangs up."""
    frames = []
    with suppress(asyncio.IncompleteReadError, ConnectionResetError):
        while True:
            frames.append(await read_frame(reader))
    return frames
