"""Superusers manage users on the page."""

import re

from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in, headline
from tests.browser.operator import (
    api,
    choose,
    confirm,
    fact,
    fill,
    go,
    open_user,
    row,
    rows,
    shown,
    title,
)
from tests.support.harness import ADMIN_PASSWORD

NEW_PASSWORD = "another password for tests"


async def test_create(backend: Backend, visit: Visit) -> None:
    """A new user is shown, is in the list, and can sign in."""
    page = await (await visit(backend)).sign_in()
    await go(page, "Users")
    dialog = await choose(page, "New user")
    await dialog.get_by_label("Name").fill("ann")
    await dialog.get_by_label("Password").fill(NEW_PASSWORD)
    await confirm(page, "Create")
    await expect(title(page, "ann")).to_be_focused()
    await expect(fact(page, "Kind")).to_have_text("ordinary user")
    await page.get_by_role("link", name="All users").click()
    await expect(row(page, "ann")).to_contain_text("offline")
    await (await visit(backend)).sign_in("ann", NEW_PASSWORD)


async def test_what_is_refused(inbox: Page, backend: Backend) -> None:
    """What is missing, too short or taken is said beside its field, and nothing is lost."""
    backend.create_user("ann")
    await go(inbox, "Users")
    dialog = await choose(inbox, "New user")
    await dialog.get_by_role("button", name="Create").click()
    name, password = dialog.get_by_label("Name"), dialog.get_by_label("Password")
    await expect(name).to_be_focused()
    await expect(dialog.locator("#new-name-error")).to_have_text("Please fill this in.")
    await name.fill("ann")
    await password.fill("short")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.locator("#new-password-error")).not_to_be_empty()
    await expect(password).to_be_focused()
    await password.fill(NEW_PASSWORD)
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.locator("#new-name-error")).to_have_text("Somebody has this name already.")
    await inbox.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(inbox.get_by_role("button", name="New user")).to_be_focused()


async def test_rename(inbox: Page, backend: Backend, visit: Visit) -> None:
    """A new name is for signing in; what is connected stays connected."""
    backend.create_user("ann")
    device = await (await visit(backend)).sign_in("ann")
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    dialog = await choose(inbox, "Rename")
    await expect(dialog.get_by_label("Name")).to_have_value("ann")
    await dialog.get_by_label("Name").fill("anna")
    await confirm(inbox, "Rename")
    await expect(title(inbox, "anna")).to_be_visible()
    await expect(inbox.get_by_text("Renamed.")).to_be_visible()
    backend.send({"title": "Still here"}, user_id=2)
    await expect(headline(device, "Still here")).to_be_visible()


async def test_promote_and_demote(inbox: Page, backend: Backend, visit: Visit) -> None:
    """Whoever is made a superuser sees these pages, and no longer when they are not."""
    backend.create_user("ann")
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    await choose(inbox, "Make a superuser")
    await confirm(inbox, "Make a superuser")
    await expect(fact(inbox, "Kind")).to_have_text("superuser")
    other = await (await visit(backend)).sign_in("ann")
    await go(other, "Users")
    await choose(inbox, "Make an ordinary user")
    await confirm(inbox, "Make an ordinary user")
    await expect(fact(inbox, "Kind")).to_have_text("ordinary user")
    await other.get_by_role("button", name="Refresh").click()
    await expect(other.get_by_text("Only superusers may see this")).to_be_visible()
    await expect(other.get_by_role("button", name="Try again")).to_have_count(0)


async def test_deactivate_and_activate(inbox: Page, backend: Backend, visit: Visit) -> None:
    """A deactivated user is signed out at once, and can come back when activated."""
    backend.create_user("ann")
    device = await (await visit(backend)).sign_in("ann")
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    await choose(inbox, "Deactivate")
    await confirm(inbox, "Deactivate")
    await expect(fact(inbox, "Kind")).to_have_text("deactivated")
    await expect(device.get_by_label("User name")).to_be_visible()
    await fill_in(device, "ann", ADMIN_PASSWORD)
    await expect(device.locator("#password-error")).not_to_be_empty()
    await choose(inbox, "Activate")
    await confirm(inbox, "Activate")
    await expect(fact(inbox, "Kind")).to_have_text("ordinary user")
    await fill_in(device, "ann", ADMIN_PASSWORD)
    await expect(device.locator("#light")).to_have_text("Connected")


