"""What processes tell each other: nudges, each with some events of one user.

::

    seal    16 bytes  HMAC-SHA-256 of all that follows, shortened (RFC 2104 §5), with a key
                      derived from the secret: who may publish in Redis can still not
                      deliver what was never stored
    origin   8 bytes  the process that committed the events
    body              MessagePack: [user_id, seq, [event, …]], an event being [tag, …]

``seq`` is the last one of the user's log when the nudge was made. It covers what is not
among the events: those whose tag the receiver does not know, and those that are large,
which are left out so that Redis holds little. The receiver reads them from the store.
"""

import hmac
import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from notifier.events import Appended, Event, InboxChanged, Withdrawn
from notifier.models import Notification, Priority

MAX_PAYLOAD: Final = 32 * 1024
"""Bytes of payloads in one nudge; what exceeds them is left out."""

_SEAL: Final = 16
_ORIGIN: Final = 8


class _Appended(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="appended"):
    seq: int
    key: str
    payload: bytes
    created_at: int
    expires_at: int | None = None
    category: str | None = None
    priority: Priority | None = None


class _InboxChanged(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="inbox_changed"):
    version: int
    last_seq: int


class _Withdrawn(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="withdrawn"):
    version: int
    last_seq: int
    seq: int
    key: str


_Told = _Appended | _InboxChanged | _Withdrawn


class _Body(msgspec.Struct, array_like=True, frozen=True, gc=False):
    user_id: int
    seq: int
    events: Sequence[_Told]


class Nudge(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A nudge that has arrived."""

    user_id: int
    seq: int
    tagged: list[msgspec.Raw]

    def events(self) -> Iterator[Event]:
        """Those whose tags are known here."""
        for raw in self.tagged:
            try:
                event = _decode_event(raw)
            except msgspec.ValidationError:
                continue  # of a later release
            yield _event(self.user_id, event)


def _event(user_id: int, told: _Told) -> Event:
    if isinstance(told, _Appended):
        return Appended(
            Notification(
                user_id,
                told.seq,
                told.key,
                told.payload,
                told.created_at,
                told.expires_at,
                told.category,
                told.priority,
            )
        )
    if isinstance(told, _InboxChanged):
        return InboxChanged(user_id, told.version, told.last_seq)
    return Withdrawn(user_id, told.version, told.last_seq, told.seq, told.key)


def _tell(event: Event) -> _Told:
    if isinstance(event, Appended):
        each = event.notification
        return _Appended(
            each.seq,
            each.key,
            each.payload,
            each.created_at,
            each.expires_at,
            each.category,
            each.priority,
        )
    if isinstance(event, InboxChanged):
        return _InboxChanged(event.version, event.last_seq)
    return _Withdrawn(event.version, event.last_seq, event.seq, event.key)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Nudge).decode
_decode_event = msgspec.msgpack.Decoder(_Told).decode


class NotANudge(Exception):
    """It was not made by a process of this installation."""


class Nudges:
    """Makes and reads the nudges of one process: sealed with the first secret, read with all."""

    def __init__(self, *secrets: str) -> None:
        self._keys = [
            hmac.digest(secret.encode(), b"notifier: nudges", "sha256") for secret in secrets
        ]
        self._origin = os.urandom(_ORIGIN)

    def make(self, user_id: int, events: Sequence[Event]) -> bytes:
        """A nudge with ``events`` of one user, of which there is at least one."""
        told: list[_Told] = []
        room = MAX_PAYLOAD
        for event in events:
            if isinstance(event, Appended):
                # Once below zero: the receiver would need what is left out before what comes
                # behind it.
                room -= len(event.notification.payload)
                if room < 0:
                    continue
            told.append(_tell(event))
        last_seq = max(event.last_seq for event in events)
        return self.seal(_encode(_Body(user_id, last_seq, told)))

    def read(self, message: bytes) -> Nudge | None:
        """The nudge in ``message``; None for one of our own. Raises NotANudge."""
        body = self.unseal(message)
        try:
            return None if body is None else _decode(body)
        except msgspec.DecodeError:
            raise NotANudge from None

    def seal(self, body: bytes) -> bytes:
        """A message with ``body`` that only a process of this installation can make."""
        body = self._origin + body
        return self._seal(body) + body

    def unseal(self, message: bytes) -> memoryview | None:
        """The body of such a message; None for one of our own. Raises NotANudge."""
        body = memoryview(message)[_SEAL:]
        if body[:_ORIGIN] == self._origin:
            return None
        seal = message[:_SEAL]
        if not any(hmac.compare_digest(seal, _mac(key, body)) for key in self._keys):
            raise NotANudge
        return body[_ORIGIN:]

    def _seal(self, body: bytes) -> bytes:
        return _mac(self._keys[0], body)


def _mac(key: bytes, body: bytes | memoryview) -> bytes:
    return hmac.digest(key, body, "sha256")[:_SEAL]
