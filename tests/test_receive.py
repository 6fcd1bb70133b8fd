"""The WebSocket protocol: what a device is given, and what it may say."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
import websockets

from handlers.websocket.socket import MAX_UNSETTLED
from notifier.delivery.closing import CloseCode
from notifier.errors import Unavailable
from notifier.models import Notification
from notifier.storage.operations.users import SetActive, SetPassword
from notifier.storage.sqlite import SqliteDriver
from tests.storage.held import HeldDriver
from tests.support.frames import read_to_the_end, text
from tests.support.harness import Harness, Person, ServerWith, running, settings_for, until


async def test_backlog_then_live(server: Harness) -> None:
    """A reconnecting device gets what it missed, then what is new, once each and in order."""
    ann = await server.user()
    missed = [await server.send(ann, {"n": n}) for n in range(3)]
    async with server.connect(ann) as device:
        assert [frame.key for frame in await device.take(3)] == [sent["key"] for sent in missed]
        fresh = await server.send(ann, {"n": 3})
        frame = await device.next()
        assert (frame.key, frame.seq, frame.value) == (fresh["key"], 4, {"n": 3})
        await device.nothing_more()


async def test_frame_shape(server: Harness) -> None:
    """A notification carries type, key, value, seq and the time of its commit."""
    ann = await server.user()
    async with server.connect(ann) as device:
        sent = await server.send(ann, {"a": 1}, key="order-7")
        frame = await device.next()
        assert json.loads(frame.text) == {
            "type": "server_notification",
            "key": "order-7",
            "value": {"a": 1},
            "seq": sent["seq"],
            "created_at": frame.created_at,
        }
        assert frame.created_at.endswith("Z")
        assert "T" in frame.created_at


async def test_payload_is_byte_exact(server: Harness) -> None:
    """Big integers, trailing zeros, key order, escapes and emoji arrive as they were sent."""
    ann = await server.user()
    payload = (
        '{"b": 1.10,"a":123456789012345678901234567890, "e":"\\u00e9\\/ \U0001f600","z":[ 1e5 ]}'
    )
    body = f'{{"user_id": {ann.id}, "payload":{payload}}}'.encode()
    async with server.connect(ann) as device:
        answer = await server.post(body)
        assert f'"payload":{payload}' in answer.text
        assert f'"value":{payload}' in (await device.next()).text


async def test_all_devices_get_each_and_the_first_ack_settles_it(server: Harness) -> None:
    """Every device of a user gets a notification; after one ack no device gets it again."""
    ann = await server.user()
    async with server.connect(ann) as phone, server.connect(ann) as laptop:
        await server.send(ann, 1)
        frame = await phone.next()
        assert (await laptop.next()).key == frame.key
        await phone.ack(frame)
        await until_pending(server, ann, [])
    async with server.connect(ann) as device:
        await device.nothing_more()


async def test_back_at_once(server_with: ServerWith) -> None:
    """Who comes back before their acknowledgement is stored is not given the same again."""
    async with server_with(ack_seconds=3600) as server:
        ann = await server.user()
        await server.send(ann, "old")
        async with server.connect(ann) as device:
            await device.ack(await device.next())
            await device.nothing_more()
        assert await server.pending(ann) == [1]
        async with server.connect(ann) as device:
            await device.nothing_more()
            await server.send(ann, "new")
            assert (await device.next()).value == "new"


async def test_unacknowledged_comes_again(server: Harness) -> None:
    """What no device acknowledged is delivered at each connection, in its place."""
    ann = await server.user()
    for n in range(3):
        await server.send(ann, n)
    async with server.connect(ann) as device:
        frames = await device.take(3)
        await device.ack(frames[1])
        await until_pending(server, ann, [1, 3])
    async with server.connect(ann) as device:
        assert [frame.seq for frame in await device.take(2)] == [1, 3]
        await device.nothing_more()


async def test_only_the_users_own(server: Harness) -> None:
    """A device gets nothing of another user, and its acks touch nothing of another user."""
    ann, bob = await server.user("ann"), await server.user("bob")
    async with server.connect(ann) as device:
        await server.send(bob, "secret", key="k")
        await server.send(ann, "mine", key="k")
        frame = await device.next()
        assert frame.value == "mine"
        await device.ack(frame)
        await until_pending(server, ann, [])
    assert await server.pending(bob) == [1]


async def test_ack_of_something_unknown_is_harmless(server: Harness) -> None:
    """Acks of unknown keys, and of commands' names, change nothing and are not errors."""
    ann = await server.user()
    await server.send(ann, 1, key="ping")
    async with server.connect(ann) as device:
        await device.next()
        await device.tell({"type": "message_ack", "key": "nobody knows me"})
        await device.nothing_more()  # a command named like a notification's key settles nothing
    assert await server.pending(ann) == [1]


