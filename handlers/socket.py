"""``/ws/notifications/<user_id>/``: one device of one user."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from tornado.websocket import WebSocketHandler

from handlers.base import ApiHandler
from handlers.transport import SocketTransport
from notifier import clock
from notifier.delivery.device import Device
from notifier.errors import NotifierError, PermissionDenied, TokenNotValid, Unauthenticated
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

_decode: Decoder[ClientFrame] = Decoder(ClientFrame)


class FeedSocketHandler(ApiHandler, WebSocketHandler):
    """Delivers to one connection, and takes its acknowledgements and commands."""

    def initialize(self) -> None:
        self._token: Token | None = None
        self._device: Device | None = None
        self._transport: SocketTransport | None = None
        self._unsettled = 0

    def check_origin(self, origin: str) -> bool:
        """Any: a page can only connect with a token that it was given, never with a cookie."""
        return True

    async def get(self, user_id: str) -> None:
        try:
            self._token = await self._authenticate(user_id)
        except Unauthenticated as error:
            # At the handshake the protocol has one word for every refusal.
            raise PermissionDenied(error.message) from None
        await super().get(user_id)

    async def _authenticate(self, user_id: str) -> Token:
        whose = parse_user_id(user_id) if user_id.isascii() and user_id.isdecimal() else None
        if whose is None:
            raise TokenNotValid("The token belongs to another user.")
        token = self.get_query_argument("token", "")
        return await self.application.accounts.identify(token, whose)

    def open(self, user_id: str) -> None:
        assert self._token is not None
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        if stream is None or stream.closed():
            # The peer left during the handshake: on_close() has been and will not come again.
            return
        self.set_nodelay(True)
        self._transport = SocketTransport(self.ws_connection, stream)
        self._device = self.application.hub.attach(
            self._token.user_id,
            self._transport,
            version=self._token.version,
            expires_at=self._token.expires_at,
        )

    def on_close(self) -> None:
        if self._device is not None:
            self.application.hub.detach(self._device)
            self._device = None

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self._device is None or self._device.revoked:
            return None
        if isinstance(message, bytes):
            self._complain("Binary frames are not understood.")
            return None
        try:
            frame = _decode(message.encode())
            if isinstance(frame, MessageAck):
                return self._acknowledge(check_stored_key(frame.key))
            return self._command(frame)
        except NotifierError as error:
            self._complain(error.message)
            return None

    def _acknowledge(self, key: str) -> Awaitable[None] | None:
        assert self._device is not None
        stored = self.application.notifications.acknowledge(self._device.user_id, key)
        self._unsettled += 1
        stored.add_done_callback(self._acknowledged)
        # Waiting here keeps Tornado from reading on.
        return _wait(stored) if self._unsettled > MAX_UNSETTLED else None

    def _acknowledged(self, stored: "asyncio.Future[None]") -> None:
        self._unsettled -= 1
        if error := stored.exception():
            self._complain(f"Not acknowledged, so it comes again: {error}")

    def _command(self, command: Command) -> Awaitable[None] | None:
        if command.key == "ping":
            self._answer(CommandResult("ping", "pong"))
            return None
        if command.key == "refresh":
            return self._refresh(command.value)
        self._complain(f"There is no command {command.key!r}.")
        return None

    async def _refresh(self, identity_token: str | None) -> None:
        assert self._device is not None
        try:
            token = await self.application.accounts.identify(
                identity_token or "", self._device.user_id
            )
        except NotifierError as error:
            self._complain(error.message)
            return
        if self._device is None:
            return  # it left meanwhile
        self._device.prolong(token.version, token.expires_at)
        self._answer(CommandResult("refresh", clock.isoformat(token.expires_at)))

    def _complain(self, problem: str) -> None:
        self._answer(ProcessingError(problem))

    def _answer(self, message: CommandResult | ProcessingError) -> None:
        # Acknowledgements may be settled after the peer has left.
        if self._transport is not None:
            self._transport.answer(message)


async def _wait(future: "asyncio.Future[None]") -> None:
    await asyncio.wait([future])
