"""Parts of a JSON text as they were written.

``json`` says what a text means, and forgets how a number, an escape or the order of keys stood
in it. The texts here are known to be valid JSON.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_SPACE: Final = " \t\n\r"
_BETWEEN: Final = re.compile(rf"[{_SPACE}]*[,:]?[{_SPACE}]*")
_read: Final = json.JSONDecoder().raw_decode


def members(text: str) -> dict[str, str]:
    """The text of each member of an object."""
    parts = list(_parts(text))
    return {name: raw for (name, _), (_, raw) in zip(parts[::2], parts[1::2], strict=True)}


def elements(text: str) -> list[str]:
    """The text of each element of an array."""
    return [raw for _, raw in _parts(text)]


def _parts(text: str) -> Iterator[tuple[Any, str]]:
    """What stands within the outermost brackets, one value after the other, with its text."""
    start = _behind(text, _behind(text, 0) + 1)
    while text[start] not in "]}":
        value, end = _read(text, start)
        yield value, text[start:end]
        start = _behind(text, end)


def _behind(text: str, place: int) -> int:
    """Where the next value begins, or the end of all."""
    found = _BETWEEN.match(text, place)
    assert found is not None, "it matches nothing, too"
    return found.end()
