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
from notifier.events import Appended
from notifier.models import (
    SEND_ONLY,
    TRUSTED,
    ApiKey,
    Page,
    Scope,
    Sender,
    User,
    UserChange,
)


class Append(msgspec.Struct, frozen=True):
    """Add to a user's log, at once and at the end. Result: :class:`Appended`.

    Fails with UnknownUser, KeyConflict, Unauthenticated, ApiKeyNotValid or ScopeMissing.
    """

    user_id: int
    key: str
    payload: bytes
    ttl: int | None = None
    """Milliseconds until it expires."""
    key_given: bool = False
    """The sender chose the key, so it may exist already."""
    sender: Sender = TRUSTED


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
    scopes: tuple[Scope, ...] = SEND_ONLY


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


class RemoveUserChanges(msgspec.Struct, frozen=True):
    """Remove user changes that have a successor from before ``before``, the first ones first.

    At most ``limit`` rows. Result: how many were removed. A change stays for as long as the
    next one is younger than that: whoever keeps up finds there the last one that it knows.
    """

    before: int
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
    | RemoveUserChanges
)

Result = Appended | User | ApiKey | int | None
Outcome = Result | NotifierError
"""What became of one operation. A refused one never touches its neighbours."""


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

    def scopes_of(self, digest: bytes) -> tuple[str, ...] | None:
        """What the active API key of this digest may do; None if there is no such key."""
        ...

    def user_changes(self, after: int) -> list[UserChange] | None:
        """What happened to users behind the change ``after``, by id.

        None if the change ``after`` is gone, and so perhaps some behind it.
        """
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
