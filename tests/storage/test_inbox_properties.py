"""An inbox against a model of it, step by step, under any interleaving of what can happen."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from notifier import clock
from notifier.errors import TooManyChanges, UnknownChange
from notifier.events import InboxChanged
from notifier.models import VERBS, InboxFilter, State, Verb
from notifier.storage.contract import Operation, Query
from notifier.storage.operations.inbox.changes import ChangeKeys, ChangeUpTo, Undo
from notifier.storage.operations.inbox.ranges import MOST_RANGES, CarryOut
from notifier.storage.operations.inbox.reading import CountInbox, InboxNewsSince, PageOfInbox
from notifier.storage.operations.inbox.withdrawing import Withdraw
from notifier.storage.operations.notifications import (
    Acknowledge,
    AcknowledgeUpTo,
    Append,
    RemoveNotifications,
)
from notifier.storage.operations.users import CreateUser
from tests.storage.databases import Database, PostgresDatabase, SqliteDatabase

CATEGORIES = [None, "a", "b"]
KEPT = 50
"""Milliseconds of retention."""


class Known(msgspec.Struct):
    """What the model knows of one notification."""

    seq: int
    key: str
    expires_at: int | None
    category: str | None
    collapse_key: str | None
    state: State
    version: int = 0

    def shown(self, now: int) -> bool:
        return self.state.withdrawn_at is None and (
            self.expires_at is None or self.expires_at > now or self.state.acked_at is not None
        )

    def was_shown(self, now: int) -> bool:
        """Whether it was shown before this moment, in which more may happen."""
        acked = self.state.acked_at is not None and self.state.acked_at < now
        expired = self.expires_at is not None and self.expires_at <= now
        return self.state.withdrawn_at is None and (acked or not expired)

    def awake(self, now: int) -> bool:
        return self.state.snoozed_until is None or self.state.snoozed_until <= now

    def listed(self, now: int) -> bool:
        return self.shown(now) and self.awake(now) and self.state.archived_at is None

    def unread(self, now: int) -> bool:
        return self.listed(now) and self.state.read_at is None


def marked(state: State, verb: Verb, now: int, until: int | None) -> State:
    """``state`` after somebody has done this to all up to a place."""
    match verb:
        case "read":
            return state._replace(read_at=state.read_at or now)
        case "unread":
            return state._replace(read_at=None, seen_at=state.seen_at or state.read_at)
        case "seen":
            return state if state.read_at else state._replace(seen_at=state.seen_at or now)
        case "archive":
            return state._replace(archived_at=state.archived_at or now)
        case "unarchive":
            return state._replace(archived_at=None)
    return state._replace(snoozed_until=until)


class World(RuleBasedStateMachine):
    """One inbox, a model of it, and a clock that moves when it is told."""

    make_database: ClassVar[Callable[[Path], Database]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self.now = 1_000_000
        patch.setattr(clock, "now", lambda: self.now)
        database = type(self).make_database(Path(folder))
        self.stack.callback(database.give_back)
        driver = database.driver()
        driver.prepare()
        self.writer = self.stack.enter_context(closing(driver.writer()))
        self.reader = self.stack.enter_context(closing(driver.reader()))
        self.log: dict[str, Known] = {}
        self.last_seq = 0
        self.version = 0
        self.undoable: dict[int, dict[str, tuple[State, Verb | None]]] = {}
        self.ranges = 0

    def teardown(self) -> None:
        self.stack.close()

    def do(self, operation: Operation[Any]) -> Any:
        [outcome] = self.writer.commit([operation])
        return outcome

    def ask(self, query: Query[Any]) -> Any:
        return query.ask(self.reader)

    @initialize()
    def start(self) -> None:
        assert self.do(CreateUser("ann", "hash", is_superuser=False)).id == 1

    # What can happen.

    @rule(
        ttl=st.sampled_from([None, None, 5, 20]),
        category=st.sampled_from(CATEGORIES),
        low=st.booleans(),
        collapse_key=st.sampled_from([None, None, "x", "y"]),
    )
    def send(
        self, ttl: int | None, category: str | None, low: bool, collapse_key: str | None
    ) -> None:
        self.last_seq += 1
        key = f"k{self.last_seq}"
        priority = "low" if low else None
        outcome = self.do(
            Append(
                1,
                key,
                b"1",
                ttl,
                category=category,
                priority=priority,
                collapse_key=collapse_key,
            )
        )
        assert outcome.notification.seq == self.last_seq
        gone = [
            each
            for each in self.log.values()
            if collapse_key is not None
            and each.collapse_key == collapse_key
            and each.state.withdrawn_at is None
        ]
        assert {each.key for each in outcome.superseded} == {each.key for each in gone}
        if gone:
            self.version += 1
            for each in gone:
                self.take_back(each)
        self.log[key] = Known(
            self.last_seq,
            key,
            None if ttl is None else self.now + ttl,
            category,
            collapse_key,
            State(seen_at=self.now if low else None),
        )

    def take_back(self, each: Known) -> None:
        acked_at = each.state.acked_at or self.now
        each.state = each.state._replace(acked_at=acked_at, withdrawn_at=self.now)
        each.version = self.version

    def some(self, data: st.DataObject) -> list[str]:
        return data.draw(st.lists(st.sampled_from([*self.log, "unknown"]), min_size=1, max_size=4))

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        for key in self.some(data):
            self.do(Acknowledge(1, key))
            each = self.log.get(key)
            if each and each.state.acked_at is None and each.shown(self.now):
                each.state = each.state._replace(acked_at=self.now)

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def acknowledge_up_to(self, data: st.DataObject) -> None:
        up_to = data.draw(st.integers(0, self.last_seq))
        self.do(AcknowledgeUpTo(1, up_to))
        for each in self.log.values():
            pending = each.state.acked_at is None
            unexpired = each.expires_at is None or each.expires_at > self.now
            if each.seq <= up_to and pending and unexpired:
                each.state = each.state._replace(acked_at=self.now)

    @precondition(lambda self: self.log)
    @rule(data=st.data(), verb=st.sampled_from(VERBS), later=st.sampled_from([None, 3, 30]))
    def mark_keys(self, data: st.DataObject, verb: Verb, later: int | None) -> None:
        keys = self.some(data)
        until = None if later is None else self.now + later
        outcome = self.do(ChangeKeys(1, verb, tuple(keys), until))
        before: dict[str, tuple[State, Verb | None]] = {}
        for each in {key: self.log[key] for key in keys if key in self.log}.values():
            after = marked(each.state, verb, self.now, until)
            if verb == "read":
                after = after._replace(acked_at=after.acked_at or self.now)
            if each.shown(self.now) and after != each.state:
                before[each.key] = (each.state, None)
                each.state, each.version = after, self.version + 1
        self.count(outcome, bool(before))
        if before:
            self.undoable[self.version] = before

    def count(self, outcome: InboxChanged, changed: bool) -> None:
        self.version += changed
        assert outcome == InboxChanged(1, self.version, self.last_seq, changed)

    @precondition(lambda self: self.log)
    @rule(
        data=st.data(),
        verb=st.sampled_from(VERBS),
        category=st.sampled_from(CATEGORIES),
        later=st.sampled_from([None, 3, 30]),
    )
    def mark_up_to(
        self, data: st.DataObject, verb: Verb, category: str | None, later: int | None
    ) -> None:
        up_to = data.draw(st.integers(0, self.last_seq))
        until = None if later is None else self.now + later
        outcome = self.do(ChangeUpTo(1, verb, up_to, category, until))
        if self.is_refused(outcome):
            return
        before: dict[str, tuple[State, Verb | None]] = {}
        for each in self.log.values():
            listed = each.was_shown(self.now) and each.listed(self.now)
            if verb == "unarchive":
                listed = each.was_shown(self.now) and each.state.archived_at is not None
            after = marked(each.state, verb, self.now, until)
            chosen = each.seq <= up_to and category in (None, each.category) and listed
            if chosen and (after != each.state or verb == "snooze"):
                before[each.key] = (each.state, verb)
                each.state, each.version = after, self.version + 1
        self.count(outcome, changed=True)
        self.undoable[self.version] = before

    def is_refused(self, outcome: object) -> bool:
        if isinstance(outcome, TooManyChanges):
            assert self.ranges >= MOST_RANGES
            return True
        self.ranges += 1
        return False

    @precondition(lambda self: self.version)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(1, self.version))
        outcome = self.do(Undo(1, version))
        if version not in self.undoable:
            assert isinstance(outcome, UnknownChange)
            return
        before = self.undoable[version]
        is_range = not before or any(verb is not None for _, verb in before.values())
        if is_range and self.is_refused(outcome):
            return
        undone = False
        for key, (state, verb) in before.items():
            each = self.log.get(key)
            if each is None or each.version != version:
                continue
            undone = True
            each.version = self.version + 1
            each.state = self.undone(each.state, state, verb)
        self.count(outcome, undone or is_range)

    def undone(self, state: State, before: State, verb: Verb | None) -> State:
        match verb:
            case None:
                return before._replace(acked_at=state.acked_at)
            case "unread":  # when it was read is not kept for as many as there may be
                return state._replace(read_at=self.now)
            case "unarchive":
                return state._replace(archived_at=self.now)
            case "snooze":
                return state._replace(snoozed_until=None)
        return before._replace(acked_at=state.acked_at)

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([*self.log]))
        each = self.log[key]
        outcome = self.do(Withdraw(1, key))
        if each.state.withdrawn_at is None:
            self.version += 1
            self.take_back(each)
        assert (outcome.version, outcome.key) == (each.version, key)

    @rule(milliseconds=st.integers(1, 10))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds

    @rule()
    def carry_out(self) -> None:
        if not self.do(CarryOut(1)):
            self.ranges = 0

    @rule()
    def remove(self) -> None:
        before = self.now - KEPT
        self.do(RemoveNotifications(before, before, 1000))
        for each in list(self.log.values()):
            acked, expires = each.state.acked_at, each.expires_at
            if (acked is not None and acked < before) or (expires is not None and expires < before):
                del self.log[each.key]

    # What has to hold.

    @invariant()
    def counts_are_exact(self) -> None:
        counts = self.ask(CountInbox(1))
        unread = [each for each in self.log.values() if each.unread(self.now)]
        assert counts.unread == len(unread)
        assert counts.unseen == sum(each.state.seen_at is None for each in unread)
        assert (counts.seq, counts.version) == (self.last_seq, self.version)

    @invariant()
    def pages_are_right(self) -> None:
        page = self.ask(PageOfInbox(InboxFilter(1, archived="include", snoozed="include")))
        expected = sorted(
            (each for each in self.log.values() if each.shown(self.now)), key=lambda each: -each.seq
        )[:50]
        assert [(item.notification.key, item.state, item.version) for item in page.items] == [
            (each.key, each.state, each.version) for each in expected
        ]

    @rule(
        status=st.sampled_from(["all", "unread", "read"]),
        archived=st.sampled_from(["exclude", "include", "only"]),
        snoozed=st.sampled_from(["exclude", "include", "only"]),
        category=st.sampled_from(CATEGORIES),
        data=st.data(),
    )
    def filters_are_kept_to(
        self, status: Any, archived: Any, snoozed: Any, category: str | None, data: st.DataObject
    ) -> None:
        before = data.draw(st.integers(1, self.last_seq + 1))
        limit = data.draw(st.integers(1, 5))
        page = self.ask(
            PageOfInbox(InboxFilter(1, status, archived, snoozed, category, before, limit))
        )
        expected = [
            each.key
            for each in sorted(self.log.values(), key=lambda each: -each.seq)
            if each.shown(self.now)
            and each.seq < before
            and category in (None, each.category)
            and self.fits(status, each.state.read_at is None, ("unread", "read"))
            and self.fits(archived, each.state.archived_at is None, ("exclude", "only"))
            and self.fits(snoozed, each.awake(self.now), ("exclude", "only"))
        ]
        assert [item.notification.key for item in page.items] == expected[:limit]
        assert page.before == (page.items[-1].notification.seq if len(expected) > limit else None)

    def fits(self, wanted: str, first: bool, words: tuple[str, str]) -> bool:
        return wanted not in words or first == (wanted == words[0])

    @rule(data=st.data())
    def changes_are_told(self, data: st.DataObject) -> None:
        after = data.draw(st.integers(0, self.version))
        news = self.ask(InboxNewsSince(1, after))
        assert news.changes is not None
        versions = [change.version for change in news.changes]
        assert versions == sorted(versions)
        assert all(after < version <= self.version for version in versions)


@pytest.mark.parametrize(
    ("make_database", "examples"),
    [(SqliteDatabase, 60), (lambda _: PostgresDatabase(), 12)],
    ids=["sqlite", "postgres"],
)
def test_an_inbox_is_as_its_model(
    make_database: Callable[[Path], Database], examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, pages and filters agree with the model after every step."""
    monkeypatch.setattr(World, "make_database", staticmethod(make_database), raising=False)
    monkeypatch.setattr("notifier.storage.operations.inbox.ranges.WINDOW", 3)
    run_state_machine_as_test(
        World,
        settings=settings(max_examples=examples, stateful_step_count=40, deadline=None),
    )
