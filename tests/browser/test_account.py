"""A person's own account on the page: their devices and their password."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in, headline, sign_out
from tests.browser.test_quality import PHONE, violations
from tests.support.harness import ADMIN_PASSWORD

NEW_PASSWORD = "quite another password"
TIME_TO_END = 10_000
"""Milliseconds in which a device that was ended elsewhere shows it, on a busy machine."""


async def open_account(page: Page, name: str = "Account") -> Locator:
    """Open the dialog, with the list in it."""
    await page.locator("#account-open").click()
    dialog = page.get_by_role("dialog", name=name)
    await expect(dialog.locator(".devices li")).not_to_have_count(0)
    return dialog


async def change_password(dialog: Locator, old: str, new: str) -> None:
    await dialog.get_by_label("Present password").fill(old)
    await dialog.get_by_label("New password").fill(new)
    await dialog.get_by_label("New password").press("Enter")


async def test_devices(backend: Backend, visit: Visit) -> None:
    """Both devices are listed, this one marked; ending the other signs it out at once."""
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
    here = await (await visit(backend)).sign_in()
    there = await (await visit(backend, user_agent=firefox)).sign_in()
    dialog = await open_account(here)
    devices = dialog.locator(".devices li")
    await expect(devices).to_have_count(2)
    await expect(devices.nth(0)).to_contain_text("Firefox, Windows")
    await expect(devices.nth(0)).to_contain_text("from 127.0.0.1 · last used")
    await expect(devices.nth(1)).to_contain_text("Chrome, Linux")
    await expect(devices.nth(1)).to_contain_text("This device")
    await dialog.get_by_role("button", name="Sign out Firefox, Windows, 127.0.0.1").click()
    await expect(there.get_by_text("You were signed out")).to_be_visible(timeout=TIME_TO_END)
    await expect(devices).to_have_count(1)
    await expect(dialog.get_by_text("That device is signed out.")).to_be_visible()
    await there.reload()
    await expect(there.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await here.keyboard.press("Escape")
    backend.send({"title": "Still here"})
    await expect(headline(here, "Still here")).to_be_visible()


async def test_everywhere(backend: Backend, visit: Visit) -> None:
    """All devices are signed out from the dialog, this one too, and without a reproach."""
    here = await (await visit(backend)).sign_in()
    there = await (await visit(backend)).sign_in()
    dialog = await open_account(here)
    await dialog.get_by_role("button", name="Sign out on all devices").click()
    await expect(here.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await expect(here.get_by_text("You were signed out")).to_be_hidden()
    await expect(dialog).to_be_hidden()
    await expect(there.get_by_text("You were signed out")).to_be_visible(timeout=TIME_TO_END)


async def test_change_password(backend: Backend, visit: Visit) -> None:
    """This device goes on, in all its tabs, and the other has to sign in with the new one."""
    visitor = await visit(backend)
    here = await visitor.sign_in()
    tab = await visitor.open()
    await expect(tab.locator("#light")).to_have_text("Connected")
    there = await (await visit(backend)).sign_in()
    dialog = await open_account(here)
    await change_password(dialog, ADMIN_PASSWORD, NEW_PASSWORD)
    await expect(dialog.get_by_text("Your password is changed.")).to_be_visible()
    await expect(there.get_by_text("You were signed out")).to_be_visible(timeout=TIME_TO_END)
    await expect(dialog.locator(".devices li")).to_have_count(1)
    await here.keyboard.press("Escape")
    for page in (here, tab):
        await expect(page.locator("#light")).to_have_text("Connected")
    backend.send({"title": "Behind the change"})
    for page in (here, tab):
        await expect(headline(page, "Behind the change")).to_have_count(1)
        await expect(page.get_by_role("heading", name="Sign in to Notifier")).to_be_hidden()
    await here.reload()
    await expect(here.locator("#light")).to_have_text("Connected")
    await fill_in(there, "admin", ADMIN_PASSWORD)
    await expect(there.locator("#password-error")).to_contain_text("don't match")
    await fill_in(there, "admin", NEW_PASSWORD)
    await expect(there.locator("#light")).to_have_text("Connected")


async def test_password_faults(start_backend: Callable[..., Backend], visit: Visit) -> None:
    """What is wrong is said beside its field, and too many guesses with the time to wait."""
    backend = start_backend(NOTIFIER_GUESSES_PER_NAME="2")
    page = await (await visit(backend)).sign_in()
    dialog = await open_account(page)
    await dialog.get_by_role("button", name="Change", exact=True).click()
    await expect(dialog.locator("#old-password-error")).to_have_text("Please fill this in.")
    await expect(dialog.get_by_label("Present password")).to_be_focused()
    await change_password(dialog, "wrong", "short")
    await expect(dialog.locator("#new-password-error")).to_have_text(
        "A password has 8 to 1024 characters."
    )
    for _ in "12":
        await change_password(dialog, "wrong", NEW_PASSWORD)
        await expect(dialog.locator("#old-password-error")).to_have_text(
            "This is not your present password."
        )
        await expect(dialog.get_by_label("Present password")).to_be_focused()
        await dialog.get_by_label("Present password").fill("")
        await dialog.get_by_role("button", name="Change", exact=True).click()
        await expect(dialog.locator("#old-password-error")).to_have_text("Please fill this in.")
    await change_password(dialog, ADMIN_PASSWORD, NEW_PASSWORD)
    await expect(dialog.get_by_text("Too many attempts. Please try again in")).to_be_visible()


async def test_no_server(backend: Backend, visit: Visit) -> None:
    """Without a server the dialog says what isn't known, and goes on when it is back."""
    page = await (await visit(backend)).sign_in()
    await page.route("**/api/users/sessions/**", lambda route: route.abort())
    await page.locator("#account-open").click()
    dialog = page.get_by_role("dialog", name="Account")
    await expect(dialog.get_by_text("The list couldn't be loaded.")).to_be_visible()
    await page.unroute("**/api/users/sessions/**")
    await dialog.get_by_role("button", name="Try again").click()
    await expect(dialog.locator(".devices li")).to_have_count(1)
    await page.route("**/api/users/password/", lambda route: route.abort())
    await change_password(dialog, ADMIN_PASSWORD, NEW_PASSWORD)
    await expect(dialog.get_by_text("it isn't known whether")).to_be_visible()


