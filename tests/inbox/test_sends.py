"""What a send says of its notification, and what it takes the place of."""

import asyncio
from typing import Any

import pytest

from tests.inbox.inbox import Inbox, in_seconds

CATEGORY = "Expected a string of 1 to 64 characters, without control characters."
PRIORITY = "Expected low, normal, high or urgent."
COLLAPSE = (
    "Expected a string of 1 to 200 characters, without control characters or line separators."
)


async def test_category_and_priority(inbox: Inbox) -> None:
    """Both come back with the item; what is low is born seen, but unread."""
    for priority in ("low", "normal", "high", "urgent"):
        await inbox.send(priority, priority=priority, category="c" * 64)
    items = (await inbox.get())["items"]
    assert [item["priority"] for item in items] == ["urgent", "high", "normal", "low"]
    assert {item["category"] for item in items} == {"c" * 64}
    assert await inbox.counts() == (4, 3)
    assert (await inbox.item("low"))["seen_at"] is not None
    assert (await inbox.item("high"))["seen_at"] is None


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("category", ["", "x" * 65, "a\n", "a\u2028", 5, ["a"], {}], CATEGORY),
        ("priority", ["", "LOW", "none", 1, ["low"]], PRIORITY),
        ("collapse_key", ["", "x" * 201, "a\0", "a\x85", 5, ["a"]], COLLAPSE),
    ],
)
async def test_refused(inbox: Inbox, field: str, values: list[Any], words: str) -> None:
    """What does not fit is refused by its field, in words that say what would; nothing is sent."""
    for value in values:
        body = {"user_id": inbox.person.id, "payload": 1, field: value}
        answer = await inbox.server.post(body)
        assert (answer.status_code, answer.json()) == (400, {field: [words]}), repr(value)
    assert (await inbox.get())["seq"] == 0


async def test_null(inbox: Inbox) -> None:
    """No category and no collapse key is null."""
    await inbox.send("a", category=None, collapse_key=None)
    await inbox.send("b", category=None, collapse_key=None)
    assert await inbox.keys() == ["b", "a"]


class TestCollapsing:
    """A send with a collapse key takes the place of the one before."""

    @pytest.mark.parametrize("state", ["pending", "read", "archived", "snoozed"])
    async def test_supersedes(self, inbox: Inbox, state: str) -> None:
        """Whatever has become of the older: the new one has a place of its own, and is unread."""
        await inbox.send("old", collapse_key="c")
        await inbox.send("other", collapse_key="d")
        await inbox.send("none")
        verb = {"read": "read", "archived": "archive", "snoozed": "snooze"}.get(state)
        if verb:
            until = {"until": in_seconds(3600)} if verb == "snooze" else {}
            await inbox.do(verb, "old", **until)
        await inbox.send("new", collapse_key="c")
        assert await inbox.keys(archived="include", snoozed="include") == ["new", "none", "other"]
        assert await inbox.counts() == (3, 3)
        item = await inbox.item("new")
        assert (item["seq"], item["version"]) == (4, 0)
        assert await inbox.server.pending(inbox.person) == [2, 3, 4]

    async def test_it_is_told_as_a_withdrawal(self, inbox: Inbox) -> None:
        """In the same commit the older is withdrawn, which has a version."""
        await inbox.send("old", collapse_key="c")
        await inbox.send("new", collapse_key="c")
        news = await inbox.get("changes/", after=0)
        [change] = news["changes"]
        assert (news["seq"], news["version"]) == (2, 1)
        assert (change["version"], change["keys"]) == (1, ["old"])
        assert change["withdrawn_at"] is not None
        again = await inbox.server.send(inbox.person, "old", key="old", collapse_key="c")
        assert again["withdrawn"] is True
        assert await inbox.keys() == ["new"], "a late retry supersedes nothing"

    async def test_at_the_same_moment(self, inbox: Inbox) -> None:
        """Of many at once one is left, the last in the log, also within one batch."""
        await asyncio.gather(*[inbox.send(f"k{n}", collapse_key="c") for n in range(20)])
        [item] = (await inbox.get())["items"]
        assert item["seq"] == 20
        assert await inbox.counts() == (1, 1)
        assert await inbox.server.pending(inbox.person) == [20]

    async def test_others_are_others(self, inbox: Inbox) -> None:
        """Another user's is not touched, and what was withdrawn is not withdrawn again."""
        bob = Inbox(inbox.server, await inbox.server.user("bob"))
        for each in (inbox, bob):
            await each.send("k", collapse_key="c")
        await bob.withdraw("k")
        await bob.send("l", collapse_key="c")
        assert (await bob.get("count/"))["version"] == 1
        assert await inbox.keys() == ["k"]

    async def test_a_device_that_comes_later(self, inbox: Inbox) -> None:
        """It is given the last one alone."""
        for number in range(3):
            await inbox.send(f"{number} comments", collapse_key="comments")
        async with inbox.server.connect(inbox.person) as device:
            assert (await device.next()).key == "2 comments"
            await device.nothing_more()
