"""What has changed behind a version."""

import asyncio

import pytest

from notifier import clock
from notifier.models import Verb
from notifier.process.chores import Retention
from notifier.storage.operations.inbox.changes import ChangeKeys
from notifier.storage.operations.inbox.ranges import WINDOW
from tests.inbox.inbox import Inbox, in_seconds
from tests.inbox.test_pages import hold_back

STATE = ("acked_at", "seen_at", "read_at", "archived_at", "snoozed_until", "withdrawn_at")


async def test_in_order(inbox: Inbox) -> None:
    """Each change comes in the order of versions, with all that holds of its keys since."""
    await inbox.send(*"abcd")
    await inbox.do("read", "a", "b")
    await inbox.do("seen", "c")
    await inbox.withdraw("d")
    news = await inbox.get("changes/", after=0)
    assert [(each["version"], each["keys"]) for each in news["changes"]] == [
        (1, ["a", "b"]),
        (2, ["c"]),
        (3, ["d"]),
    ]
    true = [{name for name in STATE if change[name]} for change in news["changes"]]
    assert true[0] == {"acked_at", "read_at", "seen_at"}
    assert true[1] == {"seen_at"}
    assert "withdrawn_at" in true[2]
    assert (news["unread"], news["unseen"], news["seq"], news["version"]) == (1, 0, 4, 3)
    assert (await inbox.get("changes/", after=2))["changes"] == news["changes"][2:]
    assert (await inbox.get("changes/", after=3))["changes"] == []


async def test_only_the_last_of_each(inbox: Inbox) -> None:
    """What was changed again is told where it was changed last; versions may be left out."""
    await inbox.send(*"ab")
    await inbox.do("read", "a", "b")
    await inbox.do("archive", "a")
    changes = (await inbox.get("changes/", after=0))["changes"]
    assert [(each["version"], each["keys"]) for each in changes] == [(1, ["b"]), (2, ["a"])]
    assert changes[1]["read_at"] is not None


async def test_of_all(inbox: Inbox) -> None:
    """A change of everything says up to where, when and what, at any number; so does undo."""
    await inbox.send(*"ab", category="x")
    before = clock.isoformat(clock.now())
    until = in_seconds(3600)
    await inbox.do("read", up_to=2, category="x")
    await inbox.do("unread", up_to=1)
    await inbox.do("snooze", up_to=2, until=until)
    await inbox.undo(3)
    news = await inbox.get("changes/", after=0)
    read, unread, snoozed, undone = news["changes"]
    told = [change.pop("changed_at") for change in (read, unread, snoozed)]
    moments = [before, *told, clock.isoformat(clock.now())]
    assert moments == sorted(moments)
    assert read == {"version": 1, "up_to": 2, "category": "x", "read_at": told[0]}
    assert unread == {"version": 2, "up_to": 1, "read_at": None}
    assert set(snoozed) == {"version", "up_to", "snoozed_until"}
    assert undone == {"version": 4, "undone": 3}
    assert (news["unread"], news["version"]) == (1, 4)


async def test_too_long_ago(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a version that is not kept any more, or that there never was, it is 410: reload."""
    await inbox.send(*"ab")
    await inbox.do("read", "a")
    ahead = await inbox.ask("changes/", after=2)
    assert (ahead.status_code, ahead.json()["code"]) == (410, "changes_gone")
    now = clock.now()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: now + 2 * clock.DAY)
        await Retention(inbox.server.server.store, days=30, audit_days=365).remove()
    gone = await inbox.ask("changes/", after=0)
    assert (gone.status_code, gone.json()["code"]) == (410, "changes_gone")
    assert "load the inbox anew" in gone.json()["detail"]
    assert (await inbox.get("changes/", after=1))["changes"] == []
    await inbox.do("read", "b")
    assert len((await inbox.get("changes/", after=1))["changes"]) == 1
    undone = await inbox.post("undo", version=1)
    assert undone.json()["code"] == "unknown_change"
    assert await inbox.counts() == (0, 0), "what was changed stays so"


async def test_too_many(inbox: Inbox) -> None:
    """Whoever has missed more than a thousand loads the inbox anew."""
    await inbox.send("a")
    store, whose = inbox.server.server.store, inbox.person.id
    verbs: tuple[Verb, ...] = ("archive", "unarchive")
    await asyncio.gather(*[store.submit(ChangeKeys(whose, verb, ("a",))) for verb in verbs * 501])
    assert (await inbox.ask("changes/", after=1)).status_code == 410
    assert (await inbox.ask("changes/", after=2)).status_code == 200


async def test_those_under_way_are_kept(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention forgets no change that has not reached its rows, and none that it may build on."""
    hold_back(inbox.server)
    await inbox.server.append(inbox.person, *[b"1"] * (WINDOW + 1))
    read = await inbox.do("read", up_to=WINDOW + 1)
    await inbox.undo(read)
    before = await inbox.counts()
    retention = Retention(inbox.server.server.store, days=30, audit_days=365)
    now = clock.now()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: now + 2 * clock.DAY)
        await retention.remove()
    assert await inbox.counts() == before == (WINDOW + 1, WINDOW + 1)
    await inbox.carried_out()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: now + 2 * clock.DAY)
        await retention.remove()
    assert (await inbox.ask("changes/", after=0)).status_code == 410
    assert await inbox.counts() == before
