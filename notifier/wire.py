"""The JSON that crosses the wire: its types, its decoding and its encoding.

HTTP, WebSocket and RabbitMQ share these types, and the OpenAPI document is generated
from them. Payloads are :class:`msgspec.Raw`: never parsed, so numbers, key order and
escapes reach the receiver as the sender wrote them.
"""

import json
import random
import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from notifier import clock
from notifier.errors import InvalidField, InvalidRequest, MalformedJSON
from notifier.events import Appended
from notifier.faults import NOT_NULL, Choice, Faults
from notifier.limits import check_text
from notifier.models import Notification, Priority, WhoseUsers

MAX_NAME_LENGTH: Final = 128
"""Characters of a recipient's name."""
MAX_KEY_LENGTH: Final = 200
MAX_ACKED: Final = 1000
"""Notifications that one frame acknowledges by their keys."""
MAX_TTL: Final = 10 * 365 * 24 * 60 * 60
MAX_ID: Final = 2**63 - 1
"""The largest user id that a store can hold."""
_ID_DIGITS: Final = len(str(MAX_ID))

T = TypeVar("T")

_ID_WORDS: Final = "an integer or a string of decimal digits"
UserId = Annotated[
    int | Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(?![\s\S])")],
    msgspec.Meta(
        description="The user's id: an integer, or the same in decimal digits.",
        extra={"expected": _ID_WORDS},
    ),
]
_NAME_WORDS: Final = f"a string of 1 to {MAX_NAME_LENGTH} characters, without control characters"
UserName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*(?![\s\S])",
        description="What your application calls the user, compared byte for byte.",
        extra={"expected": _NAME_WORDS},
    ),
]
ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*(?![\s\S])"
"""No control characters of any kind, and nothing else that ends a line."""
_KEY_WORDS: Final = (
    f"a string of 1 to {MAX_KEY_LENGTH} characters, without control characters or line separators"
)
Key = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=ONE_LINE,
        description="Identity of the notification, unique per user. Sending it again is harmless.",
        extra={"expected": _KEY_WORDS},
    ),
]
StoredKey = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        # What check_stored_key() refuses, with words of its own.
        extra_json_schema={"pattern": r"^[^\x00-\x1f\x7f]*(?![\s\S])"},
        extra={"expected": "the key of a notification"},
    ),
]
Moment = Annotated[str, msgspec.Meta(description="RFC 3339, UTC.")]
Ttl = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=MAX_TTL,
        description="Seconds after which it must no longer be delivered.",
        extra={"expected": f"a whole number of seconds, from 1 to {MAX_TTL}"},
    ),
]
_CATEGORY_WORDS: Final = "a string of 1 to 64 characters, without control characters"
Category = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=ONE_LINE,
        description="What the notification is about, for tabs and filters.",
        extra={"expected": _CATEGORY_WORDS},
    ),
]
CollapseKey = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=ONE_LINE,
        description="Takes the place of the user's notification that has the same one.",
        extra={"expected": _KEY_WORDS},
    ),
]
USERNAME: Final = r"[\w.@+-]{1,150}"
"""What the name of an account may be, as a regular expression."""
Username = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=150,
        pattern=rf"^{USERNAME}(?![\s\S])",
        description="1 to 150 letters, digits, or any of . @ + - _",
        extra={"expected": "1 to 150 letters, digits, or any of . @ + - _"},
    ),
]
Payload = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="Any JSON value but null, delivered byte for byte.",
        extra_json_schema={
            "type": ["object", "array", "string", "number", "boolean"],
            "examples": [{"additionalProp1": "string"}],
        },
    ),
]


def taken_by(users: WhoseUsers, /, **refused: str) -> Choice:
    """Exactly one of the fields, each of which is given in place of one that is ``refused``."""
    words = "Not taken with NOTIFIER_USERS={}: give {} instead."
    return Choice(
        tuple(refused), {name: words.format(users, taken) for taken, name in refused.items()}
    )


