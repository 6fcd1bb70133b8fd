"""What was sent to somebody, whatever has become of it."""

from itertools import accumulate
from typing import Final

from notifier.models import Notification, Sent
from notifier.storage.contract import Query, ReadSession, Row
from notifier.storage.tables import payload_of

PAGE_BYTES: Final = 1024 * 1024
"""Bytes of payloads in one answer (characters, where the database counts these); the last of
them may exceed it."""

_ALL_SEQS: Final = 2**63 - 1

_SIZES: Final = (
    "SELECT seq, length(payload) FROM notifications WHERE user_id = ? AND seq < ? "
    "ORDER BY seq DESC LIMIT ?"
)
_SENT: Final = (
    "SELECT n.user_id, n.seq, n.key, n.payload, n.created_at, n.expires_at, n.acked_at, "
    "n.api_key_id, k.name FROM notifications n LEFT JOIN api_keys k ON k.id = n.api_key_id "
    "WHERE n.user_id = ? AND n.seq >= ? AND n.seq < ? ORDER BY n.seq DESC"
)


class History(Query[list[Sent]], frozen=True):
    """The notifications in a user's or a recipient's log before a ``seq``, the newest first.

    At most ``limit``, and no further one once their payloads exceed ``PAGE_BYTES``.
    """

    user_id: int
    before: int | None
    limit: int

    def ask(self, session: ReadSession) -> list[Sent]:
        before = _ALL_SEQS if self.before is None else self.before
        sizes = session.run(_SIZES, (self.user_id, before, self.limit))
        if not sizes:
            return []
        found = session.run(_SENT, (self.user_id, first_that_fits(sizes), before))
        return [_as_sent(row) for row in found]


def first_that_fits(sizes: list[Row]) -> int:
    """Where to begin, so that what is read ends with the one that exceeds the limit."""
    totals = accumulate(size for _, size in sizes)
    fitting = sum(total <= PAGE_BYTES for total in totals)
    first: int = sizes[min(fitting, len(sizes) - 1)][0]
    return first


def _as_sent(row: Row) -> Sent:
    *notification, acked_at, key_id, key_name = row
    notification[3] = payload_of(notification[3])
    return Sent(Notification(*notification), acked_at, key_id, key_name)