@pytest.mark.parametrize(
    "message",
    [
        "not JSON",
        "[]",
        "{}",
        '{"key": "no type"}',
        '{"type": "dance"}',
        '{"type": "message_ack"}',
        '{"type": "message_ack", "key": 5}',
        '{"type": "command", "key": "dance"}',
        '{"type": 5, "key": "x"}',
        '{"type": "command", "key": "refresh"}',
        '{"type": "command", "key": "refresh", "value": "no token"}',
        b"binary",
        "[" * 5000,
        '"\\ud800"',
    ],
)
async def test_nonsense_is_answered_and_the_connection_stays(
    server: Harness, message: str | bytes
) -> None:
    """Unknown, malformed and binary frames get an error frame; then all goes on as before."""
    ann = await server.user()
    async with server.connect(ann) as device:
        await device.tell(message)
        answer = await device.next()
        assert answer.type == "message_processing_error"
        assert isinstance(answer.value, str)
        await server.send(ann, "still here")
        assert (await device.next()).value == "still here"


async def test_ping(server: Harness) -> None:
    """The command ping is answered with pong."""
    ann = await server.user()
    async with server.connect(ann) as device:
        await device.tell({"type": "command", "key": "ping"})
        answer = await device.next()
        assert json.loads(answer.text) == {
            "type": "command_processing_result",
            "key": "ping",
            "value": "pong",
        }


async def test_handshake_refusals(server: Harness) -> None:
    """Missing, malformed, expired, foreign and non-identity tokens get 403 at the handshake."""
    ann, bob = await server.user("ann"), await server.user("bob")
    tokens = [
        "",
        "nonsense",
        "a.b.c",
        server.token(ann, "access"),
        server.token(ann, "refresh"),
        server.token(bob),
        server.token(ann, seconds=-60),
        server.token(ann, version=1),
        server.token(ann) + "x",
    ]
    for token in tokens:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with server.connect(ann, token=token or "%20"):
                pass
        assert refused.value.response.status_code == 403
        assert b'"code":"permission_denied"' in bytes(refused.value.response.body or b"")
    assert server.server.hub.sockets == 0


async def test_closed_when_the_token_expires(server: Harness) -> None:
    """A connection ends with 4401 when its identity token does."""
    ann = await server.user()
    async with server.connect(ann, token=server.token(ann, seconds=2)) as device:
        code, reason = await device.closed()
    assert code == 4401
    assert "expired" in reason


async def test_refresh_prolongs_the_connection(server: Harness) -> None:
    """A new identity token in band keeps the connection past the old token's end."""
    ann = await server.user()
    async with server.connect(ann, token=server.token(ann, seconds=2)) as device:
        await device.tell({"type": "command", "key": "refresh", "value": server.token(ann)})
        answer = await device.next()
        assert (answer.type, answer.key) == ("command_processing_result", "refresh")
        await asyncio.sleep(2.2)
        await device.nothing_more()


async def test_refresh_with_a_foreign_token_changes_nothing(server: Harness) -> None:
    """Another user's token, or one of another type, is refused; the connection goes on."""
    ann, bob = await server.user("ann"), await server.user("bob")
    async with server.connect(ann) as device:
        for token in (server.token(bob), server.token(ann, "access")):
            await device.tell({"type": "command", "key": "refresh", "value": token})
            assert (await device.next()).type == "message_processing_error"
        await server.send(ann, "mine")
        assert (await device.next()).value == "mine"


@pytest.mark.parametrize("operation", [SetActive(2, False), SetPassword(2, "other")])
async def test_revoked_credentials_close_connections(
    server: Harness, operation: SetActive | SetPassword
) -> None:
    """Deactivation and a new password end open connections with 4403, and bar the old token."""
    ann = await server.user()
    token = server.token(ann)
    async with server.connect(ann, token=token) as device:
        await server.server.store.submit(operation)
        code, _ = await device.closed()
    assert code == 4403
    with pytest.raises(websockets.InvalidStatus):
        async with server.connect(ann, token=token):
            pass


async def test_revoked_during_the_handshake(server: Harness) -> None:
    """A change that happens between the check of a token and the connection is not missed."""
    ann = await server.user()
    hub = server.server.hub
    hub.revoke(ann.id, 1, "deactivated")  # heard of before the device is attached
    async with server.connect(ann) as device:
        code, _ = await device.closed()
    assert code == 4401
    await until(lambda: hub.sockets == 0)


