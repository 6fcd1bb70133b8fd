"""A real server on port 0, and people with devices who use it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import websockets

from notifier import wire
from notifier.identity.tokens import Tokens, TokenType
from notifier.process.server import Server
from notifier.settings import Settings
from notifier.storage.operations.notifications import Append, Pending
from notifier.storage.operations.users import CreateUser
from notifier.storage.store import Store
from servers.notifier import ADMIN_PASSWORD, SECRET
from tests.support.frames import handshake

SECONDS = 30.0
"""How long anything may take before a test gives up, also on a busy machine."""

SEND = "/api/notifications/send/"
JSON = {"Content-Type": "application/json"}


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Return as soon as ``condition`` holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


class Frame(msgspec.Struct):
    """What a device has received."""

    text: str
    type: str
    key: str | None = None
    value: Any = None
    seq: int = 0
    created_at: str = ""

    @classmethod
    def of(cls, text: str) -> "Frame":
        return cls(text, **json.loads(text))


class Person(msgspec.Struct, frozen=True):
    """A user, who can sign in with ``password`` only if it was hashed for real."""

    id: int
    username: str


class Device:
    """One WebSocket of one user, spoken by a client that is not ours."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def next(self, seconds: float = SECONDS) -> Frame:
        """The next frame."""
        text = await asyncio.wait_for(self.socket.recv(), seconds)
        assert isinstance(text, str)
        return Frame.of(text)

    async def take(self, count: int) -> list[Frame]:
        """The next notifications."""
        return [await self.next() for _ in range(count)]

    async def tell(self, message: object) -> None:
        """Send ``message``: text and bytes as they are, anything else as JSON."""
        raw = isinstance(message, str | bytes)
        await self.socket.send(message if raw else json.dumps(message))  # type: ignore[arg-type]

    async def ack(self, *frames: Frame) -> None:
        """Acknowledge notifications."""
        for frame in frames:
            await self.tell({"type": "message_ack", "key": frame.key})

    async def nothing_more(self) -> None:
        """Prove that nothing is under way: the answer to a ping comes next."""
        await self.tell({"type": "command", "key": "ping"})
        assert (await self.next()).value == "pong"

    async def closed(self, seconds: float = SECONDS) -> tuple[int, str]:
        """Wait for the end; the close code and reason that the server gave."""
        await asyncio.wait_for(self.socket.wait_closed(), seconds)
        return self.socket.close_code or 0, self.socket.close_reason or ""


async def append(store: Store, user_id: int, *payloads: bytes) -> None:
    """Store notifications, in one batch if the writer is free."""
    await asyncio.gather(
        *[store.submit(Append(user_id, wire.make_key(), payload)) for payload in payloads]
    )


class Harness:
    """A running server with an HTTP client, and helpers to play its users."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self.server = server
        self.http = http
        self.admin = Person(1, "admin")

    @property
    def url(self) -> str:
        return self.server.url

    async def user(self, name: str = "ann", *, is_superuser: bool = False) -> Person:
        """A new user, without the cost of a real password hash."""
        user = await self.server.store.submit(CreateUser(name, "no hash", is_superuser))
        return Person(user.id, user.username)  # type: ignore[union-attr]

    def token(
        self, person: Person, kind: TokenType = "identity", *, seconds: int = 3600, version: int = 0
    ) -> str:
        """A token of ``person``, valid for ``seconds``."""
        return Tokens(SECRET, {kind: seconds}).issue(kind, person.id, version)

    async def post(
        self, body: object, path: str = SEND, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """POST ``body``: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(path, content=content, headers=JSON | (headers or {}))

    async def send(self, person: Person, payload: object, **fields: object) -> dict[str, Any]:
        """Send one notification over HTTP, which has to succeed."""
        response = await self.post({"user_id": person.id, "payload": payload, **fields})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def append(self, person: Person, *payloads: bytes) -> None:
        """Store notifications without HTTP, many at a time."""
        await append(self.server.store, person.id, *payloads)

    def socket_url(self, person: Person, token: str) -> str:
        """Where ``person`` connects."""
        return f"ws{self.url.removeprefix('http')}/ws/notifications/{person.id}/?token={token}"

    def handshake(self, person: Person) -> bytes:
        """The request that opens a WebSocket of ``person``, for those who speak it by hand."""
        path = f"/ws/notifications/{person.id}/?token={self.token(person)}"
        return handshake(path, host=f"127.0.0.1:{self.server.port}")

    @asynccontextmanager
    async def connect(
        self, person: Person, *, token: str | None = None, **options: Any
    ) -> AsyncIterator[Device]:
        """A device of ``person``. ``options`` are those of websockets.connect."""
        token = token or self.token(person)
        # No pings: the loop serves both ends, and the server has pings of its own.
        waits = {"open_timeout": SECONDS, "close_timeout": 1, "ping_interval": None}
        options = {"max_size": None, **waits, **options}
        async with websockets.connect(self.socket_url(person, token), **options) as socket:
            yield Device(socket)

    @property
    def my_url(self) -> str:
        """Where whoever has a token connects."""
        return f"ws{self.url.removeprefix('http')}/ws/notifications/me/"

    @asynccontextmanager
    async def connect_me(self, token: str, **options: Any) -> AsyncIterator[Device]:
        """A device of whomever ``token`` names, which is brought as notifier.js does it."""
        protocols = {"subprotocols": ["notifier", f"bearer.{token}"]}
        waits = {"open_timeout": SECONDS, "close_timeout": 1, "ping_interval": None}
        options = {"max_size": None, **waits, **protocols, **options}
        async with websockets.connect(self.my_url, **options) as socket:
            yield Device(socket)

    async def refusal(self, token: str) -> tuple[int, str]:
        """The status with which ``token`` is refused at the handshake, and the error's code."""
        try:
            async with self.connect_me(token):
                return 101, ""
        except websockets.InvalidStatus as refused:
            answer = refused.response
            return answer.status_code, json.loads(answer.body or b"{}").get("code", "")

    async def pending(self, person: Person) -> list[int]:
        """The seqs that wait for ``person``."""
        page = await self.server.store.read(Pending(person.id, 0, rows=100_000, size=1 << 40))
        return [notification.seq for notification in page.notifications]


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Settings for a server of its own in ``folder``."""
    values: dict[str, Any] = {
        "port": 0,
        "data_dir": str(folder),
        "secret_key": SECRET,
        "admin_password": ADMIN_PASSWORD,
        "drain_seconds": 0,
    }
    return Settings(**(values | changes))


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Harness]:
    """A server with ``settings``, from start to stop."""
    server = Server(settings)
    await server.start()
    try:
        # Reading the certificates of the world takes as long as the server's start.
        async with httpx.AsyncClient(base_url=server.url, timeout=SECONDS, verify=False) as http:
            yield Harness(server, http)
    finally:
        await server.stop()


ServerWith = Callable[..., AbstractAsyncContextManager[Harness]]
"""Runs a server with the settings that are given by keyword."""
