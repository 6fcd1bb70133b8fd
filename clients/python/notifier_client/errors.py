"""Why a notification was not taken, or something not done. The tree is in :mod:`notifier_client`.

No message here holds an API key or an address, whose user part may be a password.
"""

from collections.abc import Sequence
from typing import Any

from notifier_client.message import Sent


class NotifierError(Exception):
    """Something went wrong."""

    code = "error"
    """Stable, for machines."""

    def __init__(self, message: str | None = None) -> None:
        # The docstring, which is written to be read by a person.
        super().__init__(message or (self.__doc__ or "").strip())

    @property
    def message(self) -> str:
        """What to tell a person."""
        return str(self.args[0])


class InvalidSettings(NotifierError):
    """NOTIFIER_URL or NOTIFIER_API_KEY cannot be right."""

    code = "invalid_settings"


class SendFailed(NotifierError):
    """The server did not take the notification, or did not do what was asked."""

    code = "send_failed"

    def __init__(
        self,
        message: str | None = None,
        *,
        key: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.key = key
        """Under which key it was sent: the caller's, or the one made for it."""
        self.status = status
        """The HTTP status of the last answer, if there was one."""
        if code:
            self.code = code
        """The server's word for the error, if it gave one."""


class Refused(SendFailed):
    """The server refused the notification."""


class NotAllowed(Refused):
    """There is no right to send: give a valid API key."""

    code = "not_authenticated"


class UnknownRecipient(Refused):
    """There is no active user with this id."""

    code = "unknown_user"


class UnknownNotification(Refused):
    """The user has no notification with this key."""

    code = "not_found"


class UnknownChange(Refused):
    """There is no such change of the inbox, or it can no longer be undone."""

    code = "unknown_change"


class KeyInUse(Refused):
    """This key was used before with another payload."""

    code = "key_conflict"


class NotValid(Refused):
    """The notification is not valid."""

    code = "invalid"


class ServerUnavailable(SendFailed):
    """The server did not answer in time; it may or may not have stored the notification."""

    code = "unavailable"


class UnexpectedAnswer(SendFailed):
    """The answer is not one of a healthy Notifier server."""

    code = "unexpected_answer"


class SomeFailed(SendFailed):
    """Some notifications were not taken."""

    code = "some_failed"

    def __init__(self, outcomes: Sequence[Sent | SendFailed]) -> None:
        self.outcomes = outcomes
        """What became of each notification, in the order in which they were given."""
        self.failures = [each for each in outcomes if isinstance(each, SendFailed)]
        first = self.failures[0].message
        super().__init__(
            f"{len(self.failures)} of {len(outcomes)} notifications were not taken: {first}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Task queues and process pools pickle errors; what it is made of is not its message.
        return type(self), (self.outcomes,)
