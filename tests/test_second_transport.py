"""Another transport is an addition of one file: here, lines of JSON in one long HTTP answer.

Pending first, live then, expiry, revocation and "go elsewhere" come from the device; only
the frames are the transport's own.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler
from notifier.delivery.closing import CloseCode
from notifier.delivery.device import Device
from notifier.delivery.frames import Frames
from notifier.models import Notification
from notifier.storage.operations.users import EndSessions
from tests.support.harness import Harness, Person, until

_built: list[str] = []


def _build(notification: Notification) -> bytes:
    _built.append(notification.key)
    return b'{"key": "%b", "value": %b}\n' % (notification.key.encode(), notification.payload)


_line_of = Frames(_build)


class Lines:
    """A transport that writes a line for each notification."""

    def __init__(self, handler: ApiHandler) -> None:
        assert isinstance(handler.request.connection, HTTP1Connection)
        self._handler = handler
        self._stream = handler.request.connection.stream
        self._lines: list[bytes] = []
        self._buffered = 0
        self.over = asyncio.Event()

    @property
    def buffered(self) -> int:
        return sum(map(len, self._lines)) + (self._buffered if self._stream.writing() else 0)

    def send(self, notification: Notification) -> None:
        self._lines.append(_line_of(notification))

    def flush(self) -> None:
        if self._lines and not self.over.is_set():
            if not self._stream.writing():
                self._buffered = 0
            self._buffered += sum(map(len, self._lines))
            self._handler.write(b"".join(self._lines))
            with suppress(StreamClosedError):
                self._handler.flush()
        self._lines.clear()

    async def drained(self) -> None:
        with suppress(StreamClosedError):
            await self._stream.write(b"")

    def close(self, code: CloseCode, reason: str) -> None:
        self.flush()
        if not self.over.is_set():
            self._handler.write(json.dumps({"end": code, "why": reason}) + "\n")
        self.over.set()


class LinesHandler(ApiHandler):
    """``/lines/<user_id>/?token=``."""

    _device: Device | None = None
    _transport: Lines

    async def get(self, user_id: str) -> None:
        token = await self.application.authentication.identify(
            self.get_query_argument("token"), int(user_id)
        )
        self._transport = Lines(self)
        self.flush()
        self._device = self.application.hub.attach(
            token.user_id, self._transport, version=token.version, expires_at=token.expires_at
        )
        await self._transport.over.wait()
        self._detach()

    def on_connection_close(self) -> None:
        self._transport.over.set()

    def _detach(self) -> None:
        if self._device is not None:
            self.application.hub.detach(self._device)
            self._device = None


@pytest.fixture(autouse=True)
def _route(server: Harness) -> None:
    assert server.server.application is not None
    server.server.application.add_handlers(".*", [(r"/lines/(\d+)/", LinesHandler)])


@asynccontextmanager
async def lines(
    server: Harness, person: Person, seconds: int = 3600
) -> AsyncIterator[AsyncIterator[str]]:
    """The lines that a device of ``person`` gets."""
    path = f"/lines/{person.id}/?token={server.token(person, seconds=seconds)}"
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=10) as http,
        http.stream("GET", path) as answer,
    ):
        yield answer.aiter_lines()


async def test_pending_then_live(server: Harness) -> None:
    """What is pending comes first, then what is fresh; it ends with its connection."""
    ann = await server.user()
    for n in range(3):
        await server.send(ann, n)
    async with lines(server, ann) as received:
        assert [json.loads(await anext(received))["value"] for _ in range(3)] == [0, 1, 2]
        await server.send(ann, 3)
        assert json.loads(await anext(received))["value"] == 3
    await until(lambda: server.server.hub.sockets == 0)


async def test_beside_web_sockets(server: Harness) -> None:
    """Devices of both kinds get the same, in frames of their own that are built once a kind."""
    ann = await server.user()
    async with (
        lines(server, ann) as one,
        lines(server, ann) as other,
        server.connect(ann) as socket,
    ):
        await socket.nothing_more()
        await until(lambda: all(device.feed.live for device in server.server.hub.devices()))
        await server.send(ann, "for all", key="k")
        assert json.loads(await anext(one)) == json.loads(await anext(other))
        assert (await socket.next()).value == "for all"
        assert _built.count("k") == 1


@pytest.mark.parametrize("way", ["expired", "revoked", "sent away"])
async def test_the_end(server: Harness, way: str) -> None:
    """Expiry, revocation and the drain reach it as they reach any device."""
    ann = await server.user()
    async with lines(server, ann, seconds=2 if way == "expired" else 3600) as received:
        if way == "revoked":
            await server.server.store.submit(EndSessions(ann.id))
        elif way == "sent away":
            await until(lambda: server.server.hub.sockets)
            await server.server.hub.send_away(0)
        codes = {"expired": 4401, "revoked": 4403, "sent away": 1012}
        assert json.loads(await anext(received))["end"] == codes[way]
        await until(lambda: server.server.hub.sockets == 0)
