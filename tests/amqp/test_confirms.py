"""Which publishes the broker has confirmed."""

from amqp.confirms import Confirms


def test_by_number_and_up_to_a_number() -> None:
    """A confirm is about one publish or about all up to it, and about each only once."""
    confirms: Confirms[str] = Confirms()
    for item in "abcde":
        confirms.published(item)
    assert confirms.confirmed(3, False) == ["c"]
    assert confirms.confirmed(4, True) == ["a", "b", "d"]
    assert confirms.confirmed(4, True) == []
    assert confirms.unconfirmed() == ["e"]
    confirms.published("f")
    assert confirms.confirmed(6, True) == ["e", "f"]
    assert len(confirms) == 0
