"""The page, its files, Swagger UI and the OpenAPI document, each from memory."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tornado.web import HTTPError, StaticFileHandler

from handlers import headers
from handlers.assets import Asset, Assets, Representation
from handlers.base import ApiHandler

_CHUNK: Final = 64 * 1024


class RootHandler(ApiHandler):
    """People who open the bare address want the page."""

    def get(self) -> None:
        self.redirect("/api/notifications/")


class AssetHandler(StaticFileHandler, ApiHandler):
    """One file: whole or in part, compressed where that is wanted, or "not modified".

    Tornado's handler knows ranges and conditions. It is told nothing of the disk.
    """

    _asset: Asset
    _chosen: Representation
    _headers_on_top: Mapping[str, str]

    def initialize(self, asset: Asset, on_top: Mapping[str, str]) -> None:  # type: ignore[override]
        self.root = ""
        self._asset = asset
        self._headers_on_top = on_top

    async def get(self, path: str = "", include_body: bool = True) -> None:
        request = self.request.headers
        self._chosen = await self._asset.representation(request.get("Accept-Encoding", ""))
        # What the client has is of another representation: no part fits (RFC 9110 §13.1.5).
        if request.get("If-Range", self._chosen.etag) != self._chosen.etag:
            request.pop("Range", None)
        await super().get(path, include_body)

    async def head(self, path: str = "") -> None:
        await self.get(path, include_body=False)

    def set_extra_headers(self, path: str) -> None:
        for name, value in self._headers_on_top.items():
            self.set_header(name, value)
        self.set_header("Vary", "Accept-Encoding")
        if self._chosen.encoding:
            self.set_header("Content-Encoding", self._chosen.encoding)

    # What Tornado asks of a file.

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        return absolute_path

    def get_modified_time(self) -> None:
        """Unknown: an older release, installed later, is newer."""

    def should_return_304(self) -> bool:
        return self.check_etag_header()

    def compute_etag(self) -> str | None:
        return self._chosen.etag

    def get_content_type(self) -> str:
        return self._asset.kind

    def get_content_size(self) -> int:
        return len(self._chosen.content)

    def get_content(  # type: ignore[override]  # of this request, not of a path
        self, abspath: str, start: int | None = None, end: int | None = None
    ) -> Iterator[bytes]:
        content = self._chosen.content[start:end]
        return (content[at : at + _CHUNK] for at in range(0, len(content), _CHUNK))


class MadeAssetHandler(AssetHandler):
    """A file that is made, in a thread, when somebody wants it."""

    def initialize(  # type: ignore[override]
        self, make: Callable[[], Asset], on_top: Mapping[str, str]
    ) -> None:
        self.root = ""
        self._make = make
        self._headers_on_top = on_top

    async def get(self, path: str = "", include_body: bool = True) -> None:
        self._asset = await asyncio.to_thread(self._make)
        await super().get(path, include_body)


class StaticHandler(AssetHandler):
    """A file of the folder, under its plain address or one that names the version.

    Under the version of another release, whose page a browser has while processes are
    replaced, there is what is current, and no cache may keep it under that name.
    """

    def initialize(self, assets: Assets) -> None:  # type: ignore[override]
        self.root = ""
        self._assets = assets

    async def get(  # type: ignore[override]
        self, version: str, name: str, include_body: bool = True
    ) -> None:
        asset = self._assets.files.get(name)
        if asset is None:
            raise HTTPError(404)
        self._asset = asset
        current = version == self._assets.version
        self._headers_on_top = headers.IMMUTABLE if current else headers.PUBLIC
        await super().get(name, include_body)

    async def head(self, version: str, name: str) -> None:  # type: ignore[override]
        await self.get(version, name, include_body=False)
