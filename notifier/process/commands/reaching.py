"""Reaching a running server: whether it is there, and what the client says went wrong."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from notifier import client
from notifier.errors import InvalidSettings, NotifierError

_CONNECT_SECONDS: Final = 3.0
"""How long it looks whether there is a server at all."""


@contextmanager
def translated() -> Iterator[None]:
    """What goes wrong in the client goes wrong in the command."""
    try:
        yield
    except client.InvalidSettings as error:
        raise InvalidSettings(error.message) from error
    except client.NotifierError as error:
        raise NotifierError(error.message) from error


def check_reachable(url: str) -> None:
    """Find out at once that no server is there, for which the client would wait."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if getproxies().keys() & {parts.scheme, "all"} and not proxy_bypass(host):
        return  # the proxy alone knows the way
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise NotifierError(
            f"No server answers at {place(url)} ({error.strerror or error}). "
            "NOTIFIER_URL says where it is; --timeout SECONDS waits for it."
        ) from error


def place(url: str) -> str:
    """``url`` without what may be a password."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
