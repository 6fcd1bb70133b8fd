"""For everyone, on every screen, over a slow line."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in, open_detail, switch
from tests.support.harness import ADMIN_PASSWORD

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 640},
    "has_touch": True,
    "is_mobile": True,
}
ACTIONS = [
    {"label": "Yes", "url": "https://example.org/yes", "style": "primary"},
    {"label": "No", "url": "https://example.org/no", "style": "danger"},
    {"label": "Later", "event": "later"},
]
FIRST_LOAD = 20_000
INBOX_LOAD = 80_000  # what shows the inbox, keeps it in step, and the tools beside it


async def violations(page: Page) -> list[str]:
    """What axe finds."""
    # Evaluated by the debugger, which the page's policy doesn't bind.
    await page.evaluate(AXE.read_text())
    result: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{found['id']}: {node['html']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe(backend: Backend, visit: Visit, scheme: str) -> None:
    """No screen has a violation that axe can see."""
    page = await (await visit(backend, color_scheme=scheme)).open()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#username-error")).not_to_be_empty()
    assert await violations(page) == []

    inbox = await (await visit(backend, color_scheme=scheme)).sign_in()
    await expect(inbox.locator(".parts li")).to_have_count(3)
    assert await violations(inbox) == []

    await inbox.get_by_role("button", name="Sign out").click()
    await expect(inbox.get_by_role("dialog", name="Sign out")).to_be_visible()
    assert await violations(inbox) == []
    await inbox.keyboard.press("Escape")

    for level in ("info", "success", "warning", "error"):
        payload = {"title": "T", "body": "B", "url": "https://example.org", "level": level}
        backend.send({**payload, "icon": "\N{BLACK STAR}", "actions": ACTIONS})
    backend.send([{"number": number, "text": "x" * 60, "no": None} for number in range(20)])
    backend.send({"body": "שורה\n" * 5_000, "url": "javascript:alert(1)"}, category="ops")
    for _ in range(2):
        backend.send({"title": "Alike", "group": "g"})
    await inbox.get_by_role("button", name="1 more like this").click()
    await open_detail(inbox, "#6")
    await inbox.locator("#detail-more-body").click()
    assert await violations(inbox) == []
    await inbox.get_by_role("button", name="Snooze").click()
    await inbox.locator("#snooze-form").get_by_role("button", name="Snooze").click()
    await expect(inbox.locator("#snooze-error")).to_be_visible()
    assert await violations(inbox) == []
    await inbox.keyboard.press("Escape")
    await inbox.keyboard.press("Escape")
    await inbox.keyboard.press("?")
    await expect(inbox.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert await violations(inbox) == []
    await inbox.keyboard.press("Escape")
    await inbox.locator(".entry-select").nth(1).check()
    await inbox.keyboard.press("u")
    await expect(inbox.locator("#toast")).to_contain_text("marked as read")
    await inbox.get_by_text("More", exact=True).click()
    await inbox.get_by_label("Payload (JSON)").fill("{")
    await switch(inbox, "Protocol")
    await expect(inbox.locator(".frames li").nth(12)).to_be_visible()
    assert await violations(inbox) == []


async def test_axe_on_failure(backend: Backend, visit: Visit) -> None:
    """The screen without a server is sound too."""
    visitor = await visit(backend, **PHONE)
    await visitor.context.route("**/session/refresh/", lambda route: route.abort())
    page = await visitor.open()
    await expect(page.get_by_role("heading", name="The server can't be reached")).to_be_visible()
    assert await violations(page) == []


async def test_phone(backend: Backend, visit: Visit) -> None:
    """On a phone nothing is cut off or needs sideways scrolling."""
    page = await (await visit(backend, **PHONE)).sign_in()
    backend.send({"title": "W" * 200, "body": "b" * 500, "url": f"https://e.example/{'u' * 300}"})
    backend.send({"k" * 100: "v" * 400, "list": list(range(100))})
    backend.send({"body": "w" * 9_000, "level": "error"})
    await expect(page.locator(".entry")).to_have_count(3)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    detail = await open_detail(page, "#3")
    await page.locator("#detail-more-body").click()
    assert await detail.evaluate("sheet => sheet.scrollWidth") <= 360
    await page.locator("#detail-close").click()
    await page.locator(".entry-select").first.check()
    for summary in ("Live", "Send"):
        await page.locator("summary", has_text=summary).first.click()
    await page.get_by_role("button", name="View").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    box = await page.locator("#view").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Sign out").click()
    everywhere = page.locator("#sign-out-everywhere-hint")
    await expect(everywhere).to_be_in_viewport(ratio=1)


async def test_keyboard(backend: Backend, inbox: Page) -> None:
    """Everything on an entry is reached and used with the keyboard."""
    backend.send({"title": "T", "url": "https://example.org"})
    await expect(inbox.locator(".entry")).to_have_count(1)
    entry = inbox.locator(".entry")
    await entry.get_by_role("checkbox").focus()
    for name in ("T", "Mark as read", "Archive"):
        await inbox.keyboard.press("Tab")
        await expect(entry.get_by_role("button", name=name, exact=True)).to_be_focused()
    await inbox.keyboard.press("Tab")
    await expect(entry.get_by_role("link", name="example.org")).to_be_focused()
    await entry.get_by_role("button", name="T", exact=True).focus()
    await inbox.keyboard.press("Enter")
    await expect(inbox.locator("#detail-title")).to_be_focused()
    await expect(inbox.locator("#detail-json")).to_be_visible()


async def test_russian(backend: Backend, visit: Visit) -> None:
    """The page speaks the browser's language."""
    page = await (await visit(backend, locale="ru-RU")).open()
    await expect(page.get_by_role("heading", name="Вход в Notifier")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "ru"


async def test_policy_holds(backend: Backend, visit: Visit) -> None:
    """The page's policy stops a script that somehow got in."""
    visitor = await visit(backend)
    inbox = await visitor.sign_in()
    await inbox.evaluate(
        """() => {
          window.stopped = 0;
          addEventListener("securitypolicyviolation", () => window.stopped++);
          const script = document.createElement("script");
          script.textContent = "document.title = 'hacked'";
          document.body.append(script);
        }"""
    )
    await inbox.wait_for_function("() => window.stopped === 1")
    assert await inbox.title() == "Notifier"
    assert "Content Security Policy" in visitor.problems.pop()


async def test_first_load(backend: Backend, visit: Visit) -> None:
    """What travels until the first screen, and until a superuser's inbox, is little."""
    transferred = """async () => {
      const [page] = performance.getEntriesByType("navigation");
      const files = performance.getEntriesByType("resource");
      return [page, ...files].reduce((sum, file) => sum + file.encodedBodySize, 0);
    }"""
    page = await (await visit(backend)).open()
    await expect(page.get_by_label("User name")).to_be_focused()
    assert 5_000 < await page.evaluate(transferred) < FIRST_LOAD
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.locator(".parts li")).to_have_count(3)
    assert 20_000 < await page.evaluate(transferred) < INBOX_LOAD
