"""Superusers read and follow the audit log on the page."""

import re

from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in
from tests.browser.operator import api, go, rows, superuser
from tests.support.harness import ADMIN_PASSWORD


async def fail_to_sign_in(backend: Backend, visit: Visit) -> None:
    """Somebody tries a wrong password."""
    page = await (await visit(backend)).open()
    await fill_in(page, "ann", "guess")
    await expect(page.locator("#password-error")).not_to_be_empty()


async def test_what_was_done(inbox: Page, backend: Backend) -> None:
    """The newest entry is first: what, who, whom, from where."""
    api(backend, "POST", "/api/admin/users/", {"username": "ann", "password": ADMIN_PASSWORD})
    await go(inbox, "Audit")
    newest = rows(inbox).first
    await expect(newest).to_contain_text("User created")
    await expect(newest).to_contain_text("user admin")
    await expect(newest).to_contain_text("user ann")
    await expect(newest).to_contain_text("127.0.0.1")
    started = rows(inbox).filter(has_text="Server started").first
    await started.get_by_text("Details").click()
    await expect(started.locator(".details")).to_be_visible()


async def test_filter(inbox: Page, backend: Backend) -> None:
    """One sees only what somebody did, or only what happened in one way; reload remembers it."""
    api(backend, "POST", "/api/admin/users/", {"username": "ann", "password": ADMIN_PASSWORD})
    backend.create_user("ben")
    await go(inbox, "Audit")
    await inbox.get_by_label("What", exact=True).select_option("User created")
    await expect(rows(inbox)).to_have_count(3)  # the first superuser is one
    await rows(inbox).first.get_by_role("link").click()
    await expect(rows(inbox)).to_have_count(1)
    await expect(rows(inbox)).to_contain_text("command line:")
    await inbox.reload()
    await expect(rows(inbox)).to_have_count(1)
    actor = inbox.get_by_role("searchbox")
    await expect(actor).to_have_value(re.compile("^cli:"))
    await actor.fill("user:nobody")
    await expect(inbox.get_by_text("Nothing was recorded that fits")).to_be_visible()
    await inbox.go_back()
    await expect(rows(inbox)).to_have_count(3)


async def test_follow(inbox: Page, backend: Backend, visit: Visit) -> None:
    """What happens while somebody looks appears by itself; what is repeated counts up."""
    await go(inbox, "Audit")
    await inbox.get_by_label("Follow live").check()
    await fail_to_sign_in(backend, visit)
    newest = rows(inbox).first
    await expect(newest).to_contain_text("Failed to sign in")
    await newest.evaluate("row => row.id = 'kept'")
    await fail_to_sign_in(backend, visit)
    await expect(inbox.locator("#kept .repeats")).to_contain_text("2 times, last")
    backend.create_user("ben")
    await expect(rows(inbox).first).to_contain_text("user ben")
    await expect(rows(inbox).nth(1)).to_have_attribute("id", "kept")


async def test_pages(inbox: Page, backend: Backend) -> None:
    """A long log is read page by page."""
    with superuser(backend) as http:
        for number in range(60):
            http.post("/api/admin/keys/", json={"name": f"k{number}"}).raise_for_status()
    await go(inbox, "Audit")
    await expect(rows(inbox)).to_have_count(50)
    await expect(rows(inbox).first).to_contain_text("key k59")
    await inbox.get_by_role("button", name="Next page").click()
    await expect(rows(inbox).last).to_contain_text("Server started")
    await inbox.get_by_role("button", name="Previous page").click()
    await expect(rows(inbox).first).to_contain_text("key k59")
