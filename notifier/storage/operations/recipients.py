"""Recipients with names of the application's own: make and find them.

The number of a recipient's log is below zero, where that of a user's is above, so the two
never meet. Outside of this file a recipient has nothing but this number.
"""

from collections.abc import Collection, Sequence
from typing import Final

from notifier.models import Actor, Recipient
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession
from notifier.storage.operations.audit import record
from notifier.storage.operations.names import NamePage, Place, page
from notifier.storage.operations.users import note_change

_RECIPIENT: Final = "-id, name, token_version, created_at"
_AT_ONCE: Final = 100
"""Names in one statement, which takes only so many parameters."""


def _as_recipient(row: Row) -> Recipient:
    return Recipient(*row)


def numbers(session: WriteSession, names: Collection[str], now: int) -> dict[str, int]:
    """The number of each of these recipients, who are made unless there are such."""
    found: dict[str, int] = {}
    # In order, so that no two processes that make the same ones wait for each other.
    wanted = sorted(names)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found |= known(session, some)
        if missing := [name for name in some if name not in found]:
            found |= _made(session, missing, now)
        if missing := [name for name in missing if name not in found]:
            found |= known(session, missing)  # another process has just made them
    return found


def known(session: WriteSession, names: Sequence[str]) -> dict[str, int]:
    """The number of each of these recipients that there is."""
    found: dict[str, int] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = session.run(f"SELECT name, -id FROM recipients WHERE name IN ({marks})", some)
        found.update(rows)
    return found


def _made(session: WriteSession, names: Sequence[str], now: int) -> dict[str, int]:
    values = ", ".join(["(?, ?)"] * len(names))
    made: dict[str, int] = dict(
        session.run(
            f"INSERT INTO recipients (name, created_at) VALUES {values} "
            "ON CONFLICT (name) DO NOTHING RETURNING name, -id",
            [value for name in names for value in (name, now)],
        )
    )
    if made:
        inboxes = ", ".join(["(?, 0, 0)"] * len(made))
        session.run(
            f"INSERT INTO inboxes (user_id, last_seq, appended_bytes) VALUES {inboxes}",
            list(made.values()),
        )
    return made


class CreateRecipient(Administrative[Recipient], frozen=True):
    """The recipient of this name, who is made unless there is one."""

    name: str

    def apply(self, session: WriteSession, now: int) -> Recipient:
        number = numbers(session, [self.name], now)[self.name]
        row = session.first(f"SELECT {_RECIPIENT} FROM recipients WHERE id = ?", (-number,))
        assert row is not None
        return _as_recipient(row)


def end_tokens(session: WriteSession, number: int, now: int) -> None:
    """End all tokens that were issued to this recipient up to ``now``."""
    session.run(
        "UPDATE recipients SET token_version = "
        "CASE WHEN token_version < ? THEN ? ELSE token_version + 1 END WHERE id = ?",
        (now + 1, now + 1, -number),
    )


class RevokeRecipient(Administrative[None], frozen=True):
    """End all tokens and connections of a recipient, who is made if need be.

    Else somebody who was never heard of could come later, with a token of before.
    """

    name: str
    by: Actor

    def apply(self, session: WriteSession, now: int) -> None:
        number = numbers(session, [self.name], now)[self.name]
        end_tokens(session, number, now)
        note_change(session, number, "revoked", now)
        record(session, now, "user_revoked", self.by, f"recipient:{self.name}")


class RecipientByName(Query[Recipient | None], frozen=True):
    """The recipient of this name, compared byte for byte."""

    name: str

    def ask(self, session: ReadSession) -> Recipient | None:
        row = session.first(f"SELECT {_RECIPIENT} FROM recipients WHERE name = ?", (self.name,))
        return _as_recipient(row) if row else None


class FindRecipients(Query[NamePage[Recipient]], frozen=True):
    """Recipients whose names begin with ``beginning``, whatever its case, behind a place."""

    beginning: str
    after: Place | None
    limit: int

    def ask(self, session: ReadSession) -> NamePage[Recipient]:
        rows, following = page(
            session,
            self.beginning,
            self.after,
            self.limit,
            table="recipients",
            name="name",
            columns=_RECIPIENT,
        )
        return NamePage([_as_recipient(row) for row in rows], following)
