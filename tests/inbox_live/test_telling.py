"""What devices are told of changes to the inbox, and who is not."""

import asyncio
import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import websockets

from notifier import clock
from notifier.errors import Unavailable
from notifier.storage.operations.inbox.ranges import UnderWay
from notifier.storage.operations.inbox.reading import InboxNewsSince
from notifier.storage.operations.users import SetActive
from tests.inbox_live.watcher import (
    Watcher,
    ask,
    count,
    mark,
    own,
    send_all,
    sweep,
    until_pending,
    watched,
    watching,
    withdraw,
)
from tests.support.harness import Harness, Person, ServerWith, until

OLD_FIELDS = {"type", "key", "value", "seq", "created_at"}


def agrees(watcher: Watcher, counted: dict[str, int]) -> bool:
    """Whether the device shows what the server counts."""
    return watcher.counts == (counted["unread"], counted["unseen"])


@pytest.mark.parametrize("way", ["parameter", "subprotocol", "subprotocol with token"])
async def test_the_state_comes_first(server: Harness, way: str) -> None:
    """However a device asks for events, it is told the counts and where they hold."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b", "c"])
    await mark(server, ann, "read", keys=["a"])
    await mark(server, ann, "seen", keys=["b"])
    token = server.token(ann)
    offered = {
        "parameter": None,
        "subprotocol": ["notifier.inbox"],
        "subprotocol with token": ["notifier.inbox", f"bearer.{token}"],
    }[way]
    url = server.my_url if way == "subprotocol with token" else server.socket_url(ann, token)
    if way == "parameter":
        url += "&events=inbox"
    async with watching(url, subprotocols=offered) as device:
        await device.until(lambda: len(device.frames) == 3)
        (state,) = device.of_type("inbox_state")
        counts = {"unread": 2, "unseen": 1, "seq": 3, "version": 2}
        assert state == {"type": "inbox_state", **counts}
        assert [frame["key"] for frame in device.of_type("server_notification")] == ["b", "c"]
        assert device.socket.subprotocol == (offered[0] if offered else None)
        await device.nothing_more()


async def test_the_richer_subprotocol_wins(server: Harness) -> None:
    """Who offers both is answered with the one that has events, in whatever order."""
    ann = await server.user()
    url = server.socket_url(ann, server.token(ann))
    for offered in (["notifier", "notifier.inbox"], ["notifier.inbox", "notifier"]):
        async with watching(url, subprotocols=offered) as device:
            assert device.socket.subprotocol == "notifier.inbox"
            await device.take("inbox_state")


@pytest.mark.parametrize("value", ["", "all", "Inbox", "inbox,other", "1"])
async def test_unknown_events_are_refused(server: Harness, value: str) -> None:
    """There are events of the inbox alone, and the handshake says so."""
    ann = await server.user()
    url = f"{server.socket_url(ann, server.token(ann))}&events={value}"
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with watching(url):
            pass
    answer = refused.value.response
    assert answer.status_code == 400
    assert list(json.loads(answer.body or b"")) == ["events"]
    assert server.server.hub.sockets == 0


async def test_who_did_not_ask_sees_nothing_new(
    server_with: ServerWith, later: Callable[[int], None]
) -> None:
    """Whatever happens, a client of the old protocol sees the old frames with the old fields."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        async with server.connect(ann) as old, watched(server, ann) as new:
            fields: dict[str, Any] = {"category": "a", "priority": "high", "ttl": 60}
            await server.send(ann, 1, key="a", **fields)
            await send_all(server, ann, ["b", "c", "d"], collapse_key="one")
            await mark(server, ann, "read", keys=["d"])
            done = await mark(server, ann, "archive", up_to=4)
            await mark(server, ann, "undo", version=done["version"])
            await withdraw(server, ann, "d")
            await new.until_version((await count(server, ann))["version"])
            later(60)
            await sweep(server)
            await new.until(lambda: len(new.of_type("inbox_state")) == 2)
            await old.tell({"type": "command", "key": "ping"})
            texts = []
            while "pong" not in (text := str(await old.socket.recv())):
                texts.append(json.loads(text))
        assert {frame["type"] for frame in texts} == {"server_notification"}
        assert {field for frame in texts for field in frame} == OLD_FIELDS
        richer = OLD_FIELDS | {"category", "priority", "expires_at"}
        assert {field for frame in new.of_type("server_notification") for field in frame} == richer


