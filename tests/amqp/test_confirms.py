"""Which publishes the broker has answered."""

from amqp.confirms import Confirms


def test_answers_by_number_and_up_to_a_number() -> None:
    """An answer is about one publish or about all up to it, and about each only once."""
    confirms: Confirms[str] = Confirms()
    for item in "abcde":
        confirms.published(item)
    assert confirms.answered(3, False) == ["c"]
    assert confirms.answered(4, True) == ["a", "b", "d"]
    assert confirms.answered(4, True) == []
    assert confirms.unanswered() == ["e"]
    confirms.published("f")
    assert confirms.answered(6, True) == ["e", "f"]
    assert len(confirms) == 0
