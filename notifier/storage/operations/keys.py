"""API keys: make, list, rotate and revoke them, what they may do, and when they were used."""

from collections.abc import Sequence
from typing import Any, Final

from notifier import clock
from notifier.errors import InvalidRequest, UnknownApiKey
from notifier.models import SEND_ONLY, THE_SERVER, Actor, ApiKey, KeyUse
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession
from notifier.storage.operations.audit import record

_API_KEY: Final = (
    "id, name, scopes, created_at, revoked_at, user_prefix, rate, expires_at, last_used_at"
)
_USES_AT_ONCE: Final = 500
"""Keys in one statement: a database takes only so many parameters."""


def as_scopes(stored: str) -> tuple[str, ...]:
    """The scopes of a key, as they are stored."""
    return tuple(stored.split(","))


def _as_api_key(row: Row) -> ApiKey:
    return ApiKey(row[0], row[1], as_scopes(row[2]), *row[3:])


def named(key: ApiKey) -> str:
    """What the audit log calls it."""
    return f"key:{key.name}"


class CreateApiKey(Administrative[ApiKey], frozen=True):
    """Store the digest of a new API key, and what it may be used for."""

    name: str
    digest: bytes
    scopes: tuple[str, ...] = SEND_ONLY
    user_prefix: str | None = None
    rate: int | None = None
    lifetime: int | None = None
    """Milliseconds until it expires."""
    by: Actor = THE_SERVER

    def apply(self, session: WriteSession, now: int) -> ApiKey:
        key = _insert(session, self, now)
        record(session, now, "key_created", self.by, named(key), **_details(key))
        return key


def _insert(session: WriteSession, new: CreateApiKey, now: int) -> ApiKey:
    row = session.first(
        "INSERT INTO api_keys "
        "(name, digest, scopes, created_at, user_prefix, rate, expires_at) "
        f"VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_API_KEY}",
        (
            new.name,
            new.digest,
            ",".join(new.scopes),
            now,
            new.user_prefix,
            new.rate,
            None if new.lifetime is None else now + new.lifetime,
        ),
    )
    assert row is not None
    return _as_api_key(row)


def _details(key: ApiKey) -> dict[str, Any]:
    """What the audit log tells of a new key."""
    details = {
        "id": key.id,
        "scopes": key.scopes,
        "user_prefix": key.user_prefix,
        "rate": key.rate,
        "expires_at": None if key.expires_at is None else clock.isoformat(key.expires_at),
    }
    return {name: value for name, value in details.items() if value is not None}


class RotateApiKey(Administrative[ApiKey], frozen=True):
    """A new key with the rights of a valid one, which ends ``keep`` milliseconds from now.

    The new one is valid from now for as long as the old one was from its making. Refused with
    UnknownApiKey, or InvalidRequest where several have this name.
    """

    which: int | str
    """An id; as a text, an id or a name."""
    digest: bytes
    keep: int
    by: Actor = THE_SERVER

    def apply(self, session: WriteSession, now: int) -> ApiKey:
        old = _the_only(_valid(session, self.which, now), self.which)
        lifetime = None if old.expires_at is None else old.expires_at - old.created_at
        new = CreateApiKey(
            old.name, self.digest, old.scopes, old.user_prefix, old.rate, lifetime, self.by
        )
        key = _insert(session, new, now)
        ends_at = now + self.keep
        if old.expires_at is not None:
            ends_at = min(ends_at, old.expires_at)
        session.run("UPDATE api_keys SET expires_at = ? WHERE id = ?", (ends_at, old.id))
        details = {"replaced": old.id, "replaced_until": clock.isoformat(ends_at)}
        record(session, now, "key_rotated", self.by, named(key), **details, **_details(key))
        return key


