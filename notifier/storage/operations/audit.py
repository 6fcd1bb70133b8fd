"""The audit log: who did what, when and from where. Never a secret.

What changes something is recorded in its own transaction, with :func:`record`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from notifier.models import Action, Actor
from notifier.storage.contract import Administrative, WriteSession


def record(
    session: WriteSession,
    now: int,
    action: Action,
    actor: Actor,
    subject: str = "",
    **details: Any,
) -> None:
    """Add one entry. ``subject`` is whom or what it was done to; ``details`` are JSON."""
    session.run(
        "INSERT INTO audit (action, actor, subject, address, details, created_at, last_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            action,
            actor.name,
            subject,
            actor.address,
            msgspec.json.encode(details).decode(),
            now,
            now,
        ),
    )


class AddEntry(Administrative[None], frozen=True):
    """Record what changes nothing else in the store."""

    action: Action
    actor: Actor
    subject: str = ""
    details: Mapping[str, Any] = {}

    def apply(self, session: WriteSession, now: int) -> None:
        record(session, now, self.action, self.actor, self.subject, **self.details)
