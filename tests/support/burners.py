"""Work that keeps every core busy, so that what depends on speed shows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SECONDS = 120
"""They end by themselves, whatever becomes of the tests."""

_BURN = f"import time\nend = time.monotonic() + {_SECONDS}\nwhile time.monotonic() < end: pass"


@contextmanager
def busy_cores() -> Iterator[None]:
    """One process for each core, which does nothing else than to use it."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