async def test_what_a_notification_says(server: Harness) -> None:
    """Who asked for events is told category, priority and expiry, with null for what is not."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await server.send(ann, 1, category="billing", priority="urgent", ttl=3600)
        await server.send(ann, 2)
        rich, plain = await device.take("server_notification", "server_notification")
        assert (rich["category"], rich["priority"]) == ("billing", "urgent")
        assert rich["expires_at"] > rich["created_at"]
        assert (plain["category"], plain["priority"], plain["expires_at"]) == (None, "normal", None)


async def test_changes_in_the_order_of_versions(server: Harness) -> None:
    """Every verb, by HTTP and by command, reaches all devices with the state that it made."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b"])
    async with watched(server, ann) as phone, watched(server, ann) as laptop:
        for number, verb in enumerate(("seen", "read", "unread", "archive", "unarchive"), 1):
            if number % 2:
                await mark(server, ann, verb, keys=["a", "b", "unknown"])
            else:
                await laptop.command(verb, {"keys": ["a", "b"]})
            for device in (phone, laptop):
                await device.until_version(number)
        await mark(server, ann, "snooze", keys=["b"], until="2027-06-01T12:00:00+02:00")
        seen, read, unread, archived, back, snoozed = [
            await _change(phone, number) for number in range(1, 7)
        ]
        assert seen["keys"] == ["a", "b"]
        assert seen["seen_at"]
        assert seen["read_at"] is seen["acked_at"] is seen["withdrawn_at"] is None
        assert read["read_at"]
        assert read["acked_at"] == read["read_at"]
        assert (unread["read_at"], unread["acked_at"]) == (None, read["acked_at"])
        assert archived["archived_at"]
        assert back["archived_at"] is None
        assert (snoozed["keys"], snoozed["snoozed_until"]) == (["b"], "2027-06-01T10:00:00.000Z")
        await laptop.until_version(6)
        assert phone.of_type("inbox_changed") == laptop.of_type("inbox_changed")
        assert agrees(phone, await count(server, ann))


async def _change(device: Watcher, version: int) -> dict[str, Any]:
    """The change of this version, which was told alone."""
    await device.until_version(version)
    (change,) = [
        change
        for frame in device.of_type("inbox_changed")
        for change in frame["changes"]
        if change["version"] == version
    ]
    found: dict[str, Any] = change
    return found


async def test_large_changes_name_a_place(server: Harness) -> None:
    """A change of all up to a place is told as such, with its category; so is its undoing."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b"], category="x")
    await send_all(server, ann, ["c"])
    async with watched(server, ann) as device:
        done = await mark(server, ann, "read", up_to=3, category="x")
        change = await _change(device, done["version"])
        moment = change.pop("read_at")
        assert change == {"version": 1, "up_to": 3, "changed_at": moment, "category": "x"}
        assert moment.endswith("Z")
        assert device.counts == (1, 1)
        undone = await mark(server, ann, "undo", version=1)
        assert await _change(device, undone["version"]) == {"version": 2, "undone": 1}
        assert device.counts == (3, 3)
        done = await mark(server, ann, "unread", up_to=3)
        change = await _change(device, done["version"])
        assert change.pop("changed_at") >= moment
        assert change == {"version": 3, "up_to": 3, "read_at": None}


async def test_undoing_by_key_tells_where_they_stand(server: Harness) -> None:
    """Undoing a change of keys is a change of these keys, back to what they were."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b"])
    async with watched(server, ann) as device:
        await mark(server, ann, "read", keys=["a", "b"])
        await device.until_version(1)
        await device.command("undo", {"version": 1})
        change = await _change(device, 2)
        assert (change["keys"], change["read_at"]) == (["a", "b"], None)
        assert change["acked_at"]
        assert device.counts == (2, 2)


