"""What can go wrong, as the domain sees it.

::

    NotifierError
    ├── InvalidRequest            400  the request can never succeed as it is
    │   ├── MalformedJSON
    │   ├── InvalidFields
    │   │   └── InvalidField
    │   └── NotStorable
    ├── Unauthenticated           401
    │   ├── NoActiveAccount
    │   ├── TokenNotValid
    │   └── ApiKeyNotValid
    │       └── ApiKeyExpired
    ├── PermissionDenied          403
    │   ├── WrongPassword
    │   ├── ScopeMissing
    │   ├── UserNotAllowed
    │   └── NoAccounts
    ├── UnknownUser               404
    ├── UnknownSession            404
    ├── UnknownApiKey             404
    ├── UnknownNotification       404
    ├── UnknownChange             404
    ├── ChangesGone               410
    ├── TooLate                   408
    │   ├── HeadersTooLate
    │   └── BodyTooLate
    ├── KeyConflict               409
    ├── UsernameTaken             409
    ├── UnsupportedMediaType      415
    │   └── EncodedBody
    ├── RequestTooLarge           413
    ├── HeadersTooLarge           431
    ├── TryLater                       nothing was promised; the same may succeed later
    │   ├── TooManyRequests       429  whoever asks has used up what they may
    │   │   ├── TooManySignIns
    │   │   ├── TooManyConnections
    │   │   ├── TooManyBodies
    │   │   ├── TooManySockets
    │   │   ├── TooManySends
    │   │   ├── TooManyChanges
    │   │   └── InboxFull
    │   └── Unavailable           503  whoever asks, the service cannot
    │       ├── BodiesFull
    │       ├── NotCommitted           and certainly nothing happened
    │       └── DiskLow
    ├── CopyRefused                    an installation was not copied
    └── CannotStart                    start-up is refused, with the reason
        ├── InvalidSettings
        ├── StoreInUse
        └── SchemaTooNew

An exception's docstring is its default message; ``code`` is stable, for machines. The
HTTP status beside each is given by :mod:`handlers.errors`, the only place that knows it.
"""

import math
from collections.abc import Mapping, Sequence


class NotifierError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.default_message())

    @classmethod
    def default_message(cls) -> str:
        """The class docstring, which is written to be read by a person."""
        return (cls.__doc__ or "").strip()

    @property
    def message(self) -> str:
        """What to tell the person or program that asked."""
        return str(self.args[0])


class InvalidRequest(NotifierError):
    """The request is not valid."""

    code = "invalid"


class MalformedJSON(InvalidRequest):
    """The body is not valid JSON."""

    code = "malformed_json"


class InvalidFields(InvalidRequest):
    """Fields are not valid."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self._problems = dict(problems)

    @property
    def errors(self) -> Mapping[str, Sequence[str]]:
        """The problems by field, the shape of a validation error on the wire."""
        return {field: [problem] for field, problem in self._problems.items()}


class InvalidField(InvalidFields):
    """A field is not valid."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__({field: problem})
        self.problem = problem


class UsernameTaken(NotifierError):
    """A user of this name exists already."""

    code = "username_taken"


class NotStorable(InvalidRequest):
    """The store refused this."""

    code = "not_storable"


class Unauthenticated(NotifierError):
    """Authentication credentials were not provided."""

    code = "not_authenticated"


class NoActiveAccount(Unauthenticated):
    """No active account was found with the given credentials."""

    code = "no_active_account"


class TokenNotValid(Unauthenticated):
    """The token is invalid or expired."""

    code = "token_not_valid"


class ApiKeyNotValid(Unauthenticated):
    """The API key is unknown or revoked."""

    code = "api_key_not_valid"


class ApiKeyExpired(ApiKeyNotValid):
    """The API key has expired."""

    code = "api_key_expired"


class PermissionDenied(NotifierError):
    """You do not have permission to do this."""

    code = "permission_denied"


class WrongPassword(PermissionDenied):
    """This is not your present password."""

    code = "wrong_password"


class ScopeMissing(PermissionDenied):
    """The API key was not made for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key does not have the scope {scope!r}.")


class UserNotAllowed(PermissionDenied):
    """The API key is for other users."""

    code = "user_not_allowed"

    def __init__(self, prefix: str) -> None:
        super().__init__(
            f"This API key is only for a `user` whose name begins with {prefix!r}, and for no "
            "`user_id`."
        )


class NoAccounts(PermissionDenied):
    """Nobody signs in here: this server's users are those of an application."""

    code = "no_accounts"


