"""The relay of several processes: Redis pub/sub, one channel for each connected user.

A process hears the channels of those users who are connected to it. Its own
notifications it delivers itself, at once; when they come back from Redis, the origin in
front of the message tells. A large notification travels as its ``seq`` alone, so that
Redis holds little; the feeds then read the store.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from notifier.models import Notification
from notifier.relay import Receiver
from notifier.relay.link import Bus, Hear

logger = logging.getLogger(__name__)

MAX_PAYLOAD: Final = 32 * 1024
"""Bytes of a payload beyond which a message carries only the place of its notification."""

_ORIGIN: Final = 8


class _Nudge(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A notification as processes tell each other; without ``payload`` if it is large."""

    user_id: int
    seq: int
    key: str = ""
    payload: bytes | None = None
    created_at: int = 0
    expires_at: int | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Nudge).decode


class RedisRelay:
    """Carries nudges through a bus of Redis."""

    name = "redis"

    def __init__(self, make_bus: Callable[[Hear], Bus], *, prefix: str) -> None:
        self._bus = make_bus(self._hear)
        self._prefix = prefix.encode()
        self._origin = os.urandom(_ORIGIN)
        self._receiver: Receiver | None = None

    @property
    def state(self) -> str:
        """``ok`` or ``away``."""
        return self._bus.state

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        await self._bus.start()

    async def stop(self) -> None:
        await self._bus.stop()
        self._receiver = None

    def publish(self, notifications: Sequence[Notification]) -> None:
        for notification in notifications:
            message = self._origin + _encode(_nudge(notification))
            self._bus.publish(self._channel(notification.user_id), message)
        if self._receiver is not None:
            self._receiver.deliver(notifications)

    async def subscribe(self, user_id: int) -> None:
        await self._bus.subscribe(self._channel(user_id))

    def unsubscribe(self, user_id: int) -> None:
        self._bus.unsubscribe(self._channel(user_id))

    def _channel(self, user_id: int) -> bytes:
        return b"%b%d" % (self._prefix, user_id)

    def _hear(self, message: bytes) -> None:
        if self._receiver is None or message.startswith(self._origin):
            return
        try:
            nudge = _decode(memoryview(message)[_ORIGIN:])
        except msgspec.DecodeError:
            # Somebody else publishes to our channels, or a much newer version does.
            logger.warning("Not a nudge", extra={"action": "not_a_nudge", "size": len(message)})
            return
        try:
            self._tell(self._receiver, nudge)
        except Exception:
            # The link must go on for all other users.
            logger.exception("A nudge was lost", extra={"action": "nudge_lost"})

    def _tell(self, receiver: Receiver, nudge: _Nudge) -> None:
        if nudge.payload is None:
            receiver.heard(nudge.user_id, nudge.seq)
        else:
            notification = Notification(
                nudge.user_id,
                nudge.seq,
                nudge.key,
                nudge.payload,
                nudge.created_at,
                nudge.expires_at,
            )
            receiver.deliver((notification,))


def _nudge(notification: Notification) -> _Nudge:
    if len(notification.payload) > MAX_PAYLOAD:
        return _Nudge(notification.user_id, notification.seq)
    return _Nudge(
        notification.user_id,
        notification.seq,
        notification.key,
        notification.payload,
        notification.created_at,
        notification.expires_at,
    )
