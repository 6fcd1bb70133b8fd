"""What a device can say about its inbox: commands, and acknowledgements of many."""

from typing import Any

import pytest

from handlers.websocket.socket import MAX_UNSETTLED
from notifier import clock
from notifier.wire import MAX_ACKED
from tests.inbox_live.watcher import (
    Watcher,
    count,
    mark,
    send_all,
    until_pending,
    watched,
    withdraw,
)
from tests.support.harness import Harness, ServerWith, until

RESULT, ERROR = "command_processing_result", "message_processing_error"


async def answer_of(device: Watcher) -> dict[str, Any]:
    """The next answer; what the device is told meanwhile comes before or behind it."""
    before = len(device.of_type(RESULT)) + len(device.of_type(ERROR))
    await device.until(lambda: len(device.of_type(RESULT)) + len(device.of_type(ERROR)) > before)
    return device.frames[-1]


async def test_commands(server: Harness) -> None:
    """Each verb and undo does by command what its request does, and answers as that does."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b"])
    until_then = "2027-06-01T12:00:00Z"
    said: list[tuple[str, dict[str, object]]] = [
        ("seen", {"up_to": 2}),
        ("read", {"keys": ["a", "b"]}),
        ("unread", {"keys": ["b"]}),
        ("archive", {"keys": ["a"]}),
        ("unarchive", {"up_to": 2}),
        ("snooze", {"keys": ["a"], "until": until_then}),
        ("undo", {"version": 6}),
        ("read", {"up_to": 2, "category": "other"}),
    ]
    async with watched(server, ann) as device:
        for version, (verb, value) in enumerate(said, 1):
            await device.command(verb, value)
            assert await answer_of(device) == {
                "type": RESULT,
                "key": verb,
                "value": {"version": version, "changed": True},
            }
        await device.until_version(len(said))
        assert device.counts == (1, 0)
        counted = await count(server, ann)
        assert (counted["unread"], counted["unseen"]) == device.counts


async def test_commands_of_who_did_not_ask_for_events(server: Harness) -> None:
    """Commands are answered to everyone, and bring no other frame to who did not ask."""
    ann = await server.user()
    await server.send(ann, 1, key="a")
    async with server.connect(ann) as device:
        await device.next()
        await device.tell({"type": "command", "key": "read", "value": {"keys": ["a"]}})
        answer = await device.next()
        assert (answer.key, answer.value) == ("read", {"version": 1, "changed": True})
        await device.nothing_more()
    assert await server.pending(ann) == []


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("read", None),
        ("read", "a"),
        ("read", {}),
        ("read", {"keys": []}),
        ("read", {"keys": ["k"] * 101}),
        ("read", {"keys": [5]}),
        ("read", {"keys": ["a"], "up_to": 1}),
        ("read", {"keys": ["a"], "category": "x"}),
        ("read", {"up_to": 2}),
        ("read", {"up_to": -1}),
        ("read", {"up_to": "1"}),
        ("read", {"up_to": 1, "category": ""}),
        ("read", {"up_to": 1, "user_id": 1}),
        ("snooze", {"keys": ["a"]}),
        ("snooze", {"keys": ["a"], "until": "2027-06-01T12:00:00"}),
        ("snooze", {"keys": ["a"], "until": "2001-06-01T12:00:00Z"}),
        ("snooze", {"keys": ["a"], "until": "tomorrow"}),
        ("undo", {}),
        ("undo", {"version": 1}),
        ("undo", {"keys": ["a"]}),
        ("Read", {"keys": ["a"]}),
        ("withdraw", {"keys": ["a"]}),
    ],
    ids=str,
)
async def test_refused_commands(server: Harness, command: str, value: object) -> None:
    """What cannot be done is answered with why; nothing changes, and the connection stays."""
    ann = await server.user()
    await send_all(server, ann, ["a"])
    async with watched(server, ann) as device:
        await device.until(lambda: device.of_type("server_notification"))
        await device.command(command, value)
        answer = await device.next()
        assert answer["type"] == ERROR
        assert isinstance(answer["value"], str)
        await device.nothing_more()
        assert (await count(server, ann))["version"] == 0


async def test_ping_and_refresh_as_before(server: Harness) -> None:
    """The old commands take no value or a text, also on a connection with events."""
    ann = await server.user()
    async with watched(server, ann) as device:
        for value in (None, "anything", {"a": 1}, [1]):
            await device.command("ping", value)
            assert await device.next() == {"type": RESULT, "key": "ping", "value": "pong"}
        await device.command("refresh", server.token(ann))
        assert (await device.next())["key"] == "refresh"
        for value in (None, 5, {"token": "x"}, "no token"):
            await device.command("refresh", value)
            assert (await device.next())["type"] == ERROR
        await device.nothing_more()


async def test_too_many_changes(server_with: ServerWith) -> None:
    """Who changes an inbox too often is told so in a frame, and may go on later."""
    async with server_with(inbox_changes_per_second=1) as server:
        ann = await server.user()
        await send_all(server, ann, ["a"])
        async with watched(server, ann) as device:
            for number in range(10):
                await device.command(("read", "unread")[number % 2], {"keys": ["a"]})
            await device.until(lambda: len(device.of_type(RESULT) + device.of_type(ERROR)) == 10)
            assert device.of_type(RESULT)
            assert all("too often" in frame["value"] for frame in device.of_type(ERROR))
            assert device.of_type(ERROR)


# Acknowledgements of many.


async def test_keys(server: Harness) -> None:
    """One frame settles many; unknown ones among them change nothing."""
    ann = await server.user()
    keys = [f"k{number}" for number in range(20)]
    await send_all(server, ann, keys)
    async with watched(server, ann) as device:
        unknown = [f"u{number}" for number in range(MAX_ACKED - len(keys) + 2)]
        await device.tell({"type": "message_ack", "keys": keys[2:] + unknown})
        await until_pending(server, ann, [1, 2])
        await device.until(lambda: len(device.of_type("server_notification")) == 20)
        await device.nothing_more()
        assert device.counts == (20, 20), "an ack is not a read"


async def test_up_to(server: Harness) -> None:
    """All up to a place is settled, nothing that comes behind it."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await send_all(server, ann, ["a", "b", "c"])
        await device.take(*["server_notification"] * 3)
        await device.tell({"type": "message_ack", "up_to": 2})
        await until_pending(server, ann, [3])
        await device.nothing_more()
        await device.tell({"type": "message_ack", "up_to": 3})
        await until_pending(server, ann, [])
        await device.nothing_more()