async def test_withdrawn_frames_come_first(server: Harness) -> None:
    """A device that shows a notification is told of its withdrawal, then of the change."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await send_all(server, ann, ["a", "b"])
        await device.take("server_notification", "server_notification")
        answer = await withdraw(server, ann, "a")
        withdrawn, changed = await device.take("notification_withdrawn", "inbox_changed")
        assert withdrawn == {"type": "notification_withdrawn", "key": "a", "version": 1}
        assert answer["version"] == changed["version"] == 1
        (change,) = changed["changes"]
        assert (change["keys"], bool(change["withdrawn_at"])) == (["a"], True)
        assert device.counts == (1, 1)
        await withdraw(server, ann, "a")  # once more is no change
        await device.nothing_more()


async def test_a_collapse_key_takes_the_place(server: Harness) -> None:
    """The newer one comes, the older is withdrawn in the same commit, and the count stays."""
    ann = await server.user()
    async with watched(server, ann) as device:
        await server.send(ann, "1 comment", key="one", collapse_key="comments")
        await device.take("server_notification")
        await server.send(ann, "2 comments", key="two", collapse_key="comments")
        fresh, withdrawn, changed = await device.take(
            "server_notification", "notification_withdrawn", "inbox_changed"
        )
        assert (fresh["key"], withdrawn["key"]) == ("two", "one")
        assert (changed["seq"], changed["version"], changed["unread"]) == (2, 1, 1)
        assert device.counts == (1, 1)


async def test_what_changes_nothing_is_told_to_nobody(server: Harness) -> None:
    """Unknown keys, and what is so already, have no version."""
    ann = await server.user()
    await send_all(server, ann, ["a"])
    await mark(server, ann, "read", keys=["a"])
    async with watched(server, ann) as device:
        for verb, keys in (("read", ["a"]), ("archive", ["unknown"]), ("unarchive", ["a"])):
            assert await mark(server, ann, verb, keys=keys) == {"version": 1, "changed": False}
        await device.nothing_more()


async def test_counts_are_exact_in_bursts(server_with: ServerWith) -> None:
    """While sends, marks, undos, withdrawals and acks go on at once, devices count right."""
    chance = random.Random(7)
    async with server_with(inbox_changes_per_second=0) as server:
        ann = await server.user()
        async with watched(server, ann) as phone, watched(server, ann) as laptop:
            for burst in range(8):
                await asyncio.gather(
                    *[_something(server, ann, phone, chance, burst * 100 + n) for n in range(25)]
                )
                counted = await count(server, ann)
                for device in (phone, laptop):
                    await device.until_version(counted["version"])
                    await device.until(partial(agrees, device, counted))
                    await device.rest()
                    assert agrees(device, counted)
    for device in (phone, laptop):
        versions = [
            change["version"]
            for frame in device.of_type("inbox_changed")
            for change in frame["changes"]
        ]
        assert versions == sorted(versions)
        seqs = [frame["seq"] for frame in device.of_type("server_notification")]
        assert seqs == sorted(set(seqs))


async def test_all_devices_agree(server_with: ServerWith) -> None:
    """Who applies what is told, in order, shows what the list does: by key, and up to a place."""
    chance = random.Random(11)
    async with server_with(inbox_changes_per_second=0) as server:
        ann = await server.user()
        async with watched(server, ann) as device:
            for number in range(20):
                category = ("a", "b")[number % 2]
                await server.send(ann, number, key=f"k{number}", category=category)
            await device.until(lambda: len(device.of_type("server_notification")) == 20)
            for _ in range(6):
                await asyncio.gather(*[_mark_some(server, ann, chance) for _ in range(12)])
                await device.until_version((await count(server, ann))["version"])
                page = await ask(server, ann, "", archived="include", status="all")
                listed = {item["key"]: [item[name] for name in MOMENTS] for item in page["items"]}
                assert _shown_by(device) == listed


MOMENTS = ("seen_at", "read_at", "archived_at")


async def _mark_some(server: Harness, ann: Person, chance: random.Random) -> None:
    verb = chance.choice(("read", "unread", "seen", "archive", "unarchive"))
    which: dict[str, object] = {"keys": [f"k{chance.randrange(20)}" for _ in range(3)]}
    if chance.random() < 0.4:
        which = {"up_to": chance.randint(0, 20), "category": chance.choice(("a", "b", None))}
    response = await server.post(which, f"/api/inbox/{verb}/", headers=own(server, ann))
    assert response.status_code in (200, 429), response.text


def _shown_by(device: Watcher) -> dict[str, list[str | None]]:
    """What a client makes of what it was told."""
    items: dict[str, dict[str, Any]] = {
        frame["key"]: {**dict.fromkeys(MOMENTS), **frame}
        for frame in device.of_type("server_notification")
    }
    for frame in device.of_type("inbox_changed"):
        for change in frame["changes"]:
            told = {name: change[name] for name in MOMENTS if name in change}
            for key in change.get("keys", ()):
                items[key] |= told
            for item in items.values():
                if _means(change, item):
                    _apply(item, told)
    return {key: [item[name] for name in MOMENTS] for key, item in items.items()}


def _means(change: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether it was listed, up to there."""
    if item["seq"] > change.get("up_to", 0):
        return False
    if change.get("category", item["category"]) != item["category"]:
        return False
    back = "archived_at" in change and change["archived_at"] is None
    return (item["archived_at"] is not None) == back


