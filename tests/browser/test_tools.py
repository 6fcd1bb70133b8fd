"""What superusers have beside their feed."""

import asyncio
import re
import signal

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, headline, switch

PARTS_UNKNOWN = ["Store: unknown", "Relay: unknown", "RabbitMQ: unknown"]


async def test_send(inbox: Page) -> None:
    """What is typed arrives as it was typed."""
    payload = '{"n": 12345678901234567890, "p": 1.10}'
    await inbox.get_by_label("Payload (JSON)").fill(payload)
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.get_by_text("Sent: number 1")).to_be_visible()
    await expect(inbox.locator(".entry .json")).to_have_text(
        '{"n": 12345678901234567890, "p": 1.10}'
    )


async def test_json_is_checked_while_typing(inbox: Page) -> None:
    """A mistake is located before anything is sent."""
    payload = inbox.get_by_label("Payload (JSON)")
    await payload.fill('{\n  "a": 1,\n}')
    await expect(inbox.get_by_text("Line 3, column 1: a name in double quotes")).to_be_visible()
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(payload).to_be_focused()
    await payload.fill("null")
    await expect(inbox.get_by_text("null can't be sent")).to_be_visible()
    await payload.fill('"text"')
    await expect(inbox.get_by_text("Valid JSON")).to_be_visible()
    await expect(inbox.locator(".entry")).to_have_count(0)


async def test_errors_stand_beside_their_field(inbox: Page) -> None:
    """What the page or the server refuses is explained where it is."""
    await inbox.get_by_label("User number").fill("admin")
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.locator("#send-user-error")).to_have_text("A whole number, please.")
    await inbox.get_by_label("User number").fill("999")
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.locator("form .notice.bad")).to_be_visible()


async def test_same_key_twice(inbox: Page) -> None:
    """A key of one's own is sent once; with another payload it's refused."""
    await inbox.get_by_text("More", exact=True).click()
    await inbox.get_by_label("Key (a repeat").fill("mine")
    await inbox.get_by_label("Time to live").fill("3600")
    for _ in range(2):
        await inbox.get_by_role("button", name="Send", exact=True).click()
        await expect(inbox.get_by_text("Sent: number 1 of this user, key mine")).to_be_visible()
    await inbox.get_by_label("Payload (JSON)").fill("2")
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.locator("form .notice.bad")).to_be_visible()
    await expect(inbox.locator(".entry")).to_have_count(1)


async def test_beside_the_payload(inbox: Page) -> None:
    """Category, priority and collapse key go with it; a fault of one stands beside it."""
    await inbox.get_by_text("More", exact=True).click()
    await inbox.locator("#send-category").fill("orders")
    await inbox.get_by_label("Priority").select_option("urgent")
    await inbox.get_by_label("Collapse key").fill("order 7")
    for payload in ('"Packed"', '"Sent"'):
        await inbox.get_by_label("Payload (JSON)").fill(payload)
        await inbox.get_by_role("button", name="Send", exact=True).click()
        await expect(inbox.locator(".entry .entry-body")).to_have_text(payload.strip('"'))
    entry = inbox.locator(".entry")
    await expect(entry.locator(".entry-category")).to_have_text("orders")
    await expect(entry.locator(".entry-priority")).to_have_text("Urgent")
    await inbox.get_by_label("Collapse key").fill("k" * 500)
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.locator("#send-collapse-key-error")).not_to_be_empty()


async def test_pressing_again_never_doubles(inbox: Page) -> None:
    """A send whose answer was lost can be repeated."""
    lost = 0

    async def lose_the_first(route, request):  # type: ignore[no-untyped-def]
        nonlocal lost
        response = await route.fetch()
        lost += 1
        await (route.abort() if lost == 1 else route.fulfill(response=response))

    await inbox.route("**/notifications/send/", lose_the_first)
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.get_by_text("Sending again is safe")).to_be_visible()
    await inbox.get_by_role("button", name="Send", exact=True).click()
    await expect(inbox.get_by_text("Sent: number 1")).to_be_visible()
    await expect(inbox.locator(".entry")).to_have_count(1)


