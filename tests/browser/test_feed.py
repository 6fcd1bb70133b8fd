"""How notifications are shown."""

import json
import re

import pytest
from playwright.async_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, fill_in, headline, open_detail, switch
from tests.browser.trace import LONG_TASK, traced
from tests.support.harness import ADMIN_PASSWORD

LONGEST_TASK = 1_000  # milliseconds, on a machine that is busy with other tests
WATCH_TASKS = """() => {
  window.longest = 0;
  const watch = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      window.longest = Math.max(window.longest, duration);
    }
  });
  watch.observe({ type: "longtask" });
}"""
SCROLL = """async (last) => {
  const seen = new Set();
  let most = 0;
  const end = Date.now() + 60_000;
  while (!seen.has(last) && Date.now() < end) {
    const titles = [...document.querySelectorAll(".entry .entry-title")];
    most = Math.max(most, titles.length);
    for (const { textContent } of titles) seen.add(textContent);
    scrollBy({ top: 4000, behavior: "instant" });
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }
  return { seen: [...seen], most };
}"""
"""Down to a title: all titles on the way, and the most rows that the document held."""
HOSTILE = "<img src=x onerror=document.title='hacked'>"


async def test_message(backend: Backend, inbox: Page) -> None:
    """A payload with a title looks like a notification, with its link and its level."""
    backend.send(
        {"title": "Deployed", "body": "One\nTwo", "url": "https://ci.example/1", "level": "success"}
    )
    entry = inbox.locator(".entry")
    await expect(entry.get_by_role("heading", name="Deployed")).to_be_visible()
    await expect(entry.locator(".entry-body")).to_have_text("One\nTwo")
    await expect(entry).to_have_attribute("data-level", "success")
    link = entry.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://ci.example/1")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(entry.locator(".json")).to_be_hidden()
    detail = await open_detail(inbox, "Deployed")
    await expect(detail).to_have_accessible_name("Success: Deployed")
    await expect(detail.locator(".json")).to_contain_text('"level": "success"')
    await expect(detail.get_by_role("link")).to_have_attribute("href", "https://ci.example/1")


async def test_plain_messages(backend: Backend, inbox: Page) -> None:
    """A text, and a body without a title, read as messages; their JSON is a click away."""
    for payload in ("Just\n“text”", {"body": "Only a body", "level": "error"}):
        backend.send(payload)
    bodies = inbox.locator(".entry .entry-body")
    await expect(bodies).to_have_text(["Only a body", "Just\n“text”"])
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["#2", "#1"])
    await expect(inbox.locator(".json:visible")).to_have_count(0)
    detail = await open_detail(inbox, "#1")
    await expect(detail.locator(".json")).to_have_text('"Just\\n“text”"')


async def test_level(backend: Backend, inbox: Page) -> None:
    """A level is more than a colour: an icon, and a word that is read out with the title."""
    backend.send({"title": "Disk almost full", "level": "warning"})
    entry = inbox.locator(".entry")
    await expect(entry.get_by_role("heading")).to_have_accessible_name("Warning: Disk almost full")
    await expect(entry.locator(".level")).to_be_visible()
    await expect(inbox.locator("#announcer")).to_have_text(
        "New notification: Warning: Disk almost full"
    )
    backend.send({"title": "No level"})
    await expect(headline(inbox, "No level")).to_be_visible()
    await expect(entry.first.locator(".level")).to_be_hidden()


async def test_addresses(backend: Backend, inbox: Page) -> None:
    """A relative address leads into this server's site; one that is unsafe is only a text."""
    for url in ("/orders/7", "https://bank.example@evil.example/"):
        backend.send({"title": "T", "url": url})
    await expect(inbox.locator(".entry")).to_have_count(2)
    link = inbox.locator(".entry").get_by_role("link")
    await expect(link).to_have_count(1)
    await expect(link).to_have_attribute("href", f"{backend.url}/orders/7")
    await expect(inbox.get_by_text("https://bank.example@evil.example/")).to_be_visible()


