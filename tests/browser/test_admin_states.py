"""What operators see when something doesn't go well."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, sign_out
from tests.browser.operator import choose, fill, go, rows, shown, title
from tests.support.harness import ADMIN_PASSWORD

USERS = "**/api/admin/users/**"


async def test_ordinary_people_get_nothing_of_it(backend: Backend, visit: Visit) -> None:
    """Whoever is no superuser has no navigation, and downloads nothing of what it leads to."""
    backend.create_user("ann")
    visitor = await visit(backend)
    page = await visitor.context.new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    await page.goto(f"{backend.page}#users")
    await page.get_by_label("User name").fill("ann")
    await page.get_by_label("Password").fill(ADMIN_PASSWORD)
    await page.get_by_label("Password").press("Enter")
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.get_by_text("All caught up")).to_be_visible()
    await expect(page.locator("#areas")).to_be_hidden()
    assert not [url for url in loaded if "admin" in url]


async def test_superusers_fetch_it_when_they_open_it(inbox: Page) -> None:
    """Until a view is opened, only the way to it is there."""
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name)"
    await expect(inbox.locator("#areas")).to_be_visible()
    files = [name for name in await inbox.evaluate(loaded) if "/static/" in name]
    assert [name.rsplit("/", 1)[1] for name in files if "admin" in name] == [
        "areas.js",
        "address.js",
    ]
    await go(inbox, "Users")
    assert any(name.endswith("/admin.css") for name in await inbox.evaluate(loaded))


async def test_addresses(inbox: Page, backend: Backend) -> None:
    """Each view has an address and a title; reload stays there, and back leads back."""
    for area in ("Users", "Keys", "Audit"):
        await go(inbox, area)
        await expect(inbox).to_have_title(f"{area} \N{EN DASH} Notifier")
    await inbox.reload()
    await expect(title(inbox, "Audit log")).to_be_focused()
    await inbox.go_back()
    await expect(title(inbox, "Keys")).to_be_visible()
    await inbox.go_back()
    await expect(title(inbox, "Users")).to_be_visible()
    await inbox.go_back()
    await expect(inbox.locator("#feed-column")).to_be_visible()
    await expect(inbox).to_have_title("Notifier")
    backend.send({"title": "Meanwhile"})
    await expect(inbox.locator(".entry")).to_have_count(1)


async def test_the_inbox_goes_on(inbox: Page, backend: Backend) -> None:
    """What arrives while one looks elsewhere is there when one comes back, and moves nothing."""
    fill(backend, (f"user{number}" for number in range(60)))
    await go(inbox, "Users")
    await inbox.evaluate("scrollTo(0, 120)")
    backend.send({"title": "Meanwhile"})
    await expect(inbox.locator(".entry")).to_have_count(1)
    assert await inbox.evaluate("scrollY") == 120
    await inbox.locator("#areas").get_by_role("link", name="Inbox").click()
    await expect(inbox.locator(".entry")).to_be_visible()


@pytest.mark.parametrize("status", [503, 429, 502])
async def test_busy(inbox: Page, status: int) -> None:
    """What may go well later is tried again by itself, when the server says so."""
    answer = {"status": status, "headers": {"Retry-After": "1"}, "body": "{}"}
    await inbox.route(USERS, lambda route: route.fulfill(**answer))
    await inbox.locator("#areas").get_by_role("link", name="Users").click()
    await expect(inbox.get_by_role("alert").get_by_role("heading")).to_be_visible()
    await expect(inbox.get_by_role("button", name="Try again")).to_be_visible()
    await inbox.unroute(USERS)
    await expect(rows(inbox)).to_have_count(1)
    await expect(inbox.get_by_role("button", name="Try again")).to_be_hidden()


async def test_offline(backend: Backend, visit: Visit) -> None:
    """Without a network the view says so, and is there as soon as the network is."""
    visitor = await visit(backend)
    page = await visitor.sign_in()
    await go(page, "Users")
    await visitor.context.set_offline(True)
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_role("alert")).to_contain_text("The server can't be reached")
    await visitor.context.set_offline(False)
    await expect(rows(page)).to_have_count(1)


async def test_a_question_that_fails(inbox: Page) -> None:
    """What was typed stays when the server can't be reached, and can be sent again."""
    await go(inbox, "Users")
    dialog = await choose(inbox, "New user")
    await dialog.get_by_label("Name").fill("ann")
    await dialog.get_by_label("Password").fill(ADMIN_PASSWORD)
    await inbox.route("**/api/admin/users/", lambda route: route.abort())
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("The server can't be reached")
    await expect(dialog.get_by_role("button", name="Create")).to_be_focused()
    await inbox.unroute("**/api/admin/users/")
    await dialog.get_by_role("button", name="Create").click()
    await expect(title(inbox, "ann")).to_be_visible()


async def test_views_that_do_not_load(backend: Backend, visit: Visit) -> None:
    """A view whose files can't be fetched says so, and offers what helps."""
    visitor = await visit(backend)
    await visitor.context.route("**/admin/views.js", lambda route: route.abort())
    page = await visitor.sign_in()
    await page.locator("#areas").get_by_role("link", name="Keys").click()
    await expect(page.get_by_text("This part of the page couldn't be loaded.")).to_be_visible()
    await visitor.context.unroute("**/admin/views.js")
    await page.get_by_role("button", name="Reload the page").click()
    await expect(title(page, "Keys")).to_be_focused()
    visitor.problems.clear()


async def test_the_last_answer_counts(inbox: Page) -> None:
    """A late answer to an earlier search is not shown over a later one."""
    late: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def hold(route, request):  # type: ignore[no-untyped-def]
        await late
        await route.continue_()

    await go(inbox, "Users")
    await inbox.route("**/users/?search=zoe*", hold)
    search = inbox.get_by_role("searchbox")
    async with inbox.expect_request("**/users/?search=zoe*"):
        await search.fill("zoe")
    await search.fill("adm")
    await expect(rows(inbox)).to_have_count(1)
    late.set_result(None)
    await shown(inbox)
    await expect(rows(inbox)).to_have_count(1)


async def test_back_closes_a_question(inbox: Page) -> None:
    """Whoever goes elsewhere is no longer asked."""
    await go(inbox, "Users")
    await go(inbox, "Keys")
    await choose(inbox, "New key")
    await inbox.go_back()
    await expect(inbox.get_by_role("dialog")).to_have_count(0)
    await expect(title(inbox, "Users")).to_be_focused()


async def test_signing_out_leaves_nothing(inbox: Page) -> None:
    """Whoever signs in next on this page finds no view of who was there before."""
    await go(inbox, "Users")
    await expect(rows(inbox)).to_have_count(1)
    await sign_out(inbox)
    await expect(inbox.get_by_label("User name")).to_be_visible()
    await expect(inbox.locator("#admin")).to_be_empty()