def _apply(item: dict[str, Any], told: dict[str, Any]) -> None:
    ((name, moment),) = told.items()
    if moment is None:
        if name == "read_at":
            item["seen_at"] = item["seen_at"] or item["read_at"]
        item[name] = None
    elif item[name] is None:
        item[name] = moment
        if name == "read_at":
            item["seen_at"] = item["seen_at"] or moment


async def _something(
    server: Harness, ann: Person, phone: Watcher, chance: random.Random, number: int
) -> None:
    """Anything that can happen, at random."""
    key = f"k{chance.randrange(max(1, number))}"
    verb = chance.choice(("read", "unread", "seen", "archive", "unarchive"))
    match chance.randrange(8):
        case 0:
            await mark(server, ann, verb, keys=[key, f"k{number}"])
        case 1:
            await phone.command(verb, {"keys": [key]})
        case 2:
            await mark(server, ann, verb, up_to=(await count(server, ann))["seq"])
        case 3:
            version = chance.randint(0, (await count(server, ann))["version"])
            await server.post({"version": version}, "/api/inbox/undo/", headers=own(server, ann))
        case 4:
            await server.send(ann, number, key=f"k{number}")
            await withdraw(server, ann, f"k{number}")
        case 5:
            await phone.tell({"type": "message_ack", "key": key})
            await server.send(ann, number, key=f"k{number}", priority="low")
        case _:
            await server.send(ann, number, key=f"k{number}", collapse_key=f"c{number % 5}")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move the clock of the server by so many seconds."""
    now = clock.now
    ahead = 0

    def move(seconds: int) -> None:
        nonlocal ahead
        ahead += seconds * clock.SECOND

    monkeypatch.setattr(clock, "now", lambda: now() + ahead)
    return move


async def test_what_the_clock_changes(
    server_with: ServerWith, later: Callable[[int], None]
) -> None:
    """The end of a ttl, and that of a snooze, bring the state anew, once, without a version."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        async with watched(server, ann) as device:
            await send_all(server, ann, ["a", "b"])
            await server.send(ann, "short", ttl=60)
            await device.take(*["server_notification"] * 3)
            await sweep(server)
            await device.nothing_more()
            assert device.counts == (3, 3)
            later(60)
            await sweep(server)
            (expired,) = await device.take("inbox_state")
            counts = {"unread": 2, "unseen": 2, "seq": 3, "version": 0}
            assert expired == {"type": "inbox_state", **counts}
            in_a_minute = clock.isoformat(clock.now() + 60 * clock.SECOND)
            await mark(server, ann, "snooze", keys=["a"], until=in_a_minute)
            await device.take("inbox_changed")
            assert device.counts == (1, 1)
            later(60)
            await sweep(server)
            (awake,) = await device.take("inbox_state")
            assert awake == {"type": "inbox_state", **counts, "version": 1}
            await sweep(server)
            await device.nothing_more()


async def test_the_sweep_is_a_chore(server_with: ServerWith, later: Callable[[int], None]) -> None:
    """Nobody has to ask for it."""
    async with server_with(sweep_seconds=0.1) as server:
        ann = await server.user()
        async with watched(server, ann) as device:
            await server.send(ann, "short", ttl=60)
            await device.take("server_notification")
            later(60)
            await device.take("inbox_state")
            assert device.counts == (0, 0)


