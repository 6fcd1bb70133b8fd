"""The audit log: who did what, when and from where. Never a secret.

What changes something is recorded in its own transaction, with :func:`record`. All that adds
entries is administrative: their ids are in the order of commits, so whoever has read up to one
has missed none before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from notifier.models import Action, Actor, AuditEntry
from notifier.storage.contract import Administrative, Query, ReadSession, WriteSession


def record(
    session: WriteSession,
    now: int,
    action: Action,
    actor: Actor,
    subject: str = "",
    **details: Any,
) -> None:
    """Add one entry. ``subject`` is whom or what it was done to; ``details`` are JSON."""
    text = msgspec.json.encode(details).decode()
    _insert(session, action, actor.name, subject, actor.address, text, 1, now, now)


def _insert(session: WriteSession, *values: Any) -> int:
    """The id of a new entry of these values."""
    ((entry,),) = session.run(
        "INSERT INTO audit "
        "(action, actor, subject, address, details, count, created_at, last_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        values,
    )
    return int(entry)


class AddEntry(Administrative[None], frozen=True):
    """Record what changes nothing else in the store."""

    action: Action
    actor: Actor
    subject: str = ""
    details: Mapping[str, Any] = {}

    def apply(self, session: WriteSession, now: int) -> None:
        record(session, now, self.action, self.actor, self.subject, **self.details)


class Repetition(msgspec.Struct, frozen=True):
    """What has happened a number of times, all of it in one entry."""

    action: Action
    actor: str
    subject: str
    address: str
    count: int
    first_at: int
    last_at: int
    entry: int | None = None
    """The id of an entry that goes on with it; None for a new one."""


class AddRepetitions(Administrative[list[int]], frozen=True):
    """Record them. Its result is the ids of their entries, in the same order."""

    repetitions: Sequence[Repetition]

    def apply(self, session: WriteSession, now: int) -> list[int]:
        return [_continue(session, each) or _begin(session, each) for each in self.repetitions]


def _continue(session: WriteSession, each: Repetition) -> int | None:
    row = session.first(
        "UPDATE audit SET count = count + ?, last_at = ? WHERE id = ? RETURNING id",
        (each.count, each.last_at, each.entry),
    )
    return row[0] if row else None


def _begin(session: WriteSession, each: Repetition) -> int:
    return _insert(
        session,
        each.action,
        each.actor,
        each.subject,
        each.address,
        "{}",
        each.count,
        each.first_at,
        each.last_at,
    )


class RemoveEntries(Administrative[int], frozen=True):
    """Remove up to ``limit`` entries that last happened before ``before``; how many it were."""

    before: int
    limit: int

    def apply(self, session: WriteSession, now: int) -> int:
        removed = session.run(
            "DELETE FROM audit WHERE id IN ("
            "SELECT id FROM audit WHERE last_at < ? ORDER BY last_at LIMIT ?) RETURNING id",
            (self.before, self.limit),
        )
        return len(removed)


class AuditEntries(Query[list[AuditEntry]], frozen=True):
    """Entries before the id ``before``, the newest first; or those behind ``since``, in order."""

    limit: int
    action: str | None = None
    actor: str | None = None
    before: int | None = None
    since: int | None = None

    def ask(self, session: ReadSession) -> list[AuditEntry]:
        conditions = {
            "action = ?": self.action,
            "actor = ?": self.actor,
            "id < ?": self.before,
            "id > ?": self.since,
        }
        asked = {text: value for text, value in conditions.items() if value is not None}
        where = f"WHERE {' AND '.join(asked)}" if asked else ""
        order = "DESC" if self.since is None else "ASC"
        rows = session.run(
            "SELECT id, action, actor, subject, address, details, count, created_at, last_at "
            f"FROM audit {where} ORDER BY id {order} LIMIT ?",
            (*asked.values(), self.limit),
        )
        return [AuditEntry(*row) for row in rows]
