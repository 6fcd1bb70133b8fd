"""Passwords: hashed and verified away from the loop, with the cores that it leaves over.

One hash takes tens of milliseconds and 64 MiB on purpose, so only a few run at a time. Whose
comes next is fair between those who ask (:mod:`notifier.identity.turns`).
"""

import asyncio
import os
import sys
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from notifier.errors import InvalidField
from notifier.identity.hashes import Hashes
from notifier.identity.turns import Turns

T = TypeVar("T")

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 1024
_AT_ONCE: Final = 2
_MAY_WAIT: Final = 128
_PATIENCE: Final = 10.0
_NICENESS: Final = 5
"""A third of the weight of the loop, which so comes first when it wakes. With more, a machine that
is busy with other programs would leave next to nothing for signing in."""


def check_password(password: str, field: str = "password") -> None:
    """Raises InvalidField for one that is too short to be safe or too long to be meant."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidField(field, f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if not _encodable(password):
        raise InvalidField(field, "A password is valid Unicode text.")


class Passwords:
    """Hashes and verifies in a small pool of threads.

    For these at most ``may_wait`` wait, and nobody longer than ``patience`` seconds.
    """

    def __init__(self, may_wait: int = _MAY_WAIT, patience: float = _PATIENCE) -> None:
        self._hashes = Hashes()
        self._pool = ThreadPoolExecutor(
            _AT_ONCE, thread_name_prefix="notifier-password", initializer=_yield_to_others
        )
        self._turns = Turns(_AT_ONCE, may_wait, patience)
        self._decoy: str | None = None

    async def hash(self, password: str, *, whose: Hashable = None) -> str:
        """The hash to store. Raises TooManySignIns where others are before it."""
        return await self._run(lambda: self._hashes.hash(password), whose)

    async def verify(
        self, password_hash: str | None, password: str, *, whose: Hashable = None
    ) -> bool:
        """Whether the password is right. Takes as long for None: a user who doesn't exist.

        Those with the same ``whose`` share their turns. Raises TooManySignIns where others
        are before it.
        """
        return await self._run(lambda: self._verify(password_hash, password), whose)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is None:
            if self._decoy is None:
                self._decoy = self._hashes.hash("nobody has this password")
            password_hash, password = self._decoy, ""
        if not _encodable(password):
            password = ""
        return self._hashes.verify(password_hash, password)

    async def _run(self, call: Callable[[], T], whose: Hashable) -> T:
        async with self._turns.turn(whose):
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _yield_to_others() -> None:
    """Let this thread have a core only where the loop or the store needs none."""
    if sys.platform == "linux":  # elsewhere it would be about the whole process
        os.nice(_NICENESS)


def _encodable(text: str) -> bool:
    """Whether it is free of the lone surrogates that stand for bytes that were no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