NAMED_BY: Final[Mapping[WhoseUsers, Choice]] = {
    "accounts": taken_by("accounts", user_id="user"),
    "external": taken_by("external", user="user_id"),
    "both": Choice(("user_id", "user")),
}
"""By which fields a user is named, whosever they are."""


class ForSomebody(msgspec.Struct, frozen=True, kw_only=True):
    """A request about one user, whom exactly one of these fields names."""

    named_by: ClassVar[Mapping[WhoseUsers, Choice]] = NAMED_BY

    user_id: UserId | UnsetType = UNSET
    user: UserName | UnsetType = UNSET


class NamedInAddress(ForSomebody, frozen=True, kw_only=True):
    """The same as parameters of an address, which are texts."""

    user_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[0-9]+(?![\s\S])",
                description="The user's id.",
                extra={"expected": "decimal digits"},
            ),
        ]
        | UnsetType
    ) = UNSET


def check_choice(named: ForSomebody, users: WhoseUsers) -> None:
    """Raises InvalidField unless exactly one field names somebody, as these ``users`` are named."""
    choice = NAMED_BY[users]
    given = [name for name in NAMED_BY["both"].fields if getattr(named, name) is not UNSET]
    for field, problem in choice.problems(dict.fromkeys(given, _GIVEN)).items():
        raise InvalidField(field, problem)


_GIVEN: Final = msgspec.Raw()


class SendRequest(ForSomebody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One notification for one user. A mistyped field is refused, not left out."""

    payload: Payload
    key: Key | None = None
    ttl: Ttl | None = None
    category: Category | None = None
    priority: Annotated[
        Priority,
        msgspec.Meta(
            description="What is low makes no sound, toast or badge.",
            extra={"expected": "low, normal, high or urgent"},
        ),
    ] = "normal"
    collapse_key: CollapseKey | None = None


class WithdrawRequest(ForSomebody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notification is taken back, and whose."""

    key: StoredKey


class SendResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The notification as it was stored, for the user as the request has named them."""

    user_id: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    payload: msgspec.Raw
    key: str
    seq: Annotated[int, msgspec.Meta(description="Its place in the user's log, from 1.")]
    withdrawn: Annotated[
        bool | UnsetType, msgspec.Meta(description="It was taken back: nobody gets it any more.")
    ] = UNSET

    @classmethod
    def of(cls, appended: Appended, request: SendRequest) -> "SendResponse":
        """What the sender is told about what was ``appended``."""
        stored = appended.notification
        return cls(
            withdrawn=appended.withdrawn or UNSET,
            user_id=stored.user_id if request.user is UNSET else UNSET,
            user=request.user,
            payload=msgspec.Raw(stored.payload),
            key=stored.key,
            seq=stored.seq,
        )


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
    value: Any


class ProcessingError(
    msgspec.Struct, frozen=True, tag="message_processing_error", tag_field="type"
):
    """Server → client: a frame was not understood; the connection stays."""

    value: str


AckedKeys = Annotated[
    list[StoredKey],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_ACKED,
        extra={"expected": f"a list of 1 to {MAX_ACKED} keys of notifications"},
    ),
]
AckedUpTo = Annotated[
    int, msgspec.Meta(ge=0, le=MAX_ID, extra={"expected": "a seq, a whole number"})
]


class MessageAck(msgspec.Struct, frozen=True, tag="message_ack", tag_field="type"):
    """Client → server: notifications have arrived: one, some, or all up to a ``seq``."""

    key: StoredKey | UnsetType = UNSET
    keys: AckedKeys | UnsetType = UNSET
    up_to: AckedUpTo | UnsetType = UNSET


class Command(msgspec.Struct, frozen=True, tag="command", tag_field="type"):
    """Client → server: ``ping``, ``refresh`` with a new identity token as its value, or a verb of
    the inbox with the body of its request."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")


ClientFrame = MessageAck | Command

