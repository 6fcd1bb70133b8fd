"""Logging: a constant message, data beside it as fields, secrets scrubbed in one place.

``logger.info("Connected", extra={"action": "connected", "user_id": 7})`` becomes one line
of text, or one JSON object.
"""

import json
import logging
import re
import sys
from typing import Any, Final, Literal

from notifier import clock

Format = Literal["text", "json"]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS: Final = re.compile(
    r"""(?ix)
    ( \b(?:token|access|refresh|identity|password|secret)["']?\s*[=:]\s*["']?
    | \bBearer\s+ | \bX-API-Key["']?\s*:\s*["']? | \w+://[^\s:/@]*: )
    ( [^\s"'&@,}]+ )
    """
)
_BARE_SECRETS: Final = re.compile(r"\bntf_[\w-]{20,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+")


def scrub(text: str) -> str:
    """``text`` without tokens, keys and passwords."""
    return _BARE_SECRETS.sub("***", _SECRETS.sub(r"\1***", text))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.250Z INFO    Connected action=connected user_id=7``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        moment = clock.isoformat(int(record.created * clock.SECOND))
        line = f"{moment} {record.levelname:<7} {record.getMessage()}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return scrub(line)


class JsonFormatter(logging.Formatter):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": clock.isoformat(int(record.created * clock.SECOND)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        for name, value in _fields(record).items():
            plain = isinstance(value, int | float | None)
            entry[name] = value if plain else scrub(str(value))
        if record.exc_info:
            entry["exception"] = scrub(self.formatException(record.exc_info))
        return json.dumps(entry)


def configure(level: str, log_format: Format) -> None:
    """Log to standard error, everything from ``level`` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # One line per request comes from our own access log, without query strings.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    for noisy in ("pika", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
