"""How soon all that somebody looks at has followed what they did in one place.

    python -m benchmarks.follow                  one server
    python -m benchmarks.follow --cluster        two processes, with PostgreSQL and Redis

One user has the page in two browsers, and a terminal: ``notifier listen``, a program that marks
what is read, and a connection that asked for events. With two processes, the first browser is
connected to one of them, and everything else to the other. What is told are milliseconds: until the
count in the other browser has changed, or the line stands in the terminal. All of them are on this
machine, and have its CPUs to themselves only if nobody else works.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

import websockets
from playwright.async_api import Browser, Page, async_playwright

from notifier.identity.tokens import Tokens
from notifier_client import AsyncNotifier
from servers.chromium import QUIET, find_chromium
from servers.cluster import Cluster
from servers.notifier import ADMIN_PASSWORD, SECRET, ServerProcess
from servers.postgres import PostgresServer
from servers.redis import RedisServer

TIMES = 49
"""That each thing is done. Twice as many are sent, which the page can still show as a number."""
PAUSE = 0.1
"""Seconds between what is done."""
PATIENCE = 10.0

COUNT = """() => {
  const place = document.getElementById("unread-count");
  window.told = {};
  const tell = () => (window.told[place.textContent || "0"] ??= Date.now());
  const all = { childList: true, characterData: true, subtree: true };
  new MutationObserver(tell).observe(place, all);
}"""
FORGET = "() => (window.told = {})"
TOLD = "(count) => window.told[count]"
READ = """() => {
  const began = Date.now();
  document.querySelector(".entry[data-unread] .entry-read").click();
  return began;
}"""


@contextmanager
def servers(clustered: bool) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two processes that serve the same user, or twice the same."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="notifier-benchmark-"))
        if not clustered:
            only = ServerProcess(Path(folder))
            stack.callback(only.stop)
            only.start()
            yield only, only
            return
        postgres, redis = PostgresServer(durable=True), RedisServer()
        for server in (postgres, redis):
            stack.callback(server.remove)
            server.start()
        database = postgres.create_database()
        cluster = Cluster(Path(folder), 2, database, REDIS_URL=redis.url)
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster.processes[0], cluster.processes[1]


def now() -> float:
    """As browsers count: milliseconds since the epoch."""
    return time.time() * 1000


class Moments:
    """When something was first told, by its number."""

    def __init__(self) -> None:
        self._told: defaultdict[int, asyncio.Future[float]] = defaultdict(
            asyncio.get_running_loop().create_future
        )

    def tell(self, number: int) -> None:
        """It is told now."""
        if not self._told[number].done():
            self._told[number].set_result(now())

    def forget(self) -> None:
        """All of them will be told again."""
        self._told.clear()

    async def of(self, number: int) -> float:
        """When it was told, or will be."""
        return await asyncio.wait_for(self._told[number], PATIENCE)


@asynccontextmanager
async def terminal(server: ServerProcess) -> AsyncIterator[Moments]:
    """``notifier listen``: when it has printed which place in the log."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "notifier", "listen", "1", "--json"),
        cwd=server.folder,
        env={**os.environ, **server.environment()},
        stdout=asyncio.subprocess.PIPE,
    )
    printed = Moments()

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            printed.tell(json.loads(line)["seq"])

    reading = asyncio.ensure_future(read())
    try:
        yield printed
    finally:
        process.terminate()
        await process.wait()
        await reading


@asynccontextmanager
async def program(server: ServerProcess, token: str) -> AsyncIterator[Moments]:
    """A connection that asked for events: when it heard of which count of unread ones."""
    address = server.url.replace("http", "ws", 1)
    url = f"{address}/ws/notifications/1/?token={token}&events=inbox"
    heard = Moments()
    async with websockets.connect(url, max_queue=None) as socket:

        async def read() -> None:
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "inbox_changed":
                    heard.tell(frame["unread"])

        reading = asyncio.ensure_future(read())
        yield heard
        reading.cancel()


async def sign_in(browser: Browser, server: ServerProcess) -> Page:
    """The page in a browser of its own."""
    page = await browser.new_page(locale="en-GB")
    await page.goto(f"{server.url}/api/notifications/")
    await page.get_by_label("User name").fill("admin")
    await page.get_by_label("Password").fill(ADMIN_PASSWORD)
    await page.get_by_label("Password").press("Enter")
    await page.locator("#light", has_text="Connected").wait_for()
    await page.evaluate(COUNT)
    return page


