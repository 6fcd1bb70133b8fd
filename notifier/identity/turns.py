"""Taking turns: a few at a time, and then whoever has had a turn longest ago.

Who never had one, or long ago, is next, however often others ask: they wait behind those who
ask seldom. Among those who always wait, that is one turn each, round and round.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from notifier.errors import TooManySignIns

_MOST_KNOWN: Final = 10_000
"""Whose last turn is remembered."""


class Turns:
    """Turns of many, each with a key.

    At most ``most_waiting`` wait, of all keys together, and nobody longer than ``patience``
    seconds.
    """

    def __init__(self, at_once: int, most_waiting: int, patience: float) -> None:
        self._free = at_once
        self._room = most_waiting
        self._patience = patience
        self._waiting: dict[Hashable, deque[asyncio.Future[bool]]] = {}
        self._numbers = count(1)
        self._last: dict[Hashable, int] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and have it for as long as the block runs. Raises TooManySignIns."""
        await self._begin(key)
        try:
            yield
        finally:
            self._end()

    async def _begin(self, key: Hashable) -> None:
        if self._free:
            self._give(key)
            return
        if not self._room:
            self._make_room(key)
        turn = asyncio.get_running_loop().create_future()
        self._room -= 1
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            async with asyncio.timeout(self._patience):
                granted = await self._wait(key, turn)
        except TimeoutError:
            granted = False
        if not granted:
            raise TooManySignIns

    async def _wait(self, key: Hashable, turn: "asyncio.Future[bool]") -> bool:
        try:
            return await turn
        except asyncio.CancelledError:
            if turn in self._waiting.get(key, ()):
                self._leave(key, turn)
            elif not turn.cancelled() and turn.result():
                self._end()  # it came at the same moment
            raise

    def _make_room(self, key: Hashable) -> None:
        """Send away the last of those who wait with most, or else the one who comes."""
        most = max(self._waiting, key=lambda each: len(self._waiting[each]))
        # Who comes would wait with as many then: that would be no fairer.
        if len(self._waiting[most]) <= len(self._waiting.get(key, ())) + 1:
            raise TooManySignIns
        turn = self._waiting[most][-1]
        self._leave(most, turn)
        if not turn.done():
            turn.set_result(False)

    def _end(self) -> None:
        self._free += 1
        while self._free and self._waiting:
            key = min(self._waiting, key=lambda each: self._last.get(each, 0))
            turn = self._waiting[key][0]
            self._leave(key, turn)
            if not turn.done():  # or else it was given up a moment ago
                self._give(key)
                turn.set_result(True)

    def _leave(self, key: Hashable, turn: "asyncio.Future[bool]") -> None:
        waiting = self._waiting[key]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[key]
        self._room += 1

    def _give(self, key: Hashable) -> None:
        self._free -= 1
        self._last.pop(key, None)  # so that they are in the order of their turns
        self._last[key] = next(self._numbers)
        if len(self._last) > _MOST_KNOWN:
            del self._last[next(iter(self._last))]