@pytest.mark.attack("a link whose real host is hidden", before="a long host's end cut off")
async def test_links_show_their_host(backend: Backend, visit: Visit) -> None:
    """On a phone too, all of the host is seen, in ASCII and before anything else of the link."""
    long = f"bank.example.{'login-' * 9}x.{'secure-' * 8}x.evil.example"
    hosts = {
        "https://evil.example/https://bank.example/login?bank.example#bank.example": "evil.example",
        f"https://{long}:8443/{'path' * 200}": f"{long}:8443",
        "https://b\u0430nk.example/": "xn--bnk-6cd.example",
        "//evil.example\\bank.example": "evil.example",
    }
    page = await (await visit(backend, viewport={"width": 360, "height": 640})).sign_in()

    def titled(title: str) -> Locator:
        heading = page.get_by_role("heading", name=title, exact=True)
        return page.locator(".entry").filter(has=heading)

    for number, url in enumerate(hosts):
        backend.send({"title": f"T{number}", "url": url})
    for number, host in enumerate(hosts.values()):
        link = titled(f"T{number}").get_by_role("link")
        await expect(link.locator("b")).to_have_text(host)
        assert (await link.inner_text()).startswith(host)
        await link.locator("b").scroll_into_view_if_needed()
        await expect(link.locator("b")).to_be_in_viewport(ratio=1)
        # All of it is within the link's box, which hides nothing.
        assert await link.evaluate("(link) => link.scrollWidth <= link.clientWidth + 1")
    backend.send({"title": "Refused", "url": "data:text/html,<script>alert(1)</script>"})
    backend.send({"title": "Refused", "url": " java\tscript:alert(1)"})
    backend.send({"title": "Refused", "url": "https://:word@evil.example/"})
    await page.get_by_role("button", name="3 new notifications").click()
    await expect(titled("Refused")).to_have_count(3)
    await expect(titled("Refused").get_by_role("link")).to_have_count(0)


async def test_right_to_left(backend: Backend, inbox: Page) -> None:
    """What is written from right to left begins at the right, whatever the page's language."""
    backend.send({"title": "הזמנה נשלחה", "body": "המשלוח יגיע מחר", "level": "info"})
    backend.send({"title": "Order sent", "body": "It arrives tomorrow"})
    await expect(inbox.locator(".entry")).to_have_count(2)
    sides = """(selector) => [...document.querySelectorAll(selector)].map((place) => {
      const text = document.createRange();
      text.selectNodeContents(place);
      const [line] = text.getClientRects();
      const box = place.getBoundingClientRect();
      return line.left - box.left < box.right - line.right ? "left" : "right";
    })"""
    for selector in (".entry .entry-title", ".entry .entry-body"):
        assert await inbox.evaluate(sides, selector) == ["left", "right"]


async def test_hostile_payloads(backend: Backend, inbox: Page) -> None:
    """Markup and script addresses from a sender are only ever text."""
    script = "<script>document.title='hacked'</script>"
    backend.send({"title": HOSTILE, "body": script, "url": "javascript:document.title='hacked'"})
    backend.send({HOSTILE: [HOSTILE, {"__proto__": script}]})
    backend.send(HOSTILE)
    await expect(inbox.locator(".entry")).to_have_count(3)
    assert await inbox.get_by_text(HOSTILE).count() >= 3
    await expect(inbox.locator(".entry img, .entry script")).to_have_count(0)
    await expect(inbox.locator(".entry").get_by_role("link")).to_have_count(0)
    for title in ("#3", "#2", HOSTILE):
        detail = await open_detail(inbox, title)
        await expect(detail.locator(".json")).to_contain_text("document.title")
        await expect(detail.locator("img, script, a[href]")).to_have_count(0)
        await inbox.keyboard.press("Escape")
    await expect(inbox).to_have_title("Notifier")


async def test_hostile_payloads_elsewhere(backend: Backend, inbox: Page) -> None:
    """The protocol view and the send form's answers are text too."""
    await switch(inbox, "Protocol")
    backend.send({"title": HOSTILE}, key=HOSTILE)
    await expect(inbox.locator(".frames")).to_contain_text("onerror=document.title")
    await expect(inbox.locator(".frames img")).to_have_count(0)
    await expect(inbox).to_have_title("Notifier")


