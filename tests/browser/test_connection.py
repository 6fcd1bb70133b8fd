"""What the page does when the network or the server goes away."""

import asyncio
import signal
import time
from collections.abc import Callable

from playwright.async_api import Page, Route, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, headline

REFRESH = "**/api/users/session/refresh/"


async def titles(page: Page) -> list[str]:
    """The titles in the feed, newest first."""
    return await page.locator(".entry .entry-title").all_text_contents()


async def test_arrives_within_a_second(backend: Backend, inbox: Page) -> None:
    """What is sent appears while one looks: the best of five, for a busy machine."""
    took = []
    for number in range(5):
        began = time.monotonic()
        await asyncio.to_thread(backend.send, {"title": f"Quick {number}"})
        await expect(headline(inbox, f"Quick {number}")).to_be_visible()
        took.append(time.monotonic() - began)
    assert min(took) < 1


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
    await expect(inbox.locator(".entry")).to_have_count(10)
    assert await titles(inbox) == [f"Missed {number}" for number in range(9, -1, -1)]


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


async def test_server_stalls(backend: Backend, visit: Visit) -> None:
    """A server that hangs beyond every deadline, and then goes on, has signed nobody out."""
    visitor = await visit(backend)
    await visitor.context.clock.install()
    await visitor.context.add_init_script("Math.random = () => 1")  # retries as late as may be
    page = await visitor.sign_in()
    backend.send({"title": "Before"})
    await expect(headline(page, "Before")).to_be_visible()
    again = page.get_by_role("button", name="Try now")
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
    backend.send_signal(signal.SIGSTOP)
    try:
        await page.clock.run_for(30_500)  # the heartbeat
        await again.click()
        await page.clock.run_for(15_000)  # a handshake with the token in hand
        async with page.expect_request(REFRESH):
            await again.click()
        await page.clock.run_for(15_000)  # a renewal, which goes on into the next attempt
        await again.click()
    finally:
        backend.send_signal(signal.SIGCONT)
    await page.clock.resume()
    await expect(page.locator("#light")).to_have_text("Connected")
    backend.send({"title": "After"})
    await expect(headline(page, "After")).to_be_visible()
    assert await titles(page) == ["After", "Before"]


async def test_renewal_gone_astray(start_backend: Callable[..., Backend], visit: Visit) -> None:
    """What a proxy answers to a renewal, or an answer that is lost, signs nobody out."""
    backend = start_backend(NOTIFIER_IDENTITY_SECONDS="3")
    visitor = await visit(backend)
    page = await visitor.sign_in()
    backend.send({"title": "Before"})
    await expect(headline(page, "Before")).to_be_visible()

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    async def answer(route: Route) -> None:
        await route.fulfill(status=status, content_type="text/html", body="<h1>Not now</h1>")

    for status in (502, 401, 404, 200, None):
        await page.route(REFRESH, answer if status else lose)
        await expect(page.locator("#light")).to_contain_text("Reconnecting in")
        await page.unroute(REFRESH)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("#light")).to_have_text("Connected")
    assert await titles(page) == ["Before"]
    for status in (502, 401, 404):
        assert any(f"HTTP {status}" in said for said in visitor.problems)
    visitor.problems.clear()  # what was said on the console was expected


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
