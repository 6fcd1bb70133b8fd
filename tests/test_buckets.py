"""How often something may happen, for each of many who ask."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.buckets import Buckets


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_a_burst_passes_and_then_the_rate_holds():
    """A full bucket gives its burst at once, then as much as it gains."""
    clock = Clock()
    buckets = Buckets(rate=2, burst=3, now=clock)
    assert [buckets.take("ann") for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.time += 0.5
    assert [buckets.take("ann") for _ in range(2)] == [0, 0.5]


def test_each_key_has_its_own():
    """What one uses up is not missing for another."""
    buckets = Buckets(rate=1, burst=1, now=Clock())
    assert buckets.take("ann") == 0
    assert buckets.take("ann") > 0
    assert buckets.take("bob") == 0


def test_as_many_as_there_are():
    """Of many at once as many pass as one by one would, and those are gone."""
    clock = Clock()
    buckets = Buckets(rate=1, burst=2, now=clock)
    assert buckets.take("ann", 1 / 5) == 0
    assert buckets.take_most("ann", 4, 1 / 5) == 4
    assert buckets.take_most("ann", 100, 1 / 5) == 5
    assert buckets.take_most("ann", 100, 1 / 5) == 0
    assert buckets.take("ann", 1 / 5) > 0
    clock.time += 1
    assert buckets.take_most("ann", 100, 1 / 5) == 5
    assert Buckets(rate=0, burst=0).take_most("ann", 100) == 100


def test_asking_takes_nothing():
    """To ask how long to wait changes nothing."""
    buckets = Buckets(rate=1, burst=1, now=Clock())
    assert [buckets.wait("ann") for _ in range(3)] == [0, 0, 0]
    buckets.take("ann")
    assert buckets.wait("ann") == 1


def test_no_rate_is_no_limit():
    """A rate of zero lets everything pass, and keeps nothing."""
    buckets = Buckets(rate=0, burst=0, now=Clock())
    assert not any(buckets.take("ann") for _ in range(100))
    assert len(buckets) == 0


def test_what_is_given_back_can_be_taken_again():
    """What did not count after all is there again; a bucket never holds more than its burst."""
    clock = Clock()
    buckets = Buckets(rate=1, burst=2, now=clock)
    assert [buckets.take("ann") for _ in range(3)] == [0, 0, 1]
    buckets.give_back("ann")
    assert [buckets.take("ann") for _ in range(2)] == [0, 1]
    clock.time += 2
    for _ in range(5):
        buckets.give_back("ann")
    buckets.give_back("bob")
    assert len(buckets) == 0
    assert [buckets.take("ann") for _ in range(3)] == [0, 0, 1]


def test_memory_is_bounded():
    """However many ask, those are forgotten that are full, then those that asked long ago."""
    clock = Clock()
    buckets = Buckets(rate=1, burst=5, most_keys=10, now=clock)
    for number in range(10):
        buckets.take(number)
    clock.time += 1
    buckets.take("new")
    assert len(buckets) == 1
    for number in range(100):
        buckets.take(number, 2)
    assert len(buckets) == 10
    assert buckets.wait(99, 4) > 0
    assert buckets.wait(0, 5) == 0


@given(
    st.floats(0.1, 100),
    st.integers(1, 20),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 3)), max_size=60),
)
def test_never_more_than_burst_and_rate(rate, burst, asked):
    """Over any time passes at most the burst and what the rate allows."""
    clock = Clock()
    buckets = Buckets(rate, burst, now=clock)
    passed, began = 0, clock.time
    for pause, tokens in asked:
        clock.time += pause
        if buckets.take("ann", tokens) == 0:
            passed += tokens
        assert passed <= burst + rate * (clock.time - began) + 1e-6
