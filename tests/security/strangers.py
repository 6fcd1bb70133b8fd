"""What the OpenAPI document cannot say, told to schemathesis, which loads this as its hooks."""

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    """Integers have no fraction, not even .0; a key is the same in the body and the header.

    Nobody revokes themselves, and whoever ends their own sessions has nothing more to try: it
    happens to somebody else.
    """
    whose = str((case.path_parameters or {}).get("user_id", ""))
    if "/admin/users/" in case.path and whose.lstrip("0") == "1":
        case.path_parameters["user_id"] = 2
    if not isinstance(case.body, dict):
        return
    for name, value in case.body.items():
        if isinstance(value, float) and value.is_integer():
            case.body[name] = int(value)
    if case.path.endswith("/revoke/") and str(case.body.get("user_id")).lstrip("0") == "1":
        case.body["user_id"] = 2
    key = case.body.get("key")
    if case.headers and key is not None and case.headers.get("Idempotency-Key") != key:
        case.headers.pop("Idempotency-Key", None)
