"""What the attributes and properties of a bell change, on a page for a user of an application."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.browser.backend import Backend
from tests.browser.bell import Shop, bell, opened, rows, unread
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, claims

KEY = SigningKey("EC", None)
PICTURE = "https://img.example/parcel.svg"
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
COUNT_TONES = """
window.heard = 0;
const { start } = OscillatorNode.prototype;
OscillatorNode.prototype.start = function (...at) {
  localStorage.tones = Number(localStorage.tones ?? 0) + 1;
  return start.apply(this, at);
};
document.addEventListener("notification", () => window.heard++);"""
OWN = """
const bell = document.querySelector("notifier-bell");
bell.getToken = async () => (await (await fetch("/token")).json()).identity;
bell.words = { title: "Neuigkeiten", unfold: "Alle zeigen" };
bell.renderItem = ({ message }, place) => {
  if (message.group) return null;
  place.dataset.own = "yes";
  return message.title.toUpperCase();
};"""
IN_THE_MIDDLE = """
const bell = document.querySelector("notifier-bell");
bell.style.marginInlineStart = "600px";
document.querySelector("main").prepend(bell);"""
names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One server for all tests here, whose users are an application's."""
    folder: Path = tmp_path_factory.mktemp("bell")
    backend = Backend(
        folder,
        NOTIFIER_INBOX_ORIGINS="*",
        NOTIFIER_USERS="external",
        NOTIFIER_JWT_PUBLIC_KEY=KEY.pem.replace("\n", "\\n"),
        NOTIFIER_JWT_ISSUER=ISSUER,
        NOTIFIER_JWT_AUDIENCE=AUDIENCE,
    )
    backend.start()
    yield backend
    backend.close()


class Customer:
    """Somebody of their own, and the shop that knows them by name."""

    def __init__(self, shop: Shop, context: BrowserContext) -> None:
        self.name = f"auth0|customer {next(names)}"
        self.shop = shop
        self.context = context
        shop.whose = f'user="{self.name}" token-url="/token"'
        shop.token = lambda: KEY.sign(claims(self.name))

    def send(self, *payloads: Any, **fields: Any) -> None:
        """Send them notifications."""
        for payload in payloads:
            self.shop.backend.send_to(self.name, payload, **fields)

    async def visit(self) -> Page:
        """Their page, whose bell knows how many there are."""
        page = await self.context.new_page()
        await page.goto(self.shop.url)
        await page.evaluate("customElements.whenDefined('notifier-bell')")
        await page.evaluate("document.querySelector('notifier-bell').prepare().then(() => {})")
        await page.wait_for_function("() => document.querySelector('notifier-bell').inbox?.counts")
        return page

    async def open(self, rows_shown: int) -> Page:
        """The same, with the bell open."""
        page = await self.visit()
        await bell(page).click()
        await expect(rows(page)).to_have_count(rows_shown)
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def customer(server: Backend, browser: Browser) -> AsyncIterator[Customer]:
    """Somebody in front of a browser."""
    with opened(server) as shop:
        async with await browser.new_context(locale="en-GB") as context:
            yield Customer(shop, context)


def tab(page: Page, name: str) -> Locator:
    """One of the tabs."""
    return page.get_by_role("tab", name=name, exact=True)


async def left(place: Locator) -> float:
    """Where something begins, in pixels from the left."""
    box = await place.bounding_box()
    assert box
    return box["x"]


async def test_categories_pictures_and_placement(customer: Customer) -> None:
    """`categories` are tabs, `images` fetches pictures, `placement` says where the list opens."""
    customer.shop.attributes = 'tabs="all" categories="orders=My orders, news" placement="start"'
    customer.shop.pictures = "https://img.example"
    customer.shop.script = IN_THE_MIDDLE
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=DOT, content_type="image/svg+xml")

    await customer.context.route("https://img.example/**", answer)
    customer.send({"title": "Sale", "icon": "\N{PARTY POPPER}"}, category="news")
    customer.send({"title": "Sent", "image": PICTURE, "icon": PICTURE}, category="orders")
    page = await customer.open(2)
    await expect(page.get_by_role("tab")).to_have_text(["All", "My orders", "news"])
    await tab(page, "news").click()
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page).locator(".sign")).to_have_text("\N{PARTY POPPER}")
    await tab(page, "My orders").click()
    await expect(rows(page)).to_contain_text("Sent")
    await expect(rows(page).locator("img")).to_have_count(0)
    assert asked == []
    dialog = page.get_by_role("dialog")
    assert await left(dialog) == await left(bell(page))
    set_attribute = (
        "([name, value]) => document.querySelector('notifier-bell').setAttribute(name, value)"
    )
    await page.evaluate(set_attribute, ["images", ""])
    await page.evaluate(set_attribute, ["placement", "end"])
    await expect(dialog).to_be_hidden()
    await bell(page).click()
    await expect(rows(page).locator("img.image")).to_have_attribute("src", PICTURE)
    await expect(rows(page).locator("img.sign")).to_have_attribute("referrerpolicy", "no-referrer")
    await page.wait_for_function(
        "() => document.querySelector('notifier-bell').shadowRoot"
        ".querySelector('img.image').naturalWidth === 8"
    )
    assert set(asked) == {PICTURE}
    assert await left(dialog) < await left(bell(page))


