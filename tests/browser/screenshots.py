"""Takes the pictures of the docs: ``python -m tests.browser.screenshots [FOLDER]``.

They show a real server, so that the docs can't promise what the page doesn't do.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from servers import ROOT
from servers.chromium import QUIET, find_chromium
from tests.browser.backend import Backend
from tests.browser.bell_screenshots import of_bells
from tests.browser.conftest import Visitor, fill_in, open_detail, switch
from tests.browser.operator import choose, confirm, go, open_user, row, superuser
from tests.support.harness import ADMIN_PASSWORD

DESKTOP: dict[str, Any] = {"viewport": {"width": 1180, "height": 800}, "locale": "en-GB"}
OLGA, BEN, AMAL = 2, 3, 4
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "has_touch": True,
    "is_mobile": True,
}

STORY = (
    '{"order": 77120, "total": 1.10, "trace": 12345678901234567890, "items": ["pen", "ink"], '
    '"address": {"city": "Utrecht", "street": "Oudegracht 14", "floor": null, "lift": false}}',
    '{"title": "Disk almost full", "body": "/var on db-2 is at 91 %.", "level": "warning"}',
    '{"title": "Payment failed", "level": "error", "url": "https://shop.example/orders/8812",'
    ' "body": "The card for order 8812 was declined.", "actions": ['
    '{"label": "Ask for another card", "url": "https://shop.example/ask/8812", "style": "primary"},'
    ' {"label": "Cancel the order", "event": "cancel"}]}',
    '{"title": "Ben commented on your draft", "icon": "\N{LOWER RIGHT PENCIL}", "group": "draft"}',
    '{"title": "Anna commented on your draft", "icon": "\N{LOWER RIGHT PENCIL}", "group": "draft",'
    ' "body": "“Shorter, please. Otherwise lovely.”"}',
    '{"title": "Deploy finished", "level": "success", "url": "https://ci.example/builds/1234",'
    ' "body": "Version 2.14 is live on all four hosts.\\nIt took three minutes."}',
)
FIELDS: dict[str, dict[str, Any]] = {
    STORY[0]: {"category": "orders"},
    STORY[1]: {"category": "ops", "priority": "urgent"},
    STORY[2]: {"category": "orders"},
}
ROWS = len(STORY) - 1  # two of them are one row
RUSSIAN_STORY = (
    '{"title": "Заказ передан в доставку", "body": "Курьер приедет завтра до обеда.",'
    ' "level": "info", "url": "https://shop.example/orders/8812"}',
    '{"title": "Оплата прошла", "body": "Чек отправлен на почту.", "level": "success"}',
)
ARABIC_STORY = (
    '{"title": "تم الدفع", "body": "أُرسل الإيصال إلى بريدك.", "level": "success"}',
    '{"title": "سيصل المندوب غدًا", "body": "الطلب 8812 في الطريق إليك.", "level": "info",'
    ' "url": "https://shop.example/orders/8812"}',
)


async def tell(backend: Backend, page: Page, story: tuple[str, ...]) -> None:
    """Send a story, and wait until it's told."""
    for payload in story:
        backend.send_raw(payload, **FIELDS.get(payload, {}))
    await page.locator("#fresh").click()
    await expect(page.locator(".entry").get_by_role("heading", name="Deploy")).to_be_visible()


async def on_desktop(browser: Browser, backend: Backend, folder: Path) -> None:
    """What one sees at a desk, from signing in to a restart."""
    visitor = Visitor(await browser.new_context(**DESKTOP), backend)
    page = await visitor.open()
    await fill_in(page, "admin", "guess")
    await expect(page.locator("#password-error")).not_to_be_empty()
    await page.screenshot(path=folder / "sign-in.png")
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.get_by_text("All caught up")).to_be_visible()
    await expect(page.locator(".parts li")).to_have_count(3)
    await page.screenshot(path=folder / "empty.png")
    await tell(backend, page, STORY)
    for burst in (3, 9, 14, 6):
        for number in range(burst):
            backend.send(number, user_id=BEN)
        await page.wait_for_timeout(2_000)
    await open_detail(page, "Anna commented on your draft")
    await page.keyboard.press("Escape")
    await page.screenshot(path=folder / "feed.png")
    await page.get_by_role("checkbox", name="Disk almost full").check()
    await page.get_by_role("checkbox", name="Payment failed").check()
    await page.screenshot(path=folder / "selection.png")
    await page.keyboard.press("Escape")
    await open_detail(page, "Payment failed")
    await page.screenshot(path=folder / "detail.png")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await page.screenshot(path=folder / "shortcuts.png")
    await page.keyboard.press("Escape")

    await page.emulate_media(color_scheme="dark")
    await switch(page, "Protocol")
    await page.get_by_label("Payload (JSON)").fill('{\n  "title": "Hello",\n  "level": info\n}')
    await page.screenshot(path=folder / "protocol.png")
    await switch(page, "Protocol")
    await page.emulate_media(color_scheme="light")

    backend.stop()
    await expect(page.locator("#light")).to_contain_text("Reconnecting in")
    await page.screenshot(path=folder / "reconnecting.png")
    backend.start()
    await visitor.context.close()


