"""How changes of everything up to a place reach their rows."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from notifier.sending.inbox import Inboxes
from notifier.storage.operations.inbox.ranges import WINDOW, CarryOut, UnderWay
from tests.inbox.inbox import Inbox
from tests.inbox.test_pages import hold_back


@pytest.fixture(autouse=True)
def held_back(inbox: Inbox) -> None:
    """The server itself carries nothing out."""
    hold_back(inbox.server)


@pytest_asyncio.fixture
async def other(inbox: Inbox) -> AsyncIterator[Inboxes]:
    """What another process has on the same store."""
    inboxes = Inboxes(inbox.server.server.store, changes_per_second=0)
    yield inboxes
    await inboxes.close()


async def test_what_stands_still_is_taken_over(inbox: Inbox, other: Inboxes) -> None:
    """A process carries out what was left by whoever began, and nothing that somebody is at."""
    store = inbox.server.server.store
    rows = 4 * WINDOW
    await inbox.server.append(inbox.person, *[b"1"] * rows)
    await inbox.do("read", up_to=rows)
    for _ in range(2):
        await other.carry_on()
        assert await store.submit(CarryOut(inbox.person.id))
    await other.carry_on()
    assert not other._carrying
    await other.carry_on()
    while await store.read(UnderWay(1)):
        pass
    assert (await inbox.get(limit=1, before=2))["items"][0]["version"] == 1


async def test_what_it_cannot_reach_costs_nothing(inbox: Inbox) -> None:
    """It goes from one row that it can mean to the next, however long the history is."""
    store = inbox.server.server.store
    rows = 2 * WINDOW
    await inbox.server.append(inbox.person, *[b"1"] * rows)
    await inbox.do("read", up_to=rows)
    await inbox.carried_out()
    await inbox.send("new")
    for verb in ("seen", "read", "unarchive"):
        await inbox.do(verb, up_to=rows + 1)
        assert not await store.submit(CarryOut(inbox.person.id)), "it was done in one step"
    assert (await inbox.item("new"))["version"] == 3
