"""Signing in, staying signed in, signing out."""

import asyncio
import re
from collections.abc import Callable

from playwright.async_api import Page, Route, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in, headline, sign_out
from tests.support.harness import ADMIN_PASSWORD


async def test_sign_in(backend: Backend, visit: Visit) -> None:
    """The right password opens the inbox."""
    page = await (await visit(backend)).open()
    await expect(page.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await expect(page.get_by_label("User name")).to_be_focused()
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.get_by_text("All caught up")).to_be_visible()


async def test_wrong_password(backend: Backend, visit: Visit) -> None:
    """A wrong password is explained beside its field, which is ready for the next try."""
    page = await (await visit(backend)).open()
    await fill_in(page, "admin", "wrong")
    await expect(page.locator("#password-error")).to_have_text(
        "This user name and password don't match."
    )
    await expect(page.get_by_label("Password")).to_be_focused()
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.locator("#light")).to_have_text("Connected")


async def test_too_many_guesses(start_backend: Callable[..., Backend], visit: Visit) -> None:
    """After too many wrong passwords the page says how long to wait."""
    backend = start_backend(NOTIFIER_GUESSES_PER_NAME="1")
    page = await (await visit(backend)).open()
    await fill_in(page, "admin", "wrong")
    await expect(page.locator("#password-error")).to_contain_text("don't match")
    await fill_in(page, "admin", "wrong again")
    await expect(page.locator("#password-error")).to_have_text(
        re.compile(r"^Too many attempts to sign in\. Please try again in \d+ s\.$")
    )
    await expect(page.get_by_label("Password")).to_be_focused()


async def test_empty_fields(backend: Backend, visit: Visit) -> None:
    """Missing input is asked for without asking the server."""
    page = await (await visit(backend)).open()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#username-error")).to_have_text("Please fill this in.")
    await expect(page.locator("#password-error")).to_have_text("Please fill this in.")
    await page.get_by_label("User name").type("a")
    await expect(page.locator("#username-error")).to_be_empty()


async def test_server_away(backend: Backend, visit: Visit) -> None:
    """Signing in without a server says so, and works when it is back."""
    page = await (await visit(backend)).open()
    backend.stop()
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.locator("#password-error")).to_contain_text("busy or away")
    backend.start()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#light")).to_have_text("Connected")


async def test_reload(inbox: Page) -> None:
    """The session survives a reload, and no script can read the token behind it."""
    await inbox.reload()
    await expect(inbox.locator("#light")).to_have_text("Connected")
    readable = await inbox.evaluate(
        "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"
    )
    assert "ey" not in readable


async def test_reload_without_server(backend: Backend, visit: Visit) -> None:
    """A page that finds no server waits for it and then goes on by itself."""
    visitor = await visit(backend)
    page = await visitor.sign_in()
    await page.route("**/session/refresh/", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_role("heading", name="The server can't be reached")).to_be_visible()
    await expect(page.locator("#failure-text")).to_contain_text("Trying again in")
    await page.unroute("**/session/refresh/")
    await page.get_by_role("button", name="Try now").click()
    await expect(page.locator("#light")).to_have_text("Connected")


async def test_impatience(backend: Backend, visit: Visit) -> None:
    """Asking for the server again and again opens one inbox."""
    page = await (await visit(backend)).sign_in()
    await page.route("**/session/refresh/", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("#failure-text")).to_contain_text("Trying again in")
    await page.unroute("**/session/refresh/")
    held: asyncio.Queue[Route] = asyncio.Queue()

    async def hold(route: Route) -> None:
        await held.put(route)

    await page.route("**/session/refresh/", hold)
    for _ in range(3):
        await page.get_by_role("button", name="Try now").click()
    await (await held.get()).continue_()
    await page.unroute("**/session/refresh/")
    await expect(page.locator("#light")).to_have_text("Connected")
    for title in ("One", "Two"):
        backend.send({"title": title})
        await expect(headline(page, title).first).to_be_visible()
    assert await page.locator(".entry .entry-title").all_text_contents() == ["Two", "One"]