async def test_keyboard(backend: Backend, visit: Visit) -> None:
    """The dialog is opened, used and left with the keyboard, and keeps the focus meanwhile."""
    page = await (await visit(backend)).sign_in()
    await (await visit(backend)).sign_in()
    opener = page.locator("#account-open")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Account")
    await expect(dialog.locator(".devices li")).to_have_count(2)
    await expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(dialog.locator(".devices li")).to_have_count(1)
    await expect(dialog.get_by_role("heading", name="Your devices")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(opener).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe(backend: Backend, visit: Visit, scheme: str) -> None:
    """The dialog has no violation that axe can see, with faults and without."""
    page = await (await visit(backend, color_scheme=scheme)).sign_in()
    await (await visit(backend)).sign_in()
    dialog = await open_account(page)
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Change", exact=True).click()
    await change_password(dialog, "wrong", NEW_PASSWORD)
    await expect(dialog.locator("#old-password-error")).to_contain_text("not your present")
    assert await violations(page) == []


@pytest.mark.parametrize("language", ["en-GB", "ru-RU"])
async def test_phone(backend: Backend, visit: Visit, language: str) -> None:
    """On a phone the bar and the dialog fit, in both languages."""
    phone: dict[str, Any] = {**PHONE, "locale": language}
    visitor = await visit(backend, **phone)
    page = await visitor.open()
    await page.locator("#username").fill("admin")
    await page.locator("#password").fill(ADMIN_PASSWORD)
    await page.locator("#password").press("Enter")
    await expect(page.locator("#light")).to_have_attribute("data-state", "connected")
    dialog = await open_account(page, "Account" if language == "en-GB" else "Учётная запись")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    box = await dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert await dialog.evaluate("(each) => each.scrollWidth <= each.clientWidth")


async def test_a_lost_renewal(backend: Backend, visit: Visit) -> None:
    """A renewal whose answer never came, cookie and all, signs nobody out."""
    page = await (await visit(backend)).sign_in()

    async def lose(route: Route) -> None:
        cookie = (await route.request.all_headers())["cookie"]
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        async with httpx.AsyncClient() as http:
            answer = await http.post(route.request.url, content=b"{}", headers=headers)
        assert answer.status_code == 200
        await route.abort()

    await page.route("**/session/refresh/", lose)
    await page.reload()
    await expect(page.locator("#failure-text")).to_contain_text("Trying again in")
    await page.unroute("**/session/refresh/")
    await page.get_by_role("button", name="Try now").click()
    await expect(page.locator("#light")).to_have_text("Connected")
    for _ in "12":
        await page.reload()
        await expect(page.locator("#light")).to_have_text("Connected")


async def test_tabs_that_renew_at_once(backend: Backend, visit: Visit) -> None:
    """Many tabs that load at the same moment all stay signed in."""
    visitor = await visit(backend)
    tabs = [await visitor.sign_in(), *[await visitor.open() for _ in range(4)]]
    for _ in range(3):
        await asyncio.gather(*[tab.reload() for tab in tabs])
        for tab in tabs:
            await expect(tab.locator("#light")).to_have_text("Connected")
    backend.send({"title": "To all"})
    for tab in tabs:
        await expect(headline(tab, "To all")).to_have_count(1)


async def test_signed_out_while_it_is_open(backend: Backend, visit: Visit) -> None:
    """A dialog does not outlast its session, and another person finds nothing of it."""
    visitor = await visit(backend)
    page, tab = await visitor.sign_in(), await visitor.open()
    await expect(tab.locator("#light")).to_have_text("Connected")
    dialog = await open_account(page)
    await sign_out(tab)
    await expect(page.get_by_text("You were signed out")).to_be_visible()
    await expect(dialog).to_be_hidden()
