"""A WebSocket as a device's transport: whole frames, straight to the socket while it is idle."""

import asyncio

from tornado.iostream import IOStream
from tornado.websocket import WebSocketProtocol

from notifier.delivery.closing import CloseCode
from notifier.delivery.frames import Frames
from notifier.inbox_wire import InboxMessage, inbox_frame
from notifier.models import Notification
from notifier.wire import CommandResult, ProcessingError, encode, notification_frame, text_frame

_frame_of = Frames(notification_frame)
_inbox_frame_of = Frames(inbox_frame)
_told = Frames[InboxMessage](lambda message: text_frame(encode(message)))


class SocketTransport:
    """Writes finished frames to the stream beneath a WebSocket.

    Frames are gathered until :meth:`flush`, because one system call for all of them costs
    as much as one for each. While nothing waits in the stream, they go to the operating
    system at once: that saves the stream's buffering, which is most of the cost of a
    delivery. What does not fit goes to the stream, and everything behind it too, until it
    has drained.
    """

    def __init__(
        self, connection: WebSocketProtocol, stream: IOStream, *, events: bool = False
    ) -> None:
        self._frame_of = _inbox_frame_of if events else _frame_of
        self._connection = connection
        self._stream = stream
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._buffered = 0

    @property
    def buffered(self) -> int:
        """Gathered bytes, and those given to the stream since it was last idle: never less
        than what waits."""
        return self._gathered_bytes + (self._buffered if self._stream.writing() else 0)

    def send(self, notification: Notification) -> None:
        self._gather(self._frame_of(notification))

    def tell(self, message: InboxMessage) -> None:
        self._gather(_told(message))

    def answer(self, message: CommandResult | ProcessingError) -> None:
        """Send ``message``, behind all notifications that were sent before."""
        self._gather(text_frame(encode(message)))
        self.flush()

    def _gather(self, frame: bytes) -> None:
        self._gathered.append(frame)
        self._gathered_bytes += len(frame)

    def flush(self) -> None:
        if not self._gathered:
            return
        frames = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_bytes = 0
        self._send(frames)

    def _send(self, frame: bytes) -> None:
        # Closing, and not only closed: behind a close frame nothing may come (RFC 6455 §5.5.1),
        # however long the peer leaves the connection open.
        if self._connection.is_closing():
            return
        stream = self._stream
        if not stream.writing():
            self._buffered = 0
            sent = self._send_now(frame)
            if sent == len(frame):
                return
            frame = frame[sent:]
        self._buffered += len(frame)
        stream.write(frame)

    def _send_now(self, frame: bytes) -> int:
        try:
            return self._stream.socket.send(frame)
        except OSError:
            # Full, or broken: the stream knows how to deal with either.
            return 0

    async def drained(self) -> None:
        stream = self._stream
        if stream.writing():
            # An empty write ends when everything before it has left, or the stream is closed. Only
            # waited for: Tornado writes a traceback for each write that is cancelled, and whoever
            # waits here is, when the device is sent away.
            await asyncio.wait([stream.write(b"")])

    def close(self, code: CloseCode, reason: str) -> None:
        self.flush()
        self._connection.close(code, reason)
