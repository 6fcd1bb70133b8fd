"""What is in somebody's inbox, what comes, and taking back, at the terminal.

With NOTIFIER_API_KEY or NOTIFIER_URL it is a client of that server like any other. Without, it
shows that it may read the data folder, by what only this can make: tokens of whomever it is about.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from msgspec import UNSET, Raw

from notifier import client
from notifier.config import Loaded
from notifier.errors import NotifierError, Unavailable, UnknownUser
from notifier.identity import Identity
from notifier.process.commands.reaching import check_reachable, translated
from notifier.process.commands.running import Options, run, withdraw_beside
from notifier.wire import ForSomebody, check_choice, check_name, encode, parse_user_id

_SECONDS: Final = 10.0
"""How long a busy server is tried."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds before a command that failed gets the same notification again."""


def show(options: Options, loaded: Loaded) -> int:
    """Print what the inbox shows, the newest first."""
    if options.limit < 1:
        raise NotifierError("--limit: expected a number from 1.")
    with _client(options, loaded) as notifier:
        items = notifier.inbox(**_whose(options), status="unread" if options.unread else None)
        for item in islice(items, options.limit):
            _print(item, as_json=options.json)
    return 0


def withdraw(options: Options, loaded: Loaded) -> int:
    """Take a notification back."""
    if _is_elsewhere(loaded):
        with _client(options, loaded) as notifier:
            seq = notifier.withdraw(**_whose(options), key=options.key).seq
    else:
        # Devices hear of it with the server's next look at the store.
        seq = withdraw_beside(loaded.settings, _somebody(options, loaded), options.key).seq
    print(f"Withdrawn: number {seq}, key {options.key}.")
    return 0


def listen(options: Options, loaded: Loaded) -> int:
    """Handle what is pending and what comes; what was handled is acknowledged."""
    with _client(options, loaded) as notifier:
        identity = None if _is_elsewhere(loaded) else lambda: _identity(options, loaded)
        try:
            for notification in notifier.listen(**_whose(options), identity=identity):
                if options.exec:
                    _execute(options.exec, notification)
                else:
                    _print(notification, as_json=options.json)
        except ImportError as error:
            raise NotifierError(
                f"To listen takes the package {error.name}: pip install 'notifier[listen]'."
            ) from error
    return 0


@contextmanager
def _client(options: Options, loaded: Loaded) -> Iterator[client.Notifier]:
    url = (loaded.client.get("NOTIFIER_URL") or loaded.settings.url).strip()
    key = loaded.client.get("NOTIFIER_API_KEY")
    with translated():
        token = None if _is_elsewhere(loaded) else _identity(options, loaded).token
        with client.Notifier(url, api_key=key, token=token, timeout=_SECONDS) as notifier:
            check_reachable(url)
            try:
                yield notifier
            except BrokenPipeError:
                # Whoever reads it has enough. The interpreter would flush, and complain, again.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_elsewhere(loaded: Loaded) -> bool:
    return bool(loaded.client.get("NOTIFIER_URL") or loaded.client.get("NOTIFIER_API_KEY"))


def _whose(options: Options) -> dict[str, Any]:
    return {"user_id": options.user_id, "user": options.user}


def _somebody(options: Options, loaded: Loaded) -> ForSomebody:
    """Whom it is about, as this installation names its users. Raises InvalidField."""
    named = ForSomebody(
        user_id=UNSET if options.user_id is None else options.user_id,
        user=UNSET if options.user is None else check_name(options.user),
    )
    check_choice(named, loaded.settings.users)
    return named


def _identity(options: Options, loaded: Loaded) -> client.Identity:
    """A token of whomever it is about."""
    named = _somebody(options, loaded)

    async def make(identity: Identity) -> tuple[str, int]:
        if named.user is not UNSET:
            return await identity.authentication.identity_named(named.user)
        user_id = None if named.user_id is UNSET else parse_user_id(named.user_id)
        if user_id is None:
            raise UnknownUser
        token, read = await identity.authentication.identity_of(user_id)
        return token, read.expires_at

    try:
        token, expires_at = run(loaded.settings, make)
    except Unavailable as error:
        raise client.ServerUnavailable(error.message) from error
    return client.Identity(token, datetime.fromtimestamp(expires_at / 1000, UTC))


def _execute(command: str, notification: client.Notification) -> None:
    """Run ``command`` until it has handled the notification."""
    pause = _FIRST_PAUSE
    while code := _run(command, notification):
        print(
            f"notifier: {command!r} ended with {code} for {notification.key}; "
            f"again in {pause:.0f} seconds.",
            file=sys.stderr,
        )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _run(command: str, notification: client.Notification) -> int:
    about = {
        "NOTIFICATION_KEY": notification.key,
        "NOTIFICATION_SEQ": str(notification.seq),
    }
    return subprocess.run(  # noqa: S602 - it is a command for the shell, of whoever runs us
        command,
        shell=True,
        input=_json(notification),
        env=os.environ | about,
        check=False,
    ).returncode


def _print(found: client.Item | client.Notification, *, as_json: bool) -> None:
    # At once, for whoever reads it from a pipe.
    if not as_json:
        print(_line(found), flush=True)
        return
    # Within a payload a line can end only where any space may stand.
    line = _json(found).replace(b"\r", b" ").replace(b"\n", b" ")
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _json(found: client.Item | client.Notification) -> bytes:
    """All of it as JSON, with the payload byte for byte."""
    said = {each.name: getattr(found, each.name) for each in fields(found) if each.name != "raw"}
    return encode(said | {"payload": Raw(found.raw)})


def _line(found: client.Item | client.Notification) -> str:
    unread = isinstance(found, client.Item) and found.read_at is None
    when = found.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    text = f"{found.seq}  {when}  {_text(found)}  ({found.key})"
    # Nothing that a terminal would obey.
    safe = "".join(each if each.isprintable() else " " for each in text)
    return f"* {safe}" if unread else f"  {safe}"


def _text(found: client.Item | client.Notification) -> str:
    """What the payload says to people, as the page understands it; else the JSON."""
    payload = found.payload
    if isinstance(payload, str):
        return payload
    if isinstance(payload, dict):
        said = [payload.get(name) for name in ("title", "body")]
        if texts := [each for each in said if isinstance(each, str) and each]:
            return ": ".join(texts)
    return found.raw.decode()
