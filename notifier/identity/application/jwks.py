"""The keys that an issuer publishes as a JWK set (RFC 7517), as they are by now.

All who need them while they are fetched share one fetch. They are fetched again every few
minutes, so that a key that was removed ends; and for a key that nobody has heard of, but
only so often, whoever asks for what. While the source is away, or brings rubbish, the last
set goes on.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import msgspec

from notifier.errors import Unavailable
from notifier.identity.application.fetching import fetch
from notifier.identity.application.verifying import Algorithm, UnusableKey, VerifyingKey, from_jwk

logger = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 300.0
"""From one fetch to the next: for so long a key that was removed goes on."""
PAUSE_SECONDS: Final = 10.0
"""From one fetch to the next for an unknown key, or after one that failed."""
MAX_KEYS: Final = 100
"""More are no set."""

Keys = Mapping[tuple[Algorithm, str | None], VerifyingKey]
"""By algorithm and ``kid``; by None the only one of an algorithm."""


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


class JwkSet:
    """The set at ``url``: https, http or file."""

    algorithms: frozenset[Algorithm] = frozenset({"RS256", "ES256", "EdDSA"})

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: Keys | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._asked_at = -PAUSE_SECONDS
        self._failure: str | None = None
        self.version = 0
        """Goes up when the keys have changed."""

    async def find(self, algorithm: Algorithm, kid: str | None) -> VerifyingKey | None:
        """The key of this name, or without one the only key of the algorithm.

        Raises Unavailable as long as no set was ever had.
        """
        found = self._known(algorithm, kid)
        if found is None and (self._fetching or not self._pause_left()):
            await self.refresh()
            found = self._known(algorithm, kid)
        if self._keys is None:
            raise Unavailable(
                "The keys of the application's tokens cannot be had; try again.",
                retry_after=max(1.0, self._pause_left()),
            )
        return found

    async def refresh(self) -> None:
        """Fetch the set now, or wait for the fetch that is under way."""
        if self._fetching is None:
            self._asked_at = time.monotonic()
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        fetching = self._fetching
        # Only waited for: whoever gives up does not end the fetch of the others.
        await asyncio.wait([fetching])
        fetching.result()

    async def keep_fresh(self) -> NoReturn:
        """Fetch the set again and again."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS if self._failure is None else PAUSE_SECONDS)

    async def close(self) -> None:
        """End the fetch that is under way."""
        if self._fetching:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _known(self, algorithm: Algorithm, kid: str | None) -> VerifyingKey | None:
        return self._keys.get((algorithm, kid)) if self._keys else None

    def _pause_left(self) -> float:
        return max(0.0, self._asked_at + PAUSE_SECONDS - time.monotonic())

    async def _fetch(self) -> None:
        try:
            self._take(await asyncio.to_thread(parse, await fetch(self._url)))
        except (OSError, ValueError) as error:
            self._fail(str(error) or type(error).__name__)
        finally:
            self._fetching = None

    def _take(self, keys: Keys) -> None:
        self._failure = None
        if keys == self._keys:
            return
        self._keys = keys
        self.version += 1
        count = len({id(key) for key in keys.values()})
        logger.info("Keys of the application", extra={"action": "jwks_changed", "keys": count})
        if not keys:
            logger.warning(
                "The application publishes no key that fits", extra={"action": "jwks_empty"}
            )

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            logger.warning(
                "The keys of the application cannot be had",
                extra={"action": "jwks_failed", "reason": reason, "known": self._keys is not None},
            )
        self._failure = reason


def parse(body: bytes) -> Keys:
    """The keys of a JWK set that can be used. Raises ValueError for what is no set.

    Others are left out, as RFC 7517 §5 wants it.
    """
    try:
        found = msgspec.json.decode(body, type=_Set).keys
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if len(found) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    usable = [(jwk.get("kid"), key) for jwk in found if (key := _usable(jwk))]
    keys: dict[tuple[Algorithm, str | None], VerifyingKey] = {
        (key.algorithm, kid): key for kid, key in usable if isinstance(kid, str)
    }
    counts = Counter(key.algorithm for _, key in usable)
    return keys | {(key.algorithm, None): key for _, key in usable if counts[key.algorithm] == 1}


def _usable(jwk: Mapping[str, Any]) -> VerifyingKey | None:
    try:
        return from_jwk(jwk)
    except UnusableKey as error:
        extra = {"action": "jwk_left_out", "reason": str(error)}
        logger.debug("A key of the application is left out", extra=extra)
        return None
