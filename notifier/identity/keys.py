"""API keys: make, list and revoke them. A key itself is shown once and never stored."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final

from notifier.errors import InvalidField
from notifier.models import SCOPES, ApiKey, Scope
from notifier.storage.operations.keys import ApiKeys, CreateApiKey, RevokeApiKey
from notifier.storage.store import Store

_NAME: Final = re.compile(r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}(?<!\s)")
_KEY_PREFIX: Final = "ntf_"


def digest(api_key: str) -> bytes:
    """How an API key is stored. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(api_key.encode()).digest()


class Keys:
    """All API keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, name: str, scopes: Sequence[str]) -> tuple[ApiKey, str]:
        """A new key: what is stored of it, and the key itself. Raises InvalidField."""
        if not _NAME.fullmatch(name):
            raise InvalidField("name", "A name has 1 to 100 characters, on one line.")
        key = _KEY_PREFIX + secrets.token_urlsafe(32)
        create = CreateApiKey(name, digest(key), _check_scopes(scopes))
        return await self._store.submit(create), key

    async def all(self) -> list[ApiKey]:
        """All keys, revoked ones too."""
        return await self._store.read(ApiKeys())

    async def revoke(self, id_or_name: str) -> int:
        """Revoke the active keys of this id or name; returns how many there were."""
        if not _NAME.fullmatch(id_or_name):
            return 0
        return await self._store.submit(RevokeApiKey(id_or_name))


def _check_scopes(names: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of these names, in the order of all. Raises InvalidField."""
    known = ", ".join(SCOPES)
    if not any(names):
        raise InvalidField("scope", f"A key needs at least one of the scopes {known}.")
    for name in names:
        if name not in SCOPES:
            raise InvalidField("scope", f"There is no scope {name!r}. The scopes are {known}.")
    if len(set(names)) < len(names):
        raise InvalidField("scope", "A scope is named more than once.")
    return tuple(scope for scope in SCOPES if scope in names)
