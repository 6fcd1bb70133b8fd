"""One notification on its way: what to send, what an answer means, when to try again.

Nothing here does I/O or waits. A client asks for the body and for how long an attempt may
take, makes the attempt, and has its result judged, until that is final::

    while not isinstance(verdict := delivery.judge(attempt(delivery)), Sent):
        sleep(verdict)

All attempts carry the same key, so that the server stores the notification once even if
it had stored it already and only its answer got lost.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from notifier_client.encoding import encode
from notifier_client.errors import (
    KeyInUse,
    NotAllowed,
    NotValid,
    Refused,
    ServerUnavailable,
    UnexpectedAnswer,
    UnknownRecipient,
)
from notifier_client.message import Message, Sent

TRY_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that say nothing against the notification itself."""

_REFUSALS: Final[Mapping[int, type[Refused]]] = {
    400: NotValid,
    401: NotAllowed,
    403: NotAllowed,
    404: UnknownRecipient,
    409: KeyInUse,
    413: NotValid,
    415: NotValid,
}

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds for one notification, all attempts and pauses together."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try, in seconds."""

    total: float = DEFAULT_TIMEOUT
    """For one notification, all attempts and pauses together."""
    attempt: float = 12.0
    """For one attempt to get on: longer than the server takes to say that it is busy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. ``headers`` has names in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Interrupted:
    """There was no answer."""

    reason: str


class Delivery:
    """The attempts to send one notification. Raises NotValid if it cannot even be encoded."""

    def __init__(
        self,
        message: Message,
        patience: Patience,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.key = message.key or uuid4().hex
        self.body = encode(message, self.key)
        self._patience = patience
        self._now = now
        self._chance = chance
        self._deadline = now() + patience.total
        self._attempts = 0

    @property
    def seconds(self) -> float:
        """How long the next attempt may take."""
        return max(0.001, min(self._patience.attempt, self._deadline - self._now()))

    def judge(self, result: Answer | Interrupted) -> Sent | float:
        """The end of it, or the seconds to wait before another attempt. Raises SendFailed."""
        self._attempts += 1
        if isinstance(result, Interrupted):
            return self._again(f"The server cannot be reached ({result.reason})", None, 0.0)
        headers = {name.lower(): value for name, value in result.headers.items()}
        if result.status in TRY_AGAIN:
            problem = _describe(result)[0]
            return self._again(problem, result.status, _retry_after(headers))
        if result.status == HTTPStatus.OK:
            return self._sent(result, replayed="idempotency-replayed" in headers)
        raise self._refusal(result)

    def _sent(self, answer: Answer, *, replayed: bool) -> Sent:
        match _parse(answer.content):
            case {"user_id": int(user_id), "key": str(key), "seq": int(seq)}:
                return Sent(user_id, key, seq, replayed)
            case {"user": str(user), "key": str(key), "seq": int(seq)}:
                return Sent(None, key, seq, replayed, user)
        raise UnexpectedAnswer(
            "The answer is not one of a Notifier server: is NOTIFIER_URL right?",
            key=self.key,
            status=answer.status,
        )

    def _refusal(self, answer: Answer) -> Refused | UnexpectedAnswer:
        detail, code = _describe(answer)
        kind: type[Refused | UnexpectedAnswer] = _REFUSALS.get(answer.status, UnexpectedAnswer)
        if kind is UnknownRecipient and code != UnknownRecipient.code:
            kind = UnexpectedAnswer  # some other 404: of a proxy, or of a wrong address
        return kind(detail, key=self.key, status=answer.status, code=code)

    def _again(self, problem: str, status: int | None, at_least: float) -> float:
        # Full jitter, because those who failed together should not come back together.
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._attempts - 1, 16))
        pause = at_least + pause * self._chance()
        if self._now() + pause >= self._deadline:
            tries = "1 attempt" if self._attempts == 1 else f"{self._attempts} attempts"
            raise ServerUnavailable(
                f"{problem.rstrip('.')}; gave up after {tries}.", key=self.key, status=status
            )
        return pause


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds, of either form of the header (RFC 9110 §10.2.3); 0 without a valid one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _describe(answer: Answer) -> tuple[str, str | None]:
    """What the server says is wrong, in words and as its code."""
    body = _parse(answer.content)
    if isinstance(body, dict):
        if isinstance(body.get("detail"), str):
            code = body.get("code")
            return body["detail"], code if isinstance(code, str) else None
        problems = [
            f"{field}: {' '.join(map(str, texts))}"
            for field, texts in body.items()
            if isinstance(texts, list)
        ]
        if problems:
            return "; ".join(problems), None
    return f"The server answered with the status {answer.status}.", None


def _parse(content: bytes) -> Any:
    """What ``content`` is as JSON, None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