async def test_what_was_acked_in_time_stays(
    server_with: ServerWith, later: Callable[[int], None]
) -> None:
    """A notification that a device had before its ttl ended goes on counting."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        await server.send(ann, "short", key="a", ttl=60)
        async with watched(server, ann) as device:
            await device.until(lambda: bool(device.of_type("server_notification")))
            await device.tell({"type": "message_ack", "key": "a"})
            await until_pending(server, ann, [])
            later(60)
            await sweep(server)
            await device.take("inbox_state")
            assert device.counts == (1, 1)


async def test_what_is_acked_late_stays_away(
    server_with: ServerWith, later: Callable[[int], None]
) -> None:
    """An acknowledgement that comes behind the end of a ttl changes no count behind our back."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        await server.send(ann, "short", key="a", ttl=60)
        await server.send(ann, "long", key="b")
        async with watched(server, ann) as device:
            await device.until(lambda: len(device.of_type("server_notification")) == 2)
            later(60)
            await sweep(server)
            await device.take("inbox_state")
            await device.tell({"type": "message_ack", "keys": ["a", "b"]})
            await until_pending(server, ann, [])
            assert agrees(device, await count(server, ann))
            assert device.counts == (1, 1)


async def test_a_lost_nudge(server_with: ServerWith, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of which a process has not heard is found by comparing versions."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        await send_all(server, ann, ["a", "b"])
        async with watched(server, ann) as device:
            await device.until(lambda: len(device.frames) == 3)
            with monkeypatch.context() as patch:
                patch.setattr(server.server.hub, "deliver", lambda events: None)
                await mark(server, ann, "read", keys=["a"])
                await withdraw(server, ann, "b")
            await device.nothing_more()
            await sweep(server)
            withdrawn, changed = await device.take("notification_withdrawn", "inbox_changed")
            assert (withdrawn["key"], withdrawn["version"]) == ("b", 2)
            assert [change["version"] for change in changed["changes"]] == [1, 2]
            assert device.counts == (0, 0)


async def test_what_came_unheard_may_expire(
    server_with: ServerWith, later: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a notification whose nudge got lost, the end is told too."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        async with watched(server, ann) as device:
            with monkeypatch.context() as patch:
                patch.setattr(server.server.hub, "deliver", lambda events: None)
                await server.send(ann, "short", ttl=60)
            await sweep(server)
            await device.take("server_notification")
            assert device.counts == (1, 1)
            later(60)
            await sweep(server)
            await device.take("inbox_state")
            assert device.counts == (0, 0)


async def test_away_and_back(server: Harness) -> None:
    """The state's version tells a device that it has missed changes, which it can ask for."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b", "c"])
    async with watched(server, ann) as device:
        await mark(server, ann, "seen", keys=["c"])
        await device.until_version(1)
    known = device.version
    await mark(server, ann, "read", keys=["a"])
    await withdraw(server, ann, "b")
    await mark(server, ann, "archive", up_to=3)
    async with watched(server, ann) as device:
        (state,) = device.of_type("inbox_state")
        assert state["version"] == 4
        missed = await ask(server, ann, "changes/", after=known)
        assert [change["version"] for change in missed["changes"]] == [2, 3, 4]
        assert missed["changes"][1]["withdrawn_at"]
        assert (missed["unread"], missed["unseen"]) == device.counts == (0, 0)
        # One is pending still: the counts have it already.
        await device.until(lambda: device.of_type("server_notification"))
        assert device.counts == (0, 0)
        await device.nothing_more()


async def test_what_a_large_change_has_changed_since(server: Harness) -> None:
    """What was done by key is told although a change of all up to a place came behind it."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b", "c", "d"])
    await mark(server, ann, "read", keys=["a", "b"])
    await mark(server, ann, "read", keys=["c"])
    await mark(server, ann, "undo", version=2)
    await withdraw(server, ann, "d")
    await mark(server, ann, "archive", up_to=4)
    while await server.server.store.read(UnderWay(1)):
        pass
    page = await ask(server, ann, "", archived="only")
    assert [item["version"] for item in page["items"]] == [5, 5, 5], "carried out"
    changes = (await ask(server, ann, "changes/", after=0))["changes"]
    told = [(each["version"], each.get("keys"), each.get("up_to")) for each in changes]
    assert told == [(1, ["a", "b"], None), (3, ["c"], None), (4, ["d"], None), (5, None, 4)]
    assert changes[0]["read_at"]
    assert (changes[1]["read_at"], bool(changes[1]["acked_at"])) == (None, True)


