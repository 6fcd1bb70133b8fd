"""Taking turns: nobody alone can keep others waiting."""

import asyncio
from collections.abc import Hashable

import pytest

from notifier.errors import TooManySignIns
from notifier.identity import turns as module
from notifier.identity.turns import Turns
from tests.support.harness import SECONDS, until


async def settle() -> None:
    """Let everything happen that can: no step here waits for anything outside."""
    for _ in range(10):
        await asyncio.sleep(0)


class Queue:
    """Turns one after the other, each of which lasts until :meth:`next`."""

    def __init__(self, most_waiting: int = 100, patience: float = SECONDS) -> None:
        self.turns = Turns(1, most_waiting, patience)
        self.had: list[Hashable] = []
        self.refused: list[Hashable] = []
        self._ends = asyncio.Event()

    async def come(self, *keys: Hashable) -> list["asyncio.Task[None]"]:
        """Somebody of each key begins to wait."""
        tasks = [asyncio.create_task(self._visit(key)) for key in keys]
        await settle()
        return tasks

    async def next(self, times: int = 1) -> None:
        """End the turn of whoever has it."""
        for _ in range(times):
            self._ends.set()
            self._ends.clear()
            await settle()

    async def _visit(self, key: Hashable) -> None:
        try:
            async with self.turns.turn(key):
                self.had.append(key)
                await self._ends.wait()
        except TooManySignIns:
            self.refused.append(key)


async def test_one_key_in_order() -> None:
    """Alone, somebody has one turn after the other, in the order of asking."""
    queue = Queue()
    tasks = await queue.come(*"aaa")
    assert queue.had == ["a"]
    await queue.next(3)
    assert queue.had == list("aaa")
    assert all(task.done() for task in tasks)
    await queue.come("a")
    assert queue.had == list("aaaa"), "a turn is free at once"


async def test_round_and_round() -> None:
    """Among those who always wait, each has one turn in each round, whoever waits with more."""
    queue = Queue()
    await queue.come(*"aaaaaa", *"bbb", *"cc")
    await queue.next(11)
    assert "".join(map(str, queue.had)) == "abcabcabaaa"


async def test_who_asks_seldom_is_next() -> None:
    """Somebody new comes before all who had a turn, and who had one long ago before others."""
    queue = Queue()
    await queue.come(*"aaaaa", *"bbbbb", "c")
    await queue.next(5)
    assert "".join(map(str, queue.had)) == "abcaba"
    await queue.come("c", "d", "e")
    await queue.next(4)
    assert "".join(map(str, queue.had[6:])) == "decb"


async def test_full() -> None:
    """Where all places are taken, who waits with most loses one to who waits with fewer."""
    queue = Queue(most_waiting=4)
    await queue.come("x", *"aaaa", "a")
    assert queue.refused == ["a"], "nobody waits with more"
    await queue.come("b")
    assert queue.refused == ["a", "a"]
    await queue.come("b")
    assert queue.refused == ["a", "a", "a"]
    await queue.come("b")
    assert queue.refused == ["a", "a", "a", "b"], "both wait with two"
    await queue.come("c", "d")
    await queue.come("e")
    assert queue.refused[-1] == "e", "each waits with one"
    await queue.next(5)
    assert sorted(map(str, queue.had)) == list("abcdx")
    assert len(queue.refused) == 7


async def test_who_gives_up() -> None:
    """Who was cancelled has no turn, keeps none, and leaves the place to others."""
    queue = Queue(most_waiting=3)
    first, second, third = await queue.come("a", "b", "c")
    second.cancel()
    first.cancel()
    await asyncio.sleep(0)
    third.cancel()  # which has been given the turn of the first, and does not know it yet
    await asyncio.wait([first, second, third])
    assert queue.had == ["a"]
    await queue.come("d", "e", "f", "g")
    assert queue.had == ["a", "d"]
    await queue.next(3)
    assert queue.had == list("adefg")


async def test_patience_ends() -> None:
    """Who has waited for too long is sent away, and others get the place and the turn."""
    queue = Queue(most_waiting=1, patience=0.05)
    await queue.come("x", "a")
    await until(lambda: queue.refused == ["a"])
    queue.turns._patience = SECONDS
    await queue.come("b")
    await queue.next()
    assert queue.had == ["x", "b"]


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those who had a turn, only the last ones are known."""
    monkeypatch.setattr(module, "_MOST_KNOWN", 10)
    turns = Turns(1, 1, SECONDS)
    for key in range(100):
        async with turns.turn(key):
            pass
    assert list(turns._last) == list(range(90, 100))
