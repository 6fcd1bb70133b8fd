"""Many notifications: one after the other for each user, several users at a time."""

from collections.abc import Iterable, Iterator
from types import TracebackType

from notifier_client.errors import SendFailed, ServerUnavailable, SomeFailed
from notifier_client.message import Message, Sent


class Entry:
    """One of them. As a context manager it keeps the failure of its sending."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.outcome: Sent | SendFailed | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, SendFailed):
            self.outcome = error
            return True
        return False


Lane = list[Entry]
"""The notifications of one user: their order is kept."""


class Batch:
    """What became of each so far. Ends early once the server does not answer in time."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._entries = [Entry(message) for message in messages]
        self._over = False
        lanes: dict[tuple[str, str | None], Lane] = {}
        for entry in self._entries:
            whose = (str(entry.message.user_id), entry.message.user)
            lanes.setdefault(whose, []).append(entry)
        self.lanes = list(lanes.values())

    def waiting(self, lane: Lane) -> Iterator[Entry]:
        """The entries of ``lane``, one by one, for as long as sending makes sense."""
        for entry in lane:
            if self._over:
                return
            yield entry
            if isinstance(entry.outcome, ServerUnavailable):
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
