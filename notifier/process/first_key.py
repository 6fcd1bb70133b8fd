"""The API key that a first start makes where it cannot tell who is on this machine.

It is in a file of the data folder that only its owner can read. `notify` finds it there, and
so does the curl that the start prints: the key itself is neither printed nor logged.
"""

import os
from pathlib import Path
from typing import Final

from notifier.errors import CannotStart
from notifier.identity.keys import Keys, NewKey
from notifier.settings import Settings

_FILE_NAME: Final = "api_key"
_KEY_NAME: Final = "first start"


async def make_first_key(keys: Keys, settings: Settings) -> Path:
    """Make a key that may send; returns its file. Raises CannotStart if that cannot be written."""
    path = _path(settings)
    try:
        # Opened before the key is made, so that no key is made that nobody can know.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            _, key = await keys.create(NewKey(_KEY_NAME))
            file.write(key + "\n")
    except OSError as error:
        raise CannotStart(f"The API key {path} cannot be written: {error.strerror}.") from error
    return path


def read_first_key(settings: Settings) -> str | None:
    """The key, if a start has made one that this account may read."""
    try:
        return _path(settings).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _path(settings: Settings) -> Path:
    return Path(settings.data_dir).resolve() / _FILE_NAME
