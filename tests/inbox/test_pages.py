"""Pages of an inbox, and how many are unread."""

import pytest_asyncio

from tests.inbox.inbox import Inbox, in_seconds
from tests.support.harness import Harness


async def test_nothing(inbox: Inbox) -> None:
    """An inbox to which nothing was ever sent is empty, and begins to count at 0."""
    assert await inbox.get() == {"items": [], "before": None, "seq": 0, "version": 0}
    assert await inbox.get("count/") == {"unread": 0, "unseen": 0, "seq": 0, "version": 0}
    assert await inbox.get("changes/", after=0) == {
        "changes": [],
        "unread": 0,
        "unseen": 0,
        "seq": 0,
        "version": 0,
    }


async def test_what_an_item_says(inbox: Inbox) -> None:
    """An item has the payload byte for byte, what its sender said of it, and where it stands."""
    body = b'{"user_id": %d, "payload": {"n": 1.10}, "key": "k", "category": "a", "ttl": 60}'
    await inbox.server.post(body % inbox.person.id)
    answer = await inbox.ask()
    assert '"payload":{"n": 1.10}' in answer.text
    [item] = answer.json()["items"]
    nothing = dict.fromkeys(["acked_at", "seen_at", "read_at", "archived_at", "snoozed_until"])
    moments = {name: item[name] for name in ("created_at", "expires_at")}
    assert all(moments.values())
    said = {"key": "k", "seq": 1, "payload": {"n": 1.1}, "category": "a", "priority": "normal"}
    assert item == said | {"version": 0} | moments | nothing


async def test_cursors(inbox: Inbox) -> None:
    """Page after page shows everything once, also when something arrives in between."""
    await inbox.send(*"abcdefg")
    found, before = [], {}
    while True:
        page = await inbox.get(limit=3, **before)
        found += [item["key"] for item in page["items"]]
        if page["before"] is None:
            break
        before = {"before": page["before"]}
        await inbox.send(f"late {len(found)}")
    assert found == list("gfedcba")
    assert (page["seq"], await inbox.keys(before=1)) == (9, [])


@pytest_asyncio.fixture
async def mixed(inbox: Inbox) -> Inbox:
    """One of each kind, half of them of a category."""
    names = ("plain", "seen", "read", "archived", "both", "snoozed")
    for name in names:
        await inbox.send(name)
        await inbox.send(f"{name} a", category="a")

    def pair(name: str) -> list[str]:
        return [name, f"{name} a"]

    await inbox.do("seen", *pair("seen"))
    await inbox.do("read", *pair("read"), *pair("both"))
    await inbox.do("archive", *pair("archived"), *pair("both"))
    await inbox.do("snooze", *pair("snoozed"), until=in_seconds(3600))
    return inbox


FILTERS = {
    "status=all": "read seen plain",
    "status=unread": "seen plain",
    "status=read": "read",
    "archived=include": "both archived read seen plain",
    "archived=only": "both archived",
    "archived=only&status=read": "both",
    "archived=only&status=unread": "archived",
    "archived=include&status=read": "both read",
    "snoozed=include": "snoozed read seen plain",
    "snoozed=only": "snoozed",
    "snoozed=only&status=read": "",
    "snoozed=only&archived=only": "",
    "snoozed=include&archived=include": "snoozed both archived read seen plain",
}


async def test_filters(mixed: Inbox) -> None:
    """Each filter shows what it says, alone and with others, of a category or of all."""
    for text, names in FILTERS.items():
        wanted = dict(part.split("=") for part in text.split("&"))
        alone = [f"{name} a" for name in names.split()]
        both = [each for name in names.split() for each in (f"{name} a", name)]
        assert await mixed.keys(**wanted) == both, text
        assert await mixed.keys(category="a", **wanted) == alone, text
        assert await mixed.keys(category="b", **wanted) == [], text
        assert await mixed.keys(limit=1, **wanted) == both[:1], text
    assert await mixed.counts() == (4, 2)


async def test_filters_while_a_change_is_under_way(mixed: Inbox) -> None:
    """They do so too while a change of everything has not reached the rows yet."""
    hold_back(mixed.server)
    await mixed.do("unread", up_to=12, category="a")
    assert await mixed.keys(status="unread") == ["read a", "seen a", "seen", "plain a", "plain"]
    assert await mixed.keys(status="read") == ["read"]
    assert await mixed.keys(archived="only", status="read") == ["both a", "both"]
    assert await mixed.keys(category="a", limit=2) == ["read a", "seen a"]
    assert await mixed.counts() == (5, 2)


def hold_back(server: Harness) -> None:
    """From now on changes of everything are carried out by nobody."""
    server.server.inboxes._carry_out = lambda user_id: None  # type: ignore[method-assign]


async def test_limits(inbox: Inbox) -> None:
    """A page has 50 items unless it is to have others, and at most 100."""
    await inbox.server.append(inbox.person, *[b"1"] * 120)
    assert len(await inbox.keys()) == 50
    for limit in (1, 100):
        assert len(await inbox.keys(limit=limit)) == limit


async def test_large_payloads(inbox: Inbox) -> None:
    """A page ends before its payloads are too much, has one at least, and says how to go on."""
    await inbox.server.append(inbox.person, *[b'"' + b"x" * 900_000 + b'"'] * 6)
    sizes, before = [], {}
    while True:
        page = await inbox.get(**before)
        sizes.append(len(page["items"]))
        if page["before"] is None:
            break
        before = {"before": page["before"]}
    assert sum(sizes) == 6
    assert len(sizes) > 1
    assert min(sizes) >= 1


async def test_expired(inbox: Inbox) -> None:
    """What expired before a device had it is not shown nor counted; what a device had stays."""
    await inbox.send("had", "never", ttl=1)
    await inbox.send("kept")
    async with inbox.server.connect(inbox.person) as device:
        [had, *_] = await device.take(3)
        await device.ack(had)
        await device.nothing_more()
    while await inbox.keys() != ["kept", "had"]:
        pass
    assert await inbox.counts() == (2, 2)


async def test_the_end_of_a_snooze(inbox: Inbox) -> None:
    """It comes back by itself, in its place and with the state it had, and is counted again."""
    await inbox.send(*"abc")
    version = await inbox.do("snooze", "b", until=in_seconds(0.5))
    assert await inbox.keys() == ["c", "a"]
    while await inbox.counts() != (3, 3):
        pass
    assert await inbox.keys() == ["c", "b", "a"]
    assert (await inbox.get("count/"))["version"] == version, "time alone raises no version"


REFUSED = {
    "limit=0": "limit",
    "limit=101": "limit",
    "limit=many": "limit",
    "before=-1": "before",
    "before=9223372036854775808": "before",
    "before=": "before",
    "status=seen": "status",
    "archived=yes": "archived",
    "snoozed=": "snoozed",
    "category=": "category",
    "category=" + "x" * 65: "category",
    "category=%01": "category",
    "offset=5": "query",
}


async def test_parameters_that_are_refused(inbox: Inbox) -> None:
    """A parameter that does not fit, or that there is not, is refused by its name."""
    for text, field in REFUSED.items():
        answer = await inbox.server.http.get(f"/api/inbox/?{text}", headers=inbox.headers)
        assert answer.status_code == 400, text
        assert list(answer.json()) == [field], answer.text
    for path in ("count/?limit=1", "changes/", "changes/?after=x", "changes/?after=-1"):
        answer = await inbox.server.http.get(f"/api/inbox/{path}", headers=inbox.headers)
        assert answer.status_code == 400, path
