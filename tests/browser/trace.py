"""Chromium's own record of what a page does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page

LONG_TASK = 50
"""Milliseconds after which people notice that a page was busy."""


class Trace:
    """What the main threads of pages did while it was taken."""

    def __init__(self) -> None:
        self.tasks: list[float] = []
        """CPU milliseconds of each: a machine that is busy makes them last, but not work."""

    @property
    def longest(self) -> float:
        """The task that took most."""
        return max(self.tasks)

    def read(self, events: list[dict[str, Any]]) -> None:
        """Take in what Chromium wrote down."""
        main = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        self.tasks = [
            event["tdur"] / 1_000
            for event in events
            if event["name"].endswith("RunTask")
            and "tdur" in event
            and (event["pid"], event["tid"]) in main
        ]


@asynccontextmanager
async def traced(page: Page) -> AsyncIterator[Trace]:
    """A record of what happens inside the ``with``, to be read after it."""
    browser = page.context.browser
    assert browser
    trace = Trace()
    await browser.start_tracing(
        page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"]
    )
    try:
        yield trace
    finally:
        trace.read(json.loads(await browser.stop_tracing())["traceEvents"])
