"""The operator's views for everyone: languages, colours, keyboards, phones."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit
from tests.browser.operator import api, row, rows, shown
from tests.browser.test_quality import PHONE, violations
from tests.support.harness import ADMIN_PASSWORD

LATIN = re.compile(r"[A-Za-z]{2,}")
OURS = {"Notifier", "JSON", "RabbitMQ", "sqlite", "local", "admin", "ann", "billing", "user", "eu"}


def prepare(backend: Backend) -> None:
    """Something to see in each view."""
    backend.create_user("ann")
    backend.send({"title": "T", "list": list(range(100))}, user_id=2)
    backend.send({"title": "T"}, user_id=2, ttl=1)
    long = {"name": "billing", "scopes": ["send", "identity", "revoke"], "user_prefix": "eu:"}
    for more in ({"rate": 100, "expires_in": 86_400}, {}):
        api(backend, "POST", "/api/admin/keys/", {**long, **more})
    revoked = api(backend, "POST", "/api/admin/keys/", {"name": "old"})
    api(backend, "DELETE", f"/api/admin/keys/{revoked['id']}/")


async def tour(page: Page, backend: Backend, look: Callable[[], Awaitable[None]]) -> None:
    """Everything that there is to see, whatever the language."""
    for address in ("users", "users?search=zoe", "users/2", "users/1", "users/99", "recipients"):
        await page.goto(f"{backend.page}#{address}")
        await expect(page.locator(".view-body[aria-busy]")).to_have_count(0)
        await look()
    await page.goto(f"{backend.page}#audit")
    await expect(rows(page).first).to_be_visible()
    await page.locator(".table details").first.locator("summary").click()
    await look()
    await page.goto(f"{backend.page}#keys")
    await page.locator(".former summary").click()
    await look()
    await page.locator(".view-actions .primary").click()
    await page.locator("dialog.ask .primary").click()
    await expect(page.locator("#key-name-error")).not_to_be_empty()
    await look()
    await page.locator("#key-name").fill("billing")
    await page.locator("#key-name").press("Enter")
    await expect(page.locator(".once h3")).to_be_focused()
    await look()
    await page.goto(f"{backend.page}#users/2")
    await page.locator(".actions .danger").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await look()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe(backend: Backend, visit: Visit, scheme: str) -> None:
    """No view, and no question, has a violation that axe can see."""
    prepare(backend)
    page = await (await visit(backend, color_scheme=scheme)).sign_in()

    async def look() -> None:
        assert await violations(page) == [], page.url

    await tour(page, backend, look)


async def test_phone(backend: Backend, visit: Visit) -> None:
    """On a phone nothing is cut off or needs sideways scrolling, and axe finds nothing."""
    prepare(backend)
    page = await (await visit(backend, **PHONE)).sign_in()

    async def look() -> None:
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
        assert await violations(page) == [], page.url

    await tour(page, backend, look)


async def test_russian(backend: Backend, visit: Visit) -> None:
    """All of it speaks Russian: no English word is left over."""
    prepare(backend)
    page = await (await visit(backend, locale="ru-RU")).open()
    await page.locator("#username").fill("admin")
    await page.locator("#password").fill(ADMIN_PASSWORD)
    await page.locator("#password").press("Enter")
    await expect(page.locator("#light")).to_have_text("Подключено")
    # Names of scopes and devices, keys, commands and payloads are the same in all languages.
    said = """() => {
      const admin = document.querySelector("dialog[open]") ?? document.querySelector("#admin");
      const copy = admin.cloneNode(true);
      for (const other of copy.querySelectorAll("pre, dl.details, .badge, .kept .hint, .scopes b"))
        other.remove();
      const labels = [...copy.querySelectorAll("[aria-label], [placeholder], [title]")];
      return [copy.textContent, ...labels.flatMap((element) =>
        [element.ariaLabel, element.placeholder])].join(" ");
    }"""

    async def look() -> None:
        foreign = set(LATIN.findall(await page.evaluate(said))) - OURS
        foreign -= {"Chrome", "Linux", "zoe", "old", "cli", "key", "root", "server", "anna"}
        assert foreign == set(), page.url

    await tour(page, backend, look)
    await page.goto(f"{backend.page}#audit")
    await expect(page.get_by_role("heading", name="Журнал")).to_be_focused()
    await expect(page.get_by_role("cell", name="Пользователь создан").first).to_be_visible()
    await page.goto(f"{backend.page}#users/2")
    await expect(page.get_by_role("button", name="Сделать суперпользователем")).to_be_visible()


async def press(page: Page, name: str) -> None:
    """Get to something with the Tab key alone, and press Enter on it."""
    for _ in range(80):
        focused = await page.evaluate(
            "document.activeElement.ariaLabel ?? document.activeElement.textContent"
        )
        if focused.strip() == name:
            break
        await page.keyboard.press("Tab")
    else:
        raise AssertionError(f"{name} can't be reached")
    outlined = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
    assert await page.evaluate(outlined), f"nobody sees that the focus is on {name}"
    await page.keyboard.press("Enter")


async def test_keyboard(backend: Backend, inbox: Page) -> None:
    """From the inbox to a new user and a new key without a mouse; the focus is never lost."""
    await press(inbox, "Users")
    await shown(inbox)
    await press(inbox, "New user")
    await expect(inbox.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    await inbox.keyboard.type("ann")
    await inbox.keyboard.press("Tab")
    await inbox.keyboard.type(ADMIN_PASSWORD)
    await inbox.keyboard.press("Enter")
    await expect(inbox.get_by_role("heading", name="ann", exact=True)).to_be_focused()
    await press(inbox, "Deactivate")
    await expect(inbox.get_by_role("button", name="Cancel")).to_be_focused()
    await inbox.keyboard.press("Escape")
    await expect(inbox.get_by_role("button", name="Deactivate")).to_be_focused()
    await press(inbox, "Deactivate")
    await press(inbox, "Deactivate")
    await expect(inbox.get_by_text("Deactivated.")).to_be_visible()
    await expect(inbox.get_by_role("heading", name="ann", exact=True)).to_be_focused()
    await inbox.keyboard.press("Shift+Tab")
    await inbox.keyboard.press("Enter")
    await expect(row(inbox, "ann")).to_contain_text("deactivated")
    for _ in range(4):
        await inbox.keyboard.press("Shift+Tab")
    await press(inbox, "Keys")
    await shown(inbox)
    await press(inbox, "New key")
    await inbox.keyboard.type("billing")
    await inbox.keyboard.press("Enter")
    await expect(inbox.get_by_role("heading", name="The key billing")).to_be_focused()
    await press(inbox, "I have kept it")
    await expect(inbox.get_by_role("heading", name="Keys")).to_be_focused()
    await press(inbox, "Revoke: billing")
    await press(inbox, "Revoke")
    await expect(inbox.get_by_text("billing was revoked.")).to_be_visible()