def _valid(session: WriteSession, which: int | str, now: int) -> list[ApiKey]:
    """The keys of this id or name that are neither revoked nor expired."""
    condition, parameters = _condition(which)
    rows = session.run(
        f"SELECT {_API_KEY} FROM api_keys WHERE revoked_at IS NULL AND {condition} ORDER BY id",
        parameters,
    )
    return [key for key in map(_as_api_key, rows) if not key.expired(now)]


def _condition(which: int | str) -> tuple[str, tuple[int | str, ...]]:
    if isinstance(which, int):
        return "id = ?", (which,)
    return "(CAST(id AS TEXT) = ? OR name = ?)", (which, which)


def _the_only(keys: Sequence[ApiKey], which: int | str) -> ApiKey:
    if not keys:
        raise UnknownApiKey(f"There is no active key {which!r}.")
    if len(keys) > 1:
        # A number is an id first, and somebody's name for another key second.
        keys = [key for key in keys if str(key.id) == which] or keys
    if len(keys) > 1:
        ids = ", ".join(str(key.id) for key in keys)
        raise InvalidRequest(f"Several active keys are named {which!r}; choose by its id: {ids}.")
    return keys[0]


class RevokeApiKey(Administrative[int], frozen=True):
    """Revoke the active keys of this id or name. Its result is how many there were."""

    which: int | str
    """An id; as a text, an id or a name."""
    by: Actor = THE_SERVER

    def apply(self, session: WriteSession, now: int) -> int:
        condition, parameters = _condition(self.which)
        revoked = session.run(
            f"UPDATE api_keys SET revoked_at = ? WHERE revoked_at IS NULL AND {condition} "
            f"RETURNING {_API_KEY}",
            (now, *parameters),
        )
        for key in map(_as_api_key, revoked):
            record(session, now, "key_revoked", self.by, named(key), id=key.id)
        return len(revoked)


class RecordKeyUses(Administrative[None], frozen=True):
    """Store when keys were last used, unless a later moment is stored already."""

    uses: Sequence[KeyUse]

    def apply(self, session: WriteSession, now: int) -> None:
        for start in range(0, len(self.uses), _USES_AT_ONCE):
            uses = {use.key_id: use for use in self.uses[start : start + _USES_AT_ONCE]}
            _record_first(session, uses)
            _record_last(session, uses)


def _record_first(session: WriteSession, uses: dict[int, KeyUse]) -> None:
    marks = ", ".join("?" * len(uses))
    unused = session.run(
        f"SELECT {_API_KEY} FROM api_keys WHERE last_used_at IS NULL AND id IN ({marks}) "
        "ORDER BY id",
        tuple(uses),
    )
    for key in map(_as_api_key, unused):
        use = uses[key.id]
        actor = Actor(named(key), use.address)
        record(session, use.first_at, "key_first_used", actor, named(key), id=key.id)


def _record_last(session: WriteSession, uses: dict[int, KeyUse]) -> None:
    values = ", ".join(["(?, ?)"] * len(uses))
    # The names that both databases give to the columns of VALUES.
    session.run(
        f"UPDATE api_keys SET last_used_at = used.column2 FROM (VALUES {values}) AS used "
        "WHERE id = used.column1 "
        "AND (last_used_at IS NULL OR last_used_at < used.column2)",
        [value for use in uses.values() for value in (use.key_id, use.last_at)],
    )


class ApiKeys(Query[list[ApiKey]], frozen=True):
    """All API keys, revoked and expired ones too, by id."""

    def ask(self, session: ReadSession) -> list[ApiKey]:
        keys = f"SELECT {_API_KEY} FROM api_keys ORDER BY id"
        return [_as_api_key(row) for row in session.run(keys)]


class ApiKeyByDigest(Query[ApiKey | None], frozen=True):
    """The API key of this digest, whether it is still valid or not."""

    digest: bytes

    def ask(self, session: ReadSession) -> ApiKey | None:
        row = session.first(f"SELECT {_API_KEY} FROM api_keys WHERE digest = ?", (self.digest,))
        return _as_api_key(row) if row else None
