"""What calls for attention."""

from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import headline, switch

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
FAKE_NOTIFICATION = """(answer) => {
  window.shown = [];
  window.Notification = class {
    static permission = "default";
    static asked = 0;
    static async requestPermission() {
      this.asked++;
      return (this.permission = answer);
    }
    constructor(title, options) {
      window.shown.push([title, options.body, options.tag]);
      window.latest = this;
    }
    close() {}
  };
  window.opened = [];
  window.open = (...how) => window.opened.push(how);
}"""


async def test_title_counts(backend: Backend, inbox: Page) -> None:
    """The tab's title counts what came while nobody looked."""
    backend.send({"title": "Seen"})
    await expect(headline(inbox, "Seen")).to_be_visible()
    await expect(inbox).to_have_title("Notifier")
    await inbox.evaluate(HIDE, True)
    backend.send({"title": "Unseen"})
    backend.send({"title": "Unseen too"})
    await expect(inbox).to_have_title("(2) Notifier")
    await inbox.evaluate(HIDE, False)
    await expect(inbox).to_have_title("Notifier")


async def test_desktop_notification(backend: Backend, inbox: Page) -> None:
    """Asked for only on a click, shown only while the page is hidden."""
    await inbox.evaluate(FAKE_NOTIFICATION, "granted")
    backend.send({"title": "Before"})
    await expect(headline(inbox, "Before")).to_be_visible()
    assert await inbox.evaluate("Notification.asked") == 0
    await switch(inbox, "Desktop notifications")
    await inbox.evaluate(HIDE, True)
    backend.send({"title": "Ring", "body": "ring"}, key="k-ring")
    await inbox.wait_for_function("() => window.shown.length === 1")
    assert await inbox.evaluate("window.shown") == [["Ring", "ring", "k-ring"]]


async def test_desktop_notification_leads_on(backend: Backend, inbox: Page) -> None:
    """Clicking one opens its address, if it has one that is safe, apart from the page."""
    await inbox.evaluate(FAKE_NOTIFICATION, "granted")
    await switch(inbox, "Desktop notifications")
    await inbox.evaluate(HIDE, True)
    for count, url in enumerate(("/orders/7", "javascript:alert(1)", ""), 1):
        backend.send({"body": "Look", "url": url})
        await inbox.wait_for_function("(count) => window.shown.length === count", arg=count)
        await inbox.evaluate("window.latest.onclick()")
    address = f"{backend.url}/orders/7"
    assert await inbox.evaluate("window.opened") == [[address, "_blank", "noopener,noreferrer"]]
    assert [said[:2] for said in await inbox.evaluate("window.shown")] == [
        ["Notification", "Look"]
    ] * 3


async def test_desktop_notification_denied(inbox: Page) -> None:
    """A refusal is explained and switches the wish off again."""
    await inbox.evaluate(FAKE_NOTIFICATION, "denied")
    await switch(inbox, "Desktop notifications")
    await expect(inbox.locator("#desktop-hint")).to_contain_text("Blocked")
    await expect(inbox.get_by_label("Desktop notifications")).not_to_be_checked()


async def test_sound(backend: Backend, inbox: Page) -> None:
    """A sound, if wanted: once per burst."""
    await inbox.evaluate(
        """() => {
          window.tones = 0;
          const start = OscillatorNode.prototype.start;
          OscillatorNode.prototype.start = function (...at) {
            window.tones++;
            return start.apply(this, at);
          };
        }"""
    )
    backend.send({"title": "Silent"})
    await expect(headline(inbox, "Silent")).to_be_visible()
    await switch(inbox, "Sound")
    for _ in range(3):
        backend.send({"title": "Loud"})
    await expect(headline(inbox, "Loud")).to_have_count(3)
    await inbox.wait_for_function("() => window.tones === 2")
