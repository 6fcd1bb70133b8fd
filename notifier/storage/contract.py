"""What the store is made of: sessions, and the operations and queries that run on them.

A driver is synchronous and knows nothing of the loop: the store calls its write session
from one thread and its read sessions from a few others. A driver says how a statement
runs, and has the few set-based statements in which dialects differ. Statements that all
dialects know stand in the operations, with ``?`` for parameters.

All sequence numbers come from :class:`WriteSession`, which locks each inbox it appends to
until its commit, so that the order of ``seq`` is the order of commits, across any number
of processes.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from notifier import clock
from notifier.errors import DiskLow, NotifierError, NotStorable, Unavailable
from notifier.models import InboxPosition, Notification, State
from notifier.storage.quota import LogState, Quota
from notifier.storage.tables import Table

logger = logging.getLogger(__name__)

R = TypeVar("R")

Row = tuple[Any, ...]
Name = tuple[int, str]
"""A user's id and a key: what names a notification."""

AWAY: Final = "The store is away; try again soon."
"""All that clients hear; the cause goes to the log."""
_ATTEMPTS: Final = 5


class Conflict(Exception):
    """The database undid the transaction in favour of another one: do it again."""


class Session(ABC):
    """A connection that can run a statement."""

    @abstractmethod
    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Execute ``statement`` and return its rows, none for one that yields none."""

    @abstractmethod
    def using(self, index: str) -> str:
        """Follows a table in a statement that goes by this index.

        Nothing where the database finds it by itself.
        """

    def first(self, statement: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, if any."""
        return next(iter(self.run(statement, parameters)), None)

    @abstractmethod
    def close(self) -> None:
        """Give the connection up. Never raises."""


class ReadSession(Session):
    """One connection that reads. Used from one thread at a time."""

    by_bytes: ClassVar[str]
    """Follows a text in a statement, and has it compared by its bytes."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, all statements see the same moment."""

    @abstractmethod
    def pending(
        self, user_id: int, after: int, until: int, now: int, *, rows: int, size: int
    ) -> list[Notification]:
        """Unacknowledged notifications, unexpired ``now``, from behind ``after`` to ``until``.

        In order of ``seq``, at most ``rows``, and no further one once their payloads
        exceed ``size`` bytes.
        """

    @abstractmethod
    def positions(self, user_ids: Sequence[int]) -> dict[int, InboxPosition]:
        """How far the log of each of these users goes that exists."""

    @abstractmethod
    def count_pending_of(self, user_ids: Sequence[int], now: int, limit: int) -> dict[int, int]:
        """How many are pending and unexpired of each of these users.

        No more than ``limit`` are looked at for each.
        """


class Query(msgspec.Struct, Generic[R], frozen=True):
    """One question to the store, whose answer is an R."""

    def ask(self, session: ReadSession) -> R:
        """The answer. A NotifierError refuses it."""
        raise NotImplementedError


class Lookup(NamedTuple):
    """What must be known to decide on a batch of appends."""

    user_ids: Sequence[int]
    """Whose inboxes to lock, in order, so that no two processes wait for each other."""
    names: Collection[Name]
    """Under which something may be stored already."""
    digests: Collection[bytes]
    """Which API keys must be valid, with the right to send."""
    api_keys: bool
    """Whether it matters that there are API keys at all."""


class KeyRights(NamedTuple):
    """What an API key may do, as it is stored."""

    key_id: int
    scopes: str
    expires_at: int | None


class Stored(NamedTuple):
    """What is kept under a name."""

    notification: Notification
    withdrawn: bool


class Changed(NamedTuple):
    """Where a notification stands from now on."""

    user_id: int
    seq: int
    version: int
    state: State


class Found(NamedTuple):
    """The answers to a :class:`Lookup`, true until the transaction ends."""

    inboxes: dict[int, LogState]
    """Those of active users, and of recipients."""
    stored: dict[Name, Stored]
    keys: Mapping[bytes, KeyRights]
    """What API keys may do, by digest; not those that were revoked."""
    has_api_keys: bool
    """Whether there has ever been an API key. False where it does not matter."""