async def test_reset_the_password(inbox: Page, backend: Backend, visit: Visit) -> None:
    """A new password ends what the old one began, and opens the page."""
    backend.create_user("ann")
    device = await (await visit(backend)).sign_in("ann")
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    dialog = await choose(inbox, "Reset the password")
    await dialog.get_by_label("New password").fill(NEW_PASSWORD)
    await confirm(inbox, "Reset the password")
    await expect(inbox.get_by_text("The password was changed.")).to_be_visible()
    await expect(device.get_by_label("User name")).to_be_visible()
    await fill_in(device, "ann", NEW_PASSWORD)
    await expect(device.locator("#light")).to_have_text("Connected")


async def test_end_sessions(inbox: Page, backend: Backend, visit: Visit) -> None:
    """Where somebody is signed in is shown, and ended everywhere at once."""
    backend.create_user("ann")
    device = await (await visit(backend)).sign_in("ann")
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    sessions = inbox.get_by_role("table", name="Signed in on").locator("tbody tr")
    await expect(sessions).to_have_count(1)
    await expect(sessions).to_contain_text("Chrome, Linux")
    await expect(sessions).to_contain_text("127.0.0.1")
    await choose(inbox, "End all sessions")
    await confirm(inbox, "End all sessions")
    await expect(device.get_by_label("User name")).to_be_visible()
    await expect(inbox.get_by_text("Nowhere")).to_be_visible()
    await expect(title(inbox, "ann")).to_be_focused()


async def test_who_is_online_and_what_waits(inbox: Page, backend: Backend, visit: Visit) -> None:
    """The list says who is connected with how many devices, and how much waits for whom."""
    for name in ("ann", "ben"):
        backend.create_user(name)
    ann = await visit(backend)
    await ann.sign_in("ann")
    for number in range(3):
        backend.send(number, user_id=3)
    await go(inbox, "Users")
    await expect(row(inbox, "ann")).to_contain_text(re.compile("1 device since .*:"))
    await expect(row(inbox, "ben").get_by_role("cell").nth(1)).to_have_text("3")
    await ann.context.close()
    await expect(inbox.locator(".numbers dd").first).to_have_text("1")
    await inbox.get_by_role("button", name="Refresh").click()
    await expect(row(inbox, "ann")).to_contain_text("offline")


async def test_delete(inbox: Page, backend: Backend, visit: Visit) -> None:
    """Before a user is deleted one reads what goes with them; then nothing is left."""
    backend.create_user("ann")
    device = await (await visit(backend)).sign_in("ann")
    backend.create_user("ben")
    backend.send("for ben", user_id=3)
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    dialog = await choose(inbox, "Delete")
    await expect(dialog).to_contain_text("Nothing is waiting to be delivered.")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await inbox.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(title(inbox, "ann")).to_be_visible()
    await choose(inbox, "Delete")
    await confirm(inbox, "Delete")
    await expect(title(inbox, "Users")).to_be_focused()
    await expect(rows(inbox)).to_have_count(2)
    await expect(device.get_by_label("User name")).to_be_visible()
    await open_user(inbox, "ben")
    dialog = await choose(inbox, "Delete")
    await expect(dialog).to_contain_text("1 notification hasn't arrived yet and never will.")
    await confirm(inbox, "Delete")
    await expect(title(inbox, "Users")).to_be_focused()
    await inbox.goto(f"{backend.page}#users/2")
    await expect(inbox.get_by_text("There is nothing here any more")).to_be_visible()


async def test_nobody_locks_themselves_out(inbox: Page) -> None:
    """One's own account can't be deleted, demoted or deactivated here."""
    await go(inbox, "Users")
    await open_user(inbox, "admin")
    actions = inbox.get_by_role("group", name="Actions").get_by_role("button")
    await expect(actions).to_have_text(["Rename", "Reset the password", "End all sessions"])
    await expect(inbox.get_by_text("This is you.")).to_be_visible()