async def test_tools_that_do_not_load(backend: Backend, visit: Visit) -> None:
    """Without its tools the feed works, and says what is missing."""
    visitor = await visit(backend)
    await visitor.context.route("**/page/tools/tools.js", lambda route: route.abort())
    page = await visitor.sign_in()
    await expect(page.get_by_text("The tools couldn't be loaded.")).to_be_visible()
    backend.send({"title": "All the same"})
    await expect(headline(page, "All the same")).to_be_visible()


async def test_live_view(backend: Backend, inbox: Page) -> None:
    """Who is connected, what goes through, and how the parts are."""
    figures = inbox.locator(".numbers dd")
    await expect(figures.nth(0)).to_have_text("1")
    await expect(figures.nth(1)).to_have_text("1")
    for number in range(20):
        backend.send(number)
    await expect(figures.nth(2)).not_to_have_text("0")
    await expect(inbox.locator("polyline.deliveries")).to_have_attribute("points", re.compile(","))
    await expect(inbox.get_by_text("Store: ok")).to_be_visible()
    await expect(inbox.get_by_text("RabbitMQ: off")).to_be_visible()


async def test_live_view_without_figures(inbox: Page) -> None:
    """Missing figures are called missing."""
    await expect(inbox.get_by_text("Store: ok")).to_be_visible()
    await inbox.route("**/api/stats/", lambda route: route.fulfill(status=503, body="{}"))
    await expect(inbox.get_by_text("No figures at the moment.")).to_be_visible()
    await expect(inbox.locator(".parts li")).to_have_text(PARTS_UNKNOWN)
    await expect(inbox.locator(".numbers dd")).to_have_text(["\N{EN DASH}"] * 4)
    await inbox.unroute("**/api/stats/")
    await expect(inbox.get_by_text("No figures at the moment.")).to_be_hidden()
    await expect(inbox.get_by_text("Store: ok")).to_be_visible()


async def test_live_view_of_a_dead_server(backend: Backend, inbox: Page) -> None:
    """No light stays green when the server is gone, or when it no longer answers."""
    await expect(inbox.locator(".parts [data-state=good]")).to_have_count(2)
    backend.send_signal(signal.SIGSTOP)
    try:
        await expect(inbox.locator(".parts li")).to_have_text(PARTS_UNKNOWN)
    finally:
        backend.send_signal(signal.SIGCONT)
    await expect(inbox.locator(".parts [data-state=good]")).to_have_count(2)
    await asyncio.to_thread(backend.stop)
    await expect(inbox.locator(".parts li")).to_have_text(PARTS_UNKNOWN, timeout=1_000)
    await expect(inbox.locator(".parts [data-state=neutral]")).to_have_count(3)


@pytest.mark.parametrize("width", [1180, 390])
async def test_result_is_in_view(inbox: Page, width: int) -> None:
    """On a low screen too, one sees what became of a send, the protocol view open or not."""
    await expect(inbox.get_by_label("Payload (JSON)")).to_be_visible()
    await inbox.set_viewport_size({"width": width, "height": 700})
    for payload, said in (("1", "Sent: number 1"), ("2", "Sent: number 2")):
        await inbox.get_by_label("Payload (JSON)").fill(payload)
        await inbox.get_by_role("button", name="Send", exact=True).click()
        result = inbox.locator("#tools .notice")
        await expect(result).to_contain_text(said)
        await expect(result).to_be_in_viewport(ratio=1)
        assert await result.evaluate(
            """(result) => {
              const { left, bottom } = result.getBoundingClientRect();
              return result.contains(document.elementFromPoint(left + 9, bottom - 9));
            }"""
        ), "nothing lies over it"
        await switch(inbox, "Protocol")
