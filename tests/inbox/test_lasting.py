"""What lasts: without retention, beyond a removal, and beyond the end of a server."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from notifier.models import THE_SERVER
from notifier.sending.removal import Removal
from notifier.storage.contract import Query, ReadSession
from notifier.storage.operations.inbox.ranges import WINDOW
from notifier.storage.postgres import PostgresDriver
from notifier.storage.sqlite import SqliteDriver
from servers.notifier import ServerProcess
from tests.inbox.inbox import PATH, Inbox
from tests.storage.databases import make_user, opened
from tests.support.harness import SECONDS, ServerWith, append
from tests.support.people import identity_of


class Recorded(Query[int], frozen=True):
    """How many changes of a user are kept."""

    user_id: int

    def ask(self, session: ReadSession) -> int:
        [(count,)] = session.run(
            "SELECT count(*) FROM inbox_changes WHERE user_id = ?", (self.user_id,)
        )
        return int(count)


async def test_without_retention(server_with: ServerWith, database_url: str) -> None:
    """With no days of it an inbox is what no device has had yet: reading takes it out."""
    async with server_with(retention_days=0, database_url=database_url) as server:
        inbox = Inbox(server, await server.user())
        await inbox.send(*"abcd")
        await inbox.do("seen", "a")
        await inbox.do("archive", "b")
        await inbox.do("read", up_to=1)
        await inbox.carried_out()
        assert await inbox.keys(archived="include") == ["d", "c", "b", "a"], "no device has them"
        await inbox.do("read", "c")
        async with server.connect(inbox.person) as device:
            for frame in await device.take(3):
                assert frame.key != "c"
                await device.ack(frame)
            await device.nothing_more()
        while await inbox.keys(archived="include"):
            pass
        assert await inbox.counts() == (0, 0)
        await inbox.send("old", collapse_key="c")
        await inbox.send("new", collapse_key="c")
        assert await inbox.keys() == ["new"]
        assert (await inbox.get("count/"))["seq"] == 6


async def test_removal(inbox: Inbox) -> None:
    """With a user goes the record of what they did, and nobody else's."""
    bob = Inbox(inbox.server, await inbox.server.user("bob"))
    store = inbox.server.server.store
    for each in (inbox, bob):
        await each.send("a")
        await each.do("read", "a")
        await each.do("archive", up_to=1)
    await Removal(store).remove(inbox.person.id, THE_SERVER)
    assert await store.read(Recorded(inbox.person.id)) == 0
    assert await store.read(Recorded(bob.person.id)) == 2
    assert (await inbox.ask()).status_code == 401


async def test_a_server_that_was_killed(
    server_process: Callable[..., ServerProcess], database_url: str
) -> None:
    """What a killed server left of a change holds all along, and the next carries it out."""
    process = server_process(DATABASE_URL=database_url)
    rows = 6 * WINDOW
    folder = process.folder / "data"
    driver = PostgresDriver(database_url) if database_url else SqliteDriver(folder)
    process.command("migrate")
    async with opened(driver) as store:
        person = await make_user(store, "ann")
        await append(store, person, *[b"1"] * rows)
    process.start()

    async def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {identity_of(person)}"}
        url = process.url + path
        async with httpx.AsyncClient(timeout=SECONDS) as http:
            answer = await http.request(method, url, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await ask("POST", f"{PATH}archive/", {"up_to": 10})
    answer = await ask("POST", f"{PATH}read/", {"up_to": rows})
    await asyncio.to_thread(process.kill)
    await asyncio.to_thread(process.start)
    assert (await ask("GET", f"{PATH}count/"))["unread"] == 0
    left = await ask("GET", f"{PATH}?status=unread&archived=include")
    assert len(left["items"]) == 10
    while not (await ask("GET", f"{PATH}?limit=1&before=13"))["items"][0]["version"]:
        pass
    undone = await ask("POST", f"{PATH}undo/", {"version": answer["version"]})
    assert undone["changed"]
    assert (await ask("GET", f"{PATH}count/"))["unread"] == rows - 10
