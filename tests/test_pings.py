"""The clock that asks all WebSockets whether their peers are still there."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from handlers.websocket.pings import Pings
from handlers.websocket.socket import FeedSocketHandler
from notifier.storage.operations.users import SetPassword
from tests.support.deadlines import StoppedClock
from tests.support.frames import frame, read_frame
from tests.support.harness import Harness, until

_PING, _PONG, _CLOSE = 0x9, 0xA, 0x8


class Clock(StoppedClock):
    """Time for the pings."""

    async def past(self, pings: Pings, seconds: float) -> None:
        """Let so much time pass, and whoever it is time for be asked."""
        self.advance(seconds)
        await pings.send()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still unless told."""
    return Clock(monkeypatch)


@pytest.fixture
def pings(server: Harness) -> Pings:
    """Those of the server."""
    assert server.server.application is not None
    return server.server.application.pings


@asynccontextmanager
async def by_hand(
    server: Harness,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket of the superuser whose frames the test writes itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(server.handshake(server.admin))
    await reader.readuntil(b"\r\n\r\n")
    await until(lambda: server.server.hub.sockets)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_who_answers_stays(server: Harness, pings: Pings, clock: Clock) -> None:
    """Asked each time it is due, and never ended."""
    async with by_hand(server) as (reader, writer):
        await clock.past(pings, 29)
        for _ in range(3):
            await clock.past(pings, 30)
            assert await read_frame(reader) == (_PING, b"")
            writer.write(frame(_PONG))
            await until(lambda: not pings.unanswered)
        assert server.server.hub.sockets == 1


async def test_who_does_not_answer_goes(server: Harness, pings: Pings, clock: Clock) -> None:
    """Told so, when the time for the answer is over."""
    async with by_hand(server) as (reader, _):
        await clock.past(pings, 31)
        assert (await read_frame(reader))[0] == _PING
        await clock.past(pings, 29)
        assert pings.unanswered == 1
        await clock.past(pings, 2)
        assert await read_frame(reader) == (_CLOSE, b"\x03\xe8ping timed out")
        assert len(pings) == 0


async def test_nobody_is_asked_behind_a_goodbye(
    server: Harness, pings: Pings, clock: Clock
) -> None:
    """A close frame is the last one, however long the peer leaves the connection open."""
    async with by_hand(server) as (reader, _):
        await server.server.store.submit(SetPassword(server.admin.id, "other"))
        assert (await read_frame(reader))[0] == _CLOSE
        await clock.past(pings, 31)
        assert len(pings) == 0
        assert pings.unanswered == 0


async def test_thousands_take_turns(clock: Clock) -> None:
    """Everything else has its turn while many are asked."""
    pings = Pings(30)

    class Peer:
        def is_closing(self) -> bool:
            return False

        def write_ping(self, data: bytes) -> None:
            asked.append(data)

    asked: list[bytes] = []
    for _ in range(1000):
        pings.begin(Peer())  # type: ignore[arg-type]  # as much of one as is used
    sending = asyncio.ensure_future(clock.past(pings, 31))
    await asyncio.sleep(0)
    assert 0 < len(asked) < 1000
    await sending
    assert len(asked) == 1000


async def test_what_opened_it_is_forgotten(server: Harness) -> None:
    """The token, above all: nobody finds it in the memory of a connection."""
    token = server.token(server.admin)
    async with server.connect(server.admin, token=token) as device:
        await device.nothing_more()
        [handler] = [
            each
            for each in gc.get_objects()
            if type(each) is FeedSocketHandler and each.application is server.server.application
        ]
        assert token not in str(handler.request)
        assert not handler.request.headers
        assert not handler.request.arguments
