"""Where a list of names goes on, as a text that clients give back."""

import re
from typing import Final

from notifier.errors import InvalidField
from notifier.storage.operations.names import Place

CURSOR: Final = re.compile(r"^[0-9]{1,18}\.")
"""How one begins."""


def cursor_of(place: Place | None) -> str | None:
    """The cursor that stands for ``place``."""
    return f"{place.id}.{place.lower_name}" if place else None


def place_at(cursor: str | None) -> Place | None:
    """The place that ``cursor`` stands for; None is the beginning. Raises InvalidField."""
    if cursor is None:
        return None
    if not CURSOR.match(cursor):
        raise InvalidField("after", "Expected what was given as `next`.")
    last_id, _, lower_name = cursor.partition(".")
    return Place(lower_name, int(last_id))
