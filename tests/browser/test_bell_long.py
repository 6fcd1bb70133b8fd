"""A list of any length, in a real browser."""

from collections.abc import Callable

from playwright.async_api import Browser, expect

from tests.browser.backend import Backend
from tests.browser.bell import bell, opened, rows
from tests.browser.trace import LONG_TASK, traced

MANY = """
const bell = document.querySelector("notifier-bell");
const PAGE = 5_000, ALL = 100_000, NOW = Date.now();
window.most = 10_000;
const item = (number) => ({
  key: `k${number}`, seq: ALL - number, payload: {}, raw: "{}", category: null,
  priority: "normal",
  message: { title: `Nr ${number}`, body: "b".repeat(number % 200), url: "/x", level: null,
    icon: null, image: null, actions: [], group: null },
  createdAt: new Date(NOW - number * 60_000), expiresAt: null, ackedAt: null,
  seenAt: new Date(), readAt: null, archivedAt: null, snoozedUntil: null,
});
class View extends EventTarget {
  items = []; fresh = 0; more = true; state = "ready"; error = null;
  filter = { status: "all", archived: "exclude", snoozed: "exclude", category: null };
  fits() { return true; }
  async load() {
    const { length } = this.items;
    for (let number = length; number < length + PAGE; number++) this.items.push(item(number));
    this.more = this.items.length < window.most;
    this.dispatchEvent(new CustomEvent("change"));
  }
  showFresh() {}
  close() {}
}
const inbox = Object.assign(new EventTarget(), {
  status: { state: "connected" }, counts: { unread: ALL, unseen: 0, seq: ALL, version: 1 },
  view: () => (window.view = new View()),
});
bell.inbox = inbox;
"""
SCROLL = """async () => {
  const root = document.querySelector("notifier-bell").shadowRoot;
  const scroll = root.querySelector(".scroll");
  let most = 0;
  const below = () => scroll.scrollHeight - scroll.clientHeight - scroll.scrollTop;
  while (window.view.more || below() > 1) {
    scroll.scrollTop += scroll.scrollHeight / 50;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    most = Math.max(most, root.querySelectorAll("article").length);
  }
  return most;
}"""
"""To the end; the most rows that the document held on the way."""


async def test_a_hundred_thousand_rows(
    start_backend: Callable[..., Backend], browser: Browser
) -> None:
    """All of it is reached by scrolling, and the document never holds more than a screen or two.

    Ten thousand are scrolled through without a task that anybody would notice.
    """
    with opened(start_backend()) as shop:
        shop.attributes = 'badge="unread"'
        shop.script = MANY
        async with await browser.new_context(locale="en-GB") as context:
            page = await context.new_page()
            await page.goto(shop.url)
            badge = page.locator("notifier-bell").locator(".badge")
            await expect(badge).to_have_text("99+")
            await bell(page).click()
            await expect(rows(page).first).to_have_attribute("aria-label", "Nr 0")
            async with traced(page) as trace:
                assert await page.evaluate(SCROLL) < 60
            await expect(rows(page).last).to_have_attribute("aria-label", "Nr 9999")
            assert 1 < trace.longest < LONG_TASK
            await page.evaluate("() => { window.most = 100_000; return window.view.load(); }")
            assert await page.evaluate(SCROLL) < 60
            await expect(rows(page).last).to_have_attribute("aria-label", "Nr 99999")
            await rows(page).last.focus()
            await page.keyboard.press("Home")
            await expect(rows(page).first).to_have_attribute("aria-label", "Nr 0")
