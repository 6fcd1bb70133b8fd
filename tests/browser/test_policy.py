"""What browsers make of the headers: who may show the page, and where its cookie goes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from servers.certificate import make_certificate
from tests.browser.backend import Backend
from tests.browser.conftest import ForeignSite, Visit, fill_in
from tests.support.harness import ADMIN_PASSWORD

FRAMED = (
    "/api/notifications/",
    "/api/docs/",
    "/static/index.html",
    "/api/schema/",
    "/static/icon.svg",
    "/nothing",
)


async def framed(context: BrowserContext, outside: str) -> tuple[str, str]:
    """Where the frame of a page leads, and what the browser said about it."""
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(outside)  # until the frame has loaded, too
    _, frame = page.frames
    await page.close()
    return frame.url, "".join(said)


@pytest.mark.attack("another site or port frames the sign-in form or the inbox", before="shown")
async def test_nobody_frames_us(backend: Backend, visit: Visit, foreign: ForeignSite) -> None:
    """Neither another site nor another port of this host shows what is ours, signed in or not."""
    visitor = await visit(backend)
    await visitor.sign_in()
    for path in FRAMED:
        foreign.pages["/"] = f"<!doctype html><iframe src='{backend.url}{path}'></iframe>"
        for outside in (foreign.other_port, foreign.other_site):
            shown, said = await framed(visitor.context, outside)
            assert shown.startswith("chrome-error:"), path
            assert "frame-ancestors" in said, path


async def test_such_a_frame_would_be_shown(
    visit: Visit, backend: Backend, foreign: ForeignSite
) -> None:
    """What lets itself be framed is framed, in the very same way."""
    context = (await visit(backend)).context
    foreign.pages["/"] = f"<!doctype html><iframe src='{foreign.other_port}inside'></iframe>"
    shown, said = await framed(context, foreign.other_site)
    assert (shown, said) == (f"{foreign.other_port}inside", "")


async def test_the_docs_keep_to_their_policy(backend: Backend, visit: Visit) -> None:
    """Swagger UI shows the API, and asks for nothing that its policy forbids."""
    page = await (await visit(backend)).open()
    await page.goto(f"{backend.url}/api/docs/")
    await expect(page.get_by_role("heading", name="Notifier")).to_be_visible()
    await page.get_by_text("/api/users/token/verify/").click()
    await expect(page.get_by_role("button", name="Try it out")).to_be_visible()


async def test_a_second_visit_asks_for_no_file_again(backend: Backend, visit: Visit) -> None:
    """What the page is made of is in the browser's cache, and used without asking."""
    page = await (await visit(backend)).sign_in()
    await page.reload()
    await expect(page.locator("#light")).to_have_text("Connected")
    transferred = await page.evaluate(
        """() => performance.getEntriesByType("resource")
          .filter(({ name }) => name.includes("/static/"))
          .map(({ name, transferSize }) => [name, transferSize])"""
    )
    assert len(transferred) > 20
    assert [name for name, size in transferred if size] == []


@asynccontextmanager
async def tls_proxy(backend: Backend, folder: Path) -> AsyncIterator[str]:
    """Ends TLS in front of ``backend`` and says nothing of it, as a plain TCP proxy does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*make_certificate(folder))
    port = int(backend.url.rpartition(":")[2])

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, behind[1]), copy(behind[0], writer))
        finally:
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_cookie_keeps_to_tls(backend: Backend, browser: Browser, tmp_path: Path) -> None:
    """Behind a proxy that tells nothing, the page's cookie is Secure, and renews the session."""
    async with (
        tls_proxy(backend, tmp_path) as url,
        await browser.new_context(locale="en-GB", ignore_https_errors=True) as context,
    ):
        page = await context.new_page()
        await page.goto(f"{url}/api/notifications/")
        await fill_in(page, "admin", ADMIN_PASSWORD)
        await expect(page.locator("#light")).to_have_text("Connected")
        for _ in range(2):
            (cookie,) = await context.cookies(f"{url}/api/users/session/")
            assert cookie["name"] == "notifier_session"
            assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
            await page.reload()
            await expect(page.locator("#light")).to_have_text("Connected")
