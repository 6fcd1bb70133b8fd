"""The messages of RabbitMQ: what comes in, what is answered, what is dead-lettered.

A body is one notification, as for an HTTP send, or a JSON array of them. Each has a key,
which makes a redelivery harmless: the one in the body; else the ``message_id``, followed
by ``#`` and the index inside an array; else a new one, which only covers our own retries.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from amqp.frames import Delivery
from notifier import wire
from notifier.errors import InvalidField, InvalidRequest, NotifierError, RequestTooLarge
from notifier.events import Appended
from notifier.wire import SendRequest, SendResponse

MAX_ITEMS: Final = 1000
"""Most notifications in one array."""

_WHITE_SPACE: Final = b" \t\n\r"

Read = Callable[[bytes], SendRequest]
"""Reads one notification. Raises what :class:`wire.Decoder` does."""


class Failure(msgspec.Struct, frozen=True):
    """The answer to what has failed."""

    error: str


class DeadLetter(NamedTuple):
    """Something that can never succeed, as it came, with the reason."""

    body: bytes
    message_id: bytes
    error: NotifierError


_PENDING: Final = Failure("pending")
_NOTHING: Final = SendRequest(payload=msgspec.Raw(b"null"))


class Part:
    """One notification of a message."""

    __slots__ = ("index", "job", "raw", "request")

    def __init__(self, job: "Job", index: int, raw: bytes, request: SendRequest) -> None:
        self.job = job
        self.index = index
        self.raw = raw
        self.request = request


class Job:
    """One message: what has become of it and of what it consists of."""

    __slots__ = ("answers", "dead_letters", "delivery", "is_array", "unconfirmed", "waiting")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.is_array = False
        self.waiting = 1
        """How many parts have no answer yet."""
        self.answers: list[SendResponse | Failure] = [_PENDING]
        self.dead_letters: list[DeadLetter] = []
        self.unconfirmed = 0
        """How many of them were published, and not yet confirmed by the broker."""

    def stored(self, part: Part, appended: Appended) -> None:
        """``part`` is stored."""
        self.answers[part.index] = SendResponse.of(appended, part.request)
        self.waiting -= 1

    def failed(self, part: Part, error: NotifierError) -> None:
        """``part`` can never succeed."""
        delivery = self.delivery
        message_id = delivery.message_id
        if message_id and self.is_array:
            # So that sending it again, repaired or not, is still the same notification.
            message_id = _indexed(message_id, part.index)
        self.answers[part.index] = Failure(error.message)
        self.dead_letters.append(DeadLetter(part.raw, message_id, error))
        self.waiting -= 1

    def failed_whole(self, error: NotifierError) -> None:
        """The message can never succeed as it is."""
        self.waiting = 0
        self.answers = [Failure(error.message)]
        self.dead_letters = [DeadLetter(self.delivery.body, self.delivery.message_id, error)]

    def result(self) -> bytes:
        """The body of the result message: one answer, or an array of them."""
        if self.is_array:
            return wire.encode(self.answers)
        return wire.encode(self.answers[0])


def read(delivery: Delivery, max_bytes: int, read_one: Read) -> tuple[Job, list[Part]]:
    """Take a message apart. What cannot be understood has failed in the job already."""
    job = Job(delivery)
    body = delivery.body
    try:
        if len(body) > max_bytes:
            raise RequestTooLarge(f"The body is larger than {max_bytes} bytes.")
        if body[:1] == b"[" or body.lstrip(_WHITE_SPACE)[:1] == b"[":
            return job, _read_array(job, read_one)
        return job, [Part(job, 0, body, _with_key(read_one(body), delivery.message_id))]
    except NotifierError as error:
        job.failed_whole(error)
        return job, []


def _read_array(job: Job, read_one: Read) -> list[Part]:
    items = wire.read_items(job.delivery.body)
    if len(items) > MAX_ITEMS:
        raise InvalidRequest(f"More than {MAX_ITEMS} notifications in one message.")
    message_id = job.delivery.message_id
    if message_id and items:
        _key(_indexed(message_id, len(items) - 1))  # the longest
    job.is_array = True
    job.answers = [_PENDING] * len(items)
    job.waiting = len(items)
    parts = []
    for index, item in enumerate(items):
        part = Part(job, index, bytes(item), _NOTHING)
        try:
            key = _indexed(message_id, index) if message_id else b""
            part.request = _with_key(read_one(part.raw), key)
        except NotifierError as error:
            job.failed(part, error)
        else:
            parts.append(part)
    return parts


def _indexed(message_id: bytes, index: int) -> bytes:
    return b"%b#%d" % (message_id, index)


def _with_key(request: SendRequest, message_id: bytes) -> SendRequest:
    if request.key is not None:
        return request
    key = _key(message_id) if message_id else wire.make_key()
    return msgspec.structs.replace(request, key=key)


def _key(message_id: bytes) -> str:
    try:
        key = message_id.decode()
        # Nearly all are plain, and need no closer look.
        plain = len(key) <= wire.MAX_KEY_LENGTH and key.isprintable()
        return key if plain else wire.check_key(key)
    except UnicodeDecodeError:
        raise InvalidField("message_id", "Not valid UTF-8.") from None
    except InvalidField as error:
        raise InvalidField("message_id", error.problem) from None
