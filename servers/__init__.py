"""The real servers that tests, benchmarks and ``make cluster`` start, and Notifier itself."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""The checkout."""
