"""What the page does when the network or the server goes away."""

import asyncio

from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, headline


async def titles(page: Page) -> list[str]:
    """The titles in the feed, newest first."""
    return await page.locator(".entry-title").all_text_contents()


async def test_arrives_within_a_second(backend: Backend, inbox: Page) -> None:
    """What is sent appears while one looks."""
    await asyncio.to_thread(backend.send, {"title": "Quick"})
    await expect(headline(inbox, "Quick")).to_be_visible(timeout=1_000)


async def test_ten_while_offline(backend: Backend, inbox: Page) -> None:
    """Ten sent while the network is away appear once each, in order, when it is back."""
    await inbox.context.set_offline(True)
    await expect(inbox.locator("#light")).to_contain_text("Offline")
    for number in range(10):
        backend.send({"title": f"Missed {number}"})
    assert await titles(inbox) == []
    await inbox.context.set_offline(False)
    await expect(inbox.locator("#light")).to_have_text("Connected")
    await expect(inbox.locator(".entry")).to_have_count(10)
    assert await titles(inbox) == [f"Missed {number}" for number in range(9, -1, -1)]
    await inbox.reload()
    await expect(inbox.get_by_text("All caught up")).to_be_visible()


async def test_ten_while_closed(backend: Backend, visit: Visit) -> None:
    """Ten sent while nobody is there appear on opening, once each, in order."""
    for number in range(10):
        backend.send({"title": f"Missed {number}"})
    page = await (await visit(backend)).sign_in()
    await expect(page.locator(".entry")).to_have_count(10)
    assert await titles(page) == [f"Missed {number}" for number in range(9, -1, -1)]


async def test_server_restarts(backend: Backend, inbox: Page) -> None:
    """The page says that it waits for the server, and recovers by itself."""
    backend.send({"title": "Before"})
    await expect(headline(inbox, "Before")).to_be_visible()
    await asyncio.to_thread(backend.stop)
    await expect(inbox.locator("#light")).to_contain_text("Reconnecting in")
    await expect(inbox.get_by_role("button", name="Try now")).to_be_visible()
    await asyncio.to_thread(backend.start)
    await expect(inbox.locator("#light")).to_have_text("Connected", timeout=30_000)
    backend.send({"title": "After"})
    await expect(headline(inbox, "After")).to_be_visible()
    assert await titles(inbox) == ["After", "Before"]


async def test_two_tabs(backend: Backend, visit: Visit) -> None:
    """Two tabs show the same, on one connection, and one goes on when the other closes."""
    visitor = await visit(backend)
    first = await visitor.sign_in()
    second = await visitor.open()
    await expect(second.locator("#light")).to_have_text("Connected")
    backend.send({"title": "Both"})
    for tab in (first, second):
        await expect(headline(tab, "Both")).to_have_count(1)
    await expect(second.locator(".numbers dd").nth(1)).to_have_text("1")
    await first.close()
    backend.send({"title": "Still here"})
    await expect(headline(second, "Still here")).to_have_count(1)
    await expect(headline(second, "Both")).to_have_count(1)


async def test_two_devices(backend: Backend, visit: Visit) -> None:
    """Each of a user's devices gets each notification live."""
    devices = [await (await visit(backend)).sign_in() for _ in range(2)]
    backend.send({"title": "Everywhere"})
    for device in devices:
        await expect(headline(device, "Everywhere")).to_be_visible()
