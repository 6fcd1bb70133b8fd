"""Signals that end the program at once: nothing that it keeps is harmed, ever.

This holds until a server runs, for whatever takes long meanwhile: imports, a database that
does not answer, a hash. A traceback would help nobody. The program imports this first, so
that it imports next to nothing itself, not even typing.
"""

import os
import signal
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)


def end_at_once() -> None:
    """Let Ctrl-C and SIGTERM end the program without a word, with 128 + the signal's number."""
    for number in ENDING:
        # A shell starts background jobs with Ctrl-C ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