async def on_phone(browser: Browser, backend: Backend, folder: Path) -> None:
    """What one sees on the way, in two languages."""
    context = await browser.new_context(**PHONE, locale="ru-RU", color_scheme="dark")
    page = await Visitor(context, backend).open()
    await page.locator("#username").fill("olga")
    await page.locator("#password").fill(ADMIN_PASSWORD)
    await page.locator("#password").press("Enter")
    await expect(page.locator("#light")).to_have_text("Подключено")
    for payload in RUSSIAN_STORY:
        backend.send_raw(payload, user_id=OLGA)
    await page.locator("#fresh").click()
    await expect(page.locator(".entry")).to_have_count(2)
    await page.screenshot(path=folder / "phone-russian.png")
    await context.close()

    context = await browser.new_context(**PHONE, locale="ar")
    page = await Visitor(context, backend).sign_in("amal")
    for payload in ARABIC_STORY:
        backend.send_raw(payload, user_id=AMAL)
    await page.locator("#fresh").click()
    await expect(page.locator(".entry")).to_have_count(2)
    await page.screenshot(path=folder / "phone-arabic.png")
    await context.close()

    context = await browser.new_context(**PHONE, locale="en-GB")
    visitor = Visitor(context, backend)
    page = await visitor.sign_in()
    await expect(page.locator(".entry")).to_have_count(ROWS)
    await page.locator("#feed").scroll_into_view_if_needed()
    await page.screenshot(path=folder / "phone.png")
    await open_detail(page, "Payment failed")
    await page.screenshot(path=folder / "phone-detail.png")
    await page.keyboard.press("Escape")
    await context.route("**/session/refresh/", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("#failure-text")).to_contain_text("Trying again in")
    await page.screenshot(path=folder / "unreachable.png")
    await context.close()


def prepare_for_operators(backend: Backend) -> None:
    """People, keys, and what was sent with them."""
    with superuser(backend) as http:

        def make(what: str, **body: Any) -> Any:
            return http.post(f"/api/admin/{what}/", json=body).raise_for_status().json()

        for name in ("anna", "carla", "dmitri", "eva", "farid"):
            user = make("users", username=name, password=ADMIN_PASSWORD, is_superuser=name == "eva")
        http.patch(f"/api/admin/users/{user['id']}/", json={"is_active": False})
        billing = make("keys", name="billing", rate=100)["key"]
        make("keys", name="web shop", scopes=["send", "identity"], expires_in=90 * 86_400)
        former = make("keys", name="ci")
        http.delete(f"/api/admin/keys/{former['id']}/").raise_for_status()
    backend.send_raw(STORY[0], user_id=OLGA)
    for payload in STORY[2:4]:
        backend.send_with(billing, json.loads(payload), user_id=OLGA)


async def for_operators(browser: Browser, backend: Backend, folder: Path) -> None:
    """What a superuser manages."""
    prepare_for_operators(backend)
    olga = Visitor(await browser.new_context(**DESKTOP), backend)
    for _ in range(3):
        page = await olga.open()
        await fill_in(page, "olga", "guess")
        await expect(page.locator("#password-error")).not_to_be_empty()
    await olga.sign_in("olga")
    visitor = Visitor(await browser.new_context(**DESKTOP), backend)
    page = await visitor.sign_in()
    await go(page, "Users")
    await page.screenshot(path=folder / "operator-users.png")
    await open_user(page, "olga")
    await page.screenshot(path=folder / "operator-user.png")
    await go(page, "Keys")
    await page.screenshot(path=folder / "operator-keys.png")
    await choose(page, "New key")
    await page.get_by_label("Name (the program").fill("newsletter")
    await page.screenshot(path=folder / "operator-key-wish.png")
    await confirm(page, "Create")
    await expect(row(page, "newsletter")).to_be_visible()
    await page.screenshot(path=folder / "operator-new-key.png")
    await page.emulate_media(color_scheme="dark")
    await go(page, "Audit")
    await page.get_by_label("Follow live").check()
    await page.screenshot(path=folder / "operator-audit.png")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(PHONE["viewport"])
    await go(page, "Users")
    await page.screenshot(path=folder / "operator-phone.png")
    await visitor.context.close()
    await olga.context.close()


async def main(folder: Path) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as data:
        backend = Backend(Path(data))
        backend.start()
        for name in ("olga", "ben", "amal"):
            backend.create_user(name)
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=find_chromium(), args=QUIET
                )
                await on_desktop(browser, backend, folder)
                await on_phone(browser, backend, folder)
                await for_operators(browser, backend, folder)
                await of_bells(browser, folder)
                await browser.close()
        finally:
            backend.close()


if __name__ == "__main__":
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images"
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures))