async def test_newer_tokens_survive_a_change(server: Harness) -> None:
    """A change of credentials that is heard of late ends older connections only."""
    ann = await server.user()
    store = server.server.store
    async with server.connect(ann) as old:
        await old.nothing_more()
        await store.submit(SetPassword(ann.id, "other"))
        async with server.connect(ann, token=server.token(ann, version=1)) as new:
            code, _ = await old.closed()
            assert code == 4403
            await server.send(ann, "still here")
            assert (await new.next()).value == "still here"


async def test_dead_peers_are_found(server_with: ServerWith) -> None:
    """A peer that no longer answers pings is forgotten."""
    async with server_with(ping_seconds=0.1) as server:
        ann = await server.user()
        with socket.create_connection(("127.0.0.1", server.server.port)) as mute:
            mute.sendall(server.handshake(ann))
            await until(lambda: server.server.hub.sockets == 1)
            await until(lambda: server.server.hub.sockets == 0)


async def test_peer_that_leaves_during_the_handshake_leaks_nothing(server: Harness) -> None:
    """Connections that are reset at any moment leave no feed behind."""
    ann = await server.user()
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(server.handshake(ann))
        await writer.drain()
        writer.transport.abort()
        del reader
    async with server.connect(ann) as device:
        await device.nothing_more()
    await until(lambda: server.server.hub.sockets == 0)


