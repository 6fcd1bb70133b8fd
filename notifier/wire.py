"""The JSON that crosses the wire: its types, its decoding and its encoding.

HTTP, WebSocket and RabbitMQ share these types, and the OpenAPI document is generated
from them. Payloads are :class:`msgspec.Raw`: never parsed, so numbers, key order and
escapes reach the receiver as the sender wrote them. What a receiver's parser could choke
on (invalid UTF-8, control characters, endless nesting) is refused here, at the door.
"""

import json
import random
import re
from itertools import accumulate
from types import UnionType
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

import msgspec

from notifier import clock
from notifier.errors import InvalidField, InvalidRequest, MalformedJSON
from notifier.models import Notification

MAX_DEPTH: Final = 100
"""How deep arrays and objects may nest: far below what JSON parsers in use accept."""

MAX_KEY_LENGTH: Final = 200
MAX_TTL: Final = 10 * 365 * 24 * 60 * 60
_MAX_ID: Final = 2**63 - 1
_ID_DIGITS: Final = len(str(_MAX_ID))

T = TypeVar("T")

UserId = Annotated[
    int | str, msgspec.Meta(description="The user's id: an integer, or the same in decimal digits.")
]
Key = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=r"^(?![\s\S]*[\x00-\x1f\x7f])",  # no control characters
        description="Identity of the notification, unique per user. Sending it again is harmless.",
    ),
]
Ttl = Annotated[
    int,
    msgspec.Meta(
        ge=1, le=MAX_TTL, description="Seconds after which it must no longer be delivered."
    ),
]
Payload = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="Any JSON value but null, delivered byte for byte.",
        extra_json_schema={"examples": [{"additionalProp1": "string"}]},
    ),
]


class SendRequest(msgspec.Struct, frozen=True):
    """One notification for one user."""

    user_id: UserId
    payload: Payload
    key: Key | None = None
    ttl: Ttl | None = None


class SendResponse(msgspec.Struct, frozen=True):
    """The notification as it was stored."""

    user_id: int
    payload: msgspec.Raw
    key: str
    seq: Annotated[int, msgspec.Meta(description="Its place in the user's log, from 1.")]

    @classmethod
    def of(cls, stored: Notification) -> "SendResponse":
        """What the sender is told about ``stored``."""
        return cls(stored.user_id, msgspec.Raw(stored.payload), stored.key, stored.seq)


class ServerNotification(
    msgspec.Struct, frozen=True, tag="server_notification", tag_field="type", gc=False
):
    """Server → client: one notification, to be acknowledged by its key."""

    key: str
    value: msgspec.Raw
    seq: int
    created_at: str


class CommandResult(msgspec.Struct, frozen=True, tag="command_processing_result", tag_field="type"):
    """Server → client: the answer to a command."""

    key: str
    value: str


class ProcessingError(
    msgspec.Struct, frozen=True, tag="message_processing_error", tag_field="type"
):
    """Server → client: a frame was not understood; the connection stays."""

    value: str


class MessageAck(msgspec.Struct, frozen=True, tag="message_ack", tag_field="type"):
    """Client → server: a notification has arrived."""

    key: str


class Command(msgspec.Struct, frozen=True, tag="command", tag_field="type"):
    """Client → server: ``ping``, or ``refresh`` with a new identity token as its value."""

    key: str
    value: str | None = None


ClientFrame = MessageAck | Command

_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""Any of these types as JSON bytes."""


class Decoder(Generic[T]):
    """Turns bytes from outside into a ``T``, or says what is wrong with them.

    Raises :class:`MalformedJSON`, :class:`InvalidField` or :class:`InvalidRequest`.
    """

    def __init__(self, form: type[T] | UnionType) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(form)

    def __call__(self, body: bytes) -> T:
        _check_text(body)
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _explain(error) from None
        except msgspec.DecodeError as error:
            raise MalformedJSON(f"Not valid JSON: {error}.") from None


def _check_text(body: bytes) -> None:
    """Refuse what msgspec lets pass inside a ``Raw`` but a receiver could not read."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise MalformedJSON(f"Not valid UTF-8 at byte {error.start}.") from None
    # Counting is quick and nearly always enough; the exact depth is worked out only
    # for bodies that have many brackets.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise MalformedJSON(f"Nested more than {MAX_DEPTH} levels deep.")


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


def _depth(body: bytes) -> int:
    steps = _STRING.sub(b"", body).translate(_STEPS, _NOT_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")
_PATH = re.compile(r"(?P<problem>.*) - at `\$\.(?P<field>[^`]+)`", re.DOTALL)


def _explain(error: msgspec.ValidationError) -> InvalidRequest:
    text = str(error)
    if missing := _MISSING.search(text):
        return InvalidField(missing["field"], "This field is required.")
    if located := _PATH.fullmatch(text):
        return InvalidField(located["field"], f"{located['problem']}.")
    return InvalidRequest(f"{text}.")


def parse_user_id(value: int | str) -> int | None:
    """The id that ``value`` names, or None where no user can have it.

    Raises :class:`InvalidField` for a string that is not a decimal integer.
    """
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit()):
            raise InvalidField("user_id", "Expected an integer or a string of decimal digits.")
        # Longer than any id: not converted, because that takes quadratic time.
        value = int(value) if len(value) <= _ID_DIGITS else 0
    return value if 1 <= value <= _MAX_ID else None


def check_payload(payload: msgspec.Raw) -> bytes:
    """The payload's bytes. Raises :class:`InvalidField` for null."""
    value = bytes(payload)
    if value == b"null":
        raise InvalidField("payload", "This field may not be null.")
    return value


def check_key(key: str) -> str:
    """``key``, if it may be one. Raises InvalidField."""
    try:
        return msgspec.convert(key, Key)
    except msgspec.ValidationError as error:
        raise InvalidField("key", f"{error}.") from None


def make_key() -> str:
    """A new key: 32 hexadecimal digits, later ones sort behind earlier ones."""
    # Unique, not secret: no system call for each. The generator was seeded by the system.
    return f"{clock.now():012x}{random.getrandbits(80):020x}"


def same_json(one: bytes, other: bytes) -> bool:
    """Whether two payloads are the same JSON value, whatever their white space and key order.

    Numbers are compared as they are written: 1.10 is not 1.1, because receivers may see
    the difference.
    """
    return one == other or _value(one) == _value(other)


class _Number(NamedTuple):
    text: str


def _value(payload: bytes) -> object:
    return json.loads(payload, parse_int=_Number, parse_float=_Number)


def notification_frame(notification: Notification) -> bytes:
    """``notification`` as a complete WebSocket frame, built once for all receivers."""
    message = encode(
        ServerNotification(
            notification.key,
            msgspec.Raw(notification.payload),
            notification.seq,
            clock.isoformat(notification.created_at),
        )
    )
    return text_frame(message)


def text_frame(message: bytes) -> bytes:
    """``message`` in an unmasked, final text frame (RFC 6455 §5.2)."""
    size = len(message)
    if size < 126:
        return bytes((0x81, size)) + message
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + message
    return b"\x81\x7f" + size.to_bytes(8, "big") + message
