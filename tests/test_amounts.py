"""Amounts as people write them on the command line."""

import argparse

import pytest

from notifier.process.commands.amounts import per_second, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("0s", 0), ("007d", 604_800)],
)
def test_lengths_of_time(text: str, expected: int) -> None:
    """A whole number of days, hours, minutes or seconds."""
    assert seconds(text) == expected


def test_how_often() -> None:
    """A whole number a second."""
    assert [per_second(text) for text in ("100/s", "0/s", "1000000/s")] == [100, 0, 1_000_000]


@pytest.mark.parametrize(
    "text",
    [
        *("", "d", "90", "soon", "1w", "1.5d", "-1d", "+1d", " 1d", "1d ", "1d\n", "1 d", "1D"),
        *("1d12h", "\u00b2d", "\u0661d", "1_0d", "9" * 13 + "d", "9" * 5000 + "d", "\udcffd"),
    ],
)
def test_no_length_of_time(text: str) -> None:
    """Anything else is refused with an example, however long it is."""
    with pytest.raises(argparse.ArgumentTypeError, match="such as 90d, 12h or 30m"):
        seconds(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "100", "/s", "100/m", "1.5/s", "-1/s", "100 /s", "100/s\n", "100/S", "\u00b2/s"),
        *("9" * 13 + "/s", "9" * 5000 + "/s"),
    ],
)
def test_no_rate(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(argparse.ArgumentTypeError, match="such as 100/s"):
        per_second(text)