async def test_slow_reader_loses_nothing_and_delays_nobody(server_with: ServerWith) -> None:
    """A device that does not read gets everything later; meanwhile others get it live."""
    payload = json.dumps("x" * 10_000).encode()
    async with server_with(high_water_bytes=64 * 1024) as server:
        ann = await server.user()
        quick_count, count = 0, 1500
        async with (
            server.connect(ann, max_queue=1) as slow,
            server.connect(ann, max_queue=None) as quick,
        ):
            await slow.nothing_more()
            await quick.nothing_more()
            for _ in range(count // 100):
                await server.append(ann, *[payload] * 100)
                quick_count += len(await quick.take(100))
            feeds = [device.feed for device in server.server.hub.devices()]
            assert sum(feed.live for feed in feeds) == 1, "the slow one is not catching up"
            assert all(feed.transport.buffered < 1024 * 1024 for feed in feeds)
            seqs = [frame.seq for frame in await slow.take(count)]
            assert seqs == list(range(1, count + 1))
            await server.send(ann, "live again")
            assert (await slow.next()).value == "live again"


async def test_ttl(server: Harness) -> None:
    """What has expired is not delivered to a device that comes later."""
    ann = await server.user()
    await server.send(ann, "soon over", ttl=1)
    await server.send(ann, "lasting")
    await asyncio.sleep(1.1)
    async with server.connect(ann) as device:
        assert (await device.next()).value == "lasting"
        await device.nothing_more()


async def test_lost_nudges_are_found_by_the_sweep(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notification whose nudge got lost reaches live devices by comparing positions."""
    async with server_with(sweep_seconds=0.1) as server:
        ann = await server.user()
        async with server.connect(ann) as device:
            await device.nothing_more()
            hub = server.server.hub
            deliver = hub.deliver
            monkeypatch.setattr(hub, "deliver", lambda events: None)
            await server.send(ann, "unheard")
            monkeypatch.setattr(hub, "deliver", deliver)
            assert (await device.next()).value == "unheard"


async def until_pending(server: Harness, person: Person, seqs: list[int]) -> None:
    """Wait until just ``seqs`` wait for ``person``."""
    for _ in range(1000):
        if await server.pending(person) == seqs:
            return
        await asyncio.sleep(0.005)
    assert await server.pending(person) == seqs


async def test_connecting_to_a_server_that_drains(server: Harness) -> None:
    """A handshake that is still let in while the server stops is sent elsewhere."""
    ann = await server.user()
    server.server.hub.draining = True
    async with server.connect(ann) as device:
        code, _ = await device.closed()
    assert code == 1012
    await until(lambda: server.server.hub.sockets == 0)


@pytest.mark.parametrize("way", ["revoked", "expired", "sent away", "failed"])
async def test_nothing_comes_behind_a_close_frame(
    server: Harness, way: str, expected_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the server says good-bye, a client that ignores it is given nothing more."""
    ann = await server.user()
    hub = server.server.hub
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(server.handshake(ann))
    await reader.readuntil(b"\r\n\r\n")
    await until(lambda: any(device.feed.live for device in hub.devices()))
    await server.send(ann, "before")
    (device,) = hub.devices()
    feed = device.feed
    match way:
        case "revoked":
            hub.revoke(ann.id, 1, "deactivated")
        case "expired":
            device.prolong(0, 0)
            await until(feed.transport._connection.is_closing)  # type: ignore[attr-defined]
        case "sent away":
            await hub.send_away(0)
        case "failed":
            expected_errors.append("A feed failed")
            monkeypatch.setattr(feed, "_read", None)
            feed.catch_up("gap")
            await until(feed.transport._connection.is_closing)  # type: ignore[attr-defined]
    for n in range(5):
        await server.send(ann, n)
    feed.transport.send(Notification(ann.id, 9, "late", b"1", 0))
    feed.transport.flush()
    writer.write(text({"type": "command", "key": "ping"}))
    frames = await read_to_the_end(reader)
    writer.close()
    assert [opcode for opcode, _ in frames] == [1, 8]
    assert b"before" in frames[0][1]
    assert (feed.live, feed.delivered) == (False, 1)
    await until(lambda: hub.sockets == 0)


@pytest.mark.parametrize(
    ("code", "settled"), [(CloseCode.REVOKED, False), (CloseCode.GO_ELSEWHERE, True)]
)
async def test_acks_behind_a_close_frame(server: Harness, code: CloseCode, settled: bool) -> None:
    """A device that is sent elsewhere may still acknowledge, a revoked one may not."""
    ann = await server.user()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(server.handshake(ann))
    await reader.readuntil(b"\r\n\r\n")
    await until(lambda: server.server.hub.sockets)
    await server.send(ann, 1, key="k")
    for device in server.server.hub.devices():
        device.end(code, "good-bye")
        device.end(CloseCode.GO_ELSEWHERE, "a second good-bye changes nothing")
    writer.write(text({"type": "message_ack", "key": "k"}))
    writer.write(bytes((0x88, 0x80)) + b"\0\0\0\0")
    await read_to_the_end(reader)
    writer.close()
    await until_pending(server, ann, [] if settled else [1])


async def test_ack_that_was_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_errors: list[str]
) -> None:
    """An ack that the store could not take is answered with an error frame, and not counted."""
    expected_errors.append("The store is away")
    driver = HeldDriver(SqliteDriver(tmp_path))
    monkeypatch.setattr("notifier.process.server.make_driver", lambda *_, **__: driver)
    async with running(settings_for(tmp_path)) as server:
        ann = await server.user()
        async with server.connect(ann) as device:
            await server.send(ann, 1)
            frame = await device.next()
            driver.failures = [Unavailable(), Unavailable()]
            await device.ack(frame)
            answer = await device.next()
            assert answer.type == "message_processing_error"
            assert "Not acknowledged" in answer.value
            assert server.server.counts.acks == 0
            await server.server.store.wait_available()
            await device.ack(frame)
            await until_pending(server, ann, [])
            await device.nothing_more()
            assert server.server.counts.acks == 1


async def test_unsettled_acks_are_bounded(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that acknowledges faster than the store commits is read on only as it does."""
    async with server_with(frames_per_second=0) as server:
        await acknowledge_too_fast(server, monkeypatch)


async def acknowledge_too_fast(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledge more than may be unsettled, while the store takes its time."""
    ann = await server.user()
    loop = asyncio.get_running_loop()
    taken: list[asyncio.Future[None]] = []

    def take(*_: object) -> "asyncio.Future[None]":
        taken.append(loop.create_future())
        return taken[-1]

    def settle() -> None:
        for future in taken:
            if not future.done():
                future.set_result(None)

    monkeypatch.setattr(server.server.notifications, "acknowledge", take)
    async with server.connect(ann) as device:
        for n in range(2 * MAX_UNSETTLED):
            await device.tell({"type": "message_ack", "key": f"k{n}"})
        await device.tell({"type": "command", "key": "ping"})
        await until(lambda: len(taken) > MAX_UNSETTLED)
        with pytest.raises(TimeoutError):
            await device.next(seconds=0.2)
        assert len(taken) == MAX_UNSETTLED + 1
        answer = asyncio.ensure_future(device.next())
        while not answer.done():
            settle()
            await asyncio.sleep(0.001)
        settle()  # the last of them may have been read together with the ping
        assert (await answer).value == "pong"
        assert len(taken) == 2 * MAX_UNSETTLED
        for n in range(MAX_UNSETTLED):
            await device.tell({"type": "message_ack", "key": f"k{n}"})
        await device.nothing_more()
