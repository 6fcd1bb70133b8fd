"""The JSON of the inbox: frames for devices that asked for events, pages, changes, requests.

A change is told with all that it makes true of a notification, so that hearing of it twice does
no harm. Moments are RFC 3339, UTC; null where a thing did not happen.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from notifier import clock
from notifier.errors import InvalidField
from notifier.models import (
    ChangedKeys,
    ChangedRange,
    InboxChange,
    InboxCounts,
    InboxItem,
    InboxNews,
    InboxPage,
    Notification,
    State,
    Verb,
)
from notifier.wire import (
    MAX_ID,
    Category,
    Moment,
    ServerNotification,
    StoredKey,
    encode,
    moment,
    text_frame,
)

MOST_KEYS: Final = 100
"""Notifications that one request names."""
MAX_SNOOZE: Final = 366 * clock.DAY
"""Milliseconds for which a notification may be put off."""

MOMENT: Final = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)"
"""What a moment looks like, as a regular expression: RFC 3339 with its time zone."""

Seq = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_ID,
        description="A place in the user's log.",
        extra={"expected": "a seq, a whole number"},
    ),
]
Version = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_ID,
        description="The number of a change.",
        extra={"expected": "a version, a whole number"},
    ),
]
Keys = Annotated[
    list[StoredKey],
    Meta(
        min_length=1,
        max_length=MOST_KEYS,
        extra={"expected": f"a list of 1 to {MOST_KEYS} keys of notifications"},
    ),
]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed: some keys, all that was shown up to a place, or such a change undone."""

    version: int
    keys: (
        Annotated[Sequence[str], Meta(description="Where these stand now, in full.")] | UnsetType
    ) = UNSET
    up_to: (
        Annotated[int, Meta(description="What holds now of all that the inbox showed up to there.")]
        | UnsetType
    ) = UNSET
    changed_at: (
        Annotated[str, Meta(description="RFC 3339, UTC: when the inbox showed what `up_to` means.")]
        | UnsetType
    ) = UNSET
    category: Annotated[str, Meta(description="Of that category alone.")] | UnsetType = UNSET
    undone: (
        Annotated[int, Meta(description="The version of a change `up_to` that no longer holds.")]
        | UnsetType
    ) = UNSET
    acked_at: Moment | UnsetType | None = UNSET
    seen_at: Moment | UnsetType | None = UNSET
    read_at: Moment | UnsetType | None = UNSET
    archived_at: Moment | UnsetType | None = UNSET
    snoozed_until: Moment | UnsetType | None = UNSET
    withdrawn_at: Moment | UnsetType | None = UNSET


_FIELDS: Final[dict[Verb, str]] = {
    "read": "read_at",
    "unread": "read_at",
    "seen": "seen_at",
    "archive": "archived_at",
    "unarchive": "archived_at",
    "snooze": "snoozed_until",
}
_CLEARING: Final = ("unread", "unarchive")


def _moments(state: State) -> dict[str, Any]:
    # Whoever has read it has seen it.
    state = state._replace(seen_at=state.seen_at or state.read_at)
    return {name: moment(value) for name, value in state._asdict().items()}


def _change(change: InboxChange) -> Change:
    if isinstance(change, ChangedKeys):
        moments = _moments(change.state)
        return Change(version=change.version, keys=change.keys, **moments)
    if isinstance(change, ChangedRange):
        since = change.snoozed_until if change.verb == "snooze" else change.changed_at
        value = None if change.verb in _CLEARING else moment(since)
        return Change(
            version=change.version,
            up_to=change.up_to,
            changed_at=clock.isoformat(change.changed_at),
            category=UNSET if change.category is None else change.category,
            **dict[str, Any]({_FIELDS[change.verb]: value}),
        )
    return Change(version=change.version, undone=change.undone)


# Frames.


class InboxStateFrame(msgspec.Struct, frozen=True, tag="inbox_state", tag_field="type"):
    """Server → client: how many are unread, at exactly this position."""

    unread: int
    unseen: int
    seq: int
    version: int

    @classmethod
    def of(cls, counts: InboxCounts) -> "InboxStateFrame":
        """``counts`` as a frame."""
        return cls(counts.unread, counts.unseen, counts.seq, counts.version)


class InboxChangedFrame(msgspec.Struct, frozen=True, tag="inbox_changed", tag_field="type"):
    """Server → client: what has changed up to a version, and how many are unread since."""

    version: int
    seq: int
    unread: int
    unseen: int
    changes: Sequence[Change]

    @classmethod
    def of(cls, news: InboxNews) -> "InboxChangedFrame":
        """``news`` as a frame."""
        counts = news.counts
        changes = [_change(change) for change in news.changes or ()]
        return cls(counts.version, counts.seq, counts.unread, counts.unseen, changes)


class WithdrawnFrame(msgspec.Struct, frozen=True, tag="notification_withdrawn", tag_field="type"):
    """Server → client: a notification is taken back. Whoever shows it does so no longer."""

    key: str
    version: int


InboxMessage = InboxStateFrame | InboxChangedFrame | WithdrawnFrame


def withdrawn_frames(changes: Sequence[InboxChange]) -> Iterator[WithdrawnFrame]:
    """A frame for each notification that was withdrawn."""
    for change in changes:
        if isinstance(change, ChangedKeys) and change.state.withdrawn_at is not None:
            for key in change.keys:
                yield WithdrawnFrame(key, change.version)


class InboxNotification(
    ServerNotification, frozen=True, tag="server_notification", tag_field="type", gc=False
):
    """Server → client: one notification, with what only an inbox wants to know."""

    expires_at: str | None
    category: str | None
    priority: str