async def test_without_history(server_with: ServerWith) -> None:
    """Where nothing is kept that was delivered, devices are told the counts and the version."""
    async with server_with(retention_days=0) as server:
        ann = await server.user()
        async with watched(server, ann) as device:
            await send_all(server, ann, ["a", "b", "c"])
            await device.take(*["server_notification"] * 3)
            await mark(server, ann, "read", keys=["a"])
            (changed,) = await device.take("inbox_changed")
            assert (changed["version"], changed["changes"]) == (1, [])
            await device.command("seen", {"keys": ["b"]})
            await device.until_version(2)
            await withdraw(server, ann, "c")
            await device.until_version(3)
            assert device.counts == (1, 0)
            assert agrees(device, await count(server, ann))


async def test_a_slow_reader_is_passed_over(server_with: ServerWith) -> None:
    """Who does not read is told the state when that has changed; nobody waits meanwhile."""
    large = "x" * 60_000
    changes = {"inbox_changes_per_second": 0}
    async with server_with(high_water_bytes=64 * 1024, sweep_seconds=0.1, **changes) as server:
        ann = await server.user()
        async with watched(server, ann, max_queue=1) as slow, watched(server, ann) as quick:
            keys = [f"k{number}" for number in range(150)]
            for key in keys:
                await server.send(ann, large, key=key)
                await quick.next()
            for version, key in enumerate(keys, 1):
                await mark(server, ann, "read", keys=[key])
                await quick.until_version(version)
            assert len(slow.of_type("inbox_changed")) == 0
            await slow.until_version(len(keys))
            told = slow.of_type("inbox_changed") + slow.of_type("inbox_state")
            assert len(told) < 10
            assert slow.counts == quick.counts == (0, 0)
            await mark(server, ann, "unread", keys=["k0"])
            await slow.until_version(len(keys) + 1)
            assert slow.frames[-1]["type"] == "inbox_changed"


async def test_a_store_that_is_away(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing can be read, nothing is told; afterwards all is, in order."""
    ann = await server.user()
    await send_all(server, ann, ["a", "b"])
    async with watched(server, ann) as device:
        await device.until(lambda: len(device.frames) == 3)
        read, tries = server.server.store.read, 0

        async def away(query: Any) -> Any:
            nonlocal tries
            if isinstance(query, InboxNewsSince):
                tries += 1
                raise Unavailable
            return await read(query)

        with monkeypatch.context() as patch:
            patch.setattr(server.server.store, "read", away)
            await mark(server, ann, "read", keys=["a"])
            await mark(server, ann, "archive", keys=["b"])
            await until(lambda: tries > 1)
            await device.nothing_more()
        (changed,) = await device.take("inbox_changed")
        assert [change["version"] for change in changed["changes"]] == [1, 2]
        assert device.counts == (0, 0)


async def test_nothing_is_read_for_nobody(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user without devices that asked for events costs no reading of the inbox."""
    async with server_with(sweep_seconds=3600) as server:
        ann = await server.user()
        read = server.server.store.read
        asked: list[type] = []

        async def noted(query: Any) -> Any:
            asked.append(type(query))
            return await read(query)

        async with server.connect(ann) as old:
            async with watched(server, ann):
                pass
            await until(lambda: server.server.hub.sockets == 1)
            monkeypatch.setattr(server.server.store, "read", noted)
            await server.send(ann, 1, key="a", ttl=1)
            await mark(server, ann, "read", up_to=1)
            await withdraw(server, ann, "a")
            await sweep(server)
            await old.next()
            await old.nothing_more()
        assert InboxNewsSince not in asked


@pytest.mark.parametrize("way", ["deactivated", "leaves"])
async def test_an_end_while_telling(server: Harness, way: str) -> None:
    """A device that goes while changes are told disturbs neither the others nor itself."""
    ann = await server.user()
    bob = await server.user("bob")
    await send_all(server, ann, ["a"])
    async with watched(server, bob) as other, watched(server, ann) as staying:
        async with watched(server, ann) as going:
            for number in range(10):
                await mark(server, ann, ("read", "unread")[number % 2], keys=["a"])
                if number == 5 and way == "leaves":
                    await going.socket.close()
            if way == "deactivated":
                await server.server.store.submit(SetActive(ann.id, False))
                assert await going.closed() == 4403
                assert await staying.closed() == 4403
        if way == "leaves":
            await staying.until_version(10)
        await other.nothing_more()
    await until(lambda: server.server.hub.sockets == 0)
