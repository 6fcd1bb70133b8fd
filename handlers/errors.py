"""The one place that turns an error into status, headers and body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from tornado.web import HTTPError

from notifier.errors import (
    ChangesGone,
    EncodedBody,
    HeadersTooLarge,
    InvalidFields,
    InvalidRequest,
    KeyConflict,
    NotifierError,
    PermissionDenied,
    RequestTooLarge,
    TooLate,
    TooManyRequests,
    TryLater,
    Unauthenticated,
    Unavailable,
    UnknownApiKey,
    UnknownChange,
    UnknownNotification,
    UnknownSession,
    UnknownUser,
    UnsupportedMediaType,
    UsernameTaken,
)


class ErrorBody(msgspec.Struct, frozen=True):
    """Any error but a validation error, which is ``{"field": ["problem"]}``."""

    detail: str
    code: str


class ErrorReply(msgspec.Struct, frozen=True):
    """What to answer."""

    status: int
    body: ErrorBody | Mapping[str, Any]
    headers: Mapping[str, str] = {}


_STATUS: Final[Mapping[type[NotifierError], int]] = {
    InvalidRequest: 400,
    Unauthenticated: 401,
    PermissionDenied: 403,
    UnknownUser: 404,
    UnknownApiKey: 404,
    UnknownSession: 404,
    UnknownNotification: 404,
    UnknownChange: 404,
    TooLate: 408,
    KeyConflict: 409,
    UsernameTaken: 409,
    ChangesGone: 410,
    RequestTooLarge: 413,
    UnsupportedMediaType: 415,
    TooManyRequests: 429,
    HeadersTooLarge: 431,
    Unavailable: 503,
}


def reply_for(error: BaseException | None, status: int) -> ErrorReply:
    """The answer to ``error``, or to a bare ``status`` where there is none."""
    if isinstance(error, InvalidFields):
        return ErrorReply(400, error.errors)
    if isinstance(error, NotifierError):
        status = next(found for kind, found in _STATUS.items() if isinstance(error, kind))
        return ErrorReply(status, ErrorBody(error.message, error.code), _headers(error))
    if isinstance(error, HTTPError):
        status = error.status_code
    phrase = HTTPStatus(status).phrase
    if status >= 500:
        return ErrorReply(status, ErrorBody("Something went wrong here.", "internal_error"))
    return ErrorReply(status, ErrorBody(f"{phrase}.", phrase.lower().replace(" ", "_")))


def _headers(error: NotifierError) -> Mapping[str, str]:
    if isinstance(error, TryLater):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="notifier"'}
    if isinstance(error, EncodedBody):
        return {"Accept-Encoding": "identity"}  # RFC 9110 §12.5.3
    return {}
