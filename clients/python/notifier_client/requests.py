"""What can be asked of the server beside sending. Both clients make the attempts."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from notifier_client.attempts import Attempts, Patience, parse
from notifier_client.encoding import given
from notifier_client.errors import (
    NotValid,
    Refused,
    UnknownChange,
    UnknownNotification,
)
from notifier_client.inbox import Change, Counts, Identity, Item, Page, Withdrawn, moment
from notifier_client.raw import elements, members

T = TypeVar("T")

PAGE_SIZE: Final = 100
"""Items that are asked for at once: as many as the server gives."""


class Request(Attempts[T], Generic[T]):
    """The attempts to have one thing done. What is wrong with it raises NotValid."""

    def __init__(
        self,
        patience: Patience,
        method: str,
        path: str,
        understand: Callable[[Any], T],
        *,
        parameters: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        missing: type[Refused] | None = None,
        unread: bool = False,
    ) -> None:
        """``unread``: ``understand`` is given the very bytes of an answer."""
        super().__init__(patience)
        if missing is not None:
            self.missing = (*self.missing, missing)
        self.method, self.path, self.key = method, path, key
        self.parameters = {name: each for name, each in parameters.items() if each is not None}
        self._understand = understand
        self._unread = unread
        if body is not None:
            try:
                self.body = given(body)
            except (TypeError, ValueError) as error:
                raise NotValid(f"The request cannot be JSON: {error}.", key=key) from None

    def read(self, content: bytes) -> Any:
        return content if self._unread else super().read(content)

    def understood(self, content: Any, headers: Mapping[str, str]) -> T | None:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return self._understand(content)
        return None


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show of an inbox; None is what the server takes then."""

    status: str | None = None
    archived: str | None = None
    snoozed: str | None = None
    category: str | None = None


class Whose:
    """Requests about one user: an account's ``user_id``, or ``user`` of the application."""

    def __init__(self, patience: Patience, user_id: int | str | None, user: str | None) -> None:
        self._patience = patience
        self._named = {"user_id": user_id, "user": user}

    def page(self, wanted: Filter, before: int | None = None) -> Request[Page]:
        """A stretch of the inbox."""
        filters = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
        return Request(
            self._patience,
            "GET",
            "/api/inbox/",
            _page,
            parameters=self._named | filters | {"before": before, "limit": PAGE_SIZE},
            unread=True,
        )

    def count(self) -> Request[Counts]:
        """How many are unread."""
        return Request(
            self._patience,
            "GET",
            "/api/inbox/count/",
            lambda found: Counts(*(found[name] for name in ("unread", "unseen", "seq", "version"))),
            parameters=self._named,
        )

    def change(
        self,
        verb: str,
        keys: Iterable[str] | None,
        up_to: int | None,
        category: str | None,
    ) -> Request[Change]:
        """Do something with some notifications, or with all that is shown up to a place."""
        return self._change(verb, _which(keys) | {"up_to": up_to, "category": category})

    def snooze(
        self,
        until: datetime | None,
        keys: Iterable[str] | None,
        up_to: int | None,
        category: str | None,
    ) -> Request[Change]:
        """Put some off, or bring them back at once."""
        which = _which(keys) | {"up_to": up_to, "category": category}
        request = self._change("snooze", which | {"until": _moment(until)})
        if until is None:
            assert request.body is not None
            request.body = request.body[:-1] + b',"until":null}'
        return request

    def undo(self, version: int) -> Request[Change]:
        """Take a change back."""
        return self._change("undo", {"version": version}, missing=UnknownChange)

    def withdraw(self, key: str) -> Request[Withdrawn]:
        """Take a notification back."""
        return Request(
            self._patience,
            "DELETE",
            "/api/notifications/",
            lambda found: Withdrawn(found["key"], found["seq"], found["version"]),
            parameters=self._named | {"key": key},
            key=key,
            missing=UnknownNotification,
        )

    def identity(self) -> Request[Identity]:
        """A token that opens a connection."""
        return Request(
            self._patience,
            "POST",
            "/api/users/identity/",
            _identity,
            parameters={},
            body=self._named,
        )

    def _change(
        self, verb: str, body: Mapping[str, Any], missing: type[Refused] | None = None
    ) -> Request[Change]:
        return Request(
            self._patience,
            "POST",
            f"/api/inbox/{verb}/",
            lambda found: Change(found["version"], found["changed"]),
            parameters=self._named,
            body=body,
            missing=missing,
        )


def _which(keys: Iterable[str] | None) -> dict[str, Any]:
    # A text is one key, and not the letters of it.
    return {"keys": [keys] if isinstance(keys, str) else None if keys is None else list(keys)}


def _moment(until: datetime | None) -> str | None:
    if until is None:
        return None
    if until.tzinfo is None:
        raise NotValid("until: a time zone is missing, such as datetime.UTC.")
    return until.astimezone(UTC).isoformat()


def _page(content: bytes) -> Page:
    found = parse(content)
    raws = elements(members(content.decode())["items"])
    items = [
        Item.of(fields, members(raw)["payload"].encode())
        for fields, raw in zip(found["items"], raws, strict=True)
    ]
    return Page(items, found["before"])


def _identity(found: Any) -> Identity:
    expires_at = moment(found["expires_at"])
    if expires_at is None:
        raise ValueError("no end")
    return Identity(found["identity"], expires_at)
