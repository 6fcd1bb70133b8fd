"""What JSON that is passed on unparsed must keep to, so that every receiver can parse it.

Invalid UTF-8, endless nesting and endless numbers pass a decoder that leaves payloads
alone, and then break the parsers of receivers: one such notification would end every
connection of its user. They are refused here. All checks take linear time; nearly all
bodies need only the quick ones.
"""

import re
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
        bare = _without_strings(body)
        if _is_deep(bare.translate(_ROUND, _NOT_BRACKETS)):
            raise MalformedJSON(f"Nested more than {MAX_DEPTH} levels deep.")
        if _LONG_NUMBER in bare.translate(_DIGITS):
            raise MalformedJSON(f"A number has more than {MAX_DIGITS} digits in a row.")


def _without_strings(body: bytes) -> bytes:
    """``body`` without what is in strings, where brackets and digits are only text."""
    # Without escapes each quote begins or ends a string.
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b'"'.join(body.split(b'"')[::2])


def _may_be_deep(body: bytes) -> bool:
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH


_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ROUND: Final = bytes.maketrans(b"[]{}", b"()()")


def _is_deep(brackets: bytes) -> bool:
    left = MAX_DEPTH
    shorter = brackets.replace(b"()", b"")
    # Takes away the innermost level, as long as an eighth goes with it.
    while (len(brackets) - len(shorter)) * 8 > len(brackets):
        brackets, left = shorter, left - 1
        shorter = brackets.replace(b"()", b"")
    # What remains are few hills, ``((()))``, each of which is taken at once.
    depth = 0
    for hill in _HILL.finditer(brackets):
        depth += hill.end(1) - hill.start(1)
        if depth > left:
            return True
        depth -= hill.end(2) - hill.start(2)
    return False


_HILL: Final = re.compile(rb"(\(*+)(\)*+)")


_DIGITS: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER: Final = b"0" * (MAX_DIGITS + 1)
_STRIDE: Final = 50
_LONG_SAMPLE: Final = b"0" * (len(_LONG_NUMBER) // _STRIDE)


def _may_have_long_number(body: bytes) -> bool:
    # Of too many digits in a row, every 50th byte is a digit at least 20 times in a row.
    return len(body) > MAX_DIGITS and _LONG_SAMPLE in body[::_STRIDE].translate(_DIGITS)
