"""Passwords: hashed slowly, away from the loop, and only so many at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from notifier.errors import InvalidField, Unavailable
from notifier.identity import passwords as module
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
    real = passwords._hasher.verify

    class Counting:
        hash = staticmethod(passwords._hasher.hash)

        def verify(self, password_hash: str, password: str) -> bool:
            verified.append(password_hash)
            return real(password_hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    await passwords.verify(stored, "wrong")
    await passwords.verify(None, "wrong")
    known, decoy = verified
    assert (
        known.rpartition("$")[0].rpartition("$")[0] == decoy.rpartition("$")[0].rpartition("$")[0]
    )


async def test_bounded_and_off_the_loop(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at a time; too many are told to come back, while the loop stays free."""
    free, running = threading.Event(), threading.Semaphore(0)

    class Blocked:
        def hash(self, password: str) -> str:
            running.release()
            free.wait()
            return password

    monkeypatch.setattr(passwords, "_hasher", Blocked())
    limit = module._AT_ONCE + module._MAY_WAIT
    waiting = [asyncio.create_task(passwords.hash(str(n))) for n in range(limit)]
    await until(lambda: running._value == module._AT_ONCE)
    with pytest.raises(Unavailable, match="signing in"):
        await passwords.hash("one too many")
    free.set()
    assert await asyncio.gather(*waiting) == [str(n) for n in range(limit)]
    assert await passwords.hash("there is room again") == "there is room again"


def test_what_may_be_a_password() -> None:
    """Eight characters at least, and not a book; a text that cannot be encoded is none."""
    for password in ("x" * 8, "x" * 1024, "пароль-1"):
        check_password(password)
    for password in ("x" * 7, "x" * 1025, "", "\ud800" * 8):
        with pytest.raises(InvalidField):
            check_password(password)
