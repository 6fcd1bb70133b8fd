"""Where the keys come from that verify the application's tokens."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from notifier.errors import InvalidSettings
from notifier.identity.application.jwks import JwkSet
from notifier.identity.application.verifying import (
    Algorithm,
    UnusableKey,
    VerifyingKey,
    from_pem,
    from_secret,
)
from notifier.settings import Settings

_MOST_PEM: Final = 64 * 1024


class Source(Protocol):
    """Where the keys are."""

    algorithms: frozenset[Algorithm]
    version: int
    """Goes up when the keys have changed."""

    async def find(self, algorithm: Algorithm, kid: str | None) -> VerifyingKey | None:
        """The key that a token wants. May raise Unavailable."""

    async def keep_fresh(self) -> None:
        """Keep up with the keys, as long as there is something to keep up with."""

    async def close(self) -> None:
        """Give up what is under way."""


class OneKey:
    """A key that is always the same, whatever tokens call it."""

    version = 0

    def __init__(self, key: VerifyingKey) -> None:
        self._key = key
        self.algorithms = frozenset({key.algorithm})

    async def find(self, algorithm: Algorithm, kid: str | None) -> VerifyingKey | None:
        return self._key if algorithm == self._key.algorithm else None

    async def keep_fresh(self) -> None:
        """Nothing changes."""

    async def close(self) -> None:
        """Nothing is under way."""


def source_of(settings: Settings, own_secrets: Sequence[str]) -> Source:
    """The one that is set. Raises InvalidSettings."""
    if settings.jwks_url:
        return JwkSet(settings.jwks_url)
    if settings.jwt_secret:
        if settings.jwt_secret in own_secrets:
            raise InvalidSettings(
                "NOTIFIER_JWT_SECRET: it is a secret that signs our own tokens, so your "
                "application could make itself a superuser. Set another."
            )
        return OneKey(from_secret(settings.jwt_secret))
    name = "NOTIFIER_JWT_PUBLIC_KEY"
    text = settings.jwt_public_key
    if settings.jwt_public_key_file:
        name += "_FILE"
        text = _read_pem(settings.jwt_public_key_file)
    try:
        return OneKey(from_pem(text))
    except UnusableKey as error:
        raise InvalidSettings(f"{name}: {error}.") from None


def _read_pem(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_PEM)
    except OSError as error:
        raise InvalidSettings(
            f"NOTIFIER_JWT_PUBLIC_KEY_FILE: cannot read {path}: {error.strerror}."
        ) from None
