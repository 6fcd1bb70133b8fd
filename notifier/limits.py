"""What JSON that is passed on unparsed must keep to, so that every receiver can parse it.

Invalid UTF-8, endless nesting and endless numbers pass a decoder that leaves payloads
alone, and then break the parsers of receivers: one such notification would end every
connection of its user. They are refused here. All checks take linear time; nearly all
bodies need only the quick ones.
"""

import re
from itertools import accumulate
from typing import Final

from notifier.errors import MalformedJSON

MAX_DEPTH: Final = 100
"""How deep arrays and objects may nest: far below what JSON parsers in use accept."""

MAX_DIGITS: Final = 1000
"""How many digits in a row a number may have: Python's parser refuses more than 4,300."""


def check_text(body: bytes) -> None:
    """Raises MalformedJSON for what a receiver's parser could choke on."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise MalformedJSON(f"Not valid UTF-8 at byte {error.start}.") from None
    if len(body) <= MAX_DEPTH:
        return  # too short for either
    if _may_be_deep(body) or _may_have_long_number(body):
        # In strings, brackets and digits are only text.
        bare = _STRING.sub(b'""', body)
        if _depth(bare) > MAX_DEPTH:
            raise MalformedJSON(f"Nested more than {MAX_DEPTH} levels deep.")
        if _LONG_NUMBER in bare.translate(_DIGITS):
            raise MalformedJSON(f"A number has more than {MAX_DIGITS} digits in a row.")


# Possessive, so that a string of any length needs no memory for ways back.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def _may_be_deep(body: bytes) -> bool:
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH


_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


def _depth(bare: bytes) -> int:
    steps = bare.translate(_STEPS, _NOT_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


_DIGITS: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER: Final = b"0" * (MAX_DIGITS + 1)
_STRIDE: Final = 50
_LONG_SAMPLE: Final = b"0" * (len(_LONG_NUMBER) // _STRIDE)


def _may_have_long_number(body: bytes) -> bool:
    # Of too many digits in a row, every 50th byte is a digit at least 20 times in a row.
    return len(body) > MAX_DIGITS and _LONG_SAMPLE in body[::_STRIDE].translate(_DIGITS)
