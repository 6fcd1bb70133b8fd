"""The bell on a page of another origin, under the strictest policy."""

from collections.abc import Callable, Iterator

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.backend import Backend
from tests.browser.bell import Shop, bell, opened, rows, unread


@pytest.fixture
def shop(start_backend: Callable[..., Backend]) -> Iterator[Shop]:
    """A site with a bell, and its server."""
    backend = start_backend(NOTIFIER_INBOX_ORIGINS="*")
    with opened(backend) as shop:
        yield shop


async def visit(context: BrowserContext, shop: Shop, badge: str | None = None) -> Page:
    """A tab with the page, whose bell shows this count."""
    page = await context.new_page()
    await page.goto(shop.url)
    if badge is not None:
        await expect(page.locator("notifier-bell").locator(".badge")).to_have_text(badge)
    return page


async def test_it_counts_lists_and_marks(shop: Shop, profile: BrowserContext) -> None:
    """The bell counts what is new, shows it when it opens, and marks as read what is clicked.

    Until somebody comes near it, neither the list nor the inbox is fetched.
    """
    fetched: list[str] = []
    profile.on("request", lambda request: fetched.append(request.url))
    shop.backend.send({"title": "Parcel sent", "body": "It comes tomorrow.", "level": "success"})
    shop.backend.send({"title": "Invoice", "url": "/invoice"}, priority="urgent")
    page = await visit(profile, shop, "2")
    late = ("/bell/screen/", "/inbox/inbox.js", "/bell/badges.js", "/bell/sound.js", "/api/inbox/")
    assert [url for url in fetched if any(part in url for part in late)] == []
    assert any(url.endswith("/bell/element.js") for url in fetched)
    await bell(page).click()
    await expect(rows(page)).to_have_count(2)
    await expect(unread(page)).to_have_count(2)
    # What has been on the screen is no longer new.
    await expect(page.locator("notifier-bell").locator(".badge")).to_be_hidden()
    await page.get_by_role("link", name="Invoice").click()
    await page.wait_for_url("**/invoice")
    await page.goto(shop.url)
    await bell(page).click()
    await expect(rows(page)).to_have_count(2)
    await expect(unread(page)).to_have_count(1)
