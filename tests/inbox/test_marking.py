"""What people do with their notifications: by key, or with all up to a place."""

import asyncio

import pytest

from notifier.storage.operations.inbox.ranges import MOST_RANGES, CarryOut
from tests.inbox.inbox import Inbox, in_seconds
from tests.inbox.test_pages import hold_back

VERBS = ("read", "unread", "seen", "archive", "unarchive", "snooze")


def told(verb: str, seconds: float = 3600) -> dict[str, str]:
    """What a request for this says beside which."""
    return {"until": in_seconds(seconds)} if verb == "snooze" else {}


class TestByKey:
    """Some notifications, by their keys."""

    async def test_each_verb(self, inbox: Inbox) -> None:
        """Each does what it says, has a version of its own, and counts at once."""
        await inbox.send(*"abc")
        assert await inbox.do("seen", "a") == 1
        assert await inbox.counts() == (3, 2)
        assert await inbox.do("read", "a", "b") == 2
        assert await inbox.counts() == (1, 1)
        assert await inbox.do("unread", "b") == 3
        assert await inbox.counts() == (2, 1), "it was seen"
        assert await inbox.do("archive", "b") == 4
        assert await inbox.counts() == (1, 1)
        assert await inbox.keys() == ["c", "a"]
        assert await inbox.do("unarchive", "b") == 5
        assert await inbox.do("snooze", "c", **told("snooze")) == 6
        assert await inbox.keys() == ["b", "a"]
        assert await inbox.counts() == (1, 0)
        assert await inbox.do("snooze", "c", until=None) == 7
        assert await inbox.keys() == ["c", "b", "a"]
        versions = [(await inbox.item(key))["version"] for key in "abc"]
        assert versions == [2, 5, 7]

    async def test_reading_settles_the_delivery(self, inbox: Inbox) -> None:
        """Who has read it has seen it and has it: no device is given it again, unread or not."""
        await inbox.send(*"abc")
        await inbox.do("read", "a", "b")
        assert await inbox.server.pending(inbox.person) == [3]
        item = await inbox.item("a")
        assert item["read_at"] == item["acked_at"] == item["seen_at"] is not None
        await inbox.do("unread", "a")
        item = await inbox.item("a")
        assert (item["read_at"], item["acked_at"] is None, item["seen_at"] is None) == (
            None,
            False,
            False,
        )
        for verb in ("seen", "archive", "snooze"):
            await inbox.do(verb, "c", **told(verb))
        assert await inbox.server.pending(inbox.person) == [3], "no other verb settles it"

    async def test_nothing_to_change(self, inbox: Inbox) -> None:
        """What is so already, or is not there, makes no version."""
        await inbox.send(*"ab")
        for verb in VERBS:
            body = told(verb) | {"keys": ["a"]}
            first = await inbox.post(verb, **body)
            again = await inbox.post(verb, **body)
            version = (await inbox.get("count/"))["version"]
            assert again.json() == {"version": version, "changed": False}, verb
            unknown = await inbox.post(verb, **told(verb), keys=["zz", "\u202e", "'--"])
            assert unknown.json() == {"version": version, "changed": False}
            assert first.json()["version"] == version
        await inbox.do("read", "a", "a", "b", "zz")
        assert await inbox.counts() == (0, 0)

    async def test_a_hundred(self, inbox: Inbox) -> None:
        """Up to a hundred keys make one change, however long they are."""
        keys = [f"{number:02}" + "é" * 198 for number in range(100)]
        await asyncio.gather(*[inbox.send(key) for key in keys])
        assert await inbox.do("archive", *keys) == 1
        assert await inbox.keys() == []


