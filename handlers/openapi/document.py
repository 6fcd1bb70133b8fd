"""The OpenAPI 3.1 document, from the same types that validate requests.

The methods of the handlers are described by their operations; the routes give the paths.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from apispec import APISpec

from handlers.errors import ErrorBody
from handlers.openapi.operation import Operation, operation_of
from notifier import batch_wire
from notifier.faults import Choice
from notifier.models import WhoseUsers
from notifier.wire import NAMED_BY, UserName

_VERSION: Final = "1"
"""Of the API, whose clients keep working. The program's own version is nobody's business."""

_REFERENCE: Final = "#/components/schemas/{name}"


def build(paths: Iterable[tuple[str, type]], users: WhoseUsers = "accounts") -> dict[str, Any]:
    """The document for ``paths``: path templates with the handler of each.

    Users are named in it as they are where they are those of ``users``.
    """
    named_by = NAMED_BY[users]
    spec = APISpec(
        title="Notifier",
        version=_VERSION,
        openapi_version="3.1.0",
        info={
            "description": "Notifications that are never lost: stored first, delivered live, "
            "kept until a device acknowledges them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
    )
    for name, scheme in _SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, dict(scheme))
    documented = [
        (path, method, found)
        for path, handler in paths
        for method in ("get", "post", "patch", "delete")
        if (found := operation_of(getattr(handler, method)))
    ]
    forms = {form for _, _, each in documented for form in (each.request, each.response) if form}
    forms |= {part for form in forms for part in getattr(form, "parts", ())}
    _, components = msgspec.json.schema_components(
        sorted(forms | {ErrorBody}, key=lambda form: form.__name__), ref_template=_REFERENCE
    )
    choices = {form.__name__: getattr(form, "choices", {}) for form in forms}
    for name, schema in components.items():
        spec.components.schema(name, _naming(schema, users) | choices.get(name, {}))
    spec.components.schema(_FIELD_ERRORS, dict(_FIELD_ERRORS_SCHEMA))
    for path, method, each in documented:
        spec.path(path, operations={method: _describe(each, named_by)})
    return spec.to_dict()


def _naming(schema: dict[str, Any], users: WhoseUsers) -> dict[str, Any]:
    """``schema``, with the fields that name a user here: exactly one of them."""
    properties = schema.get("properties", {})
    choices = (
        each[users]
        for each in (batch_wire.NAMED_BY, NAMED_BY)
        if properties.keys() >= set(each["both"].fields)
    )
    named_by = next(choices, None)
    if named_by is None:
        return schema
    named = schema | {
        "properties": {
            name: each for name, each in properties.items() if name not in named_by.refused
        }
    }
    if len(named_by.fields) == 1:
        return named | {"required": [*named_by.fields, *schema["required"]]}
    return named | {"oneOf": [{"required": [name]} for name in named_by.fields]}


def _naming_example(example: Any, named_by: Choice) -> Any:
    if isinstance(example, list):
        return [_naming_example(each, named_by) for each in example]
    if not isinstance(example, Mapping) or "user_id" not in named_by.refused:
        return example
    named = {"user": "ann"} if "user_id" in example else {}
    return named | {
        name: _naming_example(each, named_by) for name, each in example.items() if name != "user_id"
    }


_SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


_FIELD_ERRORS: Final = "FieldErrors"
_FIELD_ERRORS_SCHEMA: Final[Mapping[str, Any]] = {
    "title": _FIELD_ERRORS,
    "description": "What is wrong with the fields of a request, by field.",
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}

_BODY_ERRORS: Final[Mapping[int, str]] = {
    400: "The body is not valid.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is not application/json, or it has a Content-Encoding.",
}
"""What can be wrong with any request that has a body."""


_RETRY_AFTER: Final = (429, 503)
"""Statuses whose answers say when to try again."""
_RETRY_AFTER_HEADER: Final[Mapping[str, Any]] = {
    "description": "Seconds after which trying again makes sense.",
    "schema": {"type": "integer", "minimum": 1},
}


def _describe(each: Operation, named_by: Choice) -> dict[str, Any]:
    description: dict[str, Any] = {"summary": each.summary, "tags": [each.tag]}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "header", "schema": msgspec.json.schema(form)}
        for name, form in each.headers.items()
    ]
    parameters += _in_path(each.ids, {"type": "integer", "minimum": 1})
    parameters += _in_path(each.names, msgspec.json.schema(UserName))
    parameters += _query(each, named_by) if each.query else []
    if parameters:
        description["parameters"] = parameters
    if each.security:
        alternatives: list[dict[str, list[str]]] = [{name: []} for name in each.security]
        description["security"] = [*([{}] if each.optional_security else []), *alternatives]
    if each.request:
        content = _json(each.request)
        if each.example:
            content["application/json"]["example"] = _naming_example(each.example, named_by)
        description["requestBody"] = {"required": True, "content": content}
    success: dict[str, Any] = {"description": "Done."}
    if each.response:
        success["content"] = _json(each.response)
    responses = {str(each.success): success}
    errors = {**(_BODY_ERRORS if each.request else {}), **each.errors}
    for status, reason in sorted(errors.items()):
        content = _json(ErrorBody) if status != 400 else _content(_bad_request())
        responses[str(status)] = {"description": reason, "content": content}
        if status in _RETRY_AFTER:
            responses[str(status)]["headers"] = {"Retry-After": dict(_RETRY_AFTER_HEADER)}
    description["responses"] = responses
    return description


def _in_path(meanings: Mapping[str, str], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": meaning,
            "schema": dict(schema),
        }
        for name, meaning in meanings.items()
    ]


def _query(each: Operation, named_by: Choice) -> list[dict[str, Any]]:
    assert each.query is not None
    (_, components) = msgspec.json.schema_components([each.query])
    schema = components[each.query.__name__]
    names_somebody = "user_id" in schema["properties"] and not each.names_nobody
    required = [*schema["required"]]
    if names_somebody and len(named_by.fields) == 1:
        required += named_by.fields
    if "user_id" in schema["properties"]:
        schema["properties"]["user_id"] = {"type": "integer", "minimum": 0}
    return [
        {"name": name, "in": "query", "schema": described, "required": name in required}
        for name, described in schema["properties"].items()
        if "user_id" not in schema["properties"] or name not in named_by.refused
    ]


def _json(form: type) -> dict[str, Any]:
    return _content(_reference(form.__name__))


def _bad_request() -> dict[str, Any]:
    return {"oneOf": [_reference(ErrorBody.__name__), _reference(_FIELD_ERRORS)]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=name)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
