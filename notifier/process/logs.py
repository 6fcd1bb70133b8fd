"""Logging: a constant message, data beside it as fields, secrets scrubbed in one place.

``logger.info("Connected", extra={"action": "connected", "user_id": 7})`` becomes one line
of text, or one JSON object.
"""

import json
import logging
import math
import re
import sys
from collections import Counter
from typing import Any, Final, Literal

from notifier import clock
from notifier.buckets import Buckets

Format = Literal["text", "json"]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Names begin where a word does, and everything is bounded, so that long words cost little.
_SENSITIVE: Final = (
    r"(?<![\w-])(?:[\w-]{0,40}?(?:token|passwo?r?d|secret|api[_-]?key|authorization|cookie)"
    r"[\w-]{0,40}|access|refresh|identity)"
)
_SECRETS: Final = re.compile(
    rf"""(?ix)
    ( {_SENSITIVE}\\*["']?\s*[=:]\s*\\*(?:(?:Basic|Bearer)\s+)? | \bBearer\s+ )
    ( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | ["']?[^\s"'&,;}}]+ )
    """
)
_SECRET_FIELD: Final = re.compile(_SENSITIVE, re.IGNORECASE)
_URL_PASSWORDS: Final = re.compile(r"(://[^\s:/@]{0,200}:)\S{0,200}@")
_BARE_SECRETS: Final = re.compile(
    r"\bntf_[\w-]{20,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\b\d{1,19}\.\d{1,16}\.[\w-]{43}(?![\w-])"
)
"""API keys, tokens, and cookies of sessions."""


_LONGEST: Final = 1000
"""Characters of a message or a field. What is longer came from outside, as a path does."""
_LONGEST_TRACE: Final = 20_000

_FROM_STRANGERS: Final = ("notifier.access", "tornado.general")
"""Who logs a line for each thing that a stranger gets wrong."""
_BURST: Final = 10
"""Seconds for which their lines may be saved up."""


def _short(text: str, longest: int = _LONGEST) -> str:
    """``text``, or its beginning and its end."""
    more = len(text) - longest
    if more <= 0:
        return text
    half = longest // 2
    return f"{text[:half]} … {more} characters … {text[-half:]}"


def scrub(text: str) -> str:
    """``text`` without tokens, keys and passwords."""
    text = _URL_PASSWORDS.sub(r"\1***@", text)
    return _BARE_SECRETS.sub("***", _SECRETS.sub(r"\1***", text))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """The data beside the message, already without secrets."""
    return {
        name: "***" if _SECRET_FIELD.fullmatch(name) else _plain(value)
        for name, value in vars(record).items()
        if name not in _STANDARD
    }


def _plain(value: Any) -> str | int | float | None:
    finite = isinstance(value, float) and math.isfinite(value)
    return value if value is None or finite or isinstance(value, int) else _short(scrub(str(value)))


def _one_line(text: str) -> str:
    """``text`` where nothing from outside can begin a line of its own."""
    return text if text.isprintable() else repr(text)[1:-1]


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.250Z INFO    Connected action=connected user_id=7``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(
            f" {name}={_one_line(str(value))}" for name, value in _fields(record).items()
        )
        moment = clock.isoformat(int(record.created * clock.SECOND))
        message = _one_line(_short(scrub(record.getMessage())))
        line = f"{moment} {record.levelname:<7} {message}{fields}"
        if record.exc_info:
            line += "\n" + _short(scrub(self.formatException(record.exc_info)), _LONGEST_TRACE)
        return line


class JsonFormatter(logging.Formatter):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": clock.isoformat(int(record.created * clock.SECOND)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _short(scrub(record.getMessage())),
        }
        entry = {**entry, **_fields(record), **entry}
        if record.exc_info:
            trace = scrub(self.formatException(record.exc_info))
            entry["exception"] = _short(trace, _LONGEST_TRACE)
        return json.dumps(entry)


class Sparse(logging.Filter):
    """Lets so many lines of a kind pass in a second; the next one says how many were left out.

    A kind is a logger, and a status where there is one, so that a flood hides only its like.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._buckets = Buckets(rate, _BURST * rate)
        self._left_out: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is written. What is below INFO was asked for, all of it."""
        if record.levelno < logging.INFO:
            return True
        kind = record.name, getattr(record, "status", 0)
        if self._buckets.take(kind):
            self._left_out[kind] += 1
            return False
        if left_out := self._left_out.pop(kind, 0):
            record.left_out = left_out
        return True


def configure(level: str, log_format: Format, rate: float) -> None:
    """Log to standard error, everything from ``level`` up.

    What strangers cause gets at most ``rate`` lines a second of each kind; 0 is no limit.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # One line per request comes from our own access log, without query strings.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    for name in _FROM_STRANGERS:
        logging.getLogger(name).addFilter(Sparse(rate))
    for noisy in ("httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
