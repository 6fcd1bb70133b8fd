"""API keys: make, list, rotate and revoke them. A key itself is shown once and never stored."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from notifier.clock import SECOND
from notifier.errors import InvalidField, UnknownApiKey
from notifier.models import SCOPES, SEND_ONLY, THE_SERVER, Actor, ApiKey, Scope
from notifier.storage.operations.keys import ApiKeys, CreateApiKey, RevokeApiKey, RotateApiKey
from notifier.storage.store import Store

MAX_SECONDS: Final = 10 * 365 * 24 * 60 * 60
MAX_RATE: Final = 1_000_000
KEEP_SECONDS: Final = 24 * 60 * 60
"""How long a key that was rotated stays valid, unless somebody says otherwise."""
_KEY_PREFIX: Final = "ntf_"

KeyName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        # No control characters of any kind, nothing else that ends a line, and no spaces around.
        pattern=r"^(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029]*(?<!\s)(?![\s\S])",
        description="What it is for. Several keys may have the same name.",
        extra={"expected": "a name of 1 to 100 characters, on one line"},
    ),
]
Scopes = Annotated[
    tuple[Scope, ...],
    msgspec.Meta(
        min_length=1,
        description="What it may do; only `send` if left out.",
        extra={"expected": f"an array of one or more of {', '.join(SCOPES)}"},
        extra_json_schema={"uniqueItems": True},
    ),
]
UserPrefix = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*(?![\s\S])",
        description="It may only name a `user` whose name begins with this, and no `user_id`.",
        extra={"expected": "1 to 128 characters, without control characters"},
    ),
]
Rate = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=MAX_RATE,
        description="Sends a second, in place of `NOTIFIER_SENDS_PER_SECOND`.",
        extra={"expected": f"a whole number of sends a second, from 1 to {MAX_RATE}"},
    ),
]
Lifetime = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=MAX_SECONDS,
        description="Seconds after which it ends.",
        extra={"expected": f"a whole number of seconds, from 1 to {MAX_SECONDS}"},
    ),
]
Keep = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=MAX_SECONDS,
        description="Seconds for which the old key stays valid, if it does not end before.",
        extra={"expected": f"a whole number of seconds, from 0 to {MAX_SECONDS}"},
    ),
]


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an API key is to be. A mistyped field is refused, not left out."""

    name: KeyName
    # Made by a function, because the document cannot show a tuple.
    scopes: Scopes = msgspec.field(default_factory=lambda: SEND_ONLY)
    user_prefix: UserPrefix | None = None
    rate: Rate | None = None
    expires_in: Lifetime | None = None


_KINDS: Final[Mapping[str, Any]] = {
    "name": KeyName,
    "user_prefix": UserPrefix,
    "rate": Rate,
    "expires_in": Lifetime,
}


def digest(api_key: str) -> bytes:
    """How an API key is stored. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(api_key.encode()).digest()


class Keys:
    """All API keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, new: NewKey, by: Actor = THE_SERVER) -> tuple[ApiKey, str]:
        """A new key: what is stored of it, and the key itself. Raises InvalidField."""
        for field, kind in _KINDS.items():
            _check(field, getattr(new, field), kind)
        key = _make_key()
        create = CreateApiKey(
            new.name,
            digest(key),
            _check_scopes(new.scopes),
            new.user_prefix,
            new.rate,
            None if new.expires_in is None else new.expires_in * SECOND,
            by,
        )
        return await self._store.submit(create), key

    async def all(self) -> list[ApiKey]:
        """All keys, by id, revoked and expired ones too."""
        return await self._store.read(ApiKeys())

    async def rotate(
        self, which: int | str, keep: int = KEEP_SECONDS, by: Actor = THE_SERVER
    ) -> tuple[ApiKey, str]:
        """A new key with the rights of the valid one of this id, or as a text id or name.

        The old one ends after ``keep`` seconds. Raises UnknownApiKey, InvalidField, or
        InvalidRequest where several have this name.
        """
        _check("keep_seconds", keep, Keep)
        if not _may_be(which):
            raise UnknownApiKey(f"There is no active key {which!r}.")
        key = _make_key()
        rotate = RotateApiKey(which, digest(key), keep * SECOND, by)
        return await self._store.submit(rotate), key

    async def revoke(self, which: int | str, by: Actor = THE_SERVER) -> int:
        """Revoke the active keys of this id, or as a text id or name; how many there were."""
        return await self._store.submit(RevokeApiKey(which, by)) if _may_be(which) else 0


def _make_key() -> str:
    return _KEY_PREFIX + secrets.token_urlsafe(32)


def _may_be(which: int | str) -> bool:
    """Whether there can be such a key: not every text can be given to a database."""
    return isinstance(which, int) or _is_one(which, KeyName)


def _check(field: str, value: object, kind: Any) -> None:
    """Raises InvalidField unless ``value`` is of this kind, or left out."""
    if value is not None and not _is_one(value, kind):
        (meta,) = kind.__metadata__
        raise InvalidField(field, f"Expected {meta.extra['expected']}.")


def _is_one(value: object, kind: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True


def _check_scopes(names: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of these names, in the order of all. Raises InvalidField."""
    known = ", ".join(SCOPES)
    if not any(names):
        raise InvalidField("scopes", f"A key needs at least one of the scopes {known}.")
    for name in names:
        if name not in SCOPES:
            raise InvalidField("scopes", f"There is no scope {name!r}. The scopes are {known}.")
    if len(set(names)) < len(names):
        raise InvalidField("scopes", "A scope is named more than once.")
    return tuple(scope for scope in SCOPES if scope in names)
