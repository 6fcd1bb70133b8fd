"""Pages of an inbox, its counts, and what has changed in it. Each sees one moment.

All are refused with UnknownUser where nobody has the inbox, or nobody who is active.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from notifier import clock
from notifier.errors import UnknownUser
from notifier.models import (
    ChangedKeys,
    ChangedRange,
    InboxChange,
    InboxCounts,
    InboxFilter,
    InboxItem,
    InboxNews,
    InboxPage,
    Notification,
    State,
    UndoneRange,
)
from notifier.storage.contract import Query, ReadSession, Row
from notifier.storage.operations.history import first_that_fits
from notifier.storage.operations.inbox.noting import MOST_CHANGES, UNDO
from notifier.storage.operations.inbox.ranges import (
    STATED,
    UNREAD,
    Range,
    awake,
    folded,
    shown,
    under_way,
)
from notifier.storage.tables import payload_of

_MOST_COVERED: Final = 2000
"""Notifications whose changes are told although a change of all up to a place came behind."""
_ALL_SEQS: Final = 2**63 - 1
_ITEM: Final = (
    *("user_id", "seq", "key", "payload", "created_at", "expires_at", "category", "priority"),
    *(*State._fields, "version"),
)


class PageOfInbox(Query[InboxPage], frozen=True):
    """What an inbox shows, the newest first."""

    wanted: InboxFilter

    def ask(self, session: ReadSession) -> InboxPage:
        now = clock.now()
        with session.snapshot():
            last_seq, version = _position(session, self.wanted.user_id)
            ranges = under_way(session, self.wanted.user_id)
            rows = self._places(session, ranges, now)
            more = len(rows) > self.wanted.limit
            sizes = rows[: self.wanted.limit]
            items = self._items(session, ranges, sizes)
        more |= len(items) < len(sizes)
        before = items[-1].notification.seq if more else None
        return InboxPage(last_seq, version, items, before)

    def _places(self, session: ReadSession, ranges: Sequence[Range], now: int) -> list[Row]:
        """Places in the log of those to show, and the sizes of their payloads."""
        before = _ALL_SEQS if self.wanted.before is None else self.wanted.before
        conditions = [*self._conditions(), shown(str(now))]
        if self.wanted.snoozed != "include":
            conditions.append(("NOT " if self.wanted.snoozed == "only" else "") + awake(str(now)))
        asked: list[object] = [before]
        if self.wanted.category is not None:
            conditions.append("category = ?")
            asked.append(self.wanted.category)
        listed = f"WHERE seq < ? AND {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?"
        if ranges:
            table = folded(session, self.wanted.user_id, ranges)
            return session.run(
                f"{table.prefix}SELECT seq, (SELECT length(payload) FROM notifications n "
                f"WHERE n.user_id = ? AND n.seq = folded.seq) FROM folded {listed}",
                [*table.parameters, self.wanted.user_id, *asked, self.wanted.limit + 1],
            )
        return session.run(
            f"SELECT seq, length(payload) FROM notifications {session.using(self._index)} "
            f"{listed.replace('WHERE', 'WHERE user_id = ? AND')}",
            [self.wanted.user_id, *asked, self.wanted.limit + 1],
        )

    def _conditions(self) -> list[str]:
        """What the row has to be, apart from what goes by moments."""
        wanted = self.wanted
        found = ["withdrawn_at IS NULL"]
        if wanted.status != "all":
            found.append(_is_null("read_at", wanted.status == "unread"))
        if wanted.archived != "include":
            found.append(_is_null("archived_at", wanted.archived == "exclude"))
        if wanted.snoozed == "only":
            found.append(_is_null("snoozed_until", False))
        return found

    @property
    def _index(self) -> str:
        """By which all of them are found, and few others."""
        if self.wanted.snoozed == "only":
            return "notifications_snoozed"
        if self.wanted.archived == "only":
            return "notifications_archived"
        if self.wanted.category is not None:
            return "notifications_category"
        if self.wanted.archived == "exclude" and self.wanted.status != "all":
            return f"notifications_{self.wanted.status}"
        return "notifications_place"

    def _items(
        self, session: ReadSession, ranges: Sequence[Range], sizes: list[Row]
    ) -> list[InboxItem]:
        if not sizes:
            return []
        first = first_that_fits(sizes)
        places = [seq for seq, _ in sizes if seq >= first]
        return items(session, self.wanted.user_id, ranges, places)


class Standing(Query[InboxItem | None], frozen=True):
    """A notification and where it stands, whether its inbox shows it or not."""

    user_id: int
    key: str

    def ask(self, session: ReadSession) -> InboxItem | None:
        with session.snapshot():
            row = session.first(
                "SELECT seq FROM notifications WHERE user_id = ? AND key = ?",
                (self.user_id, self.key),
            )
            if row is None:
                return None
            ranges = under_way(session, self.user_id)
            return items(session, self.user_id, ranges, (row[0],))[0]


def _is_null(column: str, null: bool) -> str:
    return f"{column} IS {'' if null else 'NOT '}NULL"


def items(
    session: ReadSession, user_id: int, ranges: Sequence[Range], places: Sequence[int]
) -> list[InboxItem]:
    """The notifications at these places, the newest first."""
    marks = ", ".join("?" * len(places))
    rows = session.run(
        f"SELECT {', '.join(_ITEM)} FROM notifications WHERE user_id = ? AND seq IN ({marks}) "
        "ORDER BY seq DESC",
        [user_id, *places],
    )
    found = [_item(row) for row in rows]
    if not ranges:
        return found
    table = folded(session, user_id, ranges, f"seq IN ({marks})", *places)
    stated = session.run(f"{table.prefix}{STATED}", table.parameters)
    standing = {seq: (State(*state), version) for seq, version, *state in stated}
    return [InboxItem(each.notification, *standing[each.notification.seq]) for each in found]


def _item(row: Row) -> InboxItem:
    *values, version = row
    notification, state = values[:8], values[8:]
    notification[3] = payload_of(notification[3])
    return InboxItem(Notification(*notification), State(*state), version)


def _position(session: ReadSession, user_id: int) -> tuple[int, int]:
    row = session.first(
        "SELECT i.last_seq, i.version FROM inboxes i LEFT JOIN users u ON u.id = i.user_id "
        "WHERE i.user_id = ? AND (u.is_active OR i.user_id < 0)",
        (user_id,),
    )
    if row is None:
        raise UnknownUser
    return row[0], row[1]


class CountInbox(Query[InboxCounts], frozen=True):
    """How many notifications of a user are unread, and unseen."""

    user_id: int

    def ask(self, session: ReadSession) -> InboxCounts:
        with session.snapshot():
            return _count(session, self.user_id, clock.now())


def _count(session: ReadSession, user_id: int, now: int) -> InboxCounts:
    last_seq, version = _position(session, user_id)
    ranges = under_way(session, user_id)
    awake_now = awake(str(now))
    counted = (
        f"SELECT coalesce(sum(CASE WHEN {awake_now} THEN 1 ELSE 0 END), 0), "
        f"coalesce(sum(CASE WHEN {awake_now} AND seen_at IS NULL THEN 1 ELSE 0 END), 0), "
        f"min(CASE WHEN snoozed_until > {now} THEN snoozed_until END), "
        # In this order: for most, what the index has is enough.
        f"min(CASE WHEN expires_at > {now} AND acked_at IS NULL THEN expires_at END) "
    )
    unread = f"{UNREAD} AND {shown(str(now))}"
    if ranges:
        table = folded(session, user_id, ranges)
        rows = session.run(f"{table.prefix}{counted}FROM folded WHERE {unread}", table.parameters)
    else:
        rows = session.run(
            f"{counted}FROM notifications {session.using('notifications_unread')} "
            f"WHERE user_id = ? AND {unread}",
            (user_id,),
        )
    ((found, unseen, wakes_at, expires_at),) = rows
    moments = [moment for moment in (wakes_at, expires_at) if moment is not None]
    return InboxCounts(
        last_seq, version, int(found), int(unseen), min(moments) if moments else None
    )


class InboxNewsSince(Query[InboxNews], frozen=True):
    """What has changed in an inbox behind a version, and its counts; None asks for these alone."""

    user_id: int
    after: int | None

    def ask(self, session: ReadSession) -> InboxNews:
        with session.snapshot():
            counts = _count(session, self.user_id, clock.now())
            changes = None
            if self.after is not None:
                changes = self._changes(session, self.after, counts.version)
            return InboxNews(counts, changes)

    def _changes(self, session: ReadSession, after: int, version: int) -> list[InboxChange] | None:
        if after >= version:
            return [] if after == version else None
        rows = session.run(
            "SELECT version, verb, created_at, up_to, category, snoozed_until, undoes, before "
            "FROM inbox_changes WHERE user_id = ? AND version > ? ORDER BY version LIMIT ?",
            (self.user_id, after, MOST_CHANGES),
        )
        if len(rows) != version - after:
            return None
        changes: list[InboxChange] = []
        keyed = [row[0] for row in rows if row[3] is None]
        covered = _covered(rows)
        if len(covered) > _MOST_COVERED:
            return None
        by_version = self._changed_keys(session, keyed, covered)
        for number, verb, created_at, up_to, category, until, undoes, _ in rows:
            if up_to is None:
                changes += by_version.get(number, [])
            elif verb == UNDO:
                changes.append(UndoneRange(number, undoes))
            else:
                changes.append(ChangedRange(number, verb, up_to, category, created_at, until))
        return changes

    def _changed_keys(
        self, session: ReadSession, versions: Sequence[int], covered: Mapping[int, int]
    ) -> dict[int, list[ChangedKeys]]:
        if not versions:
            return {}
        marks = ", ".join("?" * len(versions))
        rows = self._carried_over(session, covered) + session.run(
            f"SELECT version, key, {', '.join(State._fields)} FROM notifications "
            f"{session.using('notifications_changed')} WHERE user_id = ? AND version > 0 "
            f"AND version IN ({marks}) ORDER BY version, seq",
            [self.user_id, *versions],
        )
        alike: dict[tuple[int, State], list[str]] = {}
        for version, key, *state in rows:
            alike.setdefault((version, State(*state)), []).append(key)
        found: dict[int, list[ChangedKeys]] = {}
        for (version, where), keys in alike.items():
            found.setdefault(version, []).append(ChangedKeys(version, keys, where))
        return found

    def _carried_over(self, session: ReadSession, covered: Mapping[int, int]) -> list[Row]:
        """Rows that a change of all up to a place has changed since, with the earlier version."""
        if not covered:
            return []
        rows = session.run(
            f"SELECT seq, version, key, {', '.join(State._fields)} FROM notifications "
            f"WHERE user_id = ? AND seq IN ({', '.join('?' * len(covered))}) ORDER BY seq",
            [self.user_id, *covered],
        )
        return [
            (covered[seq], key, *state, withdrawn_at)
            for seq, version, key, *state, withdrawn_at in rows
            if version > covered[seq] and withdrawn_at is None
        ]


def _covered(changes: Sequence[Row]) -> dict[int, int]:
    """Places that were changed by key before one of all up to a place, and the last such version.

    The latter may be the rows' last change by now, and does not say all of where they stand.
    """
    last = max((version for version, _, _, up_to, *_ in changes if up_to is not None), default=0)
    return {
        seq: version
        for version, *_, before in changes
        if before is not None and version < last
        for seq, *_ in json.loads(before)
    }
