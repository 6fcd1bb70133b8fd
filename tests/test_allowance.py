"""How much of something one connection may do in a second."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.websocket.allowance import Allowance


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_comes_back_with_time() -> None:
    """What is spent comes back at the rate, and what is owed has to wait for it."""
    clock = Clock()
    allowance = Allowance(10, clock)
    allowance.left -= 15
    assert allowance.refill() == 0.5
    clock.now = 0.25
    assert allowance.refill() == 0.25
    clock.now = 0.5
    assert allowance.refill() == 0
    assert allowance.left == 0


def test_it_does_not_gather() -> None:
    """However long nothing is spent, no more than a second's worth is there."""
    clock = Clock()
    allowance = Allowance(10, clock)
    clock.now = 1000.0
    assert allowance.refill() == 0
    assert allowance.left == 10


def test_no_limit() -> None:
    """A rate of 0 lasts for ever, and still tells what was spent from what was not."""
    allowance = Allowance(0)
    before = allowance.left
    for _ in range(1000):
        allowance.left -= 1
    assert 0 < allowance.left < before


@given(st.lists(st.floats(0, 3), max_size=60))
def test_no_more_than_its_rate(pauses: list[float]) -> None:
    """Whoever spends only what is there never has more than the rate allows, and one second's
    worth at the beginning and after a quiet time."""
    clock = Clock()
    allowance = Allowance(5, clock)
    spent = 0
    for pause in pauses:
        clock.now += pause
        while True:
            allowance.left -= 1
            if allowance.left < 0 and allowance.refill():
                break
            spent += 1
        assert spent <= 5 * (2 + clock.now)