async def shown(page: Page, count: int) -> float:
    """When the page first had this count."""
    found = await page.wait_for_function(TOLD, arg=str(count), polling=20)
    return float(await found.json_value())


class Figures:
    """How long what was done takes to be known elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._taken: dict[str, list[float]] = {}

    async def take(self, began: float, **ends: Awaitable[float]) -> None:
        """Note how long each has taken since."""
        for name, ended in zip(ends, await asyncio.gather(*ends.values()), strict=True):
            self._taken.setdefault(name, []).append(ended - began)

    def report(self) -> None:
        """Print them."""
        for name, taken in self._taken.items():
            print(
                f"{self._what}, {name.replace('_', ' ')}: median {median(taken):.0f} ms, "
                f"worst {max(taken):.0f} ms of {len(taken)}",
                flush=True,
            )


class Person:
    """Who looks at their inbox in two browsers, a terminal and a program."""

    def __init__(
        self, one: Page, other: Page, printed: Moments, heard: Moments, client: AsyncNotifier
    ) -> None:
        self._one = one
        self._other = other
        self._printed = printed
        self._heard = heard
        self._client = client
        self._keys: list[str] = []

    async def _begin(self) -> None:
        await asyncio.sleep(PAUSE)
        self._heard.forget()
        for page in (self._one, self._other):
            await page.evaluate(FORGET)

    async def gets(self, sender: AsyncNotifier) -> None:
        """Others send."""
        figures = Figures("sent")
        for count in range(1, 2 * TIMES + 1):
            await self._begin()
            began = now()
            sent = await sender.send(1, {"title": f"Notification {count}"})
            self._keys.append(sent.key)
            await figures.take(
                began,
                one_browser=shown(self._one, count),
                other_browser=shown(self._other, count),
                terminal=self._printed.of(sent.seq),
            )
        figures.report()

    async def reads_in_a_browser(self) -> None:
        """With a click, the newest ones."""
        figures = Figures("read in one browser")
        await self._one.reload()  # what is new waits to be asked for, and is in the list then
        await self._one.locator(".entry[data-unread]").first.wait_for()
        await self._one.evaluate(COUNT)
        for count in range(2 * TIMES - 1, TIMES - 1, -1):
            await self._begin()
            began = float(await self._one.evaluate(READ))
            await figures.take(
                began,
                other_browser=shown(self._other, count),
                program=self._heard.of(count),
            )
        figures.report()

    async def reads_in_a_program(self) -> None:
        """Over HTTP, the oldest ones."""
        figures = Figures("read in a program")
        for count, key in zip(range(TIMES - 1, -1, -1), self._keys, strict=False):
            await self._begin()
            began = now()
            marking = asyncio.ensure_future(self._client.mark_read(keys=[key]))
            await figures.take(
                began,
                one_browser=shown(self._one, count),
                other_browser=shown(self._other, count),
            )
            await marking
        figures.report()


async def measure(near: ServerProcess, far: ServerProcess) -> None:
    """Do everything once, and print how long it took."""
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(AsyncNotifier(near.url))
        client = await stack.enter_async_context(AsyncNotifier(far.url, token=token))
        printed = await stack.enter_async_context(terminal(far))
        first = await sender.send(1, {"title": "The terminal listens"})
        await printed.of(first.seq)
        await client.mark_read(keys=[first.key])
        playwright = await stack.enter_async_context(async_playwright())
        pages = []
        for server in (near, far):
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
            stack.push_async_callback(browser.close)
            pages.append(await sign_in(browser, server))
        heard = await stack.enter_async_context(program(far, token))
        person = Person(pages[0], pages[1], printed, heard, client)
        await person.gets(sender)
        await person.reads_in_a_browser()
        await person.reads_in_a_program()


def main() -> None:
    """Measure with one server or two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cluster", action="store_true", help="two processes")
    given = parser.parse_args()
    with servers(given.cluster) as (near, far):
        asyncio.run(measure(near, far))


if __name__ == "__main__":
    main()
