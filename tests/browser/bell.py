"""A page of somebody else's, on an origin of its own, with a bell in it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from playwright.async_api import Locator, Page

from tests.browser.backend import Backend
from tests.support.harness import ADMIN_PASSWORD, SECONDS

STYLE = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText }
body { margin: 0; font: 16px system-ui, sans-serif }
header { display: flex; justify-content: space-between; align-items: center; padding: 8px 16px }
"""
PAGE = """<!doctype html>
<html lang="{lang}" dir="{direction}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shop</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="{server}/static/notifier-bell.js"></script>
{head}
<header><h1>Shop</h1><notifier-bell {attributes}>{inside}</notifier-bell></header>
<main><a href="/before">Orders</a></main>
</html>"""


class Shop:
    """What the site serves: a page with a bell, by default for user 1, whose token it gets."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = ""
        self.whose = 'user-id="1" token-url="/token"'
        self.token: Callable[[], str] = self._token
        self.attributes = ""
        self.pictures = "'none'"
        """Where they may come from."""
        self.inside = ""
        self.script = ""
        self.lang, self.direction = "en", "ltr"
        self.signed_in = True
        self.asked = 0

    @property
    def policy(self) -> str:
        """Nothing but what the bell needs: its modules and a connection to its server."""
        server = self.backend.url
        return (
            f"default-src 'none'; script-src 'self' {server}; style-src 'self'; base-uri 'none'; "
            f"img-src {self.pictures}; "
            f"connect-src 'self' {server} {server.replace('http', 'ws', 1)}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def page(self) -> str:
        """The page with the bell."""
        return PAGE.format(
            server=self.backend.url,
            lang=self.lang,
            direction=self.direction,
            head='<script type="module" src="/page.js"></script>' if self.script else "",
            attributes=f"{self.whose} {self.attributes}",
            inside=self.inside,
        )

    def _token(self) -> str:
        body = {"username": "admin", "password": ADMIN_PASSWORD}
        answer = httpx.post(f"{self.backend.url}/api/users/token/", json=body, timeout=SECONDS)
        identity: str = answer.raise_for_status().json()["identity"]
        return identity

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, kind and content of a path."""
        if path == "/token":
            self.asked += 1
            if not self.signed_in:
                return 401, "application/json", "{}"
            return 200, "application/json", json.dumps({"identity": self.token()})
        if path == "/page.css":
            return 200, "text/css", STYLE
        if path == "/page.js":
            return 200, "text/javascript", self.script
        if path == "/":
            return 200, "text/html", self.page()
        return 200, "text/html", f"<!doctype html><title>{path}</title>"


@contextmanager
def opened(
    backend: Backend, host: str = "127.0.0.1", make: Callable[[Backend], Shop] = Shop
) -> Iterator[Shop]:
    """A shop that is open."""
    shop = make(backend)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, content = shop.answer(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", shop.policy)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.url = f"http://{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield shop
        server.shutdown()
        thread.join()


def bell(page: Page) -> Locator:
    """The button."""
    return page.locator("notifier-bell").locator(".button")


def rows(page: Page) -> Locator:
    """The rows of the list that the document holds."""
    return page.locator("notifier-bell").locator("article")


def unread(page: Page) -> Locator:
    """Those of them that are unread."""
    return page.locator("notifier-bell").locator("article.row-unread")


async def count(page: Page) -> str:
    """What the badge says; empty without one."""
    shown: Any = (
        await page.locator("notifier-bell")
        .locator(".badge")
        .evaluate("badge => badge.hidden ? '' : badge.textContent")
    )
    return str(shown)
