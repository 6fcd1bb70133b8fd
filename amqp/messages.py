"""The messages of RabbitMQ: what comes in, what is answered, what is laid aside.

A body is one notification, as for an HTTP send, or a JSON array of them. Each has a key,
which makes a redelivery harmless: the one in the body; else the ``message_id``, followed
by ``#`` and the index inside an array; else a new one, which only covers our own retries.
"""

from typing import Any, Final, Protocol

import msgspec

from notifier import wire
from notifier.errors import InvalidField, InvalidRequest, NotifierError, RequestTooLarge
from notifier.models import Notification
from notifier.wire import SendRequest, SendResponse

MAX_ITEMS: Final = 1000
"""Most notifications in one array."""

_WHITE_SPACE: Final = b" \t\n\r"
_MAX_REASON: Final = 500
"""Characters of a reason that go into a header, whose frame has a limit."""

_read_one = wire.Decoder(SendRequest)
_read_many = wire.Decoder(list[msgspec.Raw])


class Properties(Protocol):
    """What we use of a message's properties. Any may be bytes if it is not valid UTF-8."""

    message_id: Any
    correlation_id: Any
    reply_to: Any
    content_type: Any


class Failure(msgspec.Struct, frozen=True):
    """The answer to what was refused."""

    error: str


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that can never succeed: laid aside as it came, with the reason."""

    body: bytes
    message_id: str | None
    correlation_id: Any
    reply_to: Any
    content_type: Any
    headers: dict[str, str]


class Part:
    """One notification of a message."""

    __slots__ = ("index", "job", "raw", "request")

    def __init__(self, job: "Job", index: int, raw: bytes, request: SendRequest) -> None:
        self.job = job
        self.index = index
        self.raw = raw
        self.request = request


class Job:
    """One message: what it consists of and what has become of it."""

    __slots__ = ("answers", "body", "is_array", "parts", "properties", "refused", "tag", "waiting")

    def __init__(self, tag: int, properties: Properties, body: bytes) -> None:
        self.tag = tag
        self.properties = properties
        self.body = body
        self.is_array = False
        self.parts: list[Part] = []
        self.waiting = 0
        """How many parts have no answer yet."""
        self.answers: list[Notification | Failure] = []
        self.refused: list[DeadLetter] = []

    def answer(self, part: Part, notification: Notification) -> bool:
        """``part`` is stored; returns whether the whole message is done."""
        self.answers[part.index] = notification
        self.waiting -= 1
        return not self.waiting

    def refuse(self, part: Part, error: NotifierError) -> bool:
        """``part`` can never succeed; returns whether the whole message is done."""
        self.answers[part.index] = Failure(error.message)
        self.refused.append(self._dead_letter(part.raw, part.index, error))
        self.waiting -= 1
        return not self.waiting

    def refuse_whole(self, error: NotifierError) -> None:
        """The message can never succeed as it is."""
        self.is_array = False
        self.parts = []
        self.waiting = 0
        self.answers = [Failure(error.message)]
        self.refused = [self._dead_letter(self.body, None, error)]

    def result(self) -> bytes:
        """The body of the result message: one answer, or an array of them."""
        if self.is_array:
            return wire.encode([_on_the_wire(answer) for answer in self.answers])
        return wire.encode(_on_the_wire(self.answers[0]))

    def _dead_letter(self, body: bytes, index: int | None, error: NotifierError) -> DeadLetter:
        properties = self.properties
        message_id = properties.message_id
        if isinstance(message_id, str) and self.is_array and index is not None:
            # So that sending it again, repaired or not, is still the same notification.
            message_id = _indexed(message_id, index)
        return DeadLetter(
            body,
            message_id,
            properties.correlation_id,
            properties.reply_to,
            properties.content_type,
            {"reason": error.message[:_MAX_REASON], "code": error.code},
        )


def _on_the_wire(answer: Notification | Failure) -> SendResponse | Failure:
    return answer if isinstance(answer, Failure) else SendResponse.of(answer)


def read(tag: int, properties: Properties, body: bytes, max_bytes: int) -> Job:
    """Take a message apart. What cannot be understood is refused in the job itself."""
    job = Job(tag, properties, body)
    try:
        if len(body) > max_bytes:
            raise RequestTooLarge(f"The body is larger than {max_bytes} bytes.")
        message_id = _identity(properties)
        if body.lstrip(_WHITE_SPACE)[:1] == b"[":
            _read_array(job, message_id)
        else:
            job.answers = [_PENDING]
            job.waiting = 1
            job.parts = [Part(job, 0, body, _with_key(_read_one(body), message_id))]
    except NotifierError as error:
        job.refuse_whole(error)
    return job


_PENDING: Final = Failure("pending")


def _read_array(job: Job, message_id: str | None) -> None:
    items = _read_many(job.body)
    if len(items) > MAX_ITEMS:
        raise InvalidRequest(f"More than {MAX_ITEMS} notifications in one message.")
    job.is_array = True
    job.answers = [_PENDING] * len(items)
    job.waiting = len(items)
    for index, item in enumerate(items):
        raw = bytes(item)
        part = Part(job, index, raw, _NOTHING)
        key = None if message_id is None else _indexed(message_id, index)
        try:
            part.request = _with_key(_read_one(raw), key)
        except NotifierError as error:
            job.refuse(part, error)
        else:
            job.parts.append(part)


_NOTHING: Final = SendRequest(0, msgspec.Raw(b"null"))


def _identity(properties: Properties) -> str | None:
    message_id = properties.message_id
    if not message_id:
        return None
    if not isinstance(message_id, str):
        raise InvalidField("message_id", "Not valid UTF-8.")
    return message_id


def _indexed(message_id: str, index: int) -> str:
    return f"{message_id}#{index}"


def _with_key(request: SendRequest, message_id: str | None) -> SendRequest:
    if request.key is not None:
        return request
    try:
        key = wire.make_key() if message_id is None else wire.check_key(message_id)
    except InvalidField as error:
        raise InvalidField("message_id", error.problem) from None
    return SendRequest(request.user_id, request.payload, key, request.ttl)
