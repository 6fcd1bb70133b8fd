"""Where the server is, and the key that opens it: given, or from the environment."""

import os
import re
from dataclasses import dataclass
from typing import Final

import httpx

from notifier_client.errors import InvalidSettings

DEFAULT_URL: Final = "http://127.0.0.1:8002"
PATH: Final = "/api/notifications/send/"
BATCH_PATH: Final = "/api/notifications/send/batch/"

_API_KEY: Final = re.compile(r"[\x21-\x7e]+")  # what a header can carry


@dataclass(frozen=True, slots=True)
class Connection:
    """How requests reach the server."""

    url: str
    headers: dict[str, str]


def connection(url: str | None, api_key: str | None, token: str | None = None) -> Connection:
    """What is given, or else NOTIFIER_URL and NOTIFIER_API_KEY. Raises InvalidSettings.

    A ``token`` takes the place of a key.
    """
    url = (url or os.environ.get("NOTIFIER_URL") or DEFAULT_URL).strip()
    if token is None:
        api_key = (api_key or os.environ.get("NOTIFIER_API_KEY") or "").strip()
    if not _usable(url):
        # Not shown, because it may hold a password.
        raise InvalidSettings(f"NOTIFIER_URL: wants an address such as {DEFAULT_URL}.")
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    elif api_key:
        if not _API_KEY.fullmatch(api_key):
            raise InvalidSettings("NOTIFIER_API_KEY: wants a key as `apikey create` prints it.")
        headers["X-API-Key"] = api_key
    return Connection(url, headers)


def _usable(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    known = parsed.scheme in ("http", "https")
    return known and bool(parsed.host) and (parsed.port or 0) < 1 << 16
