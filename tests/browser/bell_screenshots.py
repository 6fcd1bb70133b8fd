"""Pictures of the bell on a page of another origin: ``of_bells``, a part of ``screenshots``."""

import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.browser.backend import Backend
from tests.browser.bell import Shop, bell, opened, rows

DESKTOP: dict[str, Any] = {"viewport": {"width": 760, "height": 680}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "has_touch": True,
    "is_mobile": True,
}
MINUTES = 60_000
STORY: tuple[tuple[int, dict[str, Any], dict[str, Any]], ...] = (
    (2_900, {"title": "Version 2.14 is live", "level": "success", "url": "/builds/1234"}, {}),
    (1_700, {"order": 77120, "total": 1.1, "items": ["pen", "ink"], "city": "Utrecht"}, {}),
    (1_600, {"title": "Anna commented on your draft", "group": "draft"}, {}),
    (200, {"title": "Ben commented on your draft", "group": "draft", "body": "“Lovely.”"}, {}),
    (180, {"title": "Weekly digest", "body": "Twelve things."}, {"priority": "low"}),
    (
        62,
        {"title": "Disk almost full", "body": "/var on db-2 is at 91 %.", "level": "warning"},
        {"priority": "high"},
    ),
    (
        9,
        {
            "title": "Can Dmitri join the team “Warehouse”?",
            "actions": [
                {"label": "Let in", "event": "accept", "style": "primary"},
                {"label": "Decline", "event": "decline", "style": "danger"},
                {"label": "Profile", "url": "/dmitri"},
            ],
        },
        {},
    ),
    (
        1,
        {
            "title": "Payment failed",
            "level": "error",
            "url": "https://shop.example/orders/8812",
            "body": "The card for order 8812 was declined.",
        },
        {"priority": "urgent"},
    ),
)
RUSSIAN = (
    (1_500, {"title": "Заказ собран", "level": "info"}, {}),
    (40, {"title": "Оплата прошла", "body": "Чек отправлен на почту.", "level": "success"}, {}),
    (3, {"title": "Курьер приедет завтра", "url": "/orders/8812"}, {"priority": "high"}),
)
ARABIC = (
    (1_500, {"title": "تم تجهيز الطلب", "level": "info"}, {}),
    (40, {"title": "تم الدفع", "body": "أُرسل الإيصال إلى بريدك.", "level": "success"}, {}),
    (3, {"title": "سيصل المندوب غدًا", "url": "/orders/8812"}, {"priority": "high"}),
)
ARABIC_WORDS = """customElements.whenDefined("notifier-bell").then(() => {
  document.querySelector("notifier-bell").words = {
    title: "الإشعارات", readAll: "الكل مقروء", justNow: "الآن",
    tab: { all: "الكل", unread: "غير مقروءة", archived: "الأرشيف" },
    priorities: { high: "مهم", urgent: "عاجل", low: "غير عاجل" },
  };
});"""


async def of_bells(browser: Browser, folder: Path) -> None:
    """Take the pictures of the bell."""
    with telling(STORY) as shop:
        await picture(browser, shop, folder / "bell.png", DESKTOP)
        await picture(browser, shop, folder / "bell-dark.png", {**DESKTOP, "color_scheme": "dark"})
        await picture(browser, shop, folder / "bell-phone.png", PHONE)
        await picture(browser, shop, folder / "bell-undo.png", DESKTOP, then=archive)
    with telling(RUSSIAN) as shop:
        shop.lang = "ru"
        await picture(browser, shop, folder / "bell-russian.png", DESKTOP, then=snooze)
    with telling(ARABIC) as shop:
        shop.lang, shop.direction, shop.script = "ar", "rtl", ARABIC_WORDS
        await picture(browser, shop, folder / "bell-arabic.png", DESKTOP)


class telling:  # noqa: N801 - reads as what it does in a with statement
    """A shop whose customer was told a story, some minutes ago each."""

    def __init__(self, story: tuple[tuple[int, dict[str, Any], dict[str, Any]], ...]) -> None:
        self._story = story
        self._folder = tempfile.TemporaryDirectory()
        self._backend = Backend(Path(self._folder.name), NOTIFIER_INBOX_ORIGINS="*")
        self._site = opened(self._backend)

    def __enter__(self) -> Shop:
        self._backend.start()
        for _, payload, fields in self._story:
            self._backend.send(payload, **fields)
        self._backend.stop()
        with closing(sqlite3.connect(self._backend.database)) as database, database:
            for seq, (minutes, _, _) in enumerate(self._story, 1):
                database.execute(
                    "UPDATE notifications SET created_at = created_at - ? WHERE seq = ?",
                    (minutes * MINUTES, seq),
                )
        self._backend.start()
        return self._site.__enter__()

    def __exit__(self, *_: object) -> None:
        self._site.__exit__(None, None, None)
        self._backend.close()
        self._folder.cleanup()


async def picture(
    browser: Browser,
    shop: Shop,
    path: Path,
    options: dict[str, Any],
    then: Callable[[Page], Awaitable[None]] | None = None,
) -> None:
    """Open the bell and take a picture."""
    context = await browser.new_context(**{"locale": "en-GB", **options})
    page = await context.new_page()
    await page.goto(shop.url)
    await expect(page.locator("notifier-bell").locator(".badge")).to_be_visible()
    await bell(page).click()
    await expect(rows(page).first).to_be_visible()
    if then:
        await then(page)
    await page.wait_for_timeout(500)
    await page.screenshot(path=path)
    await context.close()


async def archive(page: Page) -> None:
    """Archive the second, and unfold the group."""
    await rows(page).nth(1).hover()
    await rows(page).nth(1).get_by_role("button", name="Archive").click()
    await page.locator("notifier-bell").locator("[part~=unfold]").click()


async def snooze(page: Page) -> None:
    """Look when the first may come back."""
    await rows(page).first.hover()
    await rows(page).first.get_by_role("button", name="Отложить").click()
