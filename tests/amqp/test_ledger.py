"""What may be acknowledged, and how."""

from hypothesis import given
from hypothesis import strategies as st

from amqp.ledger import Ledger


def due(ledger: Ledger) -> list[tuple[int, bool]]:
    return list(ledger.due())


def test_a_batch_without_gaps_takes_one_frame() -> None:
    """Consecutive deliveries are acknowledged together, whatever order they settle in."""
    ledger = Ledger()
    for tag in (2, 1, 3):
        ledger.settle(tag)
    assert due(ledger) == [(3, True)]
    assert due(ledger) == []


def test_a_waiting_delivery_holds_up_nobody() -> None:
    """What is settled behind a delivery that still waits is acknowledged by itself."""
    ledger = Ledger()
    for tag in (1, 3, 4):
        ledger.settle(tag)
    assert due(ledger) == [(1, True), (3, False), (4, False)]
    ledger.settle(2)
    assert due(ledger) == [(2, True)]
    ledger.settle(5)
    assert due(ledger) == [(5, True)]


@given(st.permutations(range(1, 13)), st.lists(st.booleans(), min_size=12, max_size=12))
def test_every_tag_once(order: list[int], flushes: list[bool]) -> None:
    """In any order, each tag is acknowledged exactly once and only after it was settled.

    The broker would close the channel for a tag it does not know or has seen before.
    """
    ledger = Ledger()
    outstanding = set(range(1, 13))
    settled: set[int] = set()
    for tag, flush in zip(order, [*flushes[:-1], True], strict=True):
        ledger.settle(tag)
        settled.add(tag)
        if not flush:
            continue
        for acked, multiple in ledger.due():
            assert acked in outstanding
            covered = {each for each in outstanding if each <= acked} if multiple else {acked}
            assert covered <= settled
            outstanding -= covered
        assert not outstanding & settled
    assert not outstanding
