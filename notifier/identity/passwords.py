"""Passwords: argon2id, hashed and verified away from the loop.

One hash takes tens of milliseconds and 64 MiB on purpose, so only a few run at a time and
only a few more may wait; the rest is told to come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from notifier.errors import InvalidField, Unavailable

T = TypeVar("T")

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 1024
_AT_ONCE: Final = 2
_MAY_WAIT: Final = 64


def check_password(password: str) -> None:
    """Raises InvalidField for one that is too short to be safe or too long to be meant."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidField("password", f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if not _encodable(password):
        raise InvalidField("password", "A password is valid Unicode text.")


class Passwords:
    """Hashes and verifies in a small pool of threads."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notifier-password")
        self._under_way = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Unavailable if too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. Takes as long for None: a user who doesn't exist.

        Raises Unavailable if too many wait.
        """
        return await self._run(lambda: self._verify(password_hash, password))

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is None:
            if self._decoy is None:
                self._decoy = self._hasher.hash("nobody has this password")
            password_hash, password = self._decoy, ""
        if not _encodable(password):
            password = ""
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, call: Callable[[], T]) -> T:
        if self._under_way >= _AT_ONCE + _MAY_WAIT:
            raise Unavailable("Too many people are signing in; try again soon.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._under_way -= 1


def _encodable(text: str) -> bool:
    """Whether it is free of the lone surrogates that stand for bytes that were no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