async def test_words_rows_and_tokens_of_ones_own(customer: Customer) -> None:
    """`getToken` gives tokens, `words` replace some words, `renderItem` makes what it wants to."""
    customer.shop.whose = f'user="{customer.name}"'
    customer.shop.script = OWN
    customer.send(
        {"title": "One", "group": "g"}, {"title": "Two", "group": "g"}, {"title": "Three"}
    )
    page = await customer.open(2)
    assert customer.shop.asked > 0
    await expect(page.get_by_role("dialog", name="Neuigkeiten")).to_be_visible()
    await expect(page.get_by_role("button", name="Close")).to_be_visible()
    await expect(rows(page).nth(0).locator("[data-own=yes]")).to_have_text("THREE")
    await expect(rows(page).nth(1).locator(".title")).to_have_text("Two")
    unfold = page.get_by_role("button", name="1 more like this")
    await expect(unfold).to_have_attribute("title", "Alle zeigen")


async def test_read_on_open(customer: Customer) -> None:
    """With `read="open"` being shown is enough; the count leaves the page's title and its icon."""
    customer.shop.attributes = 'read="open" badge="unread" title-badge favicon-badge'
    customer.shop.pictures = "data:"
    customer.send({"title": "One"}, {"title": "Two"}, priority="low")
    page = await customer.visit()
    badge = page.locator("notifier-bell").locator(".badge")
    await expect(badge).to_have_text("2")
    await expect(page).to_have_title("(2) Shop")
    drawn = page.locator("link[rel=icon][href^='data:image/png']")
    await expect(drawn).to_have_count(1)
    await bell(page).click()
    await expect(rows(page)).to_have_count(2)
    await expect(unread(page)).to_have_count(0)
    await expect(badge).to_be_hidden()
    await expect(page).to_have_title("Shop")
    await expect(drawn).to_have_count(0)
    again = await customer.open(2)
    await expect(unread(again)).to_have_count(0)


async def test_sound(customer: Customer) -> None:
    """`sound` plays in one of several tabs, and never for low priority."""
    customer.shop.attributes = "sound"
    customer.shop.script = COUNT_TONES
    pages = [await customer.visit(), await customer.visit()]
    sent = count(1)

    async def ring(**fields: Any) -> None:
        """Send one; wait until all tabs have heard of it."""
        customer.send({"title": "Ring"}, **fields)
        heard = next(sent)
        for page in pages:
            await page.wait_for_function("(count) => window.heard === count", arg=heard)

    async def sounded(tones: int) -> None:
        """Wait until there were so many, in all tabs."""
        await pages[0].wait_for_function(
            "(count) => Number(localStorage.tones ?? 0) === count", arg=tones
        )

    for page in pages:
        await page.get_by_role("heading", name="Shop").click()
    await ring(priority="low")
    await sounded(0)
    await ring()
    await sounded(2)
    await ring(priority="urgent")
    await sounded(5)


async def test_snooze(customer: Customer) -> None:
    """One chooses until when, by mouse or keyboard; what is put off leaves, until undone."""
    customer.send({"title": "Stays"}, {"title": "Later"})
    page = await customer.open(2)
    button = rows(page).first.get_by_role("button", name="Snooze")
    await rows(page).first.hover()
    await button.click()
    menu = page.get_by_role("menu", name="Snooze")
    await expect(menu.get_by_role("menuitem", name="In an hour")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await button.click()
    await page.keyboard.press("End")
    await expect(menu.get_by_role("menuitem", name="Next week")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(rows(page)).to_have_count(1)
    assert await page.evaluate(
        """async () => {
          const view = document.querySelector("notifier-bell").inbox.view({ snoozed: "only" });
          await view.load();
          const [{ message, snoozedUntil }] = view.items;
          const tomorrow = new Date();
          tomorrow.setDate(tomorrow.getDate() + 1);
          tomorrow.setHours(9, 0, 0, 0);
          view.close();
          return [message.title, snoozedUntil.getTime() === tomorrow.getTime()];
        }"""
    ) == ["Later", True]
    await expect(page.get_by_text("Snoozed.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(rows(page)).to_have_count(2)


async def test_a_server_that_is_away(customer: Customer) -> None:
    """The bell says that it is away, and what that means; it goes on when the server is back."""
    customer.send({"title": "One"})
    page = await customer.open(1)
    backend = customer.shop.backend
    await asyncio.to_thread(backend.stop)
    await expect(
        page.get_by_text("You are offline. What you miss is kept for you.")
    ).to_be_visible()
    await tab(page, "Unread").click()
    await expect(page.get_by_text("The notifications couldn't be loaded")).to_be_visible()
    await asyncio.to_thread(backend.start)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    await page.get_by_role("button", name="Try again").click()
    await expect(rows(page)).to_have_count(1)
    customer.send({"title": "Two"})
    await page.get_by_role("button", name="1 new", exact=True).click()
    await expect(rows(page)).to_have_count(2)