async def test_sign_out_everywhere(backend: Backend, visit: Visit) -> None:
    """Signing out everywhere ends the session on every device at once; nothing comes back."""
    here = await (await visit(backend)).sign_in()
    there = await (await visit(backend)).sign_in()
    backend.send({"title": "Private"})
    await expect(headline(here, "Private")).to_be_visible()
    await sign_out(here, "All devices")
    await expect(here.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await expect(here.get_by_text("You were signed out")).to_be_hidden()
    await expect(there.get_by_text("You were signed out")).to_be_visible()
    await expect(here.get_by_text("Private")).to_have_count(0)
    await here.reload()
    await expect(here.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()


async def test_sign_out_here(backend: Backend, visit: Visit) -> None:
    """Signing out of a device ends it in all tabs of the browser, and nowhere else."""
    visitor = await visit(backend)
    tabs = [await visitor.sign_in(), await visitor.open()]
    there = await (await visit(backend)).sign_in()
    await expect(tabs[1].locator("#light")).to_have_text("Connected")
    await sign_out(tabs[0])
    for tab in tabs:
        await expect(tab.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await expect(tabs[0].get_by_text("You were signed out")).to_be_hidden()
    await expect(tabs[1].get_by_text("You were signed out")).to_be_visible()
    backend.send({"title": "For those who stay"})
    await expect(headline(there, "For those who stay")).to_be_visible()
    await expect(tabs[0].get_by_text("For those who stay")).to_have_count(0)
    await tabs[0].reload()
    await expect(tabs[0].get_by_role("heading", name="Sign in to Notifier")).to_be_visible()
    await there.reload()
    await expect(there.locator("#light")).to_have_text("Connected")


async def test_sign_out_with_the_keyboard(inbox: Page) -> None:
    """The menu begins with this device, goes on with all of them, and Escape leaves it."""
    opener = inbox.get_by_role("button", name="Sign out")
    await opener.focus()
    await inbox.keyboard.press("Enter")
    await expect(inbox.get_by_role("button", name="This device")).to_be_focused()
    await inbox.keyboard.press("Tab")
    await expect(inbox.get_by_role("button", name="All devices")).to_be_focused()
    await inbox.keyboard.press("Escape")
    await expect(inbox.get_by_role("dialog")).to_be_hidden()
    await expect(opener).to_be_focused()
    await inbox.keyboard.press("Enter")
    await inbox.keyboard.press("Enter")
    await expect(inbox.get_by_role("heading", name="Sign in to Notifier")).to_be_visible()


async def test_sign_out_without_server(backend: Backend, inbox: Page) -> None:
    """A sign-out that the server didn't hear is not pretended."""
    backend.stop()
    await sign_out(inbox)
    await expect(inbox.get_by_text("you are still signed in")).to_be_visible()
    await expect(inbox.locator("#light")).to_be_visible()


async def test_another_user_after_sign_out(backend: Backend, visit: Visit) -> None:
    """Who signs in next on the same page sees their own inbox, without the tools of superusers."""
    backend.create_user("ann")
    page = await (await visit(backend)).sign_in()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await sign_out(page)
    await fill_in(page, "ann", ADMIN_PASSWORD)
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.locator("#who")).to_have_text("ann")
    await expect(page.get_by_text("Live", exact=True)).to_be_hidden()
    backend.send({"title": "For the admin"}, user_id=1)
    backend.send({"title": "For Ann"}, user_id=2)
    await expect(headline(page, "For Ann")).to_be_visible()
    await expect(headline(page, "For the admin")).to_have_count(0)


async def test_tokens_expire(start_backend: Callable[..., Backend], visit: Visit) -> None:
    """A session outlives its tokens without losing the connection or anything sent."""
    backend = start_backend(NOTIFIER_IDENTITY_SECONDS="3", NOTIFIER_ACCESS_SECONDS="3")
    page = await (await visit(backend)).sign_in()
    await page.evaluate(
        """() => {
          window.states = new Set();
          const note = () => window.states.add(document.getElementById("light").dataset.state);
          new MutationObserver(note).observe(document.getElementById("light"), {attributes: true});
        }"""
    )
    for number in range(8):
        backend.send({"title": f"Number {number}"})
        await expect(headline(page, f"Number {number}")).to_have_count(1)
        await page.wait_for_timeout(1_000)
    assert await page.evaluate("[...window.states]") == []
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("Sent: number 9")).to_be_visible()
