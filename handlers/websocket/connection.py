"""A client's WebSocket: strict about its frames, fair to others, and bounded by a budget.

Tornado's own loop takes text that is not masked and close codes that cannot be sent, ends
faults without a word where RFC 6455 wants 1002 or 1007, and handles hundreds of frames
before anything else has its turn. Hence a loop of our own, which reads; what a valid frame
brings about is Tornado's business as ever.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from handlers.websocket.allowance import Allowance
from handlers.websocket.frames import PIECE, BadFrame, Frames
from handlers.websocket.pings import Pings
from notifier.delivery.closing import CloseCode

STEPS: Final = 16
"""Frames and reads of one connection before everything else has its turn."""

_CHUNK: Final = 64 * 1024

_DROPPING_PAUSE: Final = 0.05
"""Seconds between two chunks of what still comes behind our close frame."""


class ClientConnection(WebSocketProtocol13):
    """The server's end. ``failed`` is told when a connection fails, and why.

    Each frame takes one of ``frames``. For an acknowledgement the handler gives it back:
    whoever catches up sends floods of them. These only make the reading pause, where the
    handler waits or their bytes exceed ``size``; anything else ends the connection.
    """

    # As in handlers/connections/stream.py.
    __slots__ = ("_allowed", "_allowed_bytes", "_failed", "_pings", "_steps")

    def __init__(
        self,
        handler: WebSocketHandler,
        plain: WebSocketProtocol13,
        *,
        frames: Allowance,
        size: Allowance,
        pings: Pings,
        failed: Callable[[CloseCode, str], None],
    ) -> None:
        super().__init__(handler, False, plain.params)
        self._allowed = frames
        self._allowed_bytes = size
        self._pings = pings
        self._failed = failed
        self._steps = 0

    def start_pinging(self) -> None:
        self._pings.begin(self)

    async def _receive_frame_loop(self) -> None:
        try:
            try:
                await self._take_frames()
            except BadFrame as bad:
                await self._fail(bad)
        except StreamClosedError:
            self._abort()
        finally:
            self._pings.end(self)
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    async def _take_frames(self) -> None:
        frames = Frames(self.params.max_message_size)
        allowed, size = self._allowed, self._allowed_bytes
        while not self.client_terminated:
            self._steps += 1
            if self._steps > STEPS:
                self._steps = 1
                await asyncio.sleep(0)
            frame = frames.next()
            if frame is None:
                frames.feed(await self._read())
                continue
            left = allowed.left
            allowed.left = left - 1
            if frame[0] != PIECE:
                handled = self._handle_message(*frame)
                if handled is not None:
                    await handled
            if size.left < 0 and (owed := size.refill()):
                if allowed.left < left:
                    raise BadFrame(CloseCode.POLICY_VIOLATION, "too many bytes")
                await asyncio.sleep(owed)
            if allowed.left < 0 and allowed.refill():
                raise BadFrame(CloseCode.POLICY_VIOLATION, "too many frames")

    async def _read(self) -> bytes:
        read = cast("asyncio.Future[bytes]", self.stream.read_bytes(_CHUNK, partial=True))
        if not read.done():
            self._steps = 0  # others have their turn while this waits
        chunk = await read
        self._allowed_bytes.left -= len(chunk)
        return chunk

    async def _fail(self, bad: BadFrame) -> None:
        """Say why, then drop what still comes: unread, it would take the close frame away.

        That is how RFC 6455 §7.1.1 wants a connection closed. Tornado's time limit for the
        peer's good-bye ends it, with a StreamClosedError as when the peer hangs up.
        """
        self._failed(bad.code, bad.reason)
        self.close(bad.code, bad.reason)
        await self.stream.write(b"")  # done when everything before it has left
        with suppress(OSError):
            self.stream.socket.shutdown(socket.SHUT_WR)
        while True:
            await self.stream.read_bytes(_CHUNK, partial=True)
            await asyncio.sleep(_DROPPING_PAUSE)
