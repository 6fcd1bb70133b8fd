"""What operators do on the page, and what the tests prepare for them."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.backend import Backend
from tests.support.harness import ADMIN_PASSWORD, SECONDS


async def go(page: Page, area: str) -> None:
    """Open a part of the page."""
    await page.locator("#areas").get_by_role("link", name=area, exact=True).click()
    await shown(page)


async def shown(page: Page) -> None:
    """Wait until a view has what it asked for."""
    await expect(page.locator(".view-body:not([aria-busy])")).to_be_visible()


async def open_user(page: Page, name: str) -> None:
    """From the list to one user."""
    await page.locator("#admin").get_by_role("link", name=name, exact=True).click()
    await expect(title(page, name)).to_be_visible()
    await shown(page)


def title(page: Page, name: str) -> Locator:
    """The heading of a view."""
    return page.locator("#admin").get_by_role("heading", name=name, exact=True, level=2)


async def choose(page: Page, name: str) -> Locator:
    """Press a button that asks first; what it asks."""
    await page.locator("#admin").get_by_role("button", name=name, exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def confirm(page: Page, name: str) -> None:
    """Say yes to what is asked, and wait until it is done."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=name, exact=True).click()
    await expect(dialog).to_have_count(0)


def rows(page: Page) -> Locator:
    """The lines of the list."""
    return page.locator("#admin .view-body > .table tbody tr")


def row(page: Page, name: str) -> Locator:
    """The line of the list about somebody or something."""
    return rows(page).filter(has=page.get_by_role("rowheader").get_by_text(name, exact=True))


def fact(page: Page, name: str) -> Locator:
    """What a view says under a name."""
    return page.locator(".facts > div").filter(has_text=name).locator("dd")


@contextmanager
def superuser(backend: Backend) -> Iterator[httpx.Client]:
    """What asks the server as its superuser."""
    credentials = {"username": "admin", "password": ADMIN_PASSWORD}
    with httpx.Client(base_url=backend.url, timeout=SECONDS) as http:
        tokens = http.post("/api/users/token/", json=credentials).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {tokens['access']}"
        _until_recorded(http)
        yield http


def _until_recorded(http: httpx.Client) -> None:
    """The audit log has this sign-in a second later: not as the last of what a test did."""
    deadline = time.monotonic() + SECONDS
    log = "/api/admin/audit/?action=signed_in&actor=user:admin"
    while not any(each["subject"] == "" for each in http.get(log).json()["entries"]):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def api(backend: Backend, method: str, path: str, body: Any = None) -> Any:
    """Ask the server as its superuser, once."""
    with superuser(backend) as http:
        answer = http.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else None


def fill(backend: Backend, names: Iterable[str]) -> None:
    """Users without a password, all at once, while nobody asks for them."""
    users = [(name, "no hash", 0, 0) for name in names]
    with closing(sqlite3.connect(backend.database)) as connection, connection:
        connection.executemany(
            "INSERT INTO users (username, password_hash, is_superuser, created_at)"
            " VALUES (?, ?, ?, ?)",
            users,
        )
