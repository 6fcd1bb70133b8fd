"""What people do with their notifications on the page, and what becomes of them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, Visitor, headline, open_detail, switch

numbers = count(2)
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One server for all tests here; each has a user of its own."""
    folder: Path = tmp_path_factory.mktemp("inbox")
    backend = Backend(folder)
    backend.start()
    yield backend
    backend.close()


class Somebody:
    """A user of their own, and their browser profile."""

    def __init__(self, visitor: Visitor, user_id: int) -> None:
        self.visitor = visitor
        self.backend = visitor.backend
        self.user_id = user_id
        self.name = f"user-{user_id}"

    def send(self, *titles: str, **fields: Any) -> None:
        """Send them notifications."""
        for title in titles:
            self.backend.send({"title": title}, user_id=self.user_id, **fields)

    async def open(self) -> Page:
        """Their page."""
        return await self.visitor.sign_in(self.name)


@pytest_asyncio.fixture(loop_scope="session")
async def ann(server: Backend, visit: Visit) -> Somebody:
    """Somebody who gets what is new when they ask for it, as the page begins."""
    visitor = await visit(server, follows=False)
    somebody = Somebody(visitor, next(numbers))
    server.create_user(somebody.name)
    return somebody


def titles(page: Page) -> Locator:
    """The titles in the list."""
    return page.locator(".entry .entry-title")


def unread(page: Page) -> Locator:
    """How many are unread, beside the name of their box."""
    return page.locator("#unread-count")


async def choose(page: Page, box: str) -> None:
    """Show another part of the inbox."""
    await page.get_by_role("radio", name=box).check(force=True)


async def test_history(ann: Somebody) -> None:
    """What was read is there after a reload, what is unread stands out, and counts are right."""
    ann.send("One", "Two", "Three")
    page = await ann.open()
    await expect(titles(page)).to_have_text(["Three", "Two", "One"])
    await expect(unread(page)).to_have_text("3")
    await open_detail(page, "Two")
    await page.keyboard.press("Escape")
    await expect(unread(page)).to_have_text("2")
    await page.reload()
    await expect(titles(page)).to_have_text(["Three", "Two", "One"])
    await expect(unread(page)).to_have_text("2")
    read = page.locator(".entry").filter(has_text="Two")
    await expect(read.get_by_text("Unread", exact=True)).to_be_hidden()
    other = page.locator(".entry").filter(has_text="One")
    await expect(other.get_by_text("Unread", exact=True)).to_be_visible()
    await expect(other.locator(".entry-unread i")).to_be_visible()


async def test_stays_put(ann: Somebody) -> None:
    """New ones push nothing away: they are counted, and come when somebody asks."""
    ann.send("Old")
    page = await ann.open()
    await expect(titles(page)).to_have_text(["Old"])
    ann.send("New", "Newer")
    pill = page.get_by_role("button", name="2 new notifications")
    await expect(pill).to_be_visible()
    await expect(titles(page)).to_have_text(["Old"])
    await expect(unread(page)).to_have_text("3")
    await expect(page).to_have_title("(2) Notifier")
    await pill.click()
    await expect(titles(page)).to_have_text(["Newer", "New", "Old"])
    await expect(pill).to_be_hidden()
    await expect(page).to_have_title("Notifier")


async def test_boxes(ann: Somebody) -> None:
    """What is archived or snoozed leaves the list, and is found in a box of its own."""
    ann.send("One", "Two", "Three")
    page = await ann.open()
    one = page.locator(".entry").filter(has_text="One")
    await one.get_by_role("button", name="Archive").click()
    await expect(titles(page)).to_have_text(["Three", "Two"])
    detail = await open_detail(page, "Two")
    await detail.get_by_role("button", name="Snooze").click()
    await page.get_by_role("button", name="Tomorrow").click()
    await expect(page.locator("#toast")).to_contain_text("1 notification snoozed.")
    await page.keyboard.press("Escape")
    await expect(titles(page)).to_have_text(["Three"])
    await choose(page, "Archived")
    await expect(titles(page)).to_have_text(["One"])
    await choose(page, "Snoozed")
    await expect(titles(page)).to_have_text(["Two"])
    await expect(page.locator(".entry-snoozed")).to_contain_text("Snoozed until")
    await choose(page, "Unread")
    await expect(titles(page)).to_have_text(["Three"])
    await choose(page, "All")
    await expect(titles(page)).to_have_text(["Three"])
    await choose(page, "Snoozed")
    await expect(titles(page)).to_have_text(["Two"])
    await page.keyboard.press("j")
    await page.keyboard.press("s")
    await expect(page.get_by_text("Nothing snoozed")).to_be_visible()


