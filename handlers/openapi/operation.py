"""What the OpenAPI document says of one method of a handler."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE: Final = "openapi_operation"


class Operation(msgspec.Struct, frozen=True):
    """What the document says of one method of one path."""

    summary: str
    tag: str
    request: type | None = None
    response: type | None = None
    success: int = 200
    errors: Mapping[int, str] = {}
    """Statuses with the reason for each."""
    security: tuple[str, ...] = ()
    """Names of the security schemes of which any one will do."""
    optional_security: bool = False
    headers: Mapping[str, Any] = {}
    """Request headers with the type of each, whose description is its meaning."""
    ids: Mapping[str, str] = {}
    """The ids in the path with their meaning."""
    names: Mapping[str, str] = {}
    """The names of recipients in the path with their meaning."""
    query: type | None = None
    """A form whose fields are the parameters of the address."""
    names_nobody: bool = False
    """Whether the parameters may leave out whom it is about."""
    example: Mapping[str, Any] | None = None
    """A body that works on a fresh start, for people who try it out."""


def operation(documented: Operation) -> Callable[[Method], Method]:
    """Mark a handler's method as part of the API."""

    def mark(method: Method) -> Method:
        setattr(method, _ATTRIBUTE, documented)
        return method

    return mark


def operation_of(method: Callable[..., Any]) -> Operation | None:
    """What was said of a handler's method."""
    return getattr(method, _ATTRIBUTE, None)
