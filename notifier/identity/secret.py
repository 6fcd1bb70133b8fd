"""The secrets that sign: given, or made once and kept in the data folder.

The first signs, all verify, so that a new one takes over without ending a session. The file
has one on each line, the newest first.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from notifier.errors import CannotStart, NotifierError
from notifier.settings import SECRET_LENGTH, Settings

FILE_NAME: Final = "secret_key"


def signing_secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets of these settings. Raises CannotStart if the file cannot be used."""
    if settings.secret_key:
        return settings.secrets
    path = _path(settings)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
        found = _read(path)
    except OSError as error:
        raise CannotStart(f"The secret {path} cannot be used: {error.strerror}.") from error
    if not found or not all(len(each) >= SECRET_LENGTH and each.isascii() for each in found):
        raise CannotStart(
            f"The file {path} holds no secret of at least {SECRET_LENGTH} ASCII characters, "
            "or a line of it is none. Restore it, or remove it to have a new one made, which "
            "ends all sessions."
        )
    return found


def rotate(settings: Settings, keep: int) -> tuple[Path, int]:
    """Put a new secret first in the file, before at most ``keep`` of those that are there.

    Servers use it from their next start. Returns the file and how many it kept. Raises
    NotifierError where the secret is given, and CannotStart.
    """
    if settings.secret_key:
        raise NotifierError(
            "SECRET_KEY is set, so no file is in use. Put a new secret into it yourself, with a "
            "comma: first behind the old one, and before it once all servers have restarted."
        )
    kept = signing_secrets(settings)[:keep]
    # Where the file is elsewhere, it stays there. Of two rotations at once one wins, and no
    # harm is done: nothing has been signed with either new secret.
    path = _path(settings).resolve()
    try:
        _draft(path, (_new(), *kept), owner=path.stat()).replace(path)
        _sync(path.parent)
    except OSError as error:
        raise CannotStart(f"The secret {path} cannot be replaced: {error.strerror}.") from error
    return path, len(kept)


def _path(settings: Settings) -> Path:
    return Path(settings.data_dir) / FILE_NAME


def _read(path: Path) -> tuple[str, ...]:
    lines = path.read_text("utf-8", errors="replace").split("\n")
    return tuple(line.strip() for line in lines if line.strip())


def _new() -> str:
    return secrets.token_urlsafe(48)


def _create(path: Path) -> None:
    # Written aside and linked into place, so that two first starts at the same moment
    # agree on one secret and nobody ever reads half of it.
    if path.exists():
        return
    draft = _draft(path, (_new(),))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, lines: tuple[str, ...], owner: os.stat_result | None = None) -> Path:
    """A file beside ``path`` with these lines, on the disk, for its owner alone."""
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if owner:  # or root would lock the server out of its own secret
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
