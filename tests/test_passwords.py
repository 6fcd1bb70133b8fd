"""Passwords: hashed slowly, away from the loop, only so many at a time, and fairly."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters

from notifier.errors import InvalidField, TooManySignIns
from notifier.identity import hashes
from notifier.identity import passwords as module
from notifier.identity.hashes import Hashes
from notifier.identity.passwords import Passwords, check_password
from tests.support.harness import until


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_right_and_wrong(passwords: Passwords) -> None:
    """Only the very password fits its hash, which is argon2id and salted."""
    stored = await passwords.hash("correct horse \U0001f40e")
    assert stored.startswith("$argon2id$")
    assert stored != await passwords.hash("correct horse \U0001f40e")
    assert await passwords.verify(stored, "correct horse \U0001f40e")
    assert not await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "")


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$broken"])
async def test_nobody_and_broken_hashes(passwords: Passwords, stored: str | None) -> None:
    """Without a usable hash no password is right, not even the one of the decoy."""
    for password in ("", "nobody has this password", "x" * 10_000):
        assert not await passwords.verify(stored, password)


async def test_a_password_that_is_no_text(passwords: Passwords) -> None:
    """Lone surrogates are wrong, and no failure."""
    assert not await passwords.verify(await passwords.hash("correct horse"), "\ud800")


async def test_an_unknown_user_costs_as_much(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a user who does not exist a hash is verified too, so that the time tells nothing."""
    stored = await passwords.hash("correct horse")
    verified: list[str] = []
    verify = Hashes.verify

    def watched(self: Hashes, password_hash: str, password: str) -> bool:
        verified.append(password_hash)
        return verify(self, password_hash, password)

    monkeypatch.setattr(Hashes, "verify", watched)
    await passwords.verify(stored, "wrong")
    await passwords.verify(None, "wrong")
    known, decoy = map(extract_parameters, verified)
    assert known == decoy


@pytest.mark.parametrize("lanes", [2, 4])
async def test_a_hash_of_several_lanes_is_verified_by_one_thread(
    passwords: Passwords, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What earlier releases have stored holds, and takes the time of a hash of one lane."""
    stored = PasswordHasher(time_cost=1, memory_cost=64, parallelism=lanes).hash("héllo wörld")
    threads: list[int] = []
    core = hashes.core

    def watched(context: Any, kind: int) -> int:
        threads.append(context.threads)
        return core(context, kind)

    monkeypatch.setattr(hashes, "core", watched)
    assert await passwords.verify(stored, "héllo wörld")
    for wrong in ("hello world", "", "x" * 10_000, "\ud800"):
        assert not await passwords.verify(stored, wrong)
    assert set(threads) == {1}
    for broken in (stored[:-1], stored[:-5], stored.replace("m=64", "m=1"), f"{stored}x"):
        assert not await passwords.verify(broken, "héllo wörld")
    assert extract_parameters(await passwords.hash("correct horse")).parallelism == 1


class Held:
    """Hashes that take until somebody lets them go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun: list[str] = []

    def hash(self, password: str) -> str:
        self.begun.append(password)
        self.free.wait()
        return password

    def verify(self, password_hash: str, password: str) -> bool:
        return bool(self.hash(password))


@pytest.fixture
def held(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    hashes = Held()
    monkeypatch.setattr(passwords, "_hashes", hashes)
    yield hashes
    hashes.free.set()


async def test_bounded_and_off_the_loop(passwords: Passwords, held: Held) -> None:
    """Two at a time; too many are told to come back, while the loop stays free."""
    limit = module._AT_ONCE + module._MAY_WAIT
    waiting = [asyncio.create_task(passwords.hash(str(n))) for n in range(limit)]
    await until(lambda: len(held.begun) == module._AT_ONCE)
    with pytest.raises(TooManySignIns):
        await passwords.hash("one too many")
    assert len(held.begun) == module._AT_ONCE
    held.free.set()
    assert await asyncio.gather(*waiting) == [str(n) for n in range(limit)]
    assert await passwords.hash("there is room again") == "there is room again"


async def test_a_flood_does_not_delay_others(passwords: Passwords, held: Held) -> None:
    """Who asks once is next, however many guesses of somebody else wait already."""
    flood = [
        asyncio.create_task(passwords.verify("hash", "guess", whose="192.0.2.1")) for _ in range(50)
    ]
    await until(lambda: len(held.begun) == module._AT_ONCE)
    rightful = asyncio.create_task(passwords.verify("hash", "rightful", whose="192.0.2.2"))
    await asyncio.sleep(0)
    held.free.set()
    await asyncio.gather(*flood, rightful)
    assert held.begun.index("rightful") in range(module._AT_ONCE, 2 * module._AT_ONCE)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has its own niceness on Linux only")
async def test_hashing_leaves_the_cores_to_others(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The threads that hash are nicer than the loop, which is as nice as it was."""
    before = os.nice(0)
    monkeypatch.setattr(passwords._hashes, "hash", lambda password: str(os.nice(0)))
    assert int(await passwords.hash("correct horse")) == min(before + module._NICENESS, 19)
    assert os.nice(0) == before


def test_what_may_be_a_password() -> None:
    """Eight characters at least, and not a book; a text that cannot be encoded is none."""
    for password in ("x" * 8, "x" * 1024, "пароль-1"):
        check_password(password)
    for password in ("x" * 7, "x" * 1025, "", "\ud800" * 8):
        with pytest.raises(InvalidField):
            check_password(password)