async def test_numbers_as_sent(backend: Backend, inbox: Page) -> None:
    """Numbers that JavaScript can't hold are shown, and copied, as they were sent."""
    await inbox.context.grant_permissions(["clipboard-read", "clipboard-write"])
    raw = '{"big": 12345678901234567890, "price": 1.10}'
    backend.send_raw(raw)
    await expect(inbox.locator(".entry .json")).to_have_text(raw)
    detail = await open_detail(inbox, "#1")
    await expect(detail.locator(".json")).to_have_text(raw)
    await inbox.get_by_role("button", name="Copy JSON").click()
    await expect(inbox.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(await inbox.evaluate("navigator.clipboard.readText()")) == json.loads(raw)
    assert "1.10" in await inbox.evaluate("navigator.clipboard.readText()")


async def test_long_json(backend: Backend, inbox: Page) -> None:
    """Of a long payload the list has a glance, the detail a beginning, and all if one asks."""
    backend.send([{"number": number, "text": "x" * 60} for number in range(50)])
    glance = inbox.locator(".entry .json")
    await expect(glance).to_contain_text("…")
    assert len(await glance.inner_text()) < 500
    detail = await open_detail(inbox, "#1")
    more = detail.get_by_role("button", name="Show all 4,390 characters")
    await expect(detail.locator(".json")).not_to_contain_text('"number": 49')
    await more.click()
    await expect(more).to_be_hidden()
    await expect(detail.locator(".json")).to_be_focused()
    await expect(detail.locator(".json")).to_contain_text('"number": 49')
    await inbox.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await expect(inbox.locator(".entry-open")).to_be_focused()


async def test_long_body(backend: Backend, inbox: Page) -> None:
    """A long body is shortened until one asks for the rest, and then complete."""
    lines = "\n".join(f"Line {number}" for number in range(5_000))
    backend.send({"title": "Log", "body": lines})
    glance = inbox.locator(".entry .entry-body")
    await expect(glance).to_contain_text("Line 3")
    await expect(glance).not_to_contain_text("Line 4")
    await open_detail(inbox, "Log")
    body = inbox.locator("#detail-body")
    await expect(body).to_contain_text("Line 13")
    assert await body.text_content() == lines[: lines.index("\nLine 14\n")]
    button = inbox.locator("#detail-more-body")
    await expect(button).to_have_text(f"Show all {len(lines):,} characters")
    await button.click()
    await expect(body).to_contain_text("Line 4999")
    assert await body.text_content() == lines
    await expect(body).to_be_focused()
    await inbox.keyboard.press("End")
    await inbox.wait_for_function("() => document.querySelector('#detail-body').scrollTop > 1000")


async def test_huge_payloads(backend: Backend, inbox: Page) -> None:
    """A megabyte is shown by its beginning, searched and unfolded without holding up the page."""
    await inbox.evaluate(WATCH_TASKS)
    objects = [{"id": number, "name": f"Name {number}", "ok": True} for number in range(20_000)]
    texts = [json.dumps("word " * 200_000), json.dumps({"title": "T", "body": "line\n" * 160_000})]
    texts += [json.dumps({"log": "x" * 1_000_000}), *[json.dumps(objects)] * 9]
    for text in texts:
        assert 900_000 < len(text) < 1_040_000
        backend.send_raw(text)
    await expect(inbox.locator(".entry")).to_have_count(len(texts), timeout=60_000)
    assert await inbox.evaluate("document.getElementById('feed').textContent.length") < 50_000
    search = inbox.get_by_label("contain this text")
    await search.fill('"name": "Name 19999"')
    await expect(inbox.locator(".entry")).to_have_count(9, timeout=60_000)
    backend.send_raw(texts[0])
    backend.send_raw(texts[-1])
    await expect(inbox.locator(".entry")).to_have_count(10, timeout=60_000)
    await inbox.locator(".entry-open").first.click()
    await inbox.locator("#detail-more-json").click()
    await expect(inbox.locator("#detail-json")).to_contain_text("Name 19999", timeout=60_000)
    await inbox.keyboard.press("Escape")
    assert await inbox.evaluate("document.getElementById('feed').textContent.length") < 50_000
    await search.fill("")
    await expect(inbox.locator(".entry")).to_have_count(len(texts) + 2)
    assert await inbox.evaluate("window.longest") < LONGEST_TASK


async def test_acknowledged_when_shown(backend: Backend, inbox: Page) -> None:
    """The server hears that a notification arrived when the page counts it, not before.

    It is shown without being asked for again, and there after a reload.
    """
    await inbox.evaluate(
        """() => {
          window.counted = [];
          const { send } = WebSocket.prototype;
          WebSocket.prototype.send = function (frame) {
            if (JSON.parse(frame).type === "message_ack")
              window.counted.push(document.getElementById("unread-count").textContent);
            return send.call(this, frame);
          };
        }"""
    )
    asked: list[str] = []
    inbox.on("request", lambda request: asked.append(request.url))
    for number in (1, 2):
        backend.send({"title": f"Number {number}"})
        await inbox.wait_for_function("(count) => window.counted.length === count", arg=number)
        await expect(headline(inbox, f"Number {number}")).to_be_visible()
    assert await inbox.evaluate("window.counted") == ["1", "2"]
    assert not any("/api/inbox/?" in address for address in asked)
    await inbox.reload()
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["Number 2", "Number 1"])


