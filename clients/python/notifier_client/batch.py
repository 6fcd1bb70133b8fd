"""Many notifications, in batches: one after the other for each user, several batches at a time.

What a batch leaves open, because the server has no room for it now, goes into its next attempt,
under the same keys. One that the server cannot even read is halved, until what is wrong is alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from notifier_client.attempts import Answer, Attempts, Interrupted, Patience, parse
from notifier_client.connection import BATCH_PATH
from notifier_client.delivery import stored
from notifier_client.encoding import encode
from notifier_client.errors import (
    KeyInUse,
    NotAllowed,
    NotValid,
    Refused,
    SendFailed,
    ServerUnavailable,
    SomeFailed,
    UnknownRecipient,
)
from notifier_client.message import Message, Sent

MOST_SENDS: Final = 1000
"""Notifications in one batch: as many as the server takes."""
_MOST_BYTES: Final = 512 * 1024
"""Bytes after which a batch is full: half of what a server takes by itself."""

_REFUSALS: Final[Mapping[str, type[Refused]]] = {
    "api_key_expired": NotAllowed,
    "api_key_not_valid": NotAllowed,
    "invalid": NotValid,
    "key_conflict": KeyInUse,
    "malformed_json": NotValid,
    "not_authenticated": NotAllowed,
    "not_storable": NotValid,
    "unknown_user": UnknownRecipient,
    "user_not_allowed": NotAllowed,
}
_UNREADABLE: Final = ("malformed_json", "request_too_large")
"""Codes with which the server refuses a batch as a whole that may be right in parts."""


class Entry:
    """One of them, and what became of it."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.key: str = message.key or uuid4().hex
        self.body = b""
        self.outcome: Sent | SendFailed | None = None

    def encode(self) -> bool:
        """Make its body; False if it cannot be JSON."""
        try:
            self.body = encode(self.message, self.key)
        except NotValid as error:
            self.outcome = error
        return self.outcome is None

    def settle(self, outcome: Sent | SendFailed) -> None:
        """It needs no other attempt."""
        self.outcome = outcome
        self.body = b""


class BatchDelivery(Attempts[None]):
    """The attempts to send some. They end with an outcome for each, or with two halves.

    The time that they have begins anew whenever some of them were settled.
    """

    path = BATCH_PATH

    def __init__(self, entries: Sequence[Entry], patience: Patience, **options: Any) -> None:
        super().__init__(patience, **options)
        self._open = entries
        self.halves: Sequence[Sequence[Entry]] = ()
        """What is to be sent in place of it, in this order."""
        self.is_away = False
        """The server did not answer in time."""
        self._write()

    def _write(self) -> None:
        self.body = b'{"notifications":[%b]}' % b",".join(entry.body for entry in self._open)

    def judge(self, result: Answer | Interrupted) -> float | None:
        try:
            return super().judge(result)
        except SendFailed as error:
            if len(self._open) > 1 and error.code in _UNREADABLE:
                half = len(self._open) // 2
                self.halves = self._open[:half], self._open[half:]
                return None
            self.is_away = isinstance(error, ServerUnavailable)
            for entry in self._open:
                entry.settle(
                    type(error)(error.message, key=entry.key, status=error.status, code=error.code)
                )
            return None

    def _done(self, answer: Answer, headers: Mapping[str, str]) -> float | None:
        content = parse(answer.content)
        results = content.get("results") if isinstance(content, dict) else None
        if not isinstance(results, list) or len(results) != len(self._open):
            raise self._not_understood(answer)
        left: list[Entry] = []
        pause, problem = 0.0, ""
        for entry, result in zip(self._open, results, strict=True):
            match result:
                case {"error": str(error), "retry_after": int(seconds)}:
                    left.append(entry)
                    pause, problem = max(pause, seconds), error
                case _:
                    entry.settle(_outcome(entry, result) or self._not_understood(answer, entry.key))
        if not left:
            return None
        if len(left) < len(self._open):
            self._begin_anew()
            self._attempts = 1
        self._open = left
        self._write()
        return self._again(problem, None, pause)


def _outcome(entry: Entry, result: Any) -> Sent | SendFailed | None:
    match result:
        case {"error": str(error), "code": str(code)}:
            return _REFUSALS.get(code, Refused)(error, key=entry.key, code=code)
        case {"replayed": True}:
            return stored(result, replayed=True)
    return stored(result, replayed=False)


Track = Sequence[Entry]
"""What is sent one after the other: all of some users."""


class Batch:
    """What became of each so far. Ends early once the server does not answer in time."""

    def __init__(self, messages: Iterable[Message], patience: Patience, tracks: int) -> None:
        self._entries = [Entry(message) for message in messages]
        self._patience = patience
        self._over = False
        self.tracks = _tracks(self._entries, tracks)

    def deliveries(self, track: Track) -> Iterator[BatchDelivery]:
        """One after the other, for as long as sending makes sense."""
        batches = _batches(track)
        halves: deque[Sequence[Entry]] = deque()
        while not self._over:
            entries = halves.popleft() if halves else next(batches, None)
            if entries is None:
                return
            delivery = BatchDelivery(entries, self._patience)
            yield delivery
            halves.extendleft(reversed(delivery.halves))
            if delivery.is_away:
                self.end()

    def end(self) -> None:
        """Begin nothing more."""
        self._over = True

    def result(self) -> list[Sent]:
        """All of them, in the order in which they were given. Raises SomeFailed."""
        outcomes = [
            entry.outcome
            or ServerUnavailable("Not tried, because the server is away.", key=entry.message.key)
            for entry in self._entries
        ]
        sent = [outcome for outcome in outcomes if isinstance(outcome, Sent)]
        if len(sent) < len(outcomes):
            raise SomeFailed(outcomes)
        return sent


def _tracks(entries: Sequence[Entry], most: int) -> Sequence[Track]:
    """At most so many, of about the same length, and no more than full batches need."""
    lanes: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in entries:
        whose = (str(entry.message.user_id), entry.message.user)
        lanes.setdefault(whose, []).append(entry)
    needed = -(-len(entries) // MOST_SENDS)
    tracks: list[list[Entry]] = [[] for _ in range(min(most, needed, len(lanes)))]
    for lane in sorted(lanes.values(), key=len, reverse=True):
        min(tracks, key=len).extend(lane)
    return tracks


def _batches(track: Track) -> Iterator[Sequence[Entry]]:
    """``track`` in parts that a request can hold, without what cannot be JSON."""
    batch: list[Entry] = []
    size = 0
    for entry in track:
        if not entry.encode():
            continue
        if batch and (len(batch) == MOST_SENDS or size + len(entry.body) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.body) + 1
    if batch:
        yield batch
