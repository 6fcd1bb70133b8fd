"""Superusers manage API keys on the page."""

import asyncio
import subprocess

from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, headline
from tests.browser.operator import api, choose, confirm, go, row, rows
from tests.support.harness import SECONDS


def run(command: str) -> None:
    """What somebody does who pastes it into a shell."""
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=SECONDS)


async def test_create(backend: Backend, visit: Visit) -> None:
    """A key is shown once, with a command that works as it is copied."""
    visitor = await visit(backend)
    await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await visitor.sign_in()
    await go(page, "Keys")
    await expect(page.get_by_text("No key yet")).to_be_visible()
    dialog = await choose(page, "New key")
    await dialog.get_by_label("Name (the program").fill("billing")
    await confirm(page, "Create")
    await expect(page.get_by_role("heading", name="The key billing")).to_be_focused()
    await page.get_by_role("button", name="Copy: Try it in a shell").click()
    command = await page.evaluate("navigator.clipboard.readText()")
    await asyncio.to_thread(run, command)
    await page.get_by_role("button", name="Copy: Key").click()
    key = await page.evaluate("navigator.clipboard.readText()")
    assert key.startswith("ntf_")
    assert key in command
    await page.get_by_role("button", name="I have kept it").click()
    assert key not in await page.content()
    await page.get_by_role("button", name="Refresh").click()
    await expect(row(page, "billing")).to_contain_text("send")
    await page.locator("#areas").get_by_role("link", name="Inbox").click()
    await expect(headline(page, "Hello")).to_be_visible()


async def test_everything_a_key_may_have(inbox: Page, backend: Backend) -> None:
    """Scopes, a prefix, a rate and an end are asked for, and shown in the list."""
    await go(inbox, "Keys")
    dialog = await choose(inbox, "New key")
    await dialog.get_by_label("Name (the program").fill("web")
    await dialog.locator("[value=identity]").check()
    await dialog.locator("[value=revoke]").check()
    await dialog.get_by_label("Only for users whose names begin with").fill("eu:")
    await dialog.get_by_label("Sends per second, at most").fill("100")
    await dialog.get_by_label("Days until it expires").fill("90")
    await confirm(inbox, "Create")
    await expect(inbox.get_by_label("Try it in a shell", exact=True)).to_contain_text(
        '"user": "eu:1"'
    )
    line = row(inbox, "web")
    await expect(line.locator(".badge")).to_have_text(["send", "identity", "revoke"])
    await expect(line).to_contain_text("only users eu:… · at most 100/s")
    (key,) = api(backend, "GET", "/api/admin/keys/")["keys"]
    assert (key["user_prefix"], key["rate"]) == ("eu:", 100)
    assert key["expires_at"] is not None


async def test_what_is_refused(inbox: Page) -> None:
    """A key needs a name and a scope, and numbers are whole; each fault stands at its field."""
    await go(inbox, "Keys")
    dialog = await choose(inbox, "New key")
    await dialog.locator("[value=send]").uncheck()
    await dialog.get_by_label("Sends per second, at most").fill("1.5")
    await dialog.get_by_label("Days until it expires").fill("-1")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.locator("#key-name-error")).to_have_text("Please fill this in.")
    await expect(dialog.locator("#key-scopes-error")).to_have_text("Choose at least one.")
    for field in ("rate", "days"):
        await expect(dialog.locator(f"#key-{field}-error")).to_have_text(
            "A whole number above zero, or nothing."
        )
    await expect(dialog.get_by_label("Name (the program")).to_be_focused()
    await dialog.get_by_label("Name (the program").fill("a\tb")
    await dialog.locator("[value=send]").check()
    await dialog.get_by_label("Sends per second, at most").fill("9" * 30)
    await dialog.get_by_label("Days until it expires").fill("")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.locator("#key-rate-error")).not_to_be_empty()
    await expect(dialog).to_be_visible()


async def test_rotate(inbox: Page, backend: Backend) -> None:
    """A new key takes the place of an old one, which goes on for as long as one says."""
    api(backend, "POST", "/api/admin/keys/", {"name": "billing"})
    await go(inbox, "Keys")
    dialog = await choose(inbox, "Rotate: billing")
    hours = dialog.get_by_label("Hours that the old one stays valid")
    await expect(hours).to_have_value("24")
    await hours.fill("1")
    await confirm(inbox, "Rotate")
    await expect(inbox.get_by_role("heading", name="The key billing")).to_be_focused()
    keys = api(backend, "GET", "/api/admin/keys/")["keys"]
    assert [key["expires_at"] is None for key in keys] == [False, True]
    await expect(rows(inbox)).to_have_count(2)


async def test_revoke(inbox: Page, backend: Backend) -> None:
    """A revoked key is refused at once, and kept among those that were."""
    key = api(backend, "POST", "/api/admin/keys/", {"name": "billing"})["key"]
    backend.send_with(key, "before")
    await go(inbox, "Keys")
    await choose(inbox, "Revoke: billing")
    await confirm(inbox, "Revoke")
    await expect(inbox.get_by_text("billing was revoked.")).to_be_visible()
    assert backend.answer_to(key) == 401
    await inbox.get_by_text("1 revoked key").click()
    await expect(inbox.get_by_role("table", name="Revoked keys")).to_contain_text("billing")
