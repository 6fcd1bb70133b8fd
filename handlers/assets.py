"""The files that browsers get: read and named once, from what is installed with us.

They are held in memory, 2 MB, and a request finds one by its exact name: no path of a request
ever reaches the disk. Each is compressed at its first use, in a thread, and never again. The
comments of our scripts stay at home: they are a quarter of what would travel.
"""

import asyncio
import gzip
import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

import static

STATIC_FOLDER: Final = Path(static.__file__).parent

_SWAGGER_FILES: Final = (
    "swagger-ui-bundle.js",
    "swagger-ui.css",
    "favicon-16x16.png",
    "favicon-32x32.png",
)
_KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
}
"""What is published, by its ending. Not package.json, which is for npm and tells our version."""

_ACCEPTS_GZIP: Final = re.compile(
    r"(?:^|,)\s*gzip\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*)\s*)?(?:,|$)", re.IGNORECASE
)

_COMMENT: Final = re.compile(
    rb"^[ \t]*(?:/\*\*[^*]*(?:\*(?!/)[^*]*)*\*/|//[^\n]*)[ \t]*$", re.MULTILINE
)


class Representation(msgspec.Struct, frozen=True):
    """A file as it travels. ``etag`` is quoted, and another one for each encoding."""

    content: bytes
    etag: str
    encoding: str | None = None


class Asset:
    """One file of ``kind``, a media type."""

    def __init__(self, content: bytes, kind: str) -> None:
        self.kind = kind
        self._digest = hashlib.sha256(content).hexdigest()[:32]
        self._plain = Representation(content, f'"{self._digest}"')
        self._compressed = self._plain if kind == _KINDS[".png"] else None
        self._lock = threading.Lock()

    async def representation(self, accept_encoding: str) -> Representation:
        """What suits a client that sent this header."""
        if not _ACCEPTS_GZIP.search(accept_encoding):
            return self._plain
        if self._compressed:
            return self._compressed
        return await asyncio.to_thread(self._compress)

    def _compress(self) -> Representation:
        with self._lock:
            if self._compressed:
                return self._compressed
            content = gzip.compress(self._plain.content, mtime=0)
            self._compressed = Representation(content, f'"{self._digest}-gzip"', "gzip")
            return self._compressed


class Assets:
    """All of them, under a version that says what is in them.

    ``files`` are found below ``/static/`` by their names, ``pages`` have addresses of their own.
    Pages refer to the files below ``/static/v/<hash>/``, where browsers may keep them;
    ``version`` is that ``v/<hash>/``.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        digests = [f"{name} {hashlib.sha256(contents[name]).hexdigest()}" for name in contents]
        everything = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
        self.version = f"v/{everything[:16]}/"
        self.pages: dict[str, Asset] = {}
        self.files: dict[str, Asset] = {}
        versioned = f'"/static/{self.version}'.encode()
        for name, content in contents.items():
            ending = Path(name).suffix
            if ending == ".html":
                self.pages[name] = Asset(content.replace(b'"/static/', versioned), _KINDS[ending])
            else:
                self.files[name] = Asset(content, _KINDS[ending])


@cache
def installed() -> Assets:
    """What is installed."""
    return Assets(dict(_read()))


def without_comments(script: bytes) -> bytes:
    """A script without the comments that have lines of their own; all else stays in its line."""
    return _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), script)


def _read() -> Iterator[tuple[str, bytes]]:
    for file in STATIC_FOLDER.rglob("*"):
        if file.suffix in _KINDS:
            content = file.read_bytes()
            name = file.relative_to(STATIC_FOLDER).as_posix()
            yield name, without_comments(content) if file.suffix == ".js" else content
    # Importing it for its files would bring templates, YAML and more.
    swagger = find_spec("swagger_ui")
    assert swagger
    assert swagger.origin
    folder = Path(swagger.origin).with_name("static")
    for name in _SWAGGER_FILES:
        yield f"swagger/{name}", (folder / name).read_bytes()
