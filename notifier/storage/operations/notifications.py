"""Notifications: append, acknowledge, remove; what is pending, and how far logs go.

Set-based, because these are the hot ones: a batch of them costs a few statements.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

import msgspec

from notifier import clock
from notifier.errors import (
    ApiKeyExpired,
    ApiKeyNotValid,
    InboxFull,
    KeyConflict,
    NotifierError,
    ScopeMissing,
    Unauthenticated,
    UnknownUser,
)
from notifier.events import Appended, Withdrawn
from notifier.models import TRUSTED, InboxPosition, Notification, Page, Priority, Sender
from notifier.storage.contract import (
    Found,
    Lookup,
    Operation,
    Query,
    ReadSession,
    Row,
    Step,
    Stored,
    WriteSession,
)
from notifier.storage.operations.inbox.withdrawing import superseded, withdraw
from notifier.storage.operations.keys import as_scopes
from notifier.storage.operations.recipients import known, numbers
from notifier.storage.quota import LogState
from notifier.storage.tables import NOTIFICATIONS
from notifier.wire import same_json

_FRESH: Final = (
    *("user_id", "seq", "key", "payload", "created_at", "expires_at", "api_key_id"),
    *("category", "priority", "collapse_key", "seen_at"),
)
_ACKNOWLEDGED: Final = ("user_id", "seq", "key", "payload", "created_at", "acked_at")
NOBODY: Final = 0
"""No user has this id, and no recipient this number."""
_CLOSED: Final = (
    "Sends need an API key here: one was made once, and from then on sends without a key stay "
    "closed. `python -m notifier apikey create --name NAME` makes another."
)


class Append(Operation[Appended], frozen=True):
    """Add to a user's log, at once and at the end.

    Refused with UnknownUser, KeyConflict, InboxFull, Unauthenticated, ApiKeyNotValid,
    ApiKeyExpired or ScopeMissing.
    """

    grows: ClassVar[bool] = True

    user_id: int
    """Whose log it is; ``NOBODY`` where only the name of a recipient is known."""
    key: str
    payload: bytes
    ttl: int | None = None
    """Milliseconds until it expires."""
    key_given: bool = False
    """The sender chose the key, so it may exist already."""
    sender: Sender = TRUSTED
    category: str | None = None
    priority: Priority | None = None
    collapse_key: str | None = None
    """Takes the place of what is there with the same one."""
    user: str | None = None
    """The name of a recipient, who is made if there is none, or none any more."""

    @property
    def size(self) -> int:
        return len(self.payload)


def _append(
    session: WriteSession, appends: Sequence[Append], now: int
) -> list[Appended | NotifierError]:
    senders = {append.sender for append in appends}
    # Those whose numbers are not at hand; inboxes can then be locked in order.
    if unknown := {append.user for append in appends if append.user and append.user_id == NOBODY}:
        appends = _with_numbers(appends, known(session, sorted(unknown)))
    found = _look_up(session, appends, senders)
    refusals = {sender: _refusal(sender, found, now) for sender in senders}
    if new := {
        append.user
        for append in appends
        if append.user and append.user_id not in found.inboxes and refusals[append.sender] is None
    }:
        appends = _with_numbers(appends, numbers(session, new, now))
        found = _look_up(session, appends, senders)
    batch = _Batch(session, found, now)
    outcomes: list[Appended | NotifierError] = [
        refusals[append.sender] or batch.decide(append) for append in appends
    ]
    if batch.fresh:
        session.insert_rows(NOTIFICATIONS, _FRESH, batch.fresh)
        if batch.collapsing:
            outcomes = _supersede(session, batch, outcomes, now)
        session.advance(batch.advanced)
    return outcomes


def _supersede(
    session: WriteSession,
    batch: "_Batch",
    outcomes: Sequence[Appended | NotifierError],
    now: int,
) -> list[Appended | NotifierError]:
    """Withdraw what the newest of each collapse key takes the place of, also in this batch."""
    gone: dict[tuple[int, int], tuple[Withdrawn, ...]] = {}
    withdrawn: set[tuple[int, int]] = set()
    for (user_id, collapse_key), seq in batch.collapsing.items():
        found = superseded(session, user_id, collapse_key, seq)
        if found:
            state = batch.advanced[user_id]
            batch.advanced[user_id] = state._replace(version=state.version + 1)
            those = withdraw(session, found, batch.advanced[user_id], now)
            gone[user_id, seq] = tuple(those)
            withdrawn |= {(user_id, each.seq) for each in those}
    return [
        msgspec.structs.replace(
            outcome,
            superseded=gone.get((outcome.user_id, outcome.last_seq), ()),
            withdrawn=(outcome.user_id, outcome.last_seq) in withdrawn,
        )
        if isinstance(outcome, Appended) and not outcome.replayed
        else outcome
        for outcome in outcomes
    ]


def _look_up(
    session: WriteSession, appends: Sequence[Append], senders: Collection[Sender]
) -> Found:
    return session.look_up(
        Lookup(
            sorted({append.user_id for append in appends}),
            {(append.user_id, append.key) for append in appends if append.key_given},
            {sender.digest for sender in senders if sender.digest is not None},
            any(sender.only_while_open for sender in senders),
        )
    )


def _with_numbers(appends: Sequence[Append], by_name: Mapping[str, int]) -> Sequence[Append]:
    """``appends`` with these numbers."""
    return [
        msgspec.structs.replace(append, user_id=by_name[append.user])
        if append.user and append.user in by_name
        else append
        for append in appends
    ]


def _refusal(sender: Sender, found: Found, now: int) -> Unauthenticated | ScopeMissing | None:
    """Why nothing is taken from ``sender``, if so."""
    if sender.only_while_open and found.has_api_keys:
        return Unauthenticated(_CLOSED)
    if sender.digest is None:
        return None
    rights = found.keys.get(sender.digest)
    if rights is None:
        return ApiKeyNotValid()
    if rights.expires_at is not None and rights.expires_at <= now:
        return ApiKeyExpired()
    return None if "send" in as_scopes(rights.scopes) else ScopeMissing("send")


class _Batch:
    """What becomes of appends whose senders have the right, one after the other."""

    def __init__(self, session: WriteSession, found: Found, now: int) -> None:
        self._session = session
        self._found = found
        self._now = now
        self._counted: set[int] = set()
        self.fresh: list[Row] = []
        self.advanced: dict[int, LogState] = {}
        self.collapsing: dict[tuple[int, str], int] = {}
        """The newest place of each collapse key."""

    def decide(self, append: Append) -> Appended | UnknownUser | KeyConflict | InboxFull:
        """What becomes of ``append``, behind those before it."""
        user_id, found = append.user_id, self._found
        inbox = self.advanced.get(user_id) or found.inboxes.get(user_id)
        if inbox is None:
            return UnknownUser()
        name = (user_id, append.key)
        if earlier := found.stored.get(name):
            if not same_json(earlier.notification.payload, append.payload):
                return KeyConflict()
            return Appended(earlier.notification, replayed=True, withdrawn=earlier.withdrawn)
        if not self._session.quota.fits(user_id, inbox) and not self._fits(user_id, inbox):
            return InboxFull()
        seq, payload, now = inbox.last_seq + 1, append.payload, self._now
        expires_at = None if append.ttl is None else now + append.ttl
        category, priority = append.category, append.priority
        fresh = Notification(user_id, seq, append.key, payload, now, expires_at, category, priority)
        digest = append.sender.digest
        key_id = None if digest is None else found.keys[digest].key_id
        # What is low raises no badge: it counts as seen.
        seen_at = now if priority == "low" else None
        row = (user_id, seq, append.key, payload, now, expires_at, key_id)
        self.fresh.append((*row, category, priority, append.collapse_key, seen_at))
        self.advanced[user_id] = LogState(seq, inbox.appended_bytes + len(payload), inbox.version)
        if append.key_given:
            found.stored[name] = Stored(fresh, withdrawn=False)
        if append.collapse_key is not None:
            self.collapsing[user_id, append.collapse_key] = seq
        return Appended(fresh)

    def _fits(self, user_id: int, inbox: LogState) -> bool:
        """Whether one more fits, where that takes a count."""
        quota = self._session.quota
        if user_id in self._counted or not quota.may_count(user_id):
            return False
        # What this batch adds was not inserted yet, so the count is of what was there before.
        self._counted.add(user_id)
        count = partial(self._session.count_pending, user_id, self._now)
        quota.count(user_id, self._found.inboxes[user_id], count)
        return quota.fits(user_id, inbox)


Append.step = Step(1, _append)


class Acknowledge(Operation[None], frozen=True):
    """A device has the notification. Unknown, acknowledged and expired keys change nothing.

    One that is lost with the process only brings the notification once more.
    """

    patient: ClassVar[bool] = True

    user_id: int
    key: str


def _acknowledge(session: WriteSession, acks: Sequence[Acknowledge], now: int) -> list[None]:
    session.acknowledge({(ack.user_id, ack.key) for ack in acks}, now)
    return [None] * len(acks)


Acknowledge.step = Step(2, _acknowledge)


class AcknowledgeUpTo(Operation[None], frozen=True):
    """A device has all that is pending and unexpired up to a ``seq``."""

    patient: ClassVar[bool] = True

    user_id: int
    up_to: int


def _acknowledge_up_to(
    session: WriteSession, acks: Sequence[AcknowledgeUpTo], now: int
) -> list[None]:
    furthest: dict[int, int] = {}
    for ack in acks:
        furthest[ack.user_id] = max(ack.up_to, furthest.get(ack.user_id, 0))
    for user_id, up_to in sorted(furthest.items()):
        session.acknowledge_up_to(user_id, up_to, now)
    return [None] * len(acks)


AcknowledgeUpTo.step = Step(3, _acknowledge_up_to)


class RemoveNotifications(Operation[int], frozen=True):
    """Remove what was acknowledged before ``acked_before`` or expired before ``expired_before``.

    At most ``limit`` rows. Its result is how many were removed.
    """

    acked_before: int
    expired_before: int
    limit: int


def _remove(
    session: WriteSession, operations: Sequence[RemoveNotifications], now: int
) -> list[int]:
    removed = []
    for each in operations:
        count = session.remove("acked_at", each.acked_before, each.limit)
        if count < each.limit:
            count += session.remove("expires_at", each.expired_before, each.limit - count)
        removed.append(count)
    return removed


RemoveNotifications.step = Step(4, _remove)


class Trial(Operation[None], frozen=True):
    """Store something as large as what failed, to know whether that is possible again.

    It is nobody's, and acknowledged; :class:`RemoveTrials` removes it.
    """

    size: int


def _try_out(session: WriteSession, trials: Sequence[Trial], now: int) -> list[None]:
    for trial in trials:
        # At random, so that no database compresses it and no two processes meet.
        payload = b'"%b"' % secrets.token_hex(trial.size // 2).encode()
        row = (NOBODY, secrets.randbits(62), secrets.token_hex(), payload, now, now)
        session.insert_rows(NOTIFICATIONS, _ACKNOWLEDGED, [row])
    return [None] * len(trials)


Trial.step = Step(6, _try_out)


class RemoveTrials(Operation[None], frozen=True):
    """Remove all of them, also what a crash has left behind."""


def _remove_trials(session: WriteSession, removals: Sequence[RemoveTrials], now: int) -> list[None]:
    session.run("DELETE FROM notifications WHERE user_id = ?", (NOBODY,))
    return [None] * len(removals)


RemoveTrials.step = Step(5, _remove_trials)


class Pending(Query[Page], frozen=True):
    """Unacknowledged, unexpired notifications of a user behind ``after``, in order of ``seq``.

    At most ``rows``, and no further one once their payloads exceed ``size`` bytes.
    """

    user_id: int
    after: int
    rows: int
    size: int

    def ask(self, session: ReadSession) -> Page:
        # The position is read first: whatever is at or before it was committed by then,
        # so the rows that are read afterwards, up to it, are all there is.
        inbox = session.first("SELECT last_seq FROM inboxes WHERE user_id = ?", (self.user_id,))
        last_seq = inbox[0] if inbox else 0
        if last_seq <= self.after:
            return Page((), last_seq, complete=True)
        found = session.pending(
            self.user_id, self.after, last_seq, clock.now(), rows=self.rows, size=self.size
        )
        full = len(found) >= self.rows or sum(len(each.payload) for each in found) > self.size
        return Page(found, last_seq, complete=not full)


class Positions(Query[dict[int, InboxPosition]], frozen=True):
    """How far the log of each of these users goes that exists."""

    user_ids: Sequence[int]

    def ask(self, session: ReadSession) -> dict[int, InboxPosition]:
        return session.positions(self.user_ids)


class AllPending(Query[int], frozen=True):
    """How many notifications nobody has acknowledged, of all users, expired ones too."""

    def ask(self, session: ReadSession) -> int:
        row = session.first(
            f"SELECT count(*) FROM notifications {session.using('notifications_pending')} "
            "WHERE acked_at IS NULL",
            (),
        )
        assert row is not None
        count: int = row[0]
        return count


class PendingCounts(Query[dict[int, int]], frozen=True):
    """How many notifications are pending and unexpired of each of these users or recipients."""

    user_ids: Sequence[int]
    limit: int
    """How many are looked at for each."""

    def ask(self, session: ReadSession) -> dict[int, int]:
        return session.count_pending_of(self.user_ids, clock.now(), self.limit)
