"""The file of the embedded store, as a server found it, and what must not happen to it.

SQLite goes on for long with a file that was overwritten or deleted: pages come from its log
and its caches. What it stores then is lost at the next start. So whatever uses the file reports
damage here, the writer looks at it every second, and once there is damage nothing opens it
any more: only a person can say what to do.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from notifier.errors import DiskLow, NotCommitted, Unavailable
from notifier.storage.contract import AWAY

_MAGIC: Final = b"SQLite format 3\0"
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF
"""The bits of an error code that say what it is, without the details."""

Identity = tuple[int, int]


class Damaged(Exception):
    """The file does not hold what was stored in it, or is not where it was."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is damaged: {what}. Copy the folder as it is, stop the server, and restore "
            f"a backup, or save what can be read: `sqlite3 {path.name} .recover | sqlite3 "
            "saved.sqlite3`, and put that in its place"
        )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether ``error`` says that the file is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _DAMAGE


class StoreFile:
    """What a driver and its sessions share. ``least_free`` bytes of the disk stay free."""

    def __init__(self, path: Path, least_free: int = 0) -> None:
        self.path = path
        self._least_free = least_free
        self._identity: Identity | None = None
        self._descriptor: int | None = None
        self._damage: Damaged | None = None

    @property
    def log(self) -> Path:
        """SQLite's write-ahead log. It exists as long as somebody has the file open."""
        return self.path.with_name(self.path.name + "-wal")

    def found(self) -> None:
        """It is this very file from now on, until :meth:`close`.

        Somebody has it open for writing: a container's file system may make a copy for that.
        """
        self._identity = identity(self.path)
        # Opened once: when a process closes any descriptor of a file, it loses all its locks
        # on it, and SQLite of another process would take ours for gone (howtocorrupt §2.2).
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Nobody uses it any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn errors that are the store's fault, not the statement's, into Unavailable."""
        if self._damage:
            raise Unavailable(AWAY) from self._damage
        try:
            yield
        except (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                self._damage = Damaged(self.path, str(error))
                raise Unavailable(AWAY) from self._damage
            raise Unavailable(AWAY) from error

    def check(self, log: Identity | None) -> DiskLow | None:
        """Why the store should not grow, if so. Its log was ``log``.

        Raises NotCommitted if it is damaged, or cannot be looked at.
        """
        try:
            self._damage = self._damage or self._look(log)
            free = 0 if self._damage else self._free()
        except OSError as error:
            raise NotCommitted(AWAY) from error
        if self._damage:
            raise NotCommitted(AWAY) from self._damage
        if free >= self._least_free:
            return None
        return DiskLow(
            f"{free} bytes are free for {self.path.parent}, and less than {self._least_free} "
            "(NOTIFIER_MIN_FREE_BYTES) are too few to store more"
        )

    def _free(self) -> int:
        """Bytes of the disk that we may still use."""
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail * disk.f_frsize

    def _look(self, log: Identity | None) -> Damaged | None:
        if self._identity and identity(self.path) != self._identity:
            return Damaged(self.path, "it was removed, or replaced by another file")
        if identity(self.log) != log:
            return Damaged(self.path, f"{self.log.name} was removed, or replaced by another file")
        if self._descriptor and os.pread(self._descriptor, len(_MAGIC), 0) != _MAGIC:
            return Damaged(self.path, "it was overwritten, and is not a database any more")
        return None


def identity(path: Path) -> Identity | None:
    """Which file is at ``path``."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