async def test_filter(backend: Backend, inbox: Page) -> None:
    """The filter shows what contains its text, also of what comes later."""
    for name in ("Apple", "Pear", "Привет"):
        backend.send({"title": name})
    await expect(inbox.locator(".entry")).to_have_count(3)
    await inbox.keyboard.press("/")
    await inbox.keyboard.type("приВ")
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["Привет"])
    backend.send({"title": "Plum"})
    backend.send({"title": "Приветик"})
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["Приветик", "Привет"])
    await inbox.get_by_label("contain this text").fill("nowhere")
    await expect(inbox.get_by_text("Nothing matches")).to_be_visible()
    await inbox.get_by_label("contain this text").fill("")
    await expect(inbox.locator(".entry")).to_have_count(5)


async def test_order(backend: Backend, inbox: Page) -> None:
    """Newest first or last, as one likes, and the browser remembers."""
    for name in ("One", "Two"):
        backend.send({"title": name})
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["Two", "One"])
    await switch(inbox, "Newest last")
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["One", "Two"])
    backend.send({"title": "Three"})
    await expect(inbox.locator(".entry .entry-title")).to_have_text(["One", "Two", "Three"])
    await inbox.reload()
    await inbox.get_by_role("button", name="View").click()
    await expect(inbox.get_by_label("Newest last")).to_be_checked()


async def test_time(backend: Backend, inbox: Page) -> None:
    """Times are relative or exact."""
    backend.send({"title": "Now"})
    await expect(inbox.locator(".entry time")).to_have_text("just now")
    await switch(inbox, "Exact time")
    await expect(inbox.locator(".entry time")).to_have_text(re.compile(r"^\d+:\d\d:\d\d"))


async def test_protocol_view(backend: Backend, inbox: Page) -> None:
    """The frames in both directions, those before the switch included."""
    backend.send({"title": "Hello"}, key="k-1")
    await expect(headline(inbox, "Hello")).to_be_visible()
    await switch(inbox, "Protocol")
    frames = inbox.locator(".frames li")
    for number, text in enumerate(
        (
            '"type":"inbox_state","unread":0',
            '"type":"server_notification","key":"k-1"',
            '{"type":"message_ack","key":"k-1"}',
            '"type":"inbox_changed"',
        )
    ):
        await expect(frames.nth(number)).to_contain_text(text)


async def test_history(backend: Backend, visit: Visit) -> None:
    """Older ones come as one scrolls, every one of them and in order."""
    count = 300
    for number in range(count):
        backend.send({"title": f"Entry {number}", "body": "text " * (number % 30)})
    page = await (await visit(backend)).sign_in()
    await expect(page.get_by_text(f"Entry {count - 1}", exact=True)).to_be_visible(timeout=30_000)
    seen = await page.evaluate(SCROLL, "Entry 0")
    assert seen["seen"] == [f"Entry {number}" for number in range(count - 1, -1, -1)]
    assert seen["most"] <= 200
    await page.get_by_label("contain this text").fill("Entry 17")
    await expect(page.get_by_text("Entry 17", exact=True)).to_have_count(1)


