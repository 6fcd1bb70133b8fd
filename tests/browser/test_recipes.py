"""The recipes of docs/bell.md work as they stand there, with the package as npm packs it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, WebSocket, expect

from servers import ROOT
from tests.browser.backend import Backend
from tests.browser.bell import bell, opened, rows
from tests.browser.recipes import App, NextServer, copy_app, identity, recipe
from tests.support.harness import SECONDS, SEND, until
from tests.support.javascript import NEXT, install_for_apps, run, tool
from tests.support.naming import environment_of


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server of the application's own users."""
    folder = tmp_path_factory.mktemp("server")
    backend = Backend(folder, NOTIFIER_INBOX_ORIGINS="*", **environment_of("both"))
    backend.start()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which applications find what they import."""
    folder = tmp_path_factory.mktemp("apps")
    install_for_apps(folder)
    return folder


def send(backend: Backend, user: str, **payload: object) -> None:
    """Send to a user of the application."""
    body = {"user": user, "payload": payload}
    httpx.post(backend.url + SEND, json=body, timeout=SECONDS).raise_for_status()


async def use(context: BrowserContext, url: str, backend: Backend, user: str) -> Page:
    """See the count, follow a link inside the application, take the bell out, and put it back."""
    send(backend, user, title="Order 7", url="/orders/7?from=bell#top")
    send(backend, user, title="Late?", order=7, actions=[{"label": "Cancel it", "event": "cancel"}])
    page = await context.new_page()
    lines: list[WebSocket] = []
    # Playwright hangs a mark on what it calls, which a method of a list does not bear.
    page.on("websocket", lambda line: lines.append(line))  # noqa: PLW0108
    await page.goto(url)
    badge = page.locator("notifier-bell").locator(".badge")
    await expect(badge).to_have_text("2")
    await bell(page).click()
    await expect(rows(page)).to_have_count(2)

    await page.evaluate("window.stays = true")
    await page.get_by_role("link", name="Order 7").click()
    await expect(page.locator("#place")).to_have_text("/orders/7")
    assert page.url == f"{url}/orders/7?from=bell#top"
    assert await page.evaluate("window.stays")

    await page.get_by_role("button", name="Toggle", exact=True).click()
    (line,) = lines
    await until(line.is_closed)
    await expect(page.locator("notifier-bell")).to_have_count(0)
    send(backend, user, title="Meanwhile")
    await page.get_by_role("button", name="Toggle", exact=True).click()
    await expect(badge).to_have_text("1")
    return page


async def test_plain_html(workshop: Path, backend: Backend, profile: BrowserContext) -> None:
    """In a page without a framework, which hears of buttons, too."""
    app = copy_app("plain", workshop)
    page_with = (app / "index.html").read_text()
    block = recipe("Plain HTML", "html", backend.url)
    (app / "index.html").write_text(page_with.replace("<!-- recipe -->", block))
    with opened(backend, make=partial(App, user="7", folder=app)) as shop:
        page = await use(profile, shop.url, backend, "7")
        await bell(page).click()
        await page.get_by_role("button", name="Cancel it").click()
        await expect(page.locator("#place")).to_have_text("cancel 7")


async def test_react(workshop: Path, backend: Backend, profile: BrowserContext) -> None:
    """In React with its router, bundled by esbuild."""
    app = copy_app("react", workshop)
    (app / "Bell.jsx").write_text(recipe("React", "jsx", backend.url))
    bundling = ("--bundle", "--format=esm", "--splitting", "--jsx=automatic", "--outdir=.")
    run(tool("esbuild"), "main.jsx", *bundling, cwd=app)
    with opened(backend, make=partial(App, user="react", folder=app)) as shop:
        await use(profile, shop.url, backend, "react")


async def test_vue(workshop: Path, backend: Backend, profile: BrowserContext) -> None:
    """In Vue with its router, built by Vite; a development build says what it dislikes."""
    app = copy_app("vue", workshop)
    (app / "Bell.vue").write_text(recipe("Vue", "vue", backend.url))
    (app / "vite.config.js").write_text(recipe("Vue", "js"))
    run(tool("vite"), "build", "--mode", "development", cwd=app, NODE_ENV="development")
    with opened(backend, make=partial(App, user="vue", folder=app / "dist")) as shop:
        await use(profile, shop.url, backend, "vue")


async def test_next(tmp_path: Path, backend: Backend, profile: BrowserContext) -> None:
    """In Next.js, whose server renders the element before the browser has defined it."""
    if not NEXT.exists():
        pytest.skip("Next.js, which is large, comes with NEXT=1 tests/install-tools")
    program = tool("next", NEXT)
    install_for_apps(tmp_path, NEXT)
    app = copy_app("next", tmp_path)
    (app / "app" / "Bell.jsx").write_text(recipe("Next.js", "jsx", backend.url))
    run(program, "build", cwd=app)
    server = NextServer(app, identity(backend, "next"))
    server.start()
    try:
        rendered = await (await profile.request.get(server.url)).text()
        assert '<notifier-bell user="next"' in rendered
        await use(profile, server.url, backend, "next")
    finally:
        server.stop()


async def test_typescript(workshop: Path) -> None:
    """A program finds the types of all that is in the package, and those of the element in JSX."""
    program = copy_app("typescript", workshop)
    usage = (ROOT / "tests" / "js" / "usage.ts").read_text()
    for entry, name in (("", ""), ("-inbox", "/inbox"), ("-bell", "/bell")):
        usage = usage.replace(f"../../static/notifier{entry}.js", f"notifier-client{name}")
    assert "static" not in usage
    (program / "usage.ts").write_text(usage)
    (program / "jsx.d.ts").write_text(recipe("React", "ts"))
    run(tool("tsc"), cwd=program)
