"""``/ws/notifications/<user_id>/``: one device of one user."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, Final

from tornado.websocket import WebSocketHandler

from handlers.base import ApiHandler
from handlers.transport import SocketTransport
from notifier import clock
from notifier.closing import CloseCode
from notifier.errors import NotifierError, PermissionDenied, TokenNotValid, Unauthenticated
from notifier.feed import Feed
from notifier.tokens import Token
from notifier.wire import (
    ClientFrame,
    Command,
    CommandResult,
    Decoder,
    MessageAck,
    ProcessingError,
    check_stored_key,
    encode,
    parse_user_id,
    text_frame,
)

MAX_UNSETTLED: Final = 256
"""Acknowledgements of one connection that may wait for the store before it is read on."""

_decode: Decoder[ClientFrame] = Decoder(ClientFrame)


class FeedSocketHandler(ApiHandler, WebSocketHandler):
    """Delivers to one connection, and takes its acknowledgements and commands."""

    def initialize(self) -> None:
        self._token: Token | None = None
        self._authenticated = 0.0
        self._feed: Feed | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._transport: SocketTransport | None = None
        self._unsettled = 0

    def check_origin(self, origin: str) -> bool:
        """Any: a page can only connect with a token that it was given, never with a cookie."""
        return True

    async def get(self, user_id: str) -> None:
        began = time.monotonic()
        try:
            self._token = await self._authenticate(user_id)
        except Unauthenticated as error:
            # At the handshake the protocol has one word for every refusal.
            raise PermissionDenied(error.message) from None
        self._authenticated = began
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
        if self.application.hub.revoked_since(self._token.user_id, self._authenticated):
            # Changed after it was read: only a new token can tell whether it still holds.
            self.close(CloseCode.TOKEN_EXPIRED, "credentials changed")
            return
        if self.application.status.draining:
            # Over a connection that was open already: the others are being sent away.
            self.close(CloseCode.GO_ELSEWHERE, "restarting; reconnect")
            return
        self.set_nodelay(True)
        self._transport = SocketTransport(self.ws_connection, stream)
        self._feed = self.application.hub.attach(self._token.user_id, self._transport)
        self._expire_at(self._token.expires_at)

    def on_close(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if self._feed is not None:
            self.application.hub.detach(self._feed)
            self._feed = None

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self._transport is None or self._transport.revoked:
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
        assert self._token is not None
        settled = self.application.notifications.acknowledge(self._token.user_id, key)
        self._unsettled += 1
        settled.add_done_callback(self._settled)
        # Waiting here keeps Tornado from reading on.
        return _wait(settled) if self._unsettled > MAX_UNSETTLED else None

    def _settled(self, settled: "asyncio.Future[Any]") -> None:
        self._unsettled -= 1
        if error := self.application.notifications.acknowledged(settled):
            self._complain(f"Not acknowledged, so it comes again: {error.message}")

    def _command(self, command: Command) -> Awaitable[None] | None:
        if command.key == "ping":
            self._send(CommandResult("ping", "pong"))
            return None
        if command.key == "refresh":
            return self._refresh(command.value)
        self._complain(f"There is no command {command.key!r}.")
        return None

    async def _refresh(self, identity_token: str | None) -> None:
        assert self._token is not None
        try:
            token = await self.application.accounts.identify(
                identity_token or "", self._token.user_id
            )
        except NotifierError as error:
            self._complain(error.message)
            return
        self._token = token
        self._expire_at(token.expires_at)
        self._send(CommandResult("refresh", clock.isoformat(token.expires_at)))

    def _expire_at(self, moment: int) -> None:
        assert self._feed is not None
        if self._expiry is not None:
            self._expiry.cancel()
        seconds = max(0, moment - clock.now()) / clock.SECOND
        self._expiry = asyncio.get_running_loop().call_later(
            seconds, self._feed.end, CloseCode.TOKEN_EXPIRED, "identity token expired"
        )

    def _complain(self, problem: str) -> None:
        self._send(ProcessingError(problem))

    def _send(self, message: CommandResult | ProcessingError) -> None:
        # Through the feed's transport, so that answers and notifications keep their order.
        if self._transport is not None:
            self._transport.send(text_frame(encode(message)))
            self._transport.flush()


async def _wait(future: "asyncio.Future[Any]") -> None:
    await asyncio.wait([future])
