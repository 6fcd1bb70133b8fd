"""A real Chromium with the page of a real server.

All tests here share one event loop, because the browser lives as long as the session.
"""

import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    async_playwright,
    expect,
)

from servers.chromium import QUIET, find_chromium
from tests.browser.backend import Backend
from tests.support.harness import ADMIN_PASSWORD

# What the browser itself says about answers and connections that a test provokes.
EXPECTED_NOISE = re.compile(r"Failed to load resource|WebSocket connection to|Failed to fetch")

FOLLOW = """try {
  const store = "notifier.preferences";
  if (!localStorage.getItem(store)) localStorage.setItem(store, '{"follow":true}');
} catch {}"""

expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the asynchronous tests of this folder on the browser's loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The installed Chromium."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture
def start_backend(tmp_path: Path) -> Iterator[Callable[..., Backend]]:
    """Start a server with the given settings; it is stopped at the end of the test."""
    started: list[Backend] = []

    def start(**environment: str) -> Backend:
        backend = Backend(tmp_path, **environment)
        started.append(backend)
        backend.start()
        return backend

    yield start
    for backend in started:
        backend.close()


@pytest.fixture
def backend(start_backend: Callable[..., Backend]) -> Backend:
    """A server with the default settings."""
    return start_backend()


@dataclass
class Visitor:
    """One person's browser profile on the page."""

    context: BrowserContext
    backend: Backend
    problems: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    async def open(self, behind: str = "") -> Page:
        """A new tab with the page, with something behind its address."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on(
            "requestfailed",
            lambda request: self.failures.append(f"{request.url} {request.failure}"),
        )
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        await page.goto(self.backend.page + behind)
        return page

    async def sign_in(self, username: str = "admin", password: str = ADMIN_PASSWORD) -> Page:
        """A new tab in which the inbox is connected."""
        page = await self.open()
        await fill_in(page, username, password)
        await expect(page.locator("#light")).to_have_text("Connected")
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not EXPECTED_NOISE.search(text):
            self.problems.append(text)


def headline(page: Page, title: str) -> Locator:
    """The entries of the feed with this title."""
    return page.locator(".entry").get_by_role("heading", name=title, exact=True)


async def open_detail(page: Page, title: str) -> Locator:
    """Open the first notification with this title; the dialog with all of it."""
    await page.locator(".entry").get_by_role("button", name=title, exact=True).first.click()
    detail = page.locator("#detail")
    await expect(detail).to_be_visible()
    return detail


async def switch(page: Page, name: str) -> None:
    """Flip a switch of the view menu."""
    await page.get_by_role("button", name="View").click()
    await page.locator("#view").get_by_label(name).click()
    await page.keyboard.press("Escape")


async def fill_in(page: Page, username: str, password: str) -> None:
    """Type name and password, and press Enter."""
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(password)
    await page.get_by_label("Password").press("Enter")


async def sign_out(page: Page, devices: str = "This device") -> None:
    """Choose what to sign out in the menu."""
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("dialog", name="Sign out").get_by_role("button", name=devices).click()


class ForeignSite:
    """Another program of this machine, on a port of its own: pages by path, and no policy."""

    def __init__(self, port: int) -> None:
        self.pages = {"/": ""}
        self.other_port = f"http://127.0.0.1:{port}/"
        """An address on our host, which makes it the same site."""
        self.other_site = f"http://localhost:{port}/"
        """An address on another host, which makes it another site."""


@pytest.fixture
def foreign() -> Iterator[ForeignSite]:
    """A site that is not ours."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(site.pages.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = ForeignSite(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


Visit = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Open browser profiles; at the end none may have had an error or called another host.

    They show at once what is new, unless ``follows`` is false, which is how the page begins.
    """
    visitors: list[Visitor] = []

    async def visit(backend: Backend, *, follows: bool = True, **options: Any) -> Visitor:
        context = await browser.new_context(**{"locale": "en-GB", **options})
        if follows:
            await context.add_init_script(FOLLOW)
        visitors.append(Visitor(context, backend))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        await visitor.context.close()
    for visitor in visitors:
        assert visitor.problems == [], f"after {visitor.failures}, {visitor.backend.log}"
        assert visitor.hosts <= {visitor.backend.url.removeprefix("http://")}


@pytest_asyncio.fixture(loop_scope="session")
async def inbox(backend: Backend, visit: Visit) -> Page:
    """The page of the signed-in superuser."""
    return await (await visit(backend)).sign_in()


@pytest_asyncio.fixture(loop_scope="session")
async def profile(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile in which no page may say that something went wrong."""
    context = await browser.new_context(locale="en-GB")
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type in {"error", "warning"} and not EXPECTED_NOISE.search(message.text)
            else None
        ),
    )
    yield context
    await context.close()
    assert problems == []
