"""Pauses between attempts."""

from amqp.backoff import Backoff


def test_pauses_grow_up_to_a_limit_and_are_random() -> None:
    """Each pause is at most twice the last limit, at least half of its own, never too long."""
    backoff = Backoff(1.0, 5.0)
    for limit in (1, 2, 4, 5, 5):
        assert limit / 2 <= backoff.pause() <= limit


def test_only_lasting_success_resets() -> None:
    """Something that fails again sooner than the last pause has not recovered."""
    backoff = Backoff(1.0, 60.0)
    for _ in range(4):
        backoff.pause()
    backoff.lasted(7.9)
    assert backoff.pause() > 7.9
    backoff.lasted(16.1)
    assert backoff.pause() <= 1