class WriteSession(Session):
    """One connection that writes. Used from one thread.

    Locks are taken in one order everywhere (the administrative lock, new recipients by name,
    inboxes by user, notifications by place), so that no two processes wait for each other.
    Removing what is over comes last and waits for nobody.
    """

    quota: Quota

    @abstractmethod
    def check(self) -> DiskLow | None:
        """Find out, without writing, that nothing keeps commits from lasting. Cheap.

        Returns why the store should not grow, if it still can be written. Raises
        NotCommitted if not.
        """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit durably at the end, or roll back.

        Raises Unavailable, or Conflict for a transaction that should be tried again.
        """

    @abstractmethod
    def serialise(self) -> None:
        """Keep the administrative operations of all other processes waiting until our commit."""

    @abstractmethod
    def look_up(self, lookup: Lookup) -> Found:
        """Lock the inboxes of ``lookup``, then look everything up."""

    @abstractmethod
    def insert_rows(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert ``rows`` of these columns, as :meth:`Table.row` has them."""

    @abstractmethod
    def advance(self, inboxes: Mapping[int, LogState]) -> None:
        """Set the state of these inboxes."""

    @abstractmethod
    def count_pending(self, user_id: int, now: int, limit: int) -> tuple[int, int]:
        """How many are pending and unexpired of a user, and their payloads' bytes.

        No more than ``limit`` are looked at.
        """

    @abstractmethod
    def acknowledge(self, names: Collection[Name], now: int) -> None:
        """Mark these as acknowledged now, or delete them, whichever are still pending."""

    @abstractmethod
    def acknowledge_up_to(self, user_id: int, up_to: int, now: int) -> None:
        """The same for what is pending and unexpired of a user, up to a ``seq``."""

    @abstractmethod
    def set_states(self, changed: Sequence[Changed]) -> None:
        """Have notifications stand there; what was acknowledged stays so."""

    @abstractmethod
    def remove(self, column: str, before: int, limit: int) -> int:
        """Remove up to ``limit`` notifications whose ``column`` lies before that moment."""

    @abstractmethod
    def remove_of(self, user_id: int, limit: int) -> int:
        """Remove up to ``limit`` notifications of this user."""

    @abstractmethod
    def claim(self, user_id: int) -> bool:
        """Take the administrative lock and the lock of an inbox, if nobody else has either.

        Nobody is waited for. Behind it, whatever was appended to the inbox can be seen.
        """

    # What only copying needs.

    @abstractmethod
    def freeze(self, tables: Sequence[Table]) -> None:
        """Keep all others from writing to ``tables`` until our transaction ends."""

    @abstractmethod
    def last_id(self, table: Table) -> int:
        """The last id given in ``table``, or 0."""

    @abstractmethod
    def continue_ids(self, table: Table, last: int) -> None:
        """Give ids behind ``last``."""

    # The batch.

    def commit(self, operations: Sequence["Operation[Any]"]) -> list["Outcome"]:
        """Do all ``operations`` in a durable transaction; outcomes in the same order.

        Those that stand apart have transactions of their own: locks are then taken in order. A
        bad one fails alone. Raises :class:`~notifier.errors.Unavailable` if the database
        is away and nobody knows what happened, and :class:`~notifier.errors.NotCommitted`
        if it was so before anything could be committed.
        """
        outcomes: list[Outcome] = []
        runs = [list(run) for _, run in groupby(operations, lambda operation: operation.apart)]
        for run in runs or [[]]:
            try:
                outcomes += self._commit(run)
            except Unavailable as away:
                if not outcomes:
                    raise
                # What came before is committed, so the whole must not be tried again.
                outcomes += [Unavailable(away.message) for _ in operations[len(outcomes) :]]
                break
        return outcomes

    def _commit(self, operations: Sequence["Operation[Any]"]) -> list["Outcome"]:
        for _ in range(_ATTEMPTS):
            try:
                return self._transact(operations)
            except Conflict as conflict:
                logger.warning(
                    "Transaction tried again",
                    extra={"action": "conflict", "reason": str(conflict.__cause__)},
                )
            except Unavailable:
                raise
            except Exception as error:
                return self._isolate(operations, error)
        raise Unavailable(AWAY)

    def _transact(self, operations: Sequence["Operation[Any]"]) -> list["Outcome"]:
        now = clock.now()
        steps: dict[Step, list[int]] = {}
        for index, operation in enumerate(operations):
            steps.setdefault(operation.step, []).append(index)
        outcomes: list[Outcome] = [None] * len(operations)
        with self.transaction():
            for step in sorted(steps):
                indexes = steps[step]
                done = step.do(self, [operations[index] for index in indexes], now)
                for index, outcome in zip(indexes, done, strict=True):
                    outcomes[index] = outcome
        return outcomes

    def _isolate(self, operations: Sequence["Operation[Any]"], error: Exception) -> list["Outcome"]:
        """Something among them broke the whole transaction: find it, let it fail alone."""
        if len(operations) == 1:
            logger.error(
                "Operation refused by the database", exc_info=error, extra={"action": "refused"}
            )
            return [NotStorable(f"The store refused this: {type(error).__name__}.")]
        half = len(operations) // 2
        outcomes = self._commit(operations[:half])
        try:
            return outcomes + self._commit(operations[half:])
        except Unavailable as away:
            # The first half is committed, so the batch as a whole must not be tried again.
            return outcomes + [Unavailable(away.message) for _ in operations[half:]]


