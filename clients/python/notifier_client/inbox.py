"""What the server says of an inbox. Moments are aware datetimes, UTC; None where there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """A notification as its user's inbox has it."""

    key: str
    seq: int
    payload: Any
    category: str | None
    priority: str
    version: int
    """Of its last change; 0 if there was none."""
    created_at: datetime
    expires_at: datetime | None
    acked_at: datetime | None
    """When a device had it."""
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None
    snoozed_until: datetime | None
    raw: bytes = field(repr=False)
    """The payload as it was sent, byte for byte."""

    @classmethod
    def of(cls, fields: Mapping[str, Any], raw: bytes) -> "Item":
        """An item of a page; ``raw`` is its payload. Raises KeyError, TypeError or ValueError."""
        return cls(
            key=fields["key"],
            seq=fields["seq"],
            payload=fields["payload"],
            category=fields["category"],
            priority=fields["priority"],
            version=fields["version"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            expires_at=moment(fields["expires_at"]),
            acked_at=moment(fields["acked_at"]),
            seen_at=moment(fields["seen_at"]),
            read_at=moment(fields["read_at"]),
            archived_at=moment(fields["archived_at"]),
            snoozed_until=moment(fields["snoozed_until"]),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, the newest first."""

    items: list[Item]
    before: int | None
    """Before which ``seq`` the next page goes on; None behind the last one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are unread, at exactly this position."""

    unread: int
    unseen: int
    seq: int
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, which ``undo(version)`` takes back."""

    version: int
    changed: bool
    """False if there was nothing to do; ``version`` is that of an earlier change then."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A notification that was taken back."""

    key: str
    seq: int
    version: int


@dataclass(frozen=True, slots=True)
class Identity:
    """A token that opens a connection of one user."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """One that has arrived."""

    key: str
    seq: int
    payload: Any
    created_at: datetime
    category: str | None = None
    priority: str = "normal"
    expires_at: datetime | None = None
    raw: bytes = field(default=b"", repr=False)
    """The payload as it was sent, byte for byte."""


def moment(text: str | None) -> datetime | None:
    """RFC 3339 as a datetime. Raises TypeError or ValueError."""
    return None if text is None else datetime.fromisoformat(text)