class Flood:
    """A server that tells of very many, and lists them."""

    def __init__(self) -> None:
        self.listed = 0
        self._socket: WebSocketRoute | None = None

    def open(self, socket: WebSocketRoute) -> None:
        """The page is there: there is nothing yet."""
        self._socket = socket
        socket.send('{"type":"inbox_state","unread":0,"unseen":0,"seq":0,"version":0}')

    def tell(self, first: int, last: int) -> None:
        """These have come."""
        assert self._socket
        for seq in range(first, last + 1):
            self._socket.send(
                f'{{"type":"server_notification","key":"k{seq}","value":{{"n":{seq}}},"seq":{seq},'
                '"created_at":"2026-01-01T00:00:00.000Z"}'
            )

    async def list(self, route: Route) -> None:
        """A page of what is in the inbox."""
        newest = 0 if "snoozed=only" in route.request.url else self.listed
        if behind := re.search(r"before=(\d+)", route.request.url):
            newest = int(behind[1]) - 1
        seqs = range(newest, max(0, newest - 50), -1)
        items = [
            {"key": f"k{seq}", "seq": seq, "payload": {"n": seq}, "version": 0}
            | {"created_at": "2026-01-01T00:00:00.000Z", "category": None, "priority": "normal"}
            for seq in seqs
        ]
        before = seqs[-1] if len(seqs) == 50 else None
        await route.fulfill(json={"items": items, "before": before, "seq": newest, "version": 0})


async def test_flood(backend: Backend, visit: Visit) -> None:
    """However much comes, the page stays quick, and of more than ten thousand keeps the newest.

    What is new is counted, and one click away. Ten thousand are scrolled through, in order and
    without a task that anybody would notice, while the document stays small.
    """
    page = await (await visit(backend, follows=False)).open()
    await page.evaluate(WATCH_TASKS)
    flood = Flood()
    await page.route_web_socket("**/ws/**", flood.open)
    await page.route("**/api/inbox/?*", flood.list)
    await fill_in(page, "admin", ADMIN_PASSWORD)
    await expect(page.get_by_text("All caught up")).to_be_visible()
    flood.listed = 10_000
    flood.tell(1, flood.listed)
    # The first is shown at once, because the list was empty.
    fresh = page.get_by_role("button", name="9,999 new notifications", exact=True)
    await expect(fresh).to_be_visible(timeout=60_000)
    await fresh.click()
    await expect(page.locator(".entry .json").get_by_text("10000")).to_be_visible()
    async with traced(page) as trace:
        seen = await page.evaluate(SCROLL, "#1")
    assert seen["seen"] == [f"#{seq}" for seq in range(10_000, 0, -1)]
    assert seen["most"] <= 200
    assert 1 < trace.longest < LONG_TASK
    search = page.get_by_label("contain this text")
    await search.fill('"n": 2001}')
    await expect(page.locator(".entry")).to_have_count(1)
    await search.fill("")
    flood.listed = 10_500
    flood.tell(10_001, flood.listed)
    await expect(page.locator(".entry .json").get_by_text("10500")).to_be_visible(timeout=60_000)
    await search.fill("nowhere")
    await expect(page.get_by_text("50 notifications don't contain this text.")).to_be_visible()
    assert await page.evaluate("window.longest") < LONGEST_TASK


async def test_reading_is_not_disturbed(backend: Backend, inbox: Page) -> None:
    """Who scrolled away keeps their place and is told; one click leads to what is new."""
    for number in range(40):
        backend.send({"title": f"Old {number}", "body": "line\n" * 4})
    await expect(inbox.locator(".entry")).to_have_count(40)
    await inbox.evaluate("scrollTo({ top: 2000, behavior: 'instant' })")
    place = "document.querySelector('.entry:nth-last-child(15)').getBoundingClientRect().top"
    before = await inbox.evaluate(place)
    for number in range(3):
        backend.send({"title": f"New {number}"})
    pill = inbox.get_by_role("button", name="3 new notifications")
    await expect(pill).to_be_visible()
    assert abs(await inbox.evaluate(place) - before) < 2
    await pill.click()
    await expect(headline(inbox, "New 2")).to_be_in_viewport()
    await expect(pill).to_be_hidden()


async def test_without_following(backend: Backend, inbox: Page) -> None:
    """With scrolling switched off nothing moves, even at the edge."""
    for number in range(20):
        backend.send({"title": f"Old {number}", "body": "line\n" * 4})
    await expect(inbox.locator(".entry")).to_have_count(20)
    await switch(inbox, "Show new ones at once")
    place = "document.querySelector('.entry:nth-last-child(20)').getBoundingClientRect().top"
    before = await inbox.evaluate(place)
    backend.send({"title": "New"})
    await expect(inbox.get_by_role("button", name="1 new notification")).to_be_visible()
    assert abs(await inbox.evaluate(place) - before) < 2