class TestUpTo:
    """Everything that is shown, up to a place."""

    async def test_each_verb(self, inbox: Inbox) -> None:
        """Each holds at once for what the inbox shows up to there, and for nothing later."""
        await inbox.send(*"abc")
        assert await inbox.do("seen", up_to=2) == 1
        assert await inbox.counts() == (3, 1)
        assert await inbox.do("read", up_to=2) == 2
        await inbox.send("d")
        assert await inbox.counts() == (2, 2)
        assert await inbox.do("unread", up_to=1) == 3
        assert await inbox.keys(status="unread") == ["d", "c", "a"]
        assert await inbox.do("archive", up_to=3) == 4
        assert await inbox.keys() == ["d"]
        assert await inbox.do("unarchive", up_to=2) == 5
        assert await inbox.keys() == ["d", "b", "a"]
        assert await inbox.do("snooze", up_to=4, **told("snooze")) == 6
        assert await inbox.keys() == []
        assert await inbox.counts() == (0, 0)
        before = await inbox.get(snoozed="include", archived="include")
        await inbox.carried_out()
        assert await inbox.get(snoozed="include", archived="include") == before

    @pytest.mark.parametrize("carried", [True, False], ids=["carried out", "under way"])
    async def test_what_it_does_not_cover(self, inbox: Inbox, carried: bool) -> None:
        """Not what is archived, put off, withdrawn, of another category, or behind the place."""
        if not carried:
            hold_back(inbox.server)
        for key in ("archived", "snoozed", "withdrawn", "shown"):
            await inbox.send(key, category="a")
        await inbox.send("other", category="b")
        await inbox.send("none")
        await inbox.send("later", category="a")
        await inbox.do("archive", "archived")
        await inbox.do("snooze", "snoozed", **told("snooze"))
        assert (await inbox.withdraw("withdrawn")).status_code == 200
        await inbox.do("read", up_to=6, category="a")
        if carried:
            await inbox.carried_out()
        await inbox.do("unarchive", "archived")
        await inbox.do("snooze", "snoozed", until=None)
        assert await inbox.keys(status="read") == ["shown"]
        assert await inbox.keys(status="unread") == [
            "later",
            "none",
            "other",
            "snoozed",
            "archived",
        ]

    async def test_it_never_settles_a_delivery(self, inbox: Inbox) -> None:
        """Who marks everything as read was not given everything: devices still get it."""
        await inbox.send(*"ab")
        await inbox.do("read", up_to=2)
        await inbox.carried_out()
        assert await inbox.server.pending(inbox.person) == [1, 2]
        assert (await inbox.item("a"))["acked_at"] is None
        async with inbox.server.connect(inbox.person) as device:
            assert [frame.key for frame in await device.take(2)] == ["a", "b"]

    async def test_changes_add_up_in_their_order(self, inbox: Inbox) -> None:
        """Several under way, of all and of keys, give what they would have given one by one."""
        hold_back(inbox.server)
        await inbox.send(*"abcd")
        await inbox.do("read", up_to=4)
        await inbox.do("unread", "b")
        await inbox.do("archive", up_to=2)
        await inbox.do("unarchive", "a")
        await inbox.do("unread", up_to=1)
        assert await inbox.keys(status="unread") == ["a"]
        assert await inbox.keys(archived="only") == ["b"]
        before = await inbox.get(archived="include")
        await inbox.carried_out()
        assert await inbox.get(archived="include") == before

    async def test_many_rows(self, inbox: Inbox) -> None:
        """It is carried out in parts, while the count is right all along."""
        await inbox.server.append(inbox.person, *[b"1"] * 1700)
        await inbox.do("read", up_to=1650)
        counts = set()
        while await inbox.server.server.store.submit(CarryOut(inbox.person.id)):
            counts.add(await inbox.counts())
        counts.add(await inbox.counts())
        assert counts == {(50, 50)}

    async def test_too_many(self, inbox: Inbox) -> None:
        """So many may be under way; one more is refused, and tells when to come again."""
        hold_back(inbox.server)
        await inbox.send("a")
        for _ in range(MOST_RANGES):
            await inbox.do("read", up_to=1)
        refused = await inbox.post("unread", up_to=1)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_changes")
        assert refused.headers["Retry-After"] == "1"
        await inbox.do("unread", "a")
        await inbox.carried_out()
        await inbox.do("read", up_to=1)
        assert await inbox.counts() == (0, 0)