class UnknownUser(NotifierError):
    """There is no active user with this id."""

    code = "unknown_user"


class UnknownSession(NotifierError):
    """You have no session with this id."""

    code = "unknown_session"


class UnknownNotification(NotifierError):
    """This user has no notification with this key."""

    code = "not_found"


class UnknownChange(NotifierError):
    """There is no such change that could still be undone."""

    code = "unknown_change"


class ChangesGone(NotifierError):
    """That is too long ago to say what has changed since: load the inbox anew."""

    code = "changes_gone"


class UnknownApiKey(NotifierError):
    """There is no active API key with this id."""

    code = "unknown_api_key"


class TooLate(NotifierError):
    """The request did not come in time."""

    code = "request_timeout"


class HeadersTooLate(TooLate):
    """The headers of the request did not come in time."""

    code = "headers_too_late"


class BodyTooLate(TooLate):
    """The body of the request came too slowly."""

    code = "body_too_late"


class KeyConflict(NotifierError):
    """This key was used before with another payload."""

    code = "key_conflict"


class UnsupportedMediaType(NotifierError):
    """Send the body as application/json."""

    code = "unsupported_media_type"


class EncodedBody(UnsupportedMediaType):
    """Send the body without Content-Encoding."""

    code = "encoded_body"


class RequestTooLarge(NotifierError):
    """The body is too large."""

    code = "request_too_large"


class HeadersTooLarge(NotifierError):
    """The headers of the request are too large."""

    code = "headers_too_large"


class TryLater(NotifierError):
    """Nothing was done; try again later."""

    code = "try_later"

    def __init__(self, message: str | None = None, *, retry_after: float = 1) -> None:
        super().__init__(message)
        self.retry_after = math.ceil(retry_after)
        """Whole seconds after which trying again makes sense."""


class TooManyRequests(TryLater):
    """Too many requests; try again later."""

    code = "too_many_requests"


class TooManySignIns(TooManyRequests):
    """Too many sign-ins; try again later."""

    code = "too_many_sign_ins"


class TooManyConnections(TooManyRequests):
    """Too many connections from this address; close some, or try again later."""

    code = "too_many_connections"


class TooManyBodies(TooManyRequests):
    """Too many large bodies are under way from this address; try again later."""

    code = "too_many_bodies"


class TooManySockets(TooManyRequests):
    """This user has too many connections; close one, or try again later."""

    code = "too_many_sockets"


class TooManySends(TooManyRequests):
    """This sender sends more quickly than it may; try again later."""

    code = "too_many_sends"


class TooManyChanges(TooManyRequests):
    """This inbox is changed too often; try again soon."""

    code = "too_many_changes"

    def __init__(self, retry_after: float = 1) -> None:
        super().__init__(retry_after=retry_after)


class InboxFull(TooManyRequests):
    """As much is pending for this user as may be; nothing was stored."""

    code = "inbox_full"

    def __init__(self) -> None:
        # There is room as soon as a device of the user comes and acknowledges.
        super().__init__(retry_after=10)


class Unavailable(TryLater):
    """The service cannot take this now; nothing was promised, try again."""

    code = "unavailable"


class BodiesFull(Unavailable):
    """Too many large bodies are under way; try again."""

    code = "bodies_full"


class NotCommitted(Unavailable):
    """The store is away; try again soon."""

    # Certainly nothing happened, so the same batch may be given to another session.


class DiskLow(Unavailable):
    """The disk is nearly full: nothing new is stored until there is room again."""

    code = "disk_low"


class CopyRefused(NotifierError):
    """Nothing was copied."""

    code = "copy_refused"


class CannotStart(NotifierError):
    """The service cannot start."""

    code = "cannot_start"


class InvalidSettings(CannotStart):
    """The settings are not valid."""

    code = "invalid_settings"


class StoreInUse(CannotStart):
    """Another server uses this store."""

    code = "store_in_use"


class SchemaTooNew(CannotStart):
    """The store was made by a newer version of the program."""

    code = "schema_too_new"
