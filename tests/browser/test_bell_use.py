"""What people do with a bell: by keyboard, on two pages, with a screen reader."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.backend import Backend
from tests.browser.bell import Shop, bell, opened, rows, unread
from tests.browser.test_quality import PHONE, violations

ARABIC = """customElements.whenDefined("notifier-bell").then(() => {
  document.querySelector("notifier-bell").words = { title: "الإشعارات", readAll: "الكل مقروء" };
});"""


@pytest.fixture
def shop(start_backend: Callable[..., Backend]) -> Iterator[Shop]:
    """A site with a bell, and its server."""
    with opened(start_backend(NOTIFIER_INBOX_ORIGINS="*")) as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def profile(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile."""
    async with await browser.new_context(locale="en-GB") as context:
        yield context


async def open_bell(context: BrowserContext, shop: Shop, count: int) -> Page:
    """A tab in which the bell is open and shows so many."""
    page = await context.new_page()
    await page.goto(shop.url)
    await bell(page).click()
    await expect(rows(page)).to_have_count(count)
    return page


async def focused(page: Page) -> str:
    """What has the focus inside the bell: an article's name, or the kind of another element."""
    said: str = await page.evaluate(
        """() => {
          const active = document.querySelector("notifier-bell").shadowRoot.activeElement;
          return active?.localName === "article" ? active.ariaLabel : active?.part.value ?? "";
        }"""
    )
    return said


async def until_focused(page: Page, what: str) -> None:
    """Wait until the focus is there."""
    await page.wait_for_function(
        """(what) => {
          const active = document.querySelector("notifier-bell").shadowRoot.activeElement;
          return active?.ariaLabel === what;
        }""",
        arg=what,
    )


async def test_keyboard(shop: Shop, profile: BrowserContext) -> None:
    """Arrows, Home and End go through the list; e archives, u is for unread, Escape closes."""
    for number in range(4):
        shop.backend.send({"title": f"Nr {number}"})
    page = await open_bell(profile, shop, 4)
    for key, where in (
        ("ArrowDown", "Nr 3"),
        ("ArrowDown", "Nr 2"),
        ("End", "Nr 0"),
        ("ArrowUp", "Nr 1"),
        ("Home", "Nr 3"),
    ):
        await page.keyboard.press(key)
        await until_focused(page, where)
    await page.keyboard.press("Enter")
    await expect(unread(page)).to_have_count(3)
    assert await focused(page) == "Nr 3"
    await page.keyboard.press("u")
    await expect(unread(page)).to_have_count(4)
    await page.keyboard.press("e")
    await expect(rows(page)).to_have_count(3)
    await until_focused(page, "Nr 2")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert await focused(page) == "button"


async def test_the_focus_stays_inside(shop: Shop, profile: BrowserContext) -> None:
    """While it is open, Tab reaches nothing of the page."""
    shop.backend.send({"title": "One", "url": "/one"})
    page = await open_bell(profile, shop, 1)
    for _ in range(14):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.localName") in {"notifier-bell", "body"}


async def test_mark_all_and_undo(shop: Shop, profile: BrowserContext) -> None:
    """Everything is marked as read at once, and can be taken back."""
    for number in range(3):
        shop.backend.send({"title": f"Nr {number}"})
    page = await open_bell(profile, shop, 3)
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(unread(page)).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(unread(page)).to_have_count(3)


async def test_two_pages_follow_each_other(
    shop: Shop, profile: BrowserContext, browser: Browser
) -> None:
    """What is read in one browser is read in another, and what is archived leaves it."""
    for number in range(2):
        shop.backend.send({"title": f"Nr {number}"})
    here = await open_bell(profile, shop, 2)
    async with await browser.new_context(locale="en-GB") as other:
        there = await open_bell(other, shop, 2)
        await rows(here).first.focus()
        await here.keyboard.press("Enter")
        await expect(unread(there)).to_have_count(1)
        await here.keyboard.press("e")
        await expect(rows(there)).to_have_count(1)


