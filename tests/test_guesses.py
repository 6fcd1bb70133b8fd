"""Wrong passwords: how many are allowed, for one name from one address and for an address."""

import pytest

from notifier.addresses import subscriber
from notifier.errors import NoActiveAccount, TooManySignIns, Unavailable
from notifier.identity.guesses import Guesses
from tests.test_buckets import Clock


def fail(guesses: Guesses, name: str, address: str = "192.0.2.1") -> float:
    """Try a wrong password; the seconds to wait if that was refused."""
    try:
        with guesses.guess(name, address):
            raise NoActiveAccount
    except TooManySignIns as refused:
        return refused.retry_after
    except NoActiveAccount:
        return 0


def test_one_name_from_one_address() -> None:
    """Ten at once, then one in six seconds; who waits may go on."""
    clock = Clock()
    guesses = Guesses(60, 10, now=clock)
    assert [fail(guesses, "ann") for _ in range(12)] == [0] * 10 + [6, 6]
    clock.time += 2.5
    assert fail(guesses, "ann") == 4
    clock.time += 3.5
    assert [fail(guesses, "ann") for _ in range(2)] == [0, 6]
    clock.time += 60
    assert [fail(guesses, "ann") for _ in range(11)] == [0] * 10 + [6]


def test_a_name_alone_is_never_locked() -> None:
    """However many guess a name, its person signs in from another address."""
    guesses = Guesses(60, 10, now=Clock())
    for number in range(50):
        for _ in range(15):
            fail(guesses, "ann", f"192.0.2.{number}")
    assert fail(guesses, "ann", "198.51.100.1") == 0


def test_an_address_for_all_names() -> None:
    """Sixty at once with whatever names, then one a second; others do not notice."""
    clock = Clock()
    guesses = Guesses(60, 10, now=clock)
    assert [fail(guesses, f"user{number}") for number in range(62)] == [0] * 60 + [1, 1]
    assert fail(guesses, "ann", "192.0.2.2") == 0
    clock.time += 1
    assert fail(guesses, "ann") == 0


@pytest.mark.parametrize("outcome", [None, Unavailable, TooManySignIns, RuntimeError])
def test_only_wrong_passwords_count(outcome: type[Exception] | None) -> None:
    """Who signs in, or learns nothing because the service could not tell, uses nothing up."""
    guesses = Guesses(60, 10, now=Clock())
    for _ in range(100):
        try:
            with guesses.guess("ann", "192.0.2.1"):
                if outcome:
                    raise outcome
        except (Unavailable, TooManySignIns, RuntimeError) as error:
            assert type(error) is outcome
    assert [fail(guesses, "ann") for _ in range(11)] == [0] * 10 + [6]


def test_success_does_not_forgive_others() -> None:
    """A right password between wrong ones gives only its own attempt back."""
    guesses = Guesses(60, 10, now=Clock())
    for _ in range(9):
        fail(guesses, "ann")
        with guesses.guess("ann", "192.0.2.1"):
            pass
    assert [fail(guesses, "ann") for _ in range(2)] == [0, 6]


def test_attempts_count_while_they_are_under_way() -> None:
    """Many at the same time are not all allowed because none has failed yet."""
    guesses = Guesses(60, 1, now=Clock())
    with guesses.guess("ann", "192.0.2.1"):
        assert fail(guesses, "ann") == 60
    assert fail(guesses, "ann") == 0


def test_zero_is_no_limit() -> None:
    """Each limit can be switched off."""
    guesses = Guesses(0, 0, now=Clock())
    assert not any(fail(guesses, "ann") for _ in range(1000))


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_who_is_behind_an_address(address: str, whose: str) -> None:
    """An IPv6 address stands for its /64, in which one host can choose any."""
    assert subscriber(address) == whose
