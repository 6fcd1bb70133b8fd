"""API keys: make, list and revoke them, and what they may do."""

from typing import Final

from notifier.models import SEND_ONLY, ApiKey, Scope
from notifier.storage.contract import Administrative, Query, ReadSession, Row, WriteSession

_API_KEY: Final = "id, name, scopes, created_at, revoked_at"


def as_scopes(stored: str) -> tuple[str, ...]:
    """The scopes of a key, as they are stored."""
    return tuple(stored.split(","))


def _as_api_key(row: Row) -> ApiKey:
    return ApiKey(row[0], row[1], as_scopes(row[2]), row[3], row[4])


def named(key: ApiKey) -> str:
    """What the audit log calls it."""
    return f"key:{key.name}"


class CreateApiKey(Administrative[ApiKey], frozen=True):
    """Store the digest of a new API key, and what it may be used for."""

    name: str
    digest: bytes
    scopes: tuple[Scope, ...] = SEND_ONLY

    def apply(self, session: WriteSession, now: int) -> ApiKey:
        row = session.first(
            "INSERT INTO api_keys (name, digest, scopes, created_at) VALUES (?, ?, ?, ?) "
            f"RETURNING {_API_KEY}",
            (self.name, self.digest, ",".join(self.scopes), now),
        )
        assert row is not None
        return _as_api_key(row)


class RevokeApiKey(Administrative[int], frozen=True):
    """Revoke the active keys of this id or name. Its result is how many there were."""

    id_or_name: str

    def apply(self, session: WriteSession, now: int) -> int:
        revoked = session.run(
            "UPDATE api_keys SET revoked_at = ? "
            "WHERE revoked_at IS NULL AND (CAST(id AS TEXT) = ? OR name = ?) RETURNING id",
            (now, self.id_or_name, self.id_or_name),
        )
        return len(revoked)


class ApiKeys(Query[list[ApiKey]], frozen=True):
    """All API keys, revoked ones too, by id."""

    def ask(self, session: ReadSession) -> list[ApiKey]:
        keys = f"SELECT {_API_KEY} FROM api_keys ORDER BY id"
        return [_as_api_key(row) for row in session.run(keys)]


class ApiKeyByDigest(Query[ApiKey | None], frozen=True):
    """The API key of this digest, whether it is still valid or not."""

    digest: bytes

    def ask(self, session: ReadSession) -> ApiKey | None:
        row = session.first(f"SELECT {_API_KEY} FROM api_keys WHERE digest = ?", (self.digest,))
        return _as_api_key(row) if row else None
