"""``/ws/notifications/<user_id>/`` or ``…/me/``: one device of one user."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from msgspec import UNSET
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from handlers.base import ApiHandler
from handlers.websocket.allowance import Allowance
from handlers.websocket.commands import INBOX_COMMANDS, change_inbox, text_of
from handlers.websocket.connection import ClientConnection
from handlers.websocket.handshake import check_handshake, forget_handshake
from handlers.websocket.token import (
    INBOX_SUBPROTOCOL,
    ME,
    SUBPROTOCOL,
    token_for_id,
    token_for_me,
    wants_events,
)
from handlers.websocket.transport import SocketTransport
from notifier import clock
from notifier.delivery.closing import CloseCode
from notifier.delivery.device import Device
from notifier.errors import (
    InvalidField,
    NotifierError,
    PermissionDenied,
    TokenNotValid,
    TooManySockets,
    Unauthenticated,
)
from notifier.identity.tokens import Token
from notifier.wire import (
    ClientFrame,
    Command,
    CommandResult,
    Decoder,
    MessageAck,
    ProcessingError,
    check_stored_key,
    parse_user_id,
)

MAX_UNSETTLED: Final = 256
"""Acknowledgements of one connection that may wait for the store before it is read on."""

_REFUSED: Final[Mapping[CloseCode, str]] = {
    CloseCode.PROTOCOL_ERROR: "bad_frame",
    CloseCode.INVALID_DATA: "bad_frame",
    CloseCode.POLICY_VIOLATION: "too_many_frames",
    CloseCode.TOO_LARGE: "frame_too_large",
}
"""As what a connection is counted that failed with this code."""

_decode: Decoder[ClientFrame] = Decoder(ClientFrame)


class FeedSocketHandler(ApiHandler, WebSocketHandler):
    """Delivers to one connection, and takes its acknowledgements and commands."""

    # As in handlers/connections/stream.py.
    __slots__ = (
        "_acks",
        "_device",
        "_events",
        "_frames",
        "_idle_acks",
        "_token",
        "_transport",
        "_unsettled",
    )

    def initialize(self) -> None:
        self._token: Token | None = None
        self._device: Device | None = None
        self._events = False
        self._transport: SocketTransport | None = None
        self._unsettled = 0
        self._acks = 0
        self._frames = Allowance(self.application.options.frames_per_second)
        self._idle_acks = Allowance(self.application.options.frames_per_second)

    def check_origin(self, origin: str) -> bool:
        """Any: a page can only connect with a token that it was given, never with a cookie."""
        return True

    async def get(self, user_id: str) -> None:
        try:
            self._token = await self._authenticate(user_id)
        except Unauthenticated as error:
            # At the handshake the protocol has one word for every refusal.
            raise PermissionDenied(error.message) from None
        check_handshake(self.request)
        self._events = wants_events(self)
        self._check_room(self._token.user_id)
        # Until open() attaches the device there is no await that waits, so nobody takes its room.
        await super().get(user_id)

    async def _authenticate(self, user_id: str) -> Token:
        identify = self.application.authentication.identify
        if user_id == ME:
            return await identify(token_for_me(self))
        whose = parse_user_id(user_id) if user_id.isascii() and user_id.isdecimal() else None
        if whose is None:
            raise TokenNotValid("The token belongs to another user.")
        return await identify(token_for_id(self), whose)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Ours, if it is offered; never the one that carries the token."""
        ours = (INBOX_SUBPROTOCOL, SUBPROTOCOL)
        return next((each for each in ours if each in subprotocols), None)

    def _check_room(self, user_id: int) -> None:
        # The newest is refused: if the oldest had to go, it would come back, for ever in turns.
        options = self.application.options
        if 0 < options.sockets_per_user <= self.application.hub.sockets_of(user_id):
            # By then the pings have found those that are dead.
            raise TooManySockets(retry_after=options.ping_seconds)

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        plain = super().get_websocket_protocol()
        if not isinstance(plain, WebSocketProtocol13):
            return plain
        size = Allowance(self.application.options.frame_bytes_per_second)
        return ClientConnection(
            self,
            plain,
            frames=self._frames,
            size=size,
            pings=self.application.pings,
            failed=self._failed,
        )

    def _failed(self, code: CloseCode, reason: str) -> None:
        self.application.refusals.count(
            _REFUSED[code],
            why=reason,
            remote_ip=self.request.remote_ip,
            user_id=self._token and self._token.user_id,
        )
        if self._device is not None:
            self._device.end(code, reason)

    def open(self, user_id: str) -> None:
        assert self._token is not None
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        if stream is None or stream.closed():
            # The peer left during the handshake: on_close() has been and will not come again.
            return
        self.set_nodelay(True)
        forget_handshake(self)
        self._transport = SocketTransport(self.ws_connection, stream, events=self._events)
        self._device = self.application.hub.attach(
            self._token.user_id,
            self._transport,
            version=self._token.version,
            expires_at=self._token.expires_at,
            session=self._token.session,
            events=self._events,
        )

    def on_pong(self, data: bytes) -> None:
        assert self.ws_connection is not None
        self.application.pings.answered(self.ws_connection)

    def on_close(self) -> None:
        if self._device is not None:
            self.application.hub.detach(self._device)
            self._device = None

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self._device is None or self._device.revoked:
            return None
        if isinstance(message, bytes):
            self._complain("Binary frames are not understood.")
            return self._until_read()
        try:
            frame = _decode(message.encode())
            if isinstance(frame, MessageAck):
                return self._acknowledge(frame)
            return self._command(frame)
        except NotifierError as error:
            self._complain(error.message)
            return self._until_read()

    def _acknowledge(self, ack: MessageAck) -> Awaitable[None] | None:
        assert self._device is not None
        user_id, notifications = self._device.user_id, self.application.notifications
        if ack.key is not UNSET:
            stored = [notifications.acknowledge(user_id, check_stored_key(ack.key))]
        elif ack.keys is not UNSET:
            keys = [check_stored_key(key) for key in ack.keys]
            stored = [notifications.acknowledge(user_id, key) for key in keys]
        elif ack.up_to is not UNSET:
            cursor = self._device.feed.cursor
            if ack.up_to > cursor:
                raise InvalidField("up_to", f"This connection was given nothing behind {cursor}.")
            stored = [notifications.acknowledge_up_to(user_id, ack.up_to)]
        else:
            raise InvalidField("key", "One of key, keys and up_to is required.")
        self._frames.left += 1  # whoever catches up sends many: never a reason to end it
        self._acks += len(stored)
        self._unsettled += len(stored)
        for each in stored:
            each.add_done_callback(self._acknowledged)
        # Waiting here keeps the connection from being read on.
        if self._unsettled > MAX_UNSETTLED:
            return _wait(stored[-1])
        if self._acks > self._device.feed.delivered:
            return self._idle_ack()
        return None

    def _idle_ack(self) -> Awaitable[None] | None:
        """More are acknowledged than were given here: that is possible, but not in floods."""
        self._idle_acks.left -= 1
        if self._idle_acks.left < 0 and (owed := self._idle_acks.refill()):
            return asyncio.sleep(owed)
        return None

    def _acknowledged(self, stored: "asyncio.Future[None]") -> None:
        self._unsettled -= 1
        if error := stored.exception():
            self._complain(f"Not acknowledged, so it comes again: {error}")

    def _command(self, command: Command) -> Awaitable[None] | None:
        if command.key == "ping":
            self._answer(CommandResult("ping", "pong"))
        elif command.key == "refresh":
            return self._refresh(text_of(command.value))
        elif command.key in INBOX_COMMANDS:
            return self._change_inbox(command)
        else:
            self._complain(f"There is no command {command.key!r}.")
        return self._until_read()

    async def _change_inbox(self, command: Command) -> None:
        assert self._device is not None
        try:
            value = await change_inbox(
                self.application.inboxes, self._device.user_id, command.key, command.value
            )
        except NotifierError as error:
            self._complain(f"{command.key}: {error}")
        else:
            self._answer(CommandResult(command.key, value))
        if unread := self._until_read():
            await unread

    async def _refresh(self, identity_token: str | None) -> None:
        assert self._device is not None
        try:
            token = await self.application.authentication.identify(
                identity_token or "", self._device.user_id
            )
        except NotifierError as error:
            self._complain(error.message)
        else:
            if self._device is None:
                return  # it left meanwhile
            self._device.prolong(token.version, token.expires_at, token.session)
            self._answer(CommandResult("refresh", clock.isoformat(token.expires_at)))
        if unread := self._until_read():
            await unread

    def _complain(self, problem: str) -> None:
        self._answer(ProcessingError(problem))

    def _answer(self, message: CommandResult | ProcessingError) -> None:
        # An acknowledgement may be stored after the peer has left.
        if self._transport is not None:
            self._transport.answer(message)

    def _until_read(self) -> Awaitable[None] | None:
        """Whoever asks much and reads no answer is read on when it has: a bounded buffer again."""
        transport = self._transport
        if transport is None or transport.buffered <= self.application.options.high_water_bytes:
            return None
        return transport.drained()


async def _wait(future: "asyncio.Future[None]") -> None:
    await asyncio.wait([future])
