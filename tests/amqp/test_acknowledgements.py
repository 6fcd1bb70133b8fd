"""What may be acknowledged, and how."""

from hypothesis import given
from hypothesis import strategies as st

from amqp.acknowledgements import Acknowledgements


def due(acknowledgements: Acknowledgements) -> list[tuple[int, bool]]:
    return list(acknowledgements.due())


def test_a_batch_without_gaps_takes_one_frame() -> None:
    """Consecutive deliveries are acknowledged together, in whatever order they are finished."""
    acknowledgements = Acknowledgements()
    for tag in (2, 1, 3):
        acknowledgements.add(tag)
    assert due(acknowledgements) == [(3, True)]
    assert due(acknowledgements) == []


def test_a_waiting_delivery_holds_up_nobody() -> None:
    """What is finished behind a delivery that still waits is acknowledged by itself."""
    acknowledgements = Acknowledgements()
    for tag in (1, 3, 4):
        acknowledgements.add(tag)
    assert due(acknowledgements) == [(1, True), (3, False), (4, False)]
    acknowledgements.add(2)
    assert due(acknowledgements) == [(2, True)]
    acknowledgements.add(5)
    assert due(acknowledgements) == [(5, True)]


@given(st.permutations(range(1, 13)), st.lists(st.booleans(), min_size=12, max_size=12))
def test_every_tag_once(order: list[int], flushes: list[bool]) -> None:
    """In any order, each tag is acknowledged exactly once and only after it was finished.

    The broker would close the channel for a tag it does not know or has seen before.
    """
    acknowledgements = Acknowledgements()
    outstanding = set(range(1, 13))
    finished: set[int] = set()
    for tag, flush in zip(order, [*flushes[:-1], True], strict=True):
        acknowledgements.add(tag)
        finished.add(tag)
        if not flush:
            continue
        for acked, multiple in acknowledgements.due():
            assert acked in outstanding
            covered = {each for each in outstanding if each <= acked} if multiple else {acked}
            assert covered <= finished
            outstanding -= covered
        assert not outstanding & finished
    assert not outstanding