async def test_categories(ann: Somebody) -> None:
    """A category is one click away, together with a box, and is only ever text."""
    ann.send("Order", category="orders")
    ann.send("Disk", category="<img src=x>")
    ann.send("Plain")
    page = await ann.open()
    await choose(page, "orders")
    await expect(titles(page)).to_have_text(["Order"])
    await choose(page, "Unread")
    await expect(titles(page)).to_have_text(["Order"])
    await choose(page, "<img src=x>")
    await expect(titles(page)).to_have_text(["Disk"])
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(unread(page)).to_have_text("2")
    await choose(page, "All categories")
    await expect(titles(page)).to_have_text(["Plain", "Order"])


async def test_read_all_and_undo(ann: Somebody) -> None:
    """All are marked as read, loaded or not, but none that came unseen; undo takes it back."""
    ann.send(*(f"Number {number}" for number in range(60)))
    page = await ann.open()
    await expect(unread(page)).to_have_text("60")
    ann.send("Unseen")
    await expect(page.get_by_role("button", name="1 new notification")).to_be_visible()
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.locator("#toast")).to_contain_text("All marked as read.")
    await expect(unread(page)).to_have_text("1")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#toast")).to_contain_text("Undone.")
    await expect(unread(page)).to_have_text("61")


async def test_selection(ann: Somebody) -> None:
    """Several are picked, by range too, and changed at once; undo brings all of them back."""
    ann.send(*(f"Number {number}" for number in range(5)))
    page = await ann.open()
    await page.get_by_role("checkbox", name="Number 3").check()
    await page.get_by_role("checkbox", name="Number 1").click(modifiers=["Shift"])
    bulk = page.get_by_role("group", name="With those selected")
    await expect(bulk).to_contain_text("3 selected")
    await bulk.get_by_role("button", name="Mark as read").click()
    await expect(unread(page)).to_have_text("2")
    await bulk.get_by_role("button", name="Archive").click()
    await expect(titles(page)).to_have_text(["Number 4", "Number 0"])
    await expect(bulk).to_be_hidden()
    await page.get_by_role("button", name="Undo").click()
    await expect(titles(page)).to_have_count(5)
    await page.get_by_role("checkbox", name="Number 0").check()
    await bulk.get_by_role("button", name="Select all shown").click()
    await expect(bulk).to_contain_text("5 selected")
    await bulk.get_by_role("button", name="Select none").click()
    await expect(bulk).to_be_hidden()
    await expect(page.locator(".entry :checked")).to_have_count(0)


async def test_up_to_here(ann: Somebody) -> None:
    """One and all that are older are read at once."""
    ann.send(*(f"Number {number}" for number in range(5)))
    page = await ann.open()
    await page.get_by_role("checkbox", name="Number 2").check()
    await page.get_by_role("button", name="Read this and all older").click()
    await expect(unread(page)).to_have_text("2")
    await expect(page.locator(".entry[data-unread] .entry-title")).to_have_text(
        ["Number 4", "Number 3"]
    )


