"""Superusers see whom the application knows by names of its own."""

from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit
from tests.browser.operator import choose, confirm, fact, go, row, rows, superuser, title
from tests.browser.test_quality import violations
from tests.support.harness import SEND

STRANGE = "auth0|5f7c/8?#%ü"


@pytest.fixture
def both(start_backend: Callable[..., Backend]) -> Backend:
    """A server for accounts and for users of an application."""
    return start_backend(
        NOTIFIER_USERS="both",
        NOTIFIER_JWT_SECRET="a secret of the application, of which nobody has a token",
        NOTIFIER_JWT_ISSUER="https://issuer.example",
        NOTIFIER_JWT_AUDIENCE="notifier",
    )


def send_to(backend: Backend, *users: str) -> None:
    """Send to users of the application."""
    with superuser(backend) as http:
        for user in users:
            http.post(SEND, json={"user": user, "payload": {"n": 1}}).raise_for_status()


async def test_hidden_without_any(inbox: Page) -> None:
    """Where there are none, nothing leads to them."""
    await go(inbox, "Users")
    await expect(inbox.get_by_role("link", name="Recipients")).to_be_hidden()


async def test_list_and_search(both: Backend, visit: Visit) -> None:
    """Where there are any they are listed, and found by the beginning of a name."""
    send_to(both, *(f"eu:{number}" for number in range(60)), "us:1")
    page = await (await visit(both)).sign_in()
    await go(page, "Recipients")
    await expect(rows(page)).to_have_count(50)
    await page.get_by_role("button", name="Next page").click()
    await expect(rows(page)).to_have_count(11)
    assert await violations(page) == []
    await page.get_by_role("searchbox").fill("us")
    await expect(rows(page)).to_have_count(1)
    await expect(row(page, "us:1")).to_contain_text("offline")
    await expect(row(page, "us:1").get_by_role("cell").nth(1)).to_have_text("1")


async def test_one(both: Backend, visit: Visit) -> None:
    """Whatever a name is made of, one sees what is kept, revokes tokens, and deletes."""
    send_to(both, STRANGE, STRANGE, "other")
    page = await (await visit(both)).sign_in()
    await go(page, "Recipients")
    await page.get_by_role("link", name=STRANGE).click()
    await expect(title(page, STRANGE)).to_be_visible()
    await expect(fact(page, "Pending")).to_have_text("2")
    await expect(page.locator(".kept > li")).to_have_count(2)
    assert await violations(page) == []
    await page.reload()
    await expect(page.locator(".kept > li")).to_have_count(2)
    await choose(page, "Revoke tokens")
    await confirm(page, "Revoke tokens")
    await expect(page.get_by_text("issued before now are refused.")).to_be_visible()
    dialog = await choose(page, "Delete")
    await expect(dialog).to_contain_text("2 notifications haven't arrived yet")
    await confirm(page, "Delete")
    await expect(title(page, "Recipients")).to_be_focused()
    await expect(rows(page)).to_have_count(1)