def inbox_frame(notification: Notification) -> bytes:
    """``notification`` as a complete WebSocket frame for those who asked for events."""
    message = encode(
        InboxNotification(
            notification.key,
            msgspec.Raw(notification.payload),
            notification.seq,
            clock.isoformat(notification.created_at),
            moment(notification.expires_at),
            notification.category,
            notification.priority or "normal",
        )
    )
    return text_frame(message)


# HTTP.


class InboxItemResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A notification as its user's inbox has it."""

    key: str
    seq: int
    payload: msgspec.Raw
    category: str | None
    priority: str
    version: Annotated[int, Meta(description="Of its last change of state; 0 if there was none.")]
    created_at: Moment
    expires_at: Moment | None
    acked_at: Moment | None
    seen_at: Moment | None
    read_at: Moment | None
    archived_at: Moment | None
    snoozed_until: Moment | None

    @classmethod
    def of(cls, item: InboxItem) -> "InboxItemResponse":
        """``item`` as its user sees it."""
        found = item.notification
        moments = _moments(item.state)
        del moments["withdrawn_at"]
        return cls(
            key=found.key,
            seq=found.seq,
            payload=msgspec.Raw(found.payload),
            category=found.category,
            priority=found.priority or "normal",
            version=item.version,
            created_at=clock.isoformat(found.created_at),
            expires_at=moment(found.expires_at),
            **moments,
        )


class ReceiptResponse(msgspec.Struct, frozen=True):
    """What has become of a notification: when each thing happened, null where it did not."""

    key: str
    seq: int
    accepted_at: Moment
    acked_at: Annotated[Moment | None, Meta(description="A device has acknowledged it.")]
    seen_at: Moment | None
    read_at: Moment | None
    withdrawn_at: Moment | None
    expired_at: Annotated[
        Moment | None, Meta(description="Its time was over before any device acknowledged it.")
    ]

    @classmethod
    def of(cls, item: InboxItem) -> "ReceiptResponse":
        """What ``item`` says now."""
        found, state = item.notification, item.state
        if state.acked_at == state.withdrawn_at:
            # Who withdraws what was not acknowledged settles it with that.
            state = state._replace(acked_at=None)
        expired = state.acked_at is None and state.withdrawn_at is None
        expired = expired and found.expired(clock.now())
        moments = _moments(state)
        return cls(
            key=found.key,
            seq=found.seq,
            accepted_at=clock.isoformat(found.created_at),
            expired_at=moment(found.expires_at if expired else None),
            **{name: moments[name] for name in ("acked_at", "seen_at", "read_at", "withdrawn_at")},
        )


class InboxResponse(msgspec.Struct, frozen=True):
    """A stretch of an inbox, the newest first, as it was at a position."""

    items: Sequence[InboxItemResponse]
    before: Annotated[
        int | None, Meta(description="For the next page; null behind the last notification.")
    ]
    seq: int
    version: int

    @classmethod
    def of(cls, page: InboxPage) -> "InboxResponse":
        """``page`` as its user sees it."""
        return cls(
            [InboxItemResponse.of(item) for item in page.items],
            page.before,
            page.seq,
            page.version,
        )


class CountResponse(msgspec.Struct, frozen=True):
    """How many are unread, at exactly this position."""

    unread: int
    unseen: int
    seq: int
    version: int

    @classmethod
    def of(cls, counts: InboxCounts) -> "CountResponse":
        """``counts`` as their user sees them."""
        return cls(counts.unread, counts.unseen, counts.seq, counts.version)


class ChangesResponse(msgspec.Struct, frozen=True):
    """What has changed behind a version, and how many are unread since."""

    changes: Sequence[Change]
    unread: int
    unseen: int
    seq: int
    version: int

    @classmethod
    def of(cls, news: InboxNews) -> "ChangesResponse":
        """``news`` as its user sees it."""
        counts = news.counts
        changes = [_change(change) for change in news.changes or ()]
        return cls(changes, counts.unread, counts.unseen, counts.seq, counts.version)


class ChangeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notifications it is about: some keys, or all that is shown up to a place."""

    choices: ClassVar[Mapping[str, Any]] = {
        "anyOf": [
            {
                "required": ["keys"],
                "properties": {"up_to": {"not": {}}, "category": {"type": "null"}},
            },
            {"required": ["up_to"], "properties": {"keys": {"not": {}}}},
        ]
    }
    """The same as JSON Schema."""

    keys: Keys | UnsetType = UNSET
    up_to: Seq | UnsetType = UNSET
    category: Category | None = None


class SnoozeRequest(ChangeRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notifications are put off, and until when."""

    until: Annotated[
        datetime | None,
        Meta(
            description="RFC 3339 with a time zone, within a year; null brings them back at once.",
            extra={"expected": "a moment such as 2026-12-31T12:00:00Z, or null"},
            extra_json_schema={"pattern": rf"^{MOMENT}(?![\s\S])"},
        ),
    ]


class UndoRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which change is to be undone."""

    version: Version


class ChangeResponse(msgspec.Struct, frozen=True):
    """The version of the change, by which it can be undone."""

    version: int
    changed: Annotated[
        bool,
        Meta(description="False if there was nothing to change; `version` is an earlier one then."),
    ]


def check_until(until: datetime | None) -> int | None:
    """``until`` in milliseconds since the epoch. Raises InvalidField."""
    if until is None:
        return None
    if until.tzinfo is None:
        raise InvalidField("until", "A time zone is missing, such as Z.")
    milliseconds = int(until.timestamp() * clock.SECOND)
    if not 0 < milliseconds - clock.now() <= MAX_SNOOZE:
        raise InvalidField("until", "Expected a moment within the next year.")
    return milliseconds