async def test_keys(ann: Somebody) -> None:
    """Everything is done with single keys, which do nothing where somebody types."""
    ann.send("One", "Two", "Three")
    page = await ann.open()
    await expect(titles(page)).to_have_count(3)
    await page.keyboard.press("j")
    await expect(page.get_by_role("button", name="Three", exact=True)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Two")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("dialog", name="One")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="One", exact=True)).to_be_focused()
    await expect(unread(page)).to_have_text("1")
    await page.keyboard.press("u")
    await expect(unread(page)).to_have_text("2")
    await page.keyboard.press("k")
    await page.keyboard.press("x")
    await page.keyboard.press("k")
    await page.keyboard.press("x")
    await page.keyboard.press("e")
    await expect(titles(page)).to_have_text(["One"])
    await page.keyboard.press("z")
    await expect(titles(page)).to_have_count(3)
    await page.keyboard.press("g")
    await page.keyboard.press("u")
    await expect(page.get_by_role("radio", name="Unread")).to_be_checked()
    await page.keyboard.press("/")
    await page.keyboard.type("gaezx")
    await expect(page.get_by_label("contain this text")).to_have_value("gaezx")
    await expect(page.get_by_role("radio", name="Unread")).to_be_checked()


async def test_help(ann: Somebody) -> None:
    """A sheet tells of the keys and leads to the API docs; who wants no single keys has none."""
    page = await ann.open()
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet.get_by_text("Mark all as read")).to_be_visible()
    docs = sheet.get_by_role("link", name="API docs")
    await expect(docs).to_have_attribute("href", "/api/docs/")
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await page.get_by_role("button", name="View").click()
    await page.get_by_label("Single keys as shortcuts").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await page.get_by_role("button", name="View").click()
    await expect(sheet).to_be_hidden()
    await page.get_by_role("button", name="All shortcuts").click()
    await expect(sheet).to_be_visible()


async def test_devices_agree(ann: Somebody, visit: Visit) -> None:
    """What is done on one device is seen on the other, live."""
    ann.send("One", "Two")
    here = await ann.open()
    elsewhere = await (await visit(ann.backend)).sign_in(ann.name)
    await expect(titles(elsewhere)).to_have_count(2)
    await open_detail(here, "Two")
    await expect(unread(elsewhere)).to_have_text("1")
    await (
        elsewhere.locator(".entry")
        .filter(has_text="One")
        .get_by_role("button", name="Archive")
        .click()
    )
    await expect(titles(here)).to_have_text(["Two"])
    await expect(unread(here)).to_be_hidden()


async def test_detail(ann: Somebody) -> None:
    """The detail has what became of a notification, and actions, of which safe ones lead on.

    What is done in it can be undone in it.
    """
    actions = [
        {"label": "Retry", "url": "https://shop.example/retry", "style": "primary"},
        {"label": "Bad", "url": "javascript:alert(1)"},
        {"label": "Event", "event": "retry"},
    ]
    payload = {"title": "Payment failed", "actions": actions}
    ann.backend.send(payload, ann.user_id, key="k-7", category="orders", priority="urgent")
    page = await ann.open()
    await expect(page.locator(".entry-priority")).to_have_text("Urgent")
    detail = await open_detail(page, "Payment failed")
    retry = detail.get_by_role("link", name="Retry")
    await expect(retry).to_have_attribute("href", "https://shop.example/retry")
    await expect(detail.get_by_text("shop.example", exact=True)).to_be_visible()
    await expect(detail.get_by_role("link")).to_have_count(1)
    # Nobody here can answer an event, and people see that there is something to do elsewhere.
    await expect(detail.get_by_text("Event", exact=True)).to_be_visible()
    facts = detail.locator(".facts")
    for fact in ("k-7", "orders", "Urgent", "Delivered", "Read"):
        await expect(facts).to_contain_text(fact)
    await page.keyboard.press("u")
    await expect(unread(page)).to_have_text("1")
    await detail.get_by_role("button", name="Undo").click()
    await expect(detail.get_by_text("Undone.")).to_be_visible()
    await expect(unread(page)).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await expect(page.get_by_text("Undone.")).to_be_visible()


