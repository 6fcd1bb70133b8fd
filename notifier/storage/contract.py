"""What a database driver must do.

A driver is synchronous and knows nothing of the loop: the store calls its write session
from one thread and its read sessions from a few others. All sequence numbers come from
:class:`WriteSession`, which locks each inbox it appends to until its commit, so that the
order of ``seq`` is the order of commits, across any number of processes.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from notifier.errors import NotifierError
from notifier.models import ApiKey, Notification, User, UserChange


class Sender(msgspec.Struct, frozen=True):
    """On whose authority something is appended. Checked in the very transaction."""

    digest: bytes | None = None
    """The digest of an API key, which must still be active."""
    only_while_open: bool = False
    """Nobody in particular: refused as soon as a first API key has been made."""


TRUSTED = Sender()
"""Authority was established elsewhere: a superuser, or RabbitMQ's own access control."""

ANYONE = Sender(only_while_open=True)


class Append(msgspec.Struct, frozen=True):
    """Add to a user's log, at once and at the end. Result: :class:`Appended`.

    Fails with UnknownUser, KeyConflict, Unauthenticated or ApiKeyNotValid.
    """

    user_id: int
    key: str
    payload: bytes
    ttl: int | None = None
    """Milliseconds until it expires."""
    key_given: bool = False
    """The sender chose the key, so it may exist already."""
    sender: Sender = TRUSTED


class Appended(msgspec.Struct, frozen=True):
    """The notification as stored; ``replayed`` if an earlier send had stored it."""

    notification: Notification
    replayed: bool = False


class Acknowledge(msgspec.Struct, frozen=True):
    """A device has the notification. Unknown or settled keys change nothing. Result: None."""

    user_id: int
    key: str


class CreateUser(msgspec.Struct, frozen=True):
    """Result: :class:`User`. Fails with UsernameTaken."""

    username: str
    password_hash: str
    is_superuser: bool
    only_as_first: bool = False
    """Create it only where no superuser was ever made; the result is None otherwise."""


class SetPassword(msgspec.Struct, frozen=True):
    """Also ends every token and connection of the user. Result: None. Fails with UnknownUser."""

    user_id: int
    password_hash: str


class EndSessions(msgspec.Struct, frozen=True):
    """End every token and connection of the user. Result: None. Fails with UnknownUser."""

    user_id: int


class SetActive(msgspec.Struct, frozen=True):
    """Deactivating ends every token and connection. Result: None. Fails with UnknownUser."""

    user_id: int
    is_active: bool


class CreateApiKey(msgspec.Struct, frozen=True):
    """Result: :class:`ApiKey`."""

    name: str
    digest: bytes


class RevokeApiKey(msgspec.Struct, frozen=True):
    """Revoke every active key of this id or name. Result: how many there were."""

    id_or_name: str


class RemoveSettled(msgspec.Struct, frozen=True):
    """Remove what was acknowledged before ``acked_before`` or has expired by then.

    At most ``limit`` rows. Result: how many were removed.
    """

    acked_before: int
    expired_before: int
    limit: int


Operation = (
    Append
    | Acknowledge
    | CreateUser
    | SetPassword
    | EndSessions
    | SetActive
    | CreateApiKey
    | RevokeApiKey
    | RemoveSettled
)

Result = Appended | User | ApiKey | int | None
Outcome = Result | NotifierError
"""What became of one operation. A refused one never touches its neighbours."""


class Page(msgspec.Struct, frozen=True):
    """A stretch of a user's pending notifications, none behind ``last_seq``."""

    notifications: Sequence[Notification]
    last_seq: int
    """The last place in the user's log, whatever has become of it."""
    complete: bool
    """Whether nothing pending lies behind these notifications, up to ``last_seq``."""


class WriteSession(Protocol):
    """One connection that writes. Used from one thread.

    Any error but NotifierError means that the transaction did not happen, or that
    nobody knows; :class:`~notifier.errors.Unavailable` that the database is away, and
    :class:`NotCommitted` that it was so before anything could be committed.
    """

    def commit(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Do all ``operations`` in one durable transaction; outcomes in the same order."""
        ...

    def close(self) -> None:
        """Give the connection up. Never raises."""
        ...


class ReadSession(Protocol):
    """One connection that reads. Used from one thread at a time."""

    def pending(self, user_id: int, after: int, *, rows: int, size: int) -> Page:
        """Unacknowledged, unexpired notifications behind ``after``, in order of ``seq``.

        At most ``rows``, and no further one once their payloads exceed ``size`` bytes.
        """
        ...

    def positions(self, user_ids: Sequence[int]) -> dict[int, int]:
        """The last ``seq`` of each of these users that exists."""
        ...

    def user(self, user_id: int) -> User | None: ...

    def user_by_name(self, username: str) -> User | None: ...

    def users(self) -> list[User]:
        """All users, by id."""
        ...

    def superusers(self) -> list[User]:
        """All superusers, deactivated ones too, by id."""
        ...

    def api_keys(self) -> list[ApiKey]:
        """All API keys, revoked ones too, by id."""
        ...

    def has_api_key(self, digest: bytes) -> bool:
        """Whether an active API key has this digest."""
        ...

    def user_changes(self, after: int) -> list[UserChange]:
        """What happened to users behind the change ``after``, by id."""
        ...

    def last_user_change(self) -> int:
        """The id of the newest change, or 0."""
        ...

    def close(self) -> None:
        """Give the connection up. Never raises."""
        ...


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
