"""Imported by Python at its start: the time of day goes by what a file says, while we run.

A library that is loaded before the C library would reach more, but the one there is
(libfaketime 0.9.10) makes Python's time.sleep fail. Notifier asks for the time in one place.
"""

import os
import time
from pathlib import Path

_offset = Path(os.environ["WRONG_CLOCK"])
_right = time.time_ns


def _wrong() -> int:
    return _right() + int(_offset.read_text() or 0) * 1_000_000_000


time.time_ns = _wrong