async def test_groups(ann: Somebody) -> None:
    """A group is one row, marked as one; unfolded, each of its own stands for itself."""
    ann.send("Other")
    for name in ("Anna", "Ben", "Carla"):
        ann.backend.send({"title": name, "group": "draft"}, ann.user_id)
    page = await ann.open()
    await expect(titles(page)).to_have_text(["Carla", "Other"])
    more = page.get_by_role("button", name="2 more like this")
    await more.click()
    await expect(titles(page)).to_have_text(["Carla", "Carla", "Ben", "Anna", "Other"])
    await expect(more).to_be_focused()
    await expect(more).to_have_attribute("aria-expanded", "true")
    ben = page.locator(".entry").filter(has_text="Ben")
    await ben.get_by_role("button", name="Mark as read").click()
    await expect(unread(page)).to_have_text("3")
    await page.keyboard.press("f")
    await expect(titles(page)).to_have_text(["Carla", "Other"])
    head = page.locator(".entry").first
    await head.get_by_role("button", name="Mark as read").click()
    await expect(unread(page)).to_have_text("1")
    await head.get_by_role("checkbox").check()
    await expect(page.locator("#bulk-count")).to_have_text("3 selected")
    await page.keyboard.press("Escape")
    detail = await open_detail(page, "Carla")
    await expect(detail.locator(".facts")).to_contain_text("draft")
    await page.keyboard.press("j")
    await expect(page.get_by_role("dialog", name="Other")).to_be_visible()
    await page.keyboard.press("k")
    await page.keyboard.press("e")
    await expect(titles(page)).to_have_text(["Other"])
    await page.keyboard.press("z")
    await expect(titles(page)).to_have_text(["Carla", "Other"])


async def test_pictures(ann: Somebody) -> None:
    """No picture is fetched until somebody wants them, and then none over an open line."""
    fetched: list[str] = []

    async def answer(route: Route) -> None:
        fetched.append(route.request.url)
        await route.fulfill(body=DOT, content_type="image/svg+xml")

    await ann.visitor.context.route("**://img.example/**", answer)
    picture = "https://img.example/parcel.svg"
    sent = {"title": "Parcel", "icon": "\N{PACKAGE}", "image": picture}
    open_line = {
        "title": "Open",
        "icon": "http://img.example/sign.svg",
        "image": "http://img.example/",
    }
    for payload in (open_line, sent):
        ann.backend.send(payload, ann.user_id)
    page = await ann.open()
    await expect(titles(page)).to_have_text(["Parcel", "Open"])
    await expect(page.locator(".entry .entry-sign").first).to_have_text("\N{PACKAGE}")
    await expect(page.locator(".entry img")).to_have_count(0)
    await switch(page, "Pictures")
    await expect(page.locator(".entry img")).to_have_attribute("src", picture)
    await page.wait_for_function("() => document.querySelector('.entry img').naturalWidth === 8")
    detail = await open_detail(page, "Parcel")
    await expect(detail.locator("img")).to_have_attribute("src", picture)
    await page.keyboard.press("Escape")
    await switch(page, "Pictures")
    await expect(page.locator(".entry img")).to_have_count(0)
    assert set(fetched) == {picture}
    ann.visitor.hosts.discard("img.example")


async def test_low_priority(ann: Somebody) -> None:
    """What has a low priority is shown, and calls for no attention."""
    ann.send("First")
    page = await ann.open()
    await expect(page.locator("#announcer")).to_have_text("New notification: First")
    await expect(page).to_have_title("Notifier")
    ann.send("Quiet", priority="low")
    await page.get_by_role("button", name="1 new notification").click()
    await expect(headline(page, "Quiet")).to_be_visible()
    await expect(page.locator("#announcer")).to_have_text("New notification: First")
    await expect(page).to_have_title("Notifier")


async def test_load_fails(ann: Somebody) -> None:
    """Where the history can't be loaded, the page says so, and tries again when asked."""
    ann.send("One")
    page = await ann.open()
    await expect(titles(page)).to_have_text(["One"])
    await page.route("**/api/inbox/?*", lambda route: route.fulfill(status=503, json={}))
    await choose(page, "Unread")
    await expect(page.get_by_text("Notifications couldn't be loaded")).to_be_visible()
    await page.unroute("**/api/inbox/?*")
    await page.get_by_role("button", name="Try again").click()
    await expect(titles(page)).to_have_text(["One"])
    ann.visitor.problems.clear()


async def test_refused(ann: Somebody) -> None:
    """What the server refuses is taken back, and said."""
    ann.send("One")
    page = await ann.open()
    refused = {"detail": "Too many.", "code": "too_many_changes"}
    await page.route("**/api/inbox/archive/", lambda route: route.fulfill(status=429, json=refused))
    await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(page.locator("#toast")).to_contain_text("Too many changes at once.")
    await expect(titles(page)).to_have_text(["One"])
    ann.visitor.problems.clear()