async def test_last_notifications(inbox: Page, backend: Backend) -> None:
    """What was sent to somebody is shown as it was sent, with the key that sent it."""
    backend.create_user("ann")
    key = api(backend, "POST", "/api/admin/keys/", {"name": "billing"})["key"]
    backend.send_raw('{"n": 12345678901234567890, "p": 1.10}', user_id=2)
    backend.send_with(key, {"title": "By key"}, user_id=2, ttl=3_600)
    for number in range(25):
        backend.send({"number": number}, user_id=2)
    await go(inbox, "Users")
    await open_user(inbox, "ann")
    kept = inbox.locator(".kept > li")
    await expect(kept).to_have_count(20)
    await expect(kept.first).to_contain_text("#27")
    await inbox.get_by_role("button", name="Show older ones").click()
    await expect(kept).to_have_count(27)
    await expect(kept.nth(20)).to_be_focused()
    await expect(kept.nth(25)).to_contain_text("Sent with the key billing")
    await expect(kept.nth(25)).to_contain_text("pending until")
    await expect(kept.last).to_contain_text("Sent without a key")
    await expect(kept.last.locator(".json")).to_have_text('{"n": 12345678901234567890, "p": 1.10}')


async def test_search(inbox: Page, backend: Backend) -> None:
    """One finds somebody by the beginning of a name while typing; reload and back remember it."""
    fill(backend, ("Ann", "andrea", "ben", "100%", "a_b"))
    await go(inbox, "Users")
    search = inbox.get_by_role("searchbox", name="Name begins with…")
    await inbox.keyboard.press("/")
    await expect(search).to_be_focused()
    await search.press_sequentially("an")
    await expect(rows(inbox)).to_have_count(2)
    await inbox.reload()
    await expect(search).to_have_value("an")
    await expect(rows(inbox)).to_have_count(2)
    await open_user(inbox, "Ann")
    await inbox.go_back()
    await expect(search).to_have_value("an")
    await search.fill("a_")
    await expect(rows(inbox)).to_have_count(1)
    await search.fill("zoe")
    await expect(inbox.get_by_text("No name begins with “zoe”.")).to_be_visible()
    await search.fill("")
    await expect(rows(inbox)).to_have_count(6)


async def test_keys(inbox: Page) -> None:
    """The keys that lead to the lists of the inbox lead there from here too; all others rest."""
    await go(inbox, "Users")
    await inbox.keyboard.press("?")
    await expect(inbox.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await inbox.keyboard.press("Escape")
    for key in "Ag":
        await inbox.keyboard.press(key)
    await inbox.keyboard.press("u")
    await expect(inbox.get_by_role("radio", name="Unread")).to_be_checked()
    await expect(inbox.get_by_text("Nothing unread")).to_be_visible()
    await expect(inbox.locator("#toast")).not_to_contain_text("marked")
    await inbox.go_back()
    await shown(inbox)
    await inbox.get_by_role("searchbox").press_sequentially("gi")
    await expect(inbox.get_by_role("searchbox")).to_have_value("gi")
    await title(inbox, "Users").focus()
    for key in "gi":
        await inbox.keyboard.press(key)
    await expect(inbox.get_by_role("radio", name="All", exact=True)).to_be_checked()
    await expect(inbox.locator("#feed-column")).to_be_visible()


async def test_ten_thousand(inbox: Page, backend: Backend) -> None:
    """Of however many users, a page of the list is in the document; one gets on and back."""
    fill(backend, (f"user{number:05}" for number in range(10_000)))
    await go(inbox, "Users")
    first = rows(inbox).first.get_by_role("rowheader")
    await expect(first).to_have_text("adminsuperuser")
    await expect(rows(inbox)).to_have_count(50)
    for expected in ("user00049", "user00099"):
        await inbox.get_by_role("button", name="Next page").click()
        await expect(first).to_have_text(expected)
        await expect(rows(inbox)).to_have_count(50)
    await inbox.reload()
    await expect(first).to_have_text("user00099")
    await inbox.get_by_role("button", name="Previous page").click()
    await expect(first).to_have_text("user00049")
    await inbox.go_back()
    await expect(first).to_have_text("adminsuperuser")
    await inbox.go_forward()
    await expect(first).to_have_text("user00049")
    await inbox.get_by_role("searchbox").fill("user0999")
    await expect(rows(inbox)).to_have_count(10)
    await expect(inbox.get_by_role("button", name="Previous page")).to_have_count(0)
    await shown(inbox)