async def test_a_read_survives_leaving_at_once(shop: Shop, profile: BrowserContext) -> None:
    """A click that closes the page still marks as read."""
    shop.backend.send({"title": "One"})
    page = await open_bell(profile, shop, 1)
    await page.evaluate(
        """() => {
          const root = document.querySelector("notifier-bell").shadowRoot;
          root.querySelector("article").focus();
          root.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "u", bubbles: true }));
          location.href = "/elsewhere";
        }"""
    )
    await page.wait_for_url("**/elsewhere")
    again = await open_bell(profile, shop, 1)
    await expect(unread(again)).to_have_count(0)


async def test_the_list_stays_put(shop: Shop, profile: BrowserContext) -> None:
    """What arrives is offered, and pushes nothing until it is asked for."""
    shop.backend.send({"title": "Old"})
    page = await open_bell(profile, shop, 1)
    shop.backend.send({"title": "New"})
    await page.get_by_role("button", name="1 new", exact=True).click()
    await expect(rows(page)).to_have_count(2)
    await expect(rows(page).first).to_have_attribute("aria-label", "New")


async def test_a_group_is_one_row(shop: Shop, profile: BrowserContext) -> None:
    """A group unfolds, and is marked as one."""
    for number in range(3):
        shop.backend.send({"title": f"Nr {number}", "group": "draft"})
    page = await open_bell(profile, shop, 1)
    await page.get_by_role("button", name="2 more like this").click()
    await expect(rows(page)).to_have_count(4)
    await rows(page).first.focus()
    await page.keyboard.press("u")
    await expect(unread(page)).to_have_count(0)


async def test_the_page_decides(shop: Shop, profile: BrowserContext) -> None:
    """A page routes links by itself, hears of actions, and keeps what arrives to itself."""
    shop.attributes = "toasts"
    shop.script = """
      window.heard = [];
      for (const type of ["navigate", "action", "notification"]) {
        document.addEventListener(type, (event) => {
          event.preventDefault();
          const { url, action, item } = event.detail;
          window.heard.push([type, url ?? action?.event ?? event.detail.message.title]);
        });
      }"""
    actions = [{"label": "Accept", "event": "accept"}]
    shop.backend.send({"title": "Invoice", "url": "/invoice", "actions": actions})
    page = await open_bell(profile, shop, 1)
    await page.get_by_role("button", name="Accept").click()
    await page.get_by_role("link", name="Invoice").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    shop.backend.send({"title": "More"})
    await page.wait_for_function("() => window.heard.length === 4")
    assert await page.evaluate("window.heard") == [
        ["notification", "Invoice"],
        ["action", "accept"],
        ["navigate", f"{shop.url}/invoice"],
        ["notification", "More"],
    ]
    assert page.url == f"{shop.url}/"
    await expect(page.locator("notifier-bell").locator(".toast")).to_have_count(0)


@pytest.mark.attack("a payload brings a script as a link or as markup", before="no bell")
async def test_hostile_payloads(shop: Shop, profile: BrowserContext) -> None:
    """A link leads to the web or is none, and markup is text."""
    hostile = ("javascript:alert(1)", "data:text/html,x", "https://bank.example@evil.example")
    for address in hostile:
        actions = [{"label": "Go", "url": address}]
        shop.backend.send(
            {"title": "<img src=x onerror=alert(1)>", "url": address, "actions": actions}
        )
    page = await open_bell(profile, shop, len(hostile))
    assert await rows(page).locator("a, img").count() == 0
    await expect(rows(page).first).to_contain_text("<img src=x")


async def test_signed_out(shop: Shop, profile: BrowserContext) -> None:
    """401 from the page means that nobody is signed in, and the bell says so."""
    shop.signed_in = False
    page = await profile.new_page()
    await page.goto(shop.url)
    await bell(page).click()
    await expect(page.get_by_text("Nobody is signed in.")).to_be_visible()


