"""Amounts as people write them: lengths of time, and how often."""

import argparse
import re
from collections.abc import Mapping
from typing import Final

_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
_DIGITS: Final = 12
"""More than any amount that is of use."""


def seconds(text: str) -> int:
    """The seconds of a length of time, such as 90d, 12h or 30m. Raises ArgumentTypeError."""
    found = re.fullmatch(rf"([0-9]{{1,{_DIGITS}}})([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError("expected a length of time, such as 90d, 12h or 30m")
    return int(found[1]) * _SECONDS[found[2]]


def per_second(text: str) -> int:
    """How many a second, such as 100/s. Raises ArgumentTypeError."""
    found = re.fullmatch(rf"([0-9]{{1,{_DIGITS}}})/s", text)
    if found is None:
        raise argparse.ArgumentTypeError("expected a whole number a second, such as 100/s")
    return int(found[1])
