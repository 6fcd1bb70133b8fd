"""Send a notification through a running server."""

import json
import os
import shlex
import socket
import sys
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from notifier import client
from notifier.config import Loaded
from notifier.errors import InvalidSettings, NotifierError
from notifier.process.commands.running import Options
from notifier.process.first_key import read_first_key

_CONNECT_SECONDS: Final = 3.0
"""How long it looks whether there is a server at all."""


def notify(options: Options, loaded: Loaded) -> int:
    """Send what the options say."""
    try:
        return _notify(options, loaded)
    except client.InvalidSettings as error:
        raise InvalidSettings(error.message) from error
    except client.NotifierError as error:
        raise NotifierError(error.message) from error


def _notify(options: Options, loaded: Loaded) -> int:
    elsewhere = loaded.client.get("NOTIFIER_URL")
    url = (elsewhere or loaded.settings.url).strip()
    api_key = loaded.client.get("NOTIFIER_API_KEY")
    if not elsewhere and not api_key:
        api_key = read_first_key(loaded.settings)  # of that very server, so for no other
    # The very bytes of the argument, whatever the terminal's encoding is.
    given = options.payload
    payload = sys.stdin.buffer.read() if given == "-" else os.fsencode(given)
    timeout = options.patience if options.timeout is None else options.timeout
    with client.Notifier(url, api_key=api_key, timeout=timeout) as notifier:
        if options.timeout is None:
            _check_reachable(url)
        try:
            sent = notifier.send_json(
                options.user_id, payload, user=options.user, key=options.key, ttl=options.ttl
            )
        except (client.ServerUnavailable, client.UnexpectedAnswer) as error:
            raise NotifierError(f"{_place(url)}: {error.message}") from error
        except client.NotValid as error:
            raise NotifierError(error.message + _quoting(given)) from error
    whose = sent.user_id if sent.user is None else repr(sent.user)
    print(f"Stored as number {sent.seq} of user {whose}, key {sent.key}.")
    return 0


def _check_reachable(url: str) -> None:
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
            f"No server answers at {_place(url)} ({error.strerror or error}). "
            "NOTIFIER_URL says where it is; --timeout SECONDS waits for it."
        ) from error


def _place(url: str) -> str:
    """``url`` without what may be a password."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


def _quoting(given: str) -> str:
    """How to write ``given`` if it is a word that was meant as text.

    It is not taken as such, because then ``true`` and ``12`` would be something else than
    ``hello``, and JSON with a typing error would arrive at its user.
    """
    if given[:1].isalnum() and given.isprintable():
        try:
            json.loads(given)
        except ValueError:
            return f" As text it is {shlex.quote(json.dumps(given, ensure_ascii=False))}."
    return ""
