"""What the OpenAPI document cannot say, told to schemathesis, which loads this as its hooks."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import schemathesis

from notifier.inbox_wire import MOMENT

_STRANGER = 2

_OF_SOMEBODY = (("DELETE", "/api/notifications/"), ("GET", "/api/notifications/receipt/"))


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    """Integers have no fraction, not even .0; a key is the same in the body and the header.

    Of two parameters that name somebody one is left; where none is and nobody's own is meant, one
    comes. What an inbox takes depends on what is in it and on the time of day.

    Nobody revokes themselves, and whoever ends their own sessions has nothing more to try: it
    happens to somebody else who is there, so that "unknown" is never the answer.
    """
    whose = str((case.path_parameters or {}).get("user_id", ""))
    if "/admin/users/" in case.path and whose.lstrip("0") == "1":
        case.path_parameters["user_id"] = _somebody_else(case)
    query = case.query or {}
    names = query.keys() & {"user_id", "user"}
    if len(names) > 1:
        query.pop("user")
    elif not names and (case.method, case.path) in _OF_SOMEBODY:
        case.query = {**query, "user_id": 1}
    if not isinstance(case.body, dict):
        return
    case.body = _with_integers(case.body)
    if case.path.endswith("/revoke/") and str(case.body.get("user_id")).lstrip("0") == "1":
        case.body["user_id"] = _somebody_else(case)
    if "/inbox/" in case.path:
        _within_the_log(case.body)
    key = case.body.get("key")
    if case.headers and key is not None and case.headers.get("Idempotency-Key") != key:
        case.headers.pop("Idempotency-Key", None)


def _with_integers(value: Any) -> Any:
    """``value`` without what is an integer for a schema, and for us a number with a fraction."""
    if isinstance(value, dict):
        return {name: _with_integers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _within_the_log(body: dict[str, Any]) -> None:
    """No place behind the last, and no moment but one of the next year."""
    up_to = body.get("up_to")
    if isinstance(up_to, int) and 0 < up_to < 2**63:
        body["up_to"] = 0
    if re.fullmatch(MOMENT, str(body.get("until"))):
        body["until"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def _somebody_else(case: schemathesis.Case) -> int:
    """The id of a user, if the case comes with a token that may see them."""
    authorization = (case.headers or {}).get("Authorization", "")
    if not re.fullmatch(r"Bearer [\w-]+\.[\w-]+\.[\w-]+", authorization, re.ASCII):
        return _STRANGER
    users = f"{case.operation.base_url}api/admin/users/?limit=2"
    answer = httpx.get(users, headers={"Authorization": authorization})
    if answer.status_code != httpx.codes.OK:
        return _STRANGER
    return next((user["id"] for user in answer.json()["users"] if user["id"] != 1), _STRANGER)
