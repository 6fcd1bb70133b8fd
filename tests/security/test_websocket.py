"""What hostile peers do to a WebSocket: handshakes, frames and floods, by raw sockets."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import websockets

from handlers.websocket.connection import STEPS
from notifier.delivery.closing import CloseCode
from tests.support.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    close,
    frame,
    read_frame,
    read_to_the_end,
    text,
)
from tests.support.harness import SECONDS, Harness, Person, ServerWith, until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ASK = text({"type": "command", "key": "ping"})
ACK = text({"type": "message_ack", "key": "nobody knows me"})
LARGEST = 64 * 1024


@asynccontextmanager
async def raw(server: Harness, request: bytes) -> AsyncIterator[Streams]:
    """A connection that has sent ``request``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    try:
        async with asyncio.timeout(SECONDS):
            writer.write(request)
            yield reader, writer
    finally:
        writer.transport.abort()


@asynccontextmanager
async def opened(server: Harness, person: Person) -> AsyncIterator[Streams]:
    """A WebSocket of ``person``."""
    async with raw(server, server.handshake(person)) as (reader, writer):
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")
        yield reader, writer


async def head_of(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")


def refused(server: Harness) -> dict[str, int]:
    """What was refused so far, by reason."""
    return dict(server.server.refusals.counts)


# Handshakes.


HANDSHAKES = {
    "HTTP/1.0": ("HTTP/1.1", "HTTP/1.0", 400),
    "no Upgrade": ("Upgrade: websocket\r\n", "", 400),
    "another Upgrade": ("Upgrade: websocket", "Upgrade: h2c", 400),
    "two Upgrades": ("Upgrade: websocket", "Upgrade: websocket, h2c", 400),
    "no Connection": ("Connection: Upgrade\r\n", "", 400),
    "another Connection": ("Connection: Upgrade", "Connection: keep-alive", 400),
    "no key": ("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "", 400),
    "empty key": ("AAAAAAAAAAAAAAAAAAAAAA==", "", 400),
    "short key": ("AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA", 400),
    "long key": ("AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAA", 400),
    "key that is no Base64": ("AAAAAAAAAAAAAAAAAAAAAA==", "A" * 22 + "\xe9=", 400),
    "two keys": (
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        400,
    ),
    "no version": ("Sec-WebSocket-Version: 13\r\n", "", 426),
    "version 8": ("Version: 13", "Version: 8", 426),
    "version 14": ("Version: 13", "Version: 14", 426),
    "two versions": ("Version: 13", "Version: 13, 8", 426),
    "no Host": ("Host: 127.0.0.1:{port}\r\n", "", 400),
    "two Hosts": ("Host: ", "Host: example.org\r\nHost: ", 400),
    "POST": ("GET ", "POST ", 405),
    "HEAD": ("GET ", "HEAD ", 405),
    "no token": ("?token=", "?nothing=", 403),
    "a token in two": ("?token=", "?token=x&token=", 101),  # the last one counts
    "another user's path": ("/ws/notifications/2/", "/ws/notifications/1/", 403),
    "a path that is no number": ("/ws/notifications/2/", "/ws/notifications/%C2%B2/", 403),
    "another case": ("Connection: Upgrade", "Connection: keep-alive, uPGRADE", 101),
    "a subprotocol": ("Version: 13", "Version: 13\r\nSec-WebSocket-Protocol: soap, ,", 101),
    "compression": (
        "Version: 13",
        "Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        101,
    ),
    "bad compression": (
        "Version: 13",
        "Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
        101,
    ),
    "bad extensions": ("Version: 13", "Version: 13\r\nSec-WebSocket-Extensions: ;=;,\xff;", 101),
    "a foreign page": ("Version: 13", "Version: 13\r\nOrigin: https://evil.example", 101),
}
"""What is replaced in a good handshake, by what, and the status of the answer."""


@pytest.mark.parametrize("name", HANDSHAKES)
@pytest.mark.attack("handshakes that break RFC 6455", before="101")
async def test_hostile_handshakes(server: Harness, name: str) -> None:
    """What is no handshake of RFC 6455 is refused; what is one agrees on nothing beside."""
    ann = await server.user()
    old, new, status = HANDSHAKES[name]
    old = old.format(port=server.server.port)
    request = server.handshake(ann).decode()
    assert old in request
    async with raw(server, request.replace(old, new, 1).encode("latin-1")) as (reader, writer):
        head = await head_of(reader)
        assert head.split()[1] == str(status)
        if status == 101:
            assert "Extensions" not in head
            assert "Sec-WebSocket-Protocol" not in head
            writer.write(ASK)
            assert json.loads((await read_frame(reader))[1])["value"] == "pong"
        elif status == 426:
            assert "Sec-Websocket-Version: 13\r\n" in head
    await until(lambda: server.server.hub.sockets == 0)


async def test_refused_handshakes_say_why(server: Harness) -> None:
    """A refusal is JSON, and tells the owner of a proxy what is missing."""
    ann = await server.user()
    token = server.token(ann)
    answer = await server.http.get(f"/ws/notifications/{ann.id}/?token={token}")
    assert answer.json() == {"detail": "Upgrade must be websocket.", "code": "invalid"}
    request = server.handshake(ann).replace(b"HTTP/1.1", b"HTTP/1.0")
    async with raw(server, request) as (reader, _):
        assert b"proxy_http_version 1.1" in await reader.read()


# Frames.


def pieces(*payloads: bytes) -> bytes:
    """One text in pieces."""
    return b"".join(
        frame(0 if n else TEXT, payload, first=0x80 if n == len(payloads) - 1 else 0)
        for n, payload in enumerate(payloads)
    )


WRONG = {
    "text that is not masked": frame(TEXT, b"hi", masked=False),
    "ping that is not masked": frame(PING, masked=False),
    "good-bye that is not masked": frame(CLOSE, masked=False),
    **{f"reserved bit {bit:#x}": frame(TEXT, b"{}", first=0x80 | bit) for bit in (0x40, 0x20, 16)},
    "reserved bit of a ping": frame(PING, first=0xC0),
    **{f"opcode {opcode}": frame(opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "ping in pieces": frame(PING, first=0),
    "good-bye in pieces": frame(CLOSE, first=0),
    "long ping": frame(PING, bytes(126)),
    "long good-bye": close(1000, b"x" * 124),
    "piece of nothing": frame(0, b"{}"),
    "piece of a message that is over": pieces(b"{", b"}") + frame(0, b"{}"),
    "text in a text": frame(TEXT, b"{", first=0) + frame(TEXT, b"{}"),
    "size in 2 bytes that needs 1": b"\x81\xfe\x00\x7d" + bytes(4 + 125),
    "size in 8 bytes that needs 2": b"\x81\xff" + (65535).to_bytes(8) + bytes(4),
    "size of 2 to the 63": b"\x81\xff\x80" + bytes(7 + 4),
    "good-bye of one byte": frame(CLOSE, b"\x03"),
    **{
        f"good-bye with {code}": close(code)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535)
    },
}
INVALID = {
    "text": frame(TEXT, b'"\xff"'),
    "text that ends too soon": frame(TEXT, '"\u20ac'.encode()[:-1]),
    "text with half of a surrogate pair": frame(TEXT, b'"\xed\xa0\x80"'),
    "text with an overlong form": frame(TEXT, b'"\xc0\xaf"'),
    "text in pieces": pieces(b'"', b"\xff", b'"'),
    "good-bye": close(1000, b"\xff"),
}
LARGE = {
    "frame": frame(TEXT, b" " * (LARGEST + 1)),
    "frame that is only announced": b"\x82\xff" + (1 << 62).to_bytes(8),
    "message in pieces": pieces(b" " * LARGEST, b" "),
}
FAULTS = [
    *((1002, "bad_frame", name, sent) for name, sent in WRONG.items()),
    *((1007, "bad_frame", name, sent) for name, sent in INVALID.items()),
    *((1009, "frame_too_large", name, sent) for name, sent in LARGE.items()),
]


@pytest.mark.parametrize(
    ("code", "reason", "sent"),
    [(code, reason, sent) for code, reason, _, sent in FAULTS],
    ids=[f"{code} {name}" for code, _, name, _ in FAULTS],
)
@pytest.mark.attack("frames that break RFC 6455", before="taken, echoed, or cut without a word")
async def test_hostile_frames(server: Harness, code: int, reason: str, sent: bytes) -> None:
    """What breaks RFC 6455 ends the connection with the code for it, and is counted."""
    ann = await server.user()
    async with opened(server, ann) as (reader, writer):
        writer.write(ASK + sent + ASK)
        frames = [each for each in await read_to_the_end(reader) if each[0] != TEXT]
        ((opcode, payload),) = frames
        assert (opcode, int.from_bytes(payload[:2])) == (CLOSE, code)
        assert payload[2:].decode()
        assert refused(server) == {reason: 1}
        writer.write_eof()
        await until(lambda: server.server.hub.sockets == 0)


async def test_what_a_fault_follows_is_not_lost(server: Harness) -> None:
    """Acknowledgements before a fault count; whatever comes behind it does not."""
    ann = await server.user()
    for key in "ab":
        await server.send(ann, 1, key=key)
    first, second = (text({"type": "message_ack", "key": key}) for key in "ab")
    async with opened(server, ann) as (reader, writer):
        writer.write(first + frame(3) + second)
        await read_to_the_end(reader)
    await until(lambda: server.server.counts.acks)
    assert await server.pending(ann) == [2]


async def test_the_close_frame_arrives(server: Harness) -> None:
    """A client that is still sending when it fails gets the close code, not a reset."""
    ann = await server.user()
    async with opened(server, ann) as (reader, writer):
        writer.write(frame(TEXT, b" " * (1 << 20)))
        (*_, (opcode, payload)) = await read_to_the_end(reader)
        assert (opcode, int.from_bytes(payload[:2])) == (CLOSE, 1009)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1003, 1007, 1012, 1014, 3000, 4999])
async def test_valid_good_byes(server: Harness, code: int | None) -> None:
    """A close code that may be sent is answered with the same one, and so is none."""
    ann = await server.user()
    async with opened(server, ann) as (reader, writer):
        sent = frame(CLOSE) if code is None else close(code, "bye \u20ac".encode())
        writer.write(sent + ASK)
        answer = b"" if code is None else code.to_bytes(2)
        assert await read_to_the_end(reader) == [(CLOSE, answer)]
    assert refused(server) == {}


async def test_pieces_and_pings_between(server: Harness) -> None:
    """A message may come in pieces, bytes one by one, with control frames in between."""
    ann = await server.user()
    asked = '{"type": "command", "key": "ping", "x": "\u20ac"}'.encode()
    at = asked.index(b"\xe2") + 1  # in the middle of a character
    sent = frame(TEXT, asked[:at], first=0) + frame(PING, b"x" * 125) + frame(0, b"", first=0)
    sent += frame(PONG) + frame(0, asked[at:])
    async with opened(server, ann) as (reader, writer):
        for byte in sent:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        assert await read_frame(reader) == (PONG, b"x" * 125)
        assert json.loads((await read_frame(reader))[1])["value"] == "pong"
        # As large as a message may be, in each form of its size.
        for size in (125, 126, 65535, LARGEST):
            writer.write(frame(TEXT, asked.ljust(size)))
            assert json.loads((await read_frame(reader))[1])["value"] == "pong"
        writer.write(frame(BINARY))
        assert b"Binary" in (await read_frame(reader))[1]


@pytest.mark.attack("a compression bomb over a WebSocket", before="not compressed")
async def test_no_compression(server: Harness) -> None:
    """A client that offers permessage-deflate gets none."""
    ann = await server.user()
    async with server.connect(ann, compression="deflate") as device:
        assert not device.socket.protocol.extensions
        await device.nothing_more()


# Floods.


FLOODS = {
    "pings": frame(PING, b"x"),
    "pongs": frame(PONG),
    "junk": frame(TEXT, b"junk"),
    "commands": ASK,
    "binary": frame(BINARY, b"x"),
    "pieces": frame(TEXT, b"", first=0) + frame(0, b"", first=0) * 100,
    "acks of what cannot be a key": text({"type": "message_ack", "key": ""}),
}


async def flood(server: Harness, person: Person, sent: bytes) -> list[tuple[int, bytes]]:
    """Send the same again and again until the end; what the server wrote."""
    async with opened(server, person) as (reader, writer):
        answers = asyncio.ensure_future(read_to_the_end(reader))
        while not answers.done():
            if writer.transport.get_write_buffer_size() < LARGEST:
                writer.write(sent * 50)
            await asyncio.sleep(0)
        return await answers


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.attack(
    "ten sockets flood pings, junk or control frames", before="others' sends take 70 times as long"
)
async def test_floods_end(server_with: ServerWith, name: str) -> None:
    """Ten sockets that flood end with 1008, are counted, and others go on as ever."""
    async with server_with(frames_per_second=50) as server:
        ann, eve = await server.user("ann"), await server.user("eve")
        async with server.connect(ann) as device:
            floods = [flood(server, eve, FLOODS[name]) for _ in range(10)]
            flooding = asyncio.gather(*floods)
            sent = []
            while not flooding.done() or len(sent) < 20:
                sent.append((await server.send(ann, len(sent)))["key"])
            frames = await device.take(len(sent))
            assert [frame.key for frame in frames] == sent
            for answers in await flooding:
                opcode, payload = answers[-1]
                assert opcode == CLOSE
                assert payload == CloseCode.POLICY_VIOLATION.to_bytes(2) + b"too many frames"
            assert refused(server) == {"too_many_frames": 10}
            await device.nothing_more()


async def test_the_budget(server_with: ServerWith) -> None:
    """Not more is answered than the budget of the seconds that it took, and one more."""
    async with server_with(frames_per_second=20) as server:
        ann = await server.user()
        began = time.monotonic()
        answers = await flood(server, ann, ASK)
        seconds = time.monotonic() - began
        assert 20 <= len(answers) - 1 <= 20 * (2 + seconds)


@pytest.mark.attack("large frames without end", before="taken")
async def test_a_flood_of_bytes(server_with: ServerWith) -> None:
    """Few large frames end a connection as well as many small ones."""
    async with server_with(frames_per_second=0, frame_bytes_per_second=100_000) as server:
        ann = await server.user()
        *_, (opcode, payload) = await flood(server, ann, frame(TEXT, b" " * 60_000))
        assert opcode == CLOSE
        assert payload == CloseCode.POLICY_VIOLATION.to_bytes(2) + b"too many bytes"


async def test_no_limits(server_with: ServerWith) -> None:
    """A limit of 0 is none."""
    limits = {"frames_per_second": 0, "frame_bytes_per_second": 0, "sockets_per_user": 0}
    async with server_with(**limits) as server:
        ann = await server.user()
        async with opened(server, ann) as (reader, writer):
            for _ in range(2000):
                writer.write(ASK)
            for _ in range(2000):
                assert b"pong" in (await read_frame(reader))[1]


async def test_acks_are_no_flood(server_with: ServerWith) -> None:
    """Whoever catches up may acknowledge in floods: beyond its bytes it is only read later."""
    async with server_with(frames_per_second=1, frame_bytes_per_second=50_000) as server:
        ann = await server.user()
        await server.append(ann, *[b"1"] * 1500)
        async with opened(server, ann) as (reader, writer):
            keys = [json.loads((await read_frame(reader))[1])["key"] for _ in range(1500)]
            for key in keys:
                writer.write(text({"type": "message_ack", "key": key}))
            # The last of them is answered, so all were read.
            writer.write(ASK)
            assert b"pong" in (await read_frame(reader))[1]
        await until(lambda: server.server.counts.acks == 1500)
        assert refused(server) == {}


@pytest.mark.attack(
    "sockets flood acknowledgements of nothing", before="others' sends take 20 times as long"
)
async def test_acks_of_nothing_are_read_slowly(server_with: ServerWith) -> None:
    """Acks beyond what a connection was given are read at the rate of other frames."""
    async with server_with(frames_per_second=100) as server:
        ann = await server.user()
        async with opened(server, ann) as (reader, writer):
            began = time.monotonic()
            writer.write(ACK * 250 + ASK)
            assert b"pong" in (await read_frame(reader))[1]
            # A second's worth is there at the beginning, and as much may have gathered.
            assert time.monotonic() - began > 0.4
        assert refused(server) == {}


async def test_others_have_their_turn(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that came at once, even acknowledgements, are not handled at once."""
    async with server_with(frames_per_second=0) as server:
        await acknowledge_at_once(server, monkeypatch)


async def acknowledge_at_once(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send many acks in one go, and count how many are taken in each turn of the loop."""
    ann = await server.user()
    loop = asyncio.get_running_loop()
    turns = [0]
    taken: list[int] = []

    def count() -> None:
        turns.append(len(taken))
        if len(taken) < 200:
            loop.call_soon(count)

    def take(*_: object) -> "asyncio.Future[None]":
        taken.append(len(taken))
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr(server.server.notifications, "acknowledge", take)
    async with opened(server, ann) as (_, writer):
        loop.call_soon(count)
        writer.write(ACK * 200)
        await until(lambda: len(taken) == 200)
        await until(lambda: turns[-1] == 200)
    steps = [after - before for before, after in pairwise(turns)]
    assert max(steps) <= STEPS


@pytest.mark.attack("asking, and never reading the answers", before="memory grows")
async def test_whoever_asks_and_does_not_read(server_with: ServerWith) -> None:
    """A peer that reads none of its answers costs a bounded buffer, and is read on afterwards."""
    async with server_with(frames_per_second=0, high_water_bytes=1000) as server:
        ann = await server.user()
        loop = asyncio.get_running_loop()
        narrow = socket.socket()
        narrow.setblocking(False)
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
        await loop.sock_connect(narrow, ("127.0.0.1", server.server.port))
        await loop.sock_sendall(narrow, server.handshake(ann))
        await until(lambda: server.server.hub.sockets)
        (device,) = server.server.hub.devices()
        transport = device.feed.transport
        stream = transport._stream  # type: ignore[attr-defined]
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 15)
        asking = asyncio.ensure_future(loop.sock_sendall(narrow, ASK * 10_000))
        stuck: set[object] = set()
        while not stuck:  # what the operating system holds fills up first
            await until(lambda: transport.buffered > 1000)
            _, stuck = await asyncio.wait([stream.write(b"")], timeout=0.2)
        assert transport.buffered < 2000
        reader, writer = await asyncio.open_connection(sock=narrow)
        await head_of(reader)
        for _ in range(10_000):
            assert b"pong" in (await read_frame(reader))[1]
        await asking
        writer.transport.abort()


# Sockets.


@pytest.mark.attack("5,000 sockets by one token", before="open in 5 s")
async def test_sockets_of_one_user(server_with: ServerWith) -> None:
    """The newest beyond the cap is refused with 429; the others stay, and so do other users."""
    async with server_with(sockets_per_user=2, ping_seconds=7) as server:
        ann, bob = await server.user("ann"), await server.user("bob")
        async with server.connect(ann) as old:
            async with server.connect(ann):
                with pytest.raises(websockets.InvalidStatus) as refusal:
                    async with server.connect(ann):
                        pass
                answer = refusal.value.response
                assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
                assert json.loads(bytes(answer.body or b""))["code"] == "too_many_sockets"
                assert refused(server) == {"too_many_sockets": 1}
                async with server.connect(bob) as other:
                    await other.nothing_more()
                await old.nothing_more()
            await until(lambda: server.server.hub.sockets_of(ann.id) == 1)
            async with server.connect(ann) as new:
                await new.nothing_more()


async def test_a_wrong_token_learns_nothing_of_the_cap(server_with: ServerWith) -> None:
    """Whoever has no right to connect is told just that, also when there is no room."""
    async with server_with(sockets_per_user=1) as server:
        ann = await server.user()
        async with server.connect(ann):
            with pytest.raises(websockets.InvalidStatus) as refusal:
                async with server.connect(ann, token="wrong"):
                    pass
            assert refusal.value.response.status_code == 403


async def test_many_handshakes_at_once(server_with: ServerWith) -> None:
    """However many come at the same moment, no more than the cap are let in."""
    async with server_with(sockets_per_user=3) as server:
        ann = await server.user()

        async def shake() -> int:
            async with raw(server, server.handshake(ann)) as (reader, _):
                status = int((await head_of(reader)).split()[1])
                statuses.append(status)
                await until(lambda: len(statuses) == 20)
                return status

        statuses: list[int] = []
        await asyncio.gather(*[shake() for _ in range(20)])
        assert sorted(statuses) == [101] * 3 + [429] * 17
