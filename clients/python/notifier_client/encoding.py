"""A message as the JSON body of a request."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn
from uuid import UUID

from notifier_client.errors import NotValid
from notifier_client.message import Message, RawJSON


def encode(message: Message, key: str) -> bytes:
    """The body that sends ``message`` under ``key``. Raises NotValid for what cannot be JSON."""
    try:
        payload = message.payload
        value = _checked(payload.content) if isinstance(payload, RawJSON) else _dump(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotValid(f"The payload cannot be JSON: {error}.", key=key) from None
    rest = {
        "user_id": message.user_id,
        "user": message.user,
        "key": key,
        "ttl": message.ttl,
        "category": message.category,
        "priority": message.priority,
        "collapse_key": message.collapse_key,
    }
    try:
        return b'{"payload":%b,%b' % (value, given(rest)[1:])
    except (TypeError, ValueError) as error:
        names = "user_id, user, key, ttl, category, priority or collapse_key"
        raise NotValid(f"{names} cannot be JSON: {error}.", key=key) from None


def given(fields: Mapping[str, Any]) -> bytes:
    """Those of ``fields`` that are not None. Raises TypeError or ValueError."""
    return _dump({name: each for name, each in fields.items() if each is not None})


def _dump(value: Any) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    )
    return text.encode()


def _plain(value: object) -> Any:
    """What stands for ``value`` in JSON. Raises TypeError where nothing does."""
    match value:
        case Enum():
            return value.value
        case UUID() | Decimal():
            return str(value)
        case date() | time():
            text = value.isoformat()
            return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
        case set() | frozenset():
            return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"nothing in JSON stands for {type(value).__name__}")


def _checked(content: bytes | str) -> bytes:
    """``content``, which must be one JSON value: it cannot bring fields of its own."""
    try:
        text = content if isinstance(content, str) else str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start}") from None
    json.loads(text, parse_constant=_refuse)
    return text.encode()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it has no {constant}")
