"""WebSockets, which the library ``websockets`` speaks: the one module that needs it."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection as AsyncSocket
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection as Socket
from websockets.sync.client import connect

from notifier_client.attempts import TRY_AGAIN, retry_after
from notifier_client.errors import UnexpectedAnswer
from notifier_client.inbox import Identity
from notifier_client.listening import PASSING, Session

__all__ = ["LOST", "AsyncSocket", "Socket", "open_async", "open_blocking", "pause"]

LOST: Final = (OSError, WebSocketException, *PASSING)
"""After these another connection may do better."""

_OPEN_SECONDS: Final = 12.0
_CLOSE_SECONDS: Final = 1.0
_MOST_WAITING: Final = 256
"""Frames that wait for whoever listens; more wait on the server."""


def open_blocking(url: str, identity: Identity) -> Socket:
    """A connection of whomever the token names. Raises one of ``LOST``."""
    socket: Socket = connect(_address(url), **_options(identity))
    return socket


def open_async(url: str, identity: Identity) -> connect_async:
    """The same, to be awaited."""
    return connect_async(_address(url), **_options(identity))


def pause(session: Session, error: Exception) -> float:
    """Seconds until the next attempt after ``error``. Raises what no further one can mend."""
    if not isinstance(error, InvalidStatus):
        return session.failed(error)
    status, headers = error.response.status_code, error.response.headers
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return session.failed(error, refused=True)
    if status in TRY_AGAIN:
        at_least = retry_after({name.lower(): value for name, value in headers.raw_items()})
        return session.failed(error, at_least=at_least)
    return session.failed(UnexpectedAnswer(f"{status} in place of a WebSocket.", status=status))


def _address(url: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    path = parts.path.rstrip("/") + "/ws/notifications/me/"
    return parts._replace(scheme=scheme, path=path, query="", fragment="").geturl()


def _options(identity: Identity) -> dict[str, Any]:
    return {
        # With what the inbox has of a notification; an older server knows the second alone.
        "subprotocols": ["notifier.inbox", "notifier", f"bearer.{identity.token}"],
        "open_timeout": _OPEN_SECONDS,
        "close_timeout": _CLOSE_SECONDS,
        "max_size": None,  # the server bounds what is sent
        "max_queue": _MOST_WAITING,
    }
