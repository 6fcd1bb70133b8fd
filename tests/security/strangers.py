"""What the OpenAPI document cannot say, told to schemathesis, which loads this as its hooks."""

import re
from typing import Any

import httpx
import schemathesis

_STRANGER = 2


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    """Integers have no fraction, not even .0; a key is the same in the body and the header.

    Nobody revokes themselves, and whoever ends their own sessions has nothing more to try: it
    happens to somebody else who is there, so that "unknown" is never the answer.
    """
    whose = str((case.path_parameters or {}).get("user_id", ""))
    if "/admin/users/" in case.path and whose.lstrip("0") == "1":
        case.path_parameters["user_id"] = _somebody_else(case)
    query = case.query or {}
    if {"user", "user_id"} <= query.keys():
        query.pop("user")  # there is one of the two
    if case.method == "DELETE" and "key" in query and not {"user", "user_id"} & query.keys():
        query["user_id"] = str(_STRANGER)
    if "/inbox/changes/" in case.path and "after" in query:
        query["after"] = 0 if str(query["after"]).isdecimal() else query["after"]
    if not isinstance(case.body, dict):
        return
    for name, value in case.body.items():
        if isinstance(value, float) and value.is_integer():
            case.body[name] = int(value)
    if "/inbox/" in case.path and not case.path.endswith("/undo/"):
        _mark_what_there_is(case.body)
    if case.path.endswith("/revoke/") and str(case.body.get("user_id")).lstrip("0") == "1":
        case.body["user_id"] = _somebody_else(case)
    key = case.body.get("key")
    if case.headers and key is not None and case.headers.get("Idempotency-Key") != key:
        case.headers.pop("Idempotency-Key", None)


def _mark_what_there_is(body: dict[str, Any]) -> None:
    """Some keys, or all up to a place that there is; until a moment that will come."""
    if "up_to" in body and "keys" in body:
        body.pop("keys")
    elif not body.keys() & {"up_to", "keys"}:
        body["up_to"] = 0
    if isinstance(body.get("up_to"), int):
        body["up_to"] = min(body["up_to"], 0)
    else:
        body.pop("category", None)
    if isinstance(body.get("until"), str):
        body["until"] = None


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
