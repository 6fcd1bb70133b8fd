"""Pauses between attempts."""

import pytest

from notifier.backoff import Backoff


def test_pauses_double_up_to_a_limit_and_are_random() -> None:
    """Each pause lies between half of its limit and the limit, which doubles and then stays."""
    backoff = Backoff(1.0, 5.0)
    for limit in (1, 2, 4, 5, 5):
        assert limit / 2 <= backoff.pause() <= limit


def test_peers_do_not_return_together() -> None:
    """Many who have failed as often pause for different times, spread over the whole half."""
    pauses = sorted(Backoff(1.0, 5.0).pause() for _ in range(1000))
    assert len(set(pauses)) > 900
    assert pauses[0] < 0.6
    assert pauses[-1] > 0.9


def test_it_works_again() -> None:
    """After a reset the next pause is a first one."""
    backoff = Backoff(1.0, 60.0)
    for _ in range(4):
        backoff.pause()
    backoff.reset()
    assert backoff.pause() <= 1


@pytest.mark.parametrize(("seconds", "recovered"), [(-1.0, False), (7.9, False), (8.1, True)])
def test_only_lasting_success_resets(seconds: float, recovered: bool) -> None:
    """Something that fails again sooner than the last pause has not recovered."""
    backoff = Backoff(1.0, 60.0)
    for _ in range(4):
        backoff.pause()
    backoff.lasted(seconds)
    assert (backoff.pause() <= 1) == recovered
