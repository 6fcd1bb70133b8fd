"""A request on its way: what an answer means, and when to try again.

Nothing here does I/O or waits. A client asks for what to send and for how long an attempt may
take, makes the attempt, and has its result judged, until that is final::

    while isinstance(verdict := attempts.judge(attempt(attempts)), float):
        sleep(verdict)
"""

import json
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

from notifier_client.errors import (
    KeyInUse,
    NotAllowed,
    NotValid,
    Refused,
    ServerUnavailable,
    UnexpectedAnswer,
    UnknownRecipient,
)

T = TypeVar("T")

TRY_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that say nothing against the request itself."""

_REFUSALS: Final[Mapping[int, type[Refused]]] = {
    400: NotValid,
    401: NotAllowed,
    403: NotAllowed,
    409: KeyInUse,
    413: NotValid,
    415: NotValid,
}

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds for one request, all attempts and pauses together."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try, in seconds."""

    total: float = DEFAULT_TIMEOUT
    """For one request, all attempts and pauses together."""
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


class Attempts(Generic[T]):
    """The attempts to have one thing done. What comes of it is never a number of seconds."""

    method = "POST"
    path: str
    parameters: Mapping[str, str | int] = {}
    missing: Collection[type[Refused]] = (UnknownRecipient,)
    """What a 404 can mean, by its code. Any other is of a proxy, or of a wrong address."""
    body: bytes | None = None
    key: str | None = None
    """Of the notification that it is about, if there is one."""

    def __init__(
        self,
        patience: Patience,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._now = now
        self._chance = chance
        self._attempts = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Have all the time there is from now on."""
        self._deadline = self._now() + self._patience.total

    def understood(self, content: Any, headers: Mapping[str, str]) -> T | None:
        """What a good answer says, whose ``headers`` are in lower case; None if it is none."""
        raise NotImplementedError

    def read(self, content: bytes) -> Any:
        """What :meth:`understood` is given of a good answer."""
        return parse(content)

    @property
    def seconds(self) -> float:
        """How long the next attempt may take."""
        return max(0.001, min(self._patience.attempt, self._deadline - self._now()))

    def judge(self, result: Answer | Interrupted) -> T | float:
        """The end of it, or the seconds to wait before another attempt. Raises SendFailed."""
        self._attempts += 1
        if isinstance(result, Interrupted):
            return self._again(f"The server cannot be reached ({result.reason})", None, 0.0)
        headers = {name.lower(): value for name, value in result.headers.items()}
        if result.status in TRY_AGAIN:
            problem = _describe(result)[0]
            return self._again(problem, result.status, retry_after(headers))
        if result.status == HTTPStatus.OK:
            return self._done(result, headers)
        raise self._refusal(result)

    def _done(self, answer: Answer, headers: Mapping[str, str]) -> T | float:
        found = self.understood(self.read(answer.content), headers)
        if found is None:
            raise self._not_understood(answer, self.key)
        return found

    def _not_understood(self, answer: Answer, key: str | None = None) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            "The answer is not one of a Notifier server: is NOTIFIER_URL right?",
            key=key,
            status=answer.status,
        )

    def _refusal(self, answer: Answer) -> Refused | UnexpectedAnswer:
        detail, code = _describe(answer)
        kind: type[Refused | UnexpectedAnswer] = _REFUSALS.get(answer.status, UnexpectedAnswer)
        if answer.status == HTTPStatus.NOT_FOUND:
            kind = next((each for each in self.missing if each.code == code), UnexpectedAnswer)
        return kind(detail, key=self.key, status=answer.status, code=code)

    def _again(self, problem: str, status: int | None, at_least: float) -> float:
        pause = at_least + pause_after(self._attempts, _LONGEST_PAUSE) * self._chance()
        if self._now() + pause >= self._deadline:
            tries = "1 attempt" if self._attempts == 1 else f"{self._attempts} attempts"
            raise ServerUnavailable(
                f"{problem.rstrip('.')}; gave up after {tries}.", key=self.key, status=status
            )
        return pause


def pause_after(attempts: int, longest: float) -> float:
    """The most seconds to wait after so many attempts.

    Of which chance takes a part, because those who failed together should not come back together.
    """
    return min(longest, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 16))


def retry_after(headers: Mapping[str, str]) -> float:
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
    body = parse(answer.content)
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


def parse(content: bytes | str) -> Any:
    """What ``content`` is as JSON, None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