_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""Any of these types as JSON bytes."""


class Decoder(Generic[T]):
    """Turns bytes from outside into a ``T``, or says everything that is wrong with them.

    Where it is about somebody, ``users`` says how they may be named. Raises
    :class:`MalformedJSON`, :class:`InvalidFields` or :class:`InvalidRequest`.
    """

    def __init__(self, form: type[T] | UnionType, users: WhoseUsers = "accounts") -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(form)
        choice = Choice()
        if isinstance(form, type) and issubclass(form, ForSomebody):
            choice = form.named_by[users]
        self._id_may_be = "user_id" in choice.fields
        self._name_may_be = "user" in choice.fields
        self._faults = Faults(form, choice)

    def __call__(self, body: bytes) -> T:
        check_text(body)
        try:
            found = self._decoder.decode(body)
        except msgspec.ValidationError:
            raise self._explain(body) from None
        except msgspec.DecodeError as error:
            raise _malformed(error) from None
        if isinstance(found, ForSomebody) and not self._is_named_well(found):
            raise self._explain(body)
        return found

    def _is_named_well(self, found: ForSomebody) -> bool:
        if found.user is UNSET:
            return found.user_id is not UNSET and self._id_may_be
        return found.user_id is UNSET and self._name_may_be

    def _explain(self, body: bytes) -> InvalidRequest:
        try:
            return self._faults.explain(body)
        except msgspec.DecodeError as error:
            return _malformed(error)


def read_items(body: bytes) -> list[msgspec.Raw]:
    """The items of a JSON array, each unparsed. Raises :class:`MalformedJSON`."""
    check_text(body)
    try:
        return _items.decode(body)
    except msgspec.DecodeError as error:
        raise _malformed(error) from None


_items: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def _malformed(error: msgspec.DecodeError) -> MalformedJSON:
    return MalformedJSON(f"Not valid JSON: {error}.")


def moment(milliseconds: int | None) -> str | None:
    """A moment that there may be, in milliseconds since the epoch, as it crosses the wire."""
    return None if milliseconds is None else clock.isoformat(milliseconds)


def parse_user_id(value: int | str) -> int | None:
    """The id that ``value`` names, or None where no user can have it.

    Raises :class:`InvalidField` for a string that is not a decimal integer.
    """
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit()):
            raise InvalidField("user_id", f"Expected {_ID_WORDS}.")
        # Longer than any id: not converted, because that takes quadratic time.
        value = int(value) if len(value) <= _ID_DIGITS else 0
    return value if 1 <= value <= MAX_ID else None


def parse_id(text: str) -> int | None:
    """The id that ``text`` is in decimal digits, or None where nothing can have it."""
    try:
        return parse_user_id(text)
    except InvalidField:
        return None


def check_name(name: str) -> str:
    """``name``, if a recipient may have it. Raises InvalidField."""
    try:
        name.encode()  # a lone surrogate is no character, and no database takes it
        return msgspec.convert(name, UserName)
    except (UnicodeEncodeError, msgspec.ValidationError):
        raise InvalidField("user", f"Expected {_NAME_WORDS}.") from None


def check_payload(payload: msgspec.Raw) -> bytes:
    """The payload's bytes. Raises :class:`InvalidField` for null."""
    value = bytes(payload)
    if value == b"null":
        raise InvalidField("payload", NOT_NULL)
    return value


def check_key(key: str) -> str:
    """``key``, if it may be one. Raises InvalidField."""
    try:
        return msgspec.convert(key, Key)
    except msgspec.ValidationError:
        raise InvalidField("key", f"Expected {_KEY_WORDS}.") from None


_NEVER_STORED: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_stored_key(key: str, field: str = "key") -> str:
    """``key``, if any release may have stored it. Raises InvalidField, about ``field``."""
    if not key.isprintable() and _NEVER_STORED.search(key):
        raise InvalidField(field, "Expected the key of a notification.")
    return key


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