async def test_toasts_and_titles(shop: Shop, profile: BrowserContext) -> None:
    """What arrives shows in a corner and in the title, and is said; low priority is only listed."""
    shop.attributes = "toasts title-badge favicon-badge"
    page = await profile.new_page()
    async with page.expect_websocket() as connecting:
        await page.goto(shop.url)
    await (await connecting.value).wait_for_event("framereceived")
    shop.backend.send({"title": "Quiet"}, priority="low")
    shop.backend.send({"title": "Loud"}, priority="urgent")
    toast = page.locator("notifier-bell").locator(".toast")
    await expect(toast).to_contain_text("Urgent")
    await expect(page).to_have_title("(1) Shop")
    await expect(page.get_by_text("2 new notifications")).to_be_attached()
    await toast.get_by_role("button", name="Dismiss").click()
    await expect(toast).to_have_count(0)


async def test_the_list_is_fetched_once_more_where_that_failed(
    shop: Shop, profile: BrowserContext
) -> None:
    """Without a network the page hears of an error; with one, the next click opens the list."""
    shop.script = """
      window.failures = [];
      document.querySelector("notifier-bell")
        .addEventListener("error", ({ detail }) => window.failures.push(detail.message));"""
    shop.backend.send({"title": "One"})
    page = await profile.new_page()
    await page.goto(shop.url)
    await expect(page.locator("notifier-bell").locator(".badge")).to_have_text("1")
    await page.route("**/bell/screen/**", lambda route: route.abort())
    await bell(page).click()
    await page.wait_for_function("() => window.failures.length === 1")
    await page.unroute("**/bell/screen/**")
    await bell(page).click()
    await expect(rows(page)).to_have_count(1)
    await page.keyboard.press("Escape")
    assert await page.evaluate(
        "async () => (await document.querySelector('notifier-bell').prepare()).counts.unread === 1"
    )


async def test_rows_of_ones_own(shop: Shop, profile: BrowserContext) -> None:
    """A template in the element says what rows look like."""
    shop.inside = (
        "<template><b data-text='payload.order.number'></b>"
        "<a data-href='url' data-text='title'></a><i data-text='payload.missing'></i></template>"
    )
    shop.backend.send({"title": "Sent", "url": "/sent", "order": {"number": 7}})
    page = await open_bell(profile, shop, 1)
    await expect(rows(page).locator("b")).to_have_text("7")
    await expect(rows(page).get_by_role("link", name="Sent")).to_have_attribute(
        "href", f"{shop.url}/sent"
    )
    assert await rows(page).locator("i").count() == 0


@pytest.mark.parametrize("kind", ["light", "dark", "phone", "russian", "arabic"])
async def test_axe(shop: Shop, browser: Browser, kind: str) -> None:
    """Open and closed, the bell has no violation that axe can see."""
    options: dict[str, Any] = PHONE if kind == "phone" else {}
    if kind == "dark":
        options = {"color_scheme": "dark"}
    shop.lang = {"russian": "ru", "arabic": "ar"}.get(kind, "en")
    shop.direction = "rtl" if kind == "arabic" else "ltr"
    shop.script = ARABIC if kind == "arabic" else ""
    shop.backend.send([1, 2])
    actions = [{"label": "Yes", "event": "yes", "style": "primary"}, {"label": "No", "event": "no"}]
    for level in ("info", "success", "warning", "error"):
        shop.backend.send({"title": "T", "body": "B", "level": level, "url": "/x"}, priority="high")
    shop.backend.send({"title": "A", "actions": actions}, priority="urgent")
    shop.backend.send({"title": "L", "group": "g"}, priority="low")
    shop.backend.send({"title": "L", "group": "g"})
    async with await browser.new_context(**options) as context:
        page = await open_bell(context, shop, 7)
        await page.wait_for_function(
            "() => !document.querySelector('notifier-bell').shadowRoot.getAnimations().length"
        )
        assert await violations(page) == []
        if kind == "arabic":
            box = await page.get_by_role("dialog").bounding_box()
            assert box is not None
            assert box["x"] < 100
        if kind == "phone":
            box = await page.get_by_role("dialog").bounding_box()
            assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
        await page.keyboard.press("Escape")
        assert await violations(page) == []
