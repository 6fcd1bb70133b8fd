"""A device that asked for events and counts as the docs say, and what people do by HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import websockets

from tests.support.harness import SECONDS, Harness, Person

Told = dict[str, Any]
"""A frame."""


class Watcher:
    """A device of one user that is told what happens to the inbox."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Told] = []
        """All that came, in order."""
        self._counts: Told | None = None
        self._received: dict[int, Told] = {}

    async def next(self, seconds: float = SECONDS) -> Told:
        """The next frame."""
        frame: Told = json.loads(await asyncio.wait_for(self.socket.recv(), seconds))
        self.frames.append(frame)
        if frame["type"] in ("inbox_state", "inbox_changed"):
            self._counts = frame
        elif frame["type"] == "server_notification":
            self._received[frame["seq"]] = frame
        return frame

    async def take(self, *types: str) -> list[Told]:
        """The next frames, which have these types."""
        found = [await self.next() for _ in types]
        assert [frame["type"] for frame in found] == list(types)
        return found

    async def until(self, condition: Callable[[], object]) -> None:
        """Read until ``condition`` holds."""
        while not condition():
            await self.next()

    async def until_version(self, version: int) -> None:
        """Read until this change is known, or a later one."""
        await self.until(lambda: self.version >= version)

    async def tell(self, message: object) -> None:
        """Send ``message``: text as it is, anything else as JSON."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def command(self, key: str, value: object) -> None:
        """Send a command."""
        await self.tell({"type": "command", "key": key, "value": value})

    async def rest(self) -> list[Told]:
        """Whatever is under way: all that comes before the answer to a ping."""
        await self.tell({"type": "command", "key": "ping"})
        begin = len(self.frames)
        await self.until(lambda: self.frames[begin:] and self.frames[-1].get("value") == "pong")
        return self.frames[begin:-1]

    async def nothing_more(self) -> None:
        """Prove that nothing is under way."""
        assert await self.rest() == []

    async def closed(self) -> int:
        """Wait for the end; the close code."""
        await asyncio.wait_for(self.socket.wait_closed(), SECONDS)
        return self.socket.close_code or 0

    def of_type(self, kind: str) -> list[Told]:
        """Frames that came, of one type."""
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def version(self) -> int:
        """The last change that is known."""
        return 0 if self._counts is None else int(self._counts["version"])

    @property
    def counts(self) -> tuple[int, int]:
        """Unread and unseen: as told last, and what came behind that."""
        assert self._counts is not None
        told = self._counts
        behind = [frame for seq, frame in self._received.items() if seq > told["seq"]]
        loud = [frame for frame in behind if frame["priority"] != "low"]
        return told["unread"] + len(behind), told["unseen"] + len(loud)


@asynccontextmanager
async def watching(url: str, **options: Any) -> AsyncIterator[Watcher]:
    """A device at this address, whatever is in it."""
    waits = {"open_timeout": SECONDS, "close_timeout": 1, "ping_interval": None}
    options = {"max_size": None, **waits, **options}
    async with websockets.connect(url, **options) as socket:
        yield Watcher(socket)


@asynccontextmanager
async def watched(server: Harness, person: Person, **options: Any) -> AsyncIterator[Watcher]:
    """A device of ``person`` that asked for events, and was told the state."""
    url = f"{server.socket_url(person, server.token(person))}&events=inbox"
    async with watching(url, **options) as watcher:
        await watcher.until(lambda: watcher.of_type("inbox_state"))
        yield watcher


def own(server: Harness, person: Person) -> dict[str, str]:
    """What lets ``person`` ask for the own inbox."""
    return {"Authorization": f"Bearer {server.token(person)}"}


async def mark(server: Harness, person: Person, verb: str, **body: object) -> dict[str, Any]:
    """Do something by HTTP, which has to succeed; its answer."""
    path = f"/api/inbox/{verb}/"
    response = await server.post(body, path, headers=own(server, person))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def ask(server: Harness, person: Person, path: str, **query: Any) -> Any:
    """What ``/api/inbox/…`` answers."""
    headers = own(server, person)
    response = await server.http.get(f"/api/inbox/{path}", params=query, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def count(server: Harness, person: Person) -> dict[str, int]:
    """How many are unread, by HTTP."""
    counted: dict[str, int] = await ask(server, person, "count/")
    return counted


async def withdraw(server: Harness, person: Person, key: str) -> dict[str, Any]:
    """Take a notification back, which has to succeed."""
    response = await server.http.delete(
        "/api/notifications/",
        params={"user_id": person.id, "key": key},
        headers={"Authorization": f"Bearer {server.token(server.admin, 'access')}"},
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def send_all(server: Harness, person: Person, keys: Sequence[str], **fields: object) -> None:
    """Send a notification for each of these keys, one after the other."""
    for key in keys:
        await server.send(person, key, key=key, **fields)


async def sweep(server: Harness) -> None:
    """What the server does every few seconds."""
    await server.server.hub.sweep(server.server._read_positions)


async def until_pending(server: Harness, person: Person, seqs: list[int]) -> None:
    """Wait until just ``seqs`` wait for ``person``."""
    for _ in range(1000):
        if await server.pending(person) == seqs:
            return
        await asyncio.sleep(0.005)
    assert await server.pending(person) == seqs
