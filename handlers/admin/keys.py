"""API keys: list, make, rotate and revoke them."""

from typing import Annotated, Final, Self

import msgspec

from handlers.admin.base import AdminHandler, administration
from handlers.openapi.operation import operation
from notifier import clock
from notifier.errors import UnknownApiKey
from notifier.identity.keys import KEEP_SECONDS, Keep, NewKey
from notifier.models import ApiKey
from notifier.wire import moment, parse_id

_UNKNOWN: Final = {404: "There is no active key with this id."}
_IDS: Final = {"key_id": "Which key."}


class KeyResponse(msgspec.Struct, frozen=True):
    """A key, without the key itself. Moments are RFC 3339, UTC."""

    id: int
    name: str
    scopes: tuple[str, ...]
    user_prefix: str | None
    rate: int | None
    created_at: str
    last_used_at: Annotated[
        str | None, msgspec.Meta(description="Up to a minute late; null if it never was.")
    ]
    expires_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, stored: ApiKey, **more: str) -> Self:
        """What a superuser may know of ``stored``."""
        return cls(
            id=stored.id,
            name=stored.name,
            scopes=stored.scopes,
            user_prefix=stored.user_prefix,
            rate=stored.rate,
            created_at=clock.isoformat(stored.created_at),
            last_used_at=moment(stored.last_used_at),
            expires_at=moment(stored.expires_at),
            revoked_at=moment(stored.revoked_at),
            **more,
        )


class NewKeyResponse(KeyResponse, frozen=True):
    """A new key, with the key itself, which is never shown again."""

    key: str


class KeysResponse(msgspec.Struct, frozen=True):
    """All keys, by id, revoked and expired ones too."""

    keys: list[KeyResponse]


class RotateKeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to rotate a key."""

    keep_seconds: Keep = KEEP_SECONDS


class KeysHandler(AdminHandler):
    """All keys."""

    @operation(administration("List the API keys", response=KeysResponse))
    async def get(self) -> None:
        await self.acting()
        keys = await self.application.identity.keys.all()
        self.reply(KeysResponse([KeyResponse.of(key) for key in keys]))

    @operation(
        administration(
            "Make an API key",
            request=NewKey,
            response=NewKeyResponse,
            success=201,
            example={"name": "billing", "scopes": ["send"], "expires_in": 7776000},
        )
    )
    async def post(self) -> None:
        actor = await self.acting()
        new = self.parse(NewKey)
        stored, key = await self.application.identity.keys.create(new, actor)
        self.set_status(201)
        self.reply(NewKeyResponse.of(stored, key=key))


class KeyHandler(AdminHandler):
    """One key."""

    @operation(administration("Revoke an API key, at once", success=204, errors=_UNKNOWN, ids=_IDS))
    async def delete(self, key_id: str) -> None:
        actor = await self.acting()
        if not await self.application.identity.keys.revoke(_parse_id(key_id), actor):
            raise UnknownApiKey
        self.done()


class KeyRotationHandler(AdminHandler):
    """One key, whose place another one takes."""

    @operation(
        administration(
            "Make a key with the rights of another one, which ends soon",
            request=RotateKeyRequest,
            response=NewKeyResponse,
            success=201,
            errors=_UNKNOWN,
            ids=_IDS,
        )
    )
    async def post(self, key_id: str) -> None:
        actor = await self.acting()
        keep = self.parse(RotateKeyRequest).keep_seconds
        stored, key = await self.application.identity.keys.rotate(_parse_id(key_id), keep, actor)
        self.set_status(201)
        self.reply(NewKeyResponse.of(stored, key=key))


def _parse_id(text: str) -> int:
    """A key's id. Raises UnknownApiKey for what no key can have."""
    found = parse_id(text)
    if found is None:
        raise UnknownApiKey
    return found
