"""The messages of RabbitMQ: what comes in, what is answered, what is dead-lettered.

The routing key says what it is about. A body is one notification, as for an HTTP send, or a JSON
array of them. Each has a key, which makes a redelivery harmless: the one in the body; else the
``message_id``, followed by ``#`` and the index inside an array; else a new one, which only covers
our own retries. Or it names one that is taken back, or several; then the key is in the body.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from amqp.frames import Delivery
from amqp.topology import SEND_KEY, WITHDRAW_KEY
from notifier import wire
from notifier.errors import InvalidField, InvalidRequest, NotifierError, RequestTooLarge
from notifier.events import Appended, Withdrawn
from notifier.models import WhoseUsers
from notifier.wire import Decoder, SendRequest, SendResponse, WithdrawRequest

MAX_ITEMS: Final = 1000
"""Most notifications in one array."""

_WHITE_SPACE: Final = b" \t\n\r"

_WITHDRAW_KEY: Final = WITHDRAW_KEY.encode()
_SEND_KEY: Final = SEND_KEY.encode()

Request = SendRequest | WithdrawRequest
"""What is to be done with one notification."""


class Failure(msgspec.Struct, frozen=True):
    """The answer to what has failed."""

    error: str


class WithdrawResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a withdrawal, which names the user as the message did."""

    user_id: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    key: str
    seq: int
    withdrawn: bool = True

    @classmethod
    def of(cls, withdrawn: Withdrawn, request: WithdrawRequest) -> "WithdrawResult":
        """What is said of what was ``withdrawn``."""
        return cls(
            user_id=withdrawn.user_id if request.user is UNSET else UNSET,
            user=request.user,
            key=withdrawn.key,
            seq=withdrawn.seq,
        )


class DeadLetter(NamedTuple):
    """Something that can never succeed, as it came, with the reason."""

    body: bytes
    message_id: bytes
    error: NotifierError


_PENDING: Final = Failure("pending")
_NOTHING: Final = SendRequest(payload=msgspec.Raw(b"null"))


class Part:
    """One notification of a message, to be stored or taken back."""

    __slots__ = ("index", "job", "missed_at", "raw", "request")

    def __init__(self, job: "Job", index: int, raw: bytes, request: Request) -> None:
        self.job = job
        self.index = index
        self.raw = raw
        self.request = request
        self.missed_at: float | None = None
        """When it was to be taken back and not there, for the first time."""


class Job:
    """One message: what has become of it and of what it consists of."""

    __slots__ = ("answers", "dead_letters", "delivery", "is_array", "unconfirmed", "waiting")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.is_array = False
        self.waiting = 1
        """How many parts have no answer yet."""
        self.answers: list[SendResponse | WithdrawResult | Failure] = [_PENDING]
        self.dead_letters: list[DeadLetter] = []
        self.unconfirmed = 0
        """How many of them were published, and not yet confirmed by the broker."""

    @property
    def routing_key(self) -> bytes:
        """Which of ours it came with; anything else that was bound to the queue is a send."""
        return _WITHDRAW_KEY if self.delivery.routing_key == _WITHDRAW_KEY else _SEND_KEY

    def succeeded(self, part: Part, outcome: Appended | Withdrawn) -> None:
        """``part`` is committed."""
        request = part.request
        if isinstance(request, WithdrawRequest):
            assert isinstance(outcome, Withdrawn)
            self.answers[part.index] = WithdrawResult.of(outcome, request)
        else:
            assert isinstance(outcome, Appended)
            self.answers[part.index] = SendResponse.of(outcome, request)
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


class Reader:
    """Takes messages apart, on a server whose users are these."""

    def __init__(self, max_bytes: int, users: WhoseUsers) -> None:
        self._max_bytes = max_bytes
        self._sends = Decoder(SendRequest, users)
        self._withdrawals = Decoder(WithdrawRequest, users)

    def read(self, delivery: Delivery) -> tuple[Job, list[Part]]:
        """The parts of a message. What cannot be understood has failed in the job already."""
        job = Job(delivery)
        body = delivery.body
        try:
            if len(body) > self._max_bytes:
                raise RequestTooLarge(f"The body is larger than {self._max_bytes} bytes.")
            if body[:1] == b"[" or body.lstrip(_WHITE_SPACE)[:1] == b"[":
                return job, self._read_array(job)
            return job, [Part(job, 0, body, self._read_one(job, body, delivery.message_id))]
        except NotifierError as error:
            job.failed_whole(error)
            return job, []

    def _read_array(self, job: Job) -> list[Part]:
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
                part.request = self._read_one(job, part.raw, key)
            except NotifierError as error:
                job.failed(part, error)
            else:
                parts.append(part)
        return parts

    def _read_one(self, job: Job, body: bytes, message_id: bytes) -> Request:
        if job.routing_key is _WITHDRAW_KEY:
            return self._withdrawals(body)
        return _with_key(self._sends(body), message_id)


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