async def test_up_to_behind_what_was_given(server: Harness) -> None:
    """Beyond what this connection was given, nothing is settled, whatever others were given."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await send_all(server, ann, ["a"])
        await device.take("server_notification")
        for up_to in (2, 2**63 - 1):
            await device.tell({"type": "message_ack", "up_to": up_to})
            assert (await device.next())["type"] == ERROR
        assert await server.pending(ann) == [1]


async def test_up_to_leaves_what_expired(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has expired was not settled in time, and is not by what comes later."""
    ann = await server.user()
    now = clock.now
    async with watched(server, ann) as device:
        await server.send(ann, "short", key="short", ttl=60)
        await server.send(ann, "long", key="long")
        await device.take("server_notification", "server_notification")
        monkeypatch.setattr(clock, "now", lambda: now() + 60 * clock.SECOND)
        await device.tell({"type": "message_ack", "up_to": 2})
        await until_pending(server, ann, [])
    monkeypatch.setattr(clock, "now", now)
    assert await server.pending(ann) == [1]


@pytest.mark.parametrize(
    "ack",
    [
        {},
        {"keys": []},
        {"keys": ["k"] * (MAX_ACKED + 1)},
        {"keys": "a"},
        {"keys": ["a", 5]},
        {"keys": ["a", ""]},
        {"keys": ["a", "x" * 201]},
        {"up_to": -1},
        {"up_to": "1"},
        {"up_to": 1.5},
        {"up_to": 2**63},
        {"up_to": None},
    ],
    ids=lambda ack: str(ack)[:30],
)
async def test_bad_acks(server: Harness, ack: dict[str, Any]) -> None:
    """What is no acknowledgement gets an error frame, and settles nothing at all."""
    ann = await server.user()
    await send_all(server, ann, ["a"])
    async with server.connect(ann) as device:
        await device.next()
        await device.tell({"type": "message_ack", **ack})
        assert (await device.next()).type == ERROR
        await device.nothing_more()
    assert await server.pending(ann) == [1]


async def test_many_that_wait_keep_the_rest_waiting(server_with: ServerWith) -> None:
    """A connection whose acks wait for the store is read on when they are stored."""
    async with server_with(ack_seconds=3600) as server:
        ann, bob = await server.user(), await server.user("bob")
        async with server.connect(ann) as device, server.connect(bob) as other:
            await device.nothing_more()
            keys = [f"k{number}" for number in range(MAX_UNSETTLED + 1)]
            await device.tell({"type": "message_ack", "keys": keys})
            await device.tell({"type": "command", "key": "ping"})
            await until(lambda: ann.id in server.server.notifications._last_acks)
            for _ in range(5):
                await other.nothing_more()
            await server.send(ann, "takes them along")
            assert (await device.next()).value == "takes them along"
            assert (await device.next()).value == "pong"


# Withdrawing.


async def test_withdrawn_before_connecting(server: Harness) -> None:
    """What was withdrawn never comes, and a late retry of its send brings nothing back."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b", "c"])
    await withdraw(server, ann, "b")
    async with watched(server, ann) as device:
        retried = await server.send(ann, "b", key="b")
        assert (retried["seq"], retried["withdrawn"]) == (2, True)
        await device.until(lambda: len(device.of_type("server_notification")) == 2)
        await device.nothing_more()
        assert [frame["key"] for frame in device.of_type("server_notification")] == ["a", "c"]
        assert device.counts == (2, 2)


async def test_a_read_settles_a_read_up_to_does_not(server: Harness) -> None:
    """Reading by key is also an acknowledgement; reading all up to a place is none."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b", "c"])
    await mark(server, ann, "read", keys=["a"])
    assert await server.pending(ann) == [2, 3]
    await mark(server, ann, "read", up_to=3)
    for verb in ("seen", "unread", "archive"):
        await mark(server, ann, verb, keys=["a", "b", "c"])
    assert await server.pending(ann) == [2, 3]
