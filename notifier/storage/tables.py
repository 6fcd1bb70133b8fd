"""The tables that every SQL driver has, whatever it calls their types."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Kind(Enum):
    """What a column holds."""

    NUMBER = "number"
    FLAG = "flag"
    TEXT = "text"
    BINARY = "binary"
    JSON = "json"
    """JSON text, byte for byte; ``bytes`` in Python."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table. Ids of its own are given by a sequence."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Kind]

    @property
    def has_ids(self) -> bool:
        """Whether the database gives the ids."""
        return self.key == ("id",)

    def row(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """``values`` as every driver would return them."""
        kinds = self.columns.values()
        return tuple([_value(kind, value) for kind, value in zip(kinds, values, strict=True)])


def _value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.FLAG:
            return bool(value)
        case Kind.JSON:
            return payload_of(value)
        case Kind.BINARY:
            return bytes(value)
        case _:
            return value


def payload_of(value: str | bytes) -> bytes:
    """JSON text as it was given, from what a driver returns."""
    return value.encode() if isinstance(value, str) else value


NOTIFICATIONS: Final = Table(
    "notifications",
    ("user_id", "seq"),
    {
        "user_id": Kind.NUMBER,
        "seq": Kind.NUMBER,
        "key": Kind.TEXT,
        "payload": Kind.JSON,
        "created_at": Kind.NUMBER,
        "expires_at": Kind.NUMBER,
        "acked_at": Kind.NUMBER,
        "api_key_id": Kind.NUMBER,
        "category": Kind.TEXT,
        "priority": Kind.TEXT,
        "collapse_key": Kind.TEXT,
        "version": Kind.NUMBER,
        "seen_at": Kind.NUMBER,
        "read_at": Kind.NUMBER,
        "archived_at": Kind.NUMBER,
        "snoozed_until": Kind.NUMBER,
        "withdrawn_at": Kind.NUMBER,
    },
)

INBOX_CHANGES: Final = Table(
    "inbox_changes",
    ("user_id", "version"),
    {
        "user_id": Kind.NUMBER,
        "version": Kind.NUMBER,
        "verb": Kind.TEXT,
        "created_at": Kind.NUMBER,
        "up_to": Kind.NUMBER,
        "category": Kind.TEXT,
        "snoozed_until": Kind.NUMBER,
        "undoes": Kind.NUMBER,
        "before": Kind.TEXT,
        "carried": Kind.NUMBER,
    },
)

TABLES: Final = (
    Table(
        "users",
        ("id",),
        {
            "id": Kind.NUMBER,
            "username": Kind.TEXT,
            "password_hash": Kind.TEXT,
            "is_active": Kind.FLAG,
            "is_superuser": Kind.FLAG,
            "token_version": Kind.NUMBER,
            "created_at": Kind.NUMBER,
        },
    ),
    Table(
        "recipients",
        ("id",),
        {
            "id": Kind.NUMBER,
            "name": Kind.TEXT,
            "token_version": Kind.NUMBER,
            "created_at": Kind.NUMBER,
        },
    ),
    Table(
        "inboxes",
        ("user_id",),
        {
            "user_id": Kind.NUMBER,
            "last_seq": Kind.NUMBER,
            "appended_bytes": Kind.NUMBER,
            "version": Kind.NUMBER,
        },
    ),
    NOTIFICATIONS,
    INBOX_CHANGES,
    Table(
        "api_keys",
        ("id",),
        {
            "id": Kind.NUMBER,
            "name": Kind.TEXT,
            "digest": Kind.BINARY,
            "scopes": Kind.TEXT,
            "created_at": Kind.NUMBER,
            "revoked_at": Kind.NUMBER,
            "user_prefix": Kind.TEXT,
            "rate": Kind.NUMBER,
            "expires_at": Kind.NUMBER,
            "last_used_at": Kind.NUMBER,
        },
    ),
    Table(
        "user_changes",
        ("id",),
        {
            "id": Kind.NUMBER,
            "user_id": Kind.NUMBER,
            "reason": Kind.TEXT,
            "created_at": Kind.NUMBER,
            "session_id": Kind.NUMBER,
        },
    ),
    Table(
        "sessions",
        ("id",),
        {
            "id": Kind.NUMBER,
            "user_id": Kind.NUMBER,
            "nonce": Kind.BINARY,
            "issued": Kind.NUMBER,
            "address": Kind.TEXT,
            "user_agent": Kind.TEXT,
            "created_at": Kind.NUMBER,
            "used_at": Kind.NUMBER,
            "expires_at": Kind.NUMBER,
            "ends_at": Kind.NUMBER,
        },
    ),
    Table(
        "audit",
        ("id",),
        {
            "id": Kind.NUMBER,
            "action": Kind.TEXT,
            "actor": Kind.TEXT,
            "subject": Kind.TEXT,
            "address": Kind.TEXT,
            "details": Kind.TEXT,
            "count": Kind.NUMBER,
            "created_at": Kind.NUMBER,
            "last_at": Kind.NUMBER,
        },
    ),
)
"""All of them, in an order that foreign keys allow."""
