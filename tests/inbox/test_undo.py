"""Taking back what was done."""

import pytest

from tests.inbox.inbox import Inbox, in_seconds
from tests.inbox.test_marking import VERBS, told
from tests.inbox.test_pages import hold_back


async def standing(inbox: Inbox) -> list[tuple[object, ...]]:
    """Where all of it stands, without versions and the moment of the acknowledgement."""
    page = await inbox.get(archived="include", snoozed="include")
    told = ("key", "read_at", "archived_at", "snoozed_until")
    return [tuple(item[name] for name in told) for item in page["items"]]


BEFORE = {"unread": "read", "unarchive": "archive"}
"""What makes a difference to these verbs."""


async def test_by_key(inbox: Inbox) -> None:
    """What was done to some is taken back, as exactly as it was; an acknowledgement stays."""
    for verb in VERBS:
        keys = [f"{verb} {name}" for name in "ab"]
        await inbox.send(*keys)
        if verb in BEFORE:
            await inbox.do(BEFORE[verb], *keys)
        before = await standing(inbox), await inbox.counts()
        version = await inbox.do(verb, *keys, **told(verb))
        assert (await standing(inbox), await inbox.counts()) != before
        assert await inbox.undo(version) == version + 1
        assert (await standing(inbox), await inbox.counts()) == before, verb
    assert len(await inbox.server.pending(inbox.person)) == 8, "what was read once was delivered"


@pytest.mark.parametrize("carried", [True, False], ids=["carried out", "under way"])
@pytest.mark.parametrize("verb", VERBS)
async def test_up_to(inbox: Inbox, verb: str, carried: bool) -> None:
    """What was done to all is taken back, also while it is still under way."""
    if not carried:
        hold_back(inbox.server)
    await inbox.send(*"abc")
    if verb in BEFORE:
        await inbox.do(BEFORE[verb], *"abc")

    async def shown() -> tuple[object, ...]:
        return await inbox.keys(), await inbox.keys(status="unread"), await inbox.counts()

    before = await shown()
    version = await inbox.do(verb, up_to=2, **told(verb))
    if carried:
        await inbox.carried_out()
    assert await shown() != before
    await inbox.undo(version)
    assert await shown() == before
    await inbox.carried_out()
    assert await shown() == before


@pytest.mark.parametrize("carried", [True, False], ids=["carried out", "under way"])
async def test_what_was_changed_since(inbox: Inbox, carried: bool) -> None:
    """Whatever was done to one of them since holds: only the others are taken back."""
    if not carried:
        hold_back(inbox.server)
    await inbox.send(*"abcd")
    all_read = await inbox.do("read", up_to=4)
    await inbox.do("archive", "b")
    await inbox.undo(all_read)
    if carried:
        await inbox.carried_out()
    assert await inbox.keys(status="unread") == ["d", "c", "a"]
    assert await inbox.keys(archived="only", status="read") == ["b"]
    some = await inbox.do("archive", "a", "c")
    await inbox.do("unarchive", "c")
    await inbox.do("read", "c")
    await inbox.undo(some)
    assert await inbox.keys() == ["d", "c", "a"]
    assert await inbox.keys(status="read") == ["c"]


async def test_nothing_left_to_take_back(inbox: Inbox) -> None:
    """Where everything was changed since, or undone before, nothing happens."""
    await inbox.send("a")
    version = await inbox.do("archive", "a")
    await inbox.undo(version)
    again = await inbox.post("undo", version=version)
    assert again.json() == {"version": version + 1, "changed": False}


async def test_a_change_of_keys_beneath_one_of_all(inbox: Inbox) -> None:
    """What a later change of everything has reached is no longer the former's to take back."""
    hold_back(inbox.server)
    await inbox.send(*"ab")
    archived = await inbox.do("archive", "a")
    await inbox.do("unarchive", up_to=2)
    answer = await inbox.post("undo", version=archived)
    assert answer.json()["changed"] is False
    await inbox.carried_out()
    assert await inbox.keys() == ["b", "a"]


async def test_what_cannot_be_undone(inbox: Inbox) -> None:
    """An unknown version, that of an undoing, and a withdrawal are no changes to take back."""
    await inbox.send(*"ab")
    undone = await inbox.undo(await inbox.do("read", "a"))
    withdrawn = (await inbox.withdraw("b")).json()["version"]
    for version in (0, undone, withdrawn, 99, 2**63 - 1):
        answer = await inbox.post("undo", version=version)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_change"), version


async def test_others_changes(inbox: Inbox) -> None:
    """Everybody's versions are their own."""
    bob = Inbox(inbox.server, await inbox.server.user("bob"))
    for each in (inbox, bob):
        await each.send("a")
        assert await each.do("read", "a") == 1
    await bob.undo(1)
    assert (await inbox.counts(), await bob.counts()) == ((0, 0), (1, 1))


async def test_a_snooze_that_had_been_another(inbox: Inbox) -> None:
    """A second snooze by key is taken back to the first."""
    await inbox.send("a")
    await inbox.do("snooze", "a", until=in_seconds(3600))
    before = await standing(inbox)
    await inbox.undo(await inbox.do("snooze", "a", until=in_seconds(7200)))
    assert await standing(inbox) == before
