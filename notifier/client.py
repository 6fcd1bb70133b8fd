"""Send notifications from Python programs to a running server."""

import os
from types import TracebackType
from typing import Any, Final

import httpx
import msgspec

from notifier.errors import NotifierError

DEFAULT_URL: Final = "http://127.0.0.1:8002"


class SendFailed(NotifierError):
    """The server did not take the notification."""

    code = "send_failed"


class Sent(msgspec.Struct, frozen=True):
    """The notification as the server stored it."""

    user_id: int
    key: str
    seq: int


class Notifier:
    """A connection to one server."""

    def __init__(self, url: str | None = None, *, api_key: str | None = None) -> None:
        url = url or os.environ.get("NOTIFIER_URL") or DEFAULT_URL
        api_key = api_key or os.environ.get("NOTIFIER_API_KEY")
        headers = {"X-API-Key": api_key} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=15)

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def send_json(
        self, user_id: int | str, payload: bytes, *, key: str | None = None, ttl: int | None = None
    ) -> Sent:
        """Send ``payload``, which is JSON already. Raises SendFailed."""
        fields: dict[str, Any] = {"user_id": user_id, "payload": msgspec.Raw(payload)}
        if key is not None:
            fields["key"] = key
        if ttl is not None:
            fields["ttl"] = ttl
        try:
            response = self._http.post(
                "/api/notifications/send/",
                content=msgspec.json.encode(fields),
                headers={"Content-Type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise SendFailed(f"The server cannot be reached: {error}.") from error
        if response.status_code != 200:
            raise SendFailed(f"The server answered {response.status_code}: {response.text}")
        return msgspec.json.decode(response.content, type=Sent)


def notify_user_by_id(
    user_id: int | str, payload: Any, *, key: str | None = None, ttl: int | None = None
) -> Sent:
    """Send ``payload``, anything that can be JSON, to one user. Raises SendFailed.

    The server is the one of ``NOTIFIER_URL``, with the key of ``NOTIFIER_API_KEY``.
    """
    with Notifier() as notifier:
        return notifier.send_json(user_id, msgspec.json.encode(payload), key=key, ttl=ttl)
