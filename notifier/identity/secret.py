"""The secret that signs tokens: given, or made once and kept in the data folder."""

import os
import secrets
from pathlib import Path
from typing import Final

from notifier.errors import CannotStart
from notifier.settings import SECRET_LENGTH, Settings

FILE_NAME: Final = "secret_key"


def signing_secret(settings: Settings) -> str:
    """The secret of these settings. Raises CannotStart if the file cannot be used."""
    if settings.secret_key:
        return settings.secret_key
    path = Path(settings.data_dir) / FILE_NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
        secret = path.read_text("utf-8", errors="replace").strip()
    except OSError as error:
        raise CannotStart(f"The secret {path} cannot be used: {error.strerror}.") from error
    if len(secret) < SECRET_LENGTH or not secret.isascii():
        raise CannotStart(
            f"The file {path} holds no secret of at least {SECRET_LENGTH} ASCII characters. "
            "Restore it, or remove it to have a new one made, which ends all sessions."
        )
    return secret


def _create(path: Path) -> None:
    # Written aside and linked into place, so that two first starts at the same moment
    # agree on one secret and nobody ever reads half of it.
    if path.exists():
        return
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
