"""The page, its files, and Swagger UI: all served from what is installed with us."""

from pathlib import Path
from typing import Final

import swagger_ui
from tornado.web import HTTPError, StaticFileHandler

import static
from handlers.base import ApiHandler

STATIC_FOLDER: Final = Path(static.__file__).parent
SWAGGER_FOLDER: Final = Path(swagger_ui.__file__).parent / "static"
_SWAGGER_FILES: Final = frozenset(
    {"swagger-ui-bundle.js", "swagger-ui.css", "favicon-16x16.png", "favicon-32x32.png"}
)

_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI sets style attributes from its script; its scripts are ours to serve.
_DOCS_POLICY: Final = _PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class RootHandler(ApiHandler):
    """People who open the bare address want the page."""

    def get(self) -> None:
        self.redirect("/api/notifications/")


class _FileHandler(StaticFileHandler, ApiHandler):
    """A file, or an error in the form of all others."""


class _PageHandler(_FileHandler):
    """One HTML file of ours, under its own address and a strict policy."""

    FILE: str
    POLICY: str

    async def get(self, path: str = "", include_body: bool = True) -> None:
        await super().get(self.FILE, include_body)

    async def head(self, path: str = "") -> None:
        await super().get(self.FILE, include_body=False)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Content-Security-Policy", self.POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-cache")


class NotificationsPageHandler(_PageHandler):
    """Sign in and watch the feed."""

    FILE = "index.html"
    POLICY = _PAGE_POLICY


class DocsPageHandler(_PageHandler):
    """Swagger UI on our OpenAPI document."""

    FILE = "docs.html"
    POLICY = _DOCS_POLICY


class AssetHandler(_FileHandler):
    """Files of a folder. Revalidated at each use, so that an upgrade is seen at once."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if Path(absolute_path).suffix in (".py", ".pyc") or "\0" in absolute_path:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        # Apps of other origins import notifier.js; nothing here is anyone's secret.
        self.set_header("Access-Control-Allow-Origin", "*")


class SwaggerAssetHandler(AssetHandler):
    """The few files of Swagger UI that the docs page uses."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if Path(absolute_path).name not in _SWAGGER_FILES:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)


class SchemaHandler(ApiHandler):
    """The OpenAPI document."""

    def initialize(self, document: bytes) -> None:
        self._document = document

    def get(self) -> None:
        self.finish(self._document)