class Step(NamedTuple):
    """A part of a transaction: what is done together, and when."""

    order: int
    do: Callable[[WriteSession, Sequence[Any], int], Sequence["Outcome"]]
    """Does operations of one step at one moment (UTC); their outcomes in the same order."""


class Operation(msgspec.Struct, Generic[R], frozen=True):
    """One change to the store, whose result is an R. A refused one never touches its neighbours."""

    step: ClassVar[Step]
    grows: ClassVar[bool] = False
    """Whether the store refuses it when the disk is nearly full."""
    apart: ClassVar[bool] = False
    """It locks an inbox and what lies in it, which others would do in another order."""
    patient: ClassVar[bool] = False
    """Nothing was promised that waits for it, so it need not have a commit of its own."""
    background: ClassVar[bool] = False
    """Nobody waits for it, so that its commit served one less."""

    @property
    def size(self) -> int:
        """Bytes that it keeps in memory while it waits, roughly."""
        return 0


Outcome = Any
"""What became of an operation: its result, or the NotifierError that refuses it."""


class Administrative(Operation[R], Generic[R], frozen=True):
    """A rare change. No two processes make one at the same time."""

    def apply(self, session: WriteSession, now: int) -> R:
        """Make it. A NotifierError refuses it."""
        raise NotImplementedError


def _one_by_one(
    session: WriteSession, operations: Sequence[Administrative[Any]], now: int
) -> list[Outcome]:
    session.serialise()
    outcomes: list[Outcome] = []
    for operation in operations:
        try:
            outcomes.append(operation.apply(session, now))
        except NotifierError as refusal:
            outcomes.append(refusal)
    return outcomes


Administrative.step = Step(0, _one_by_one)


class Driver(Protocol):
    """One database: how to prepare it and how to talk to it."""

    name: str

    def prepare(self) -> int:
        """Bring the schema up to date, and return how many migrations that took.

        Raises SchemaTooNew, StoreInUse, another CannotStart, or Unavailable.
        """
        ...

    def writer(self) -> WriteSession: ...

    def reader(self) -> ReadSession: ...

    def close(self) -> None:
        """Give up what the driver holds itself, such as the lock on a data folder."""
        ...
