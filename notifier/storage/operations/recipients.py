"""Recipients with names of the application's own: make and find them.

The number of a recipient's log is below zero, where that of a user's is above, so the two
never meet. Outside of this file a recipient has nothing but this number.
"""

from typing import Final

from notifier.models import Recipient
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession

_RECIPIENT: Final = "-id, name, token_version, created_at"


def _as_recipient(row: Row) -> Recipient:
    return Recipient(*row)


class CreateRecipient(Administrative[Recipient], frozen=True):
    """The recipient of this name, who is made unless there is one."""

    name: str

    def apply(self, session: WriteSession, now: int) -> Recipient:
        row = session.first(
            "INSERT INTO recipients (name, created_at) VALUES (?, ?) "
            f"ON CONFLICT (name) DO NOTHING RETURNING {_RECIPIENT}",
            (self.name, now),
        )
        if row is None:
            found = session.first(
                f"SELECT {_RECIPIENT} FROM recipients WHERE name = ?", (self.name,)
            )
            assert found is not None, "whom nobody can have removed meanwhile"
            return _as_recipient(found)
        session.run(
            "INSERT INTO inboxes (user_id, last_seq, appended_bytes) VALUES (?, 0, 0)", (row[0],)
        )
        return _as_recipient(row)


def end_tokens(session: WriteSession, number: int, now: int) -> None:
    """Let no token hold that was issued to this recipient up to ``now``, nor any that is open."""
    session.run(
        "UPDATE recipients SET token_version = "
        "CASE WHEN token_version < ? THEN ? ELSE token_version + 1 END WHERE id = ?",
        (now + 1, now + 1, -number),
    )


class RecipientByName(Query[Recipient | None], frozen=True):
    """The recipient of this name, compared byte for byte."""

    name: str

    def ask(self, session: ReadSession) -> Recipient | None:
        row = session.first(f"SELECT {_RECIPIENT} FROM recipients WHERE name = ?", (self.name,))
        return _as_recipient(row) if row else None
