"""How commands print."""

from collections.abc import Sequence


def yes(value: bool) -> str:
    """``value`` as a word."""
    return "yes" if value else "no"


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print ``rows`` in columns under ``head``."""
    table = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
