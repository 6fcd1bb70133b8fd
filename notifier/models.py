"""The domain's nouns. Moments are milliseconds since the epoch, UTC."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

import msgspec

Scope = Literal["send", "identity", "inbox", "withdraw", "receipts", "revoke", "metrics"]
"""What an API key may be for: to send to anyone, to let anyone of its choice connect, …"""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SEND_ONLY: Final[tuple[Scope, ...]] = ("send",)


WhoseUsers = Literal["accounts", "external", "both"]
"""Whose users there are, as the setting says: ours, those of the application, or both."""


Priority = Literal["low", "normal", "high", "urgent"]
"""How much a notification wants to be noticed: what is low makes no sound, toast or badge."""

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)

Verb = Literal["read", "unread", "seen", "archive", "unarchive", "snooze"]
"""What somebody can do with notifications of their inbox."""

VERBS: Final[tuple[Verb, ...]] = get_args(Verb)


class Notification(msgspec.Struct, frozen=True, gc=False):
    """One entry of one user's log."""

    user_id: int
    seq: int
    """Its place in the user's log: 1, 2, 3 …, in the order of commits, without holes."""
    key: str
    """Its identity, unique per user: given by the sender, or made by the server."""
    payload: bytes
    """The sender's JSON value, byte for byte."""
    created_at: int
    expires_at: int | None = None
    category: str | None = None
    """What it is about, in the sender's words."""
    priority: Priority | None = None
    """None is normal."""

    def expired(self, moment: int) -> bool:
        """Whether it must no longer be delivered at ``moment``."""
        return self.expires_at is not None and self.expires_at <= moment


class Sent(msgspec.Struct, frozen=True):
    """A notification, what has become of it, and which API key sent it, if one did."""

    notification: Notification
    acked_at: int | None
    key_id: int | None
    key_name: str | None


class SentPage(msgspec.Struct, frozen=True):
    """A stretch of what was sent to somebody, the newest first."""

    sent: Sequence[Sent]
    before: int | None
    """Before which ``seq`` the next page goes on; None behind the last one."""


class State(NamedTuple):
    """Where a notification stands in its user's inbox: when each thing happened, if it did."""

    acked_at: int | None = None
    """When a device had it: delivered."""
    seen_at: int | None = None
    """When it was on a screen, if that was before it was read."""
    read_at: int | None = None
    archived_at: int | None = None
    snoozed_until: int | None = None
    withdrawn_at: int | None = None


class InboxItem(msgspec.Struct, frozen=True):
    """A notification as its user's inbox has it."""

    notification: Notification
    state: State
    version: int
    """Of its last change of state; 0 if there was none."""


class InboxPosition(msgspec.Struct, frozen=True):
    """How far a user's log goes, and how far the changes to it."""

    seq: int
    """The last place in the log."""
    version: int
    """The number of the last change of state."""


class InboxCounts(InboxPosition, frozen=True):
    """How many notifications an inbox shows as unread, at exactly this position."""

    unread: int
    unseen: int
    """How many of them were never on a screen."""
    changes_at: int | None
    """When time alone may change that for the first time, as far as is known."""


class InboxPage(InboxPosition, frozen=True):
    """A stretch of an inbox, the newest first."""

    items: Sequence[InboxItem]
    before: int | None
    """Before which ``seq`` the next page goes on; None behind the last one."""


InboxStatus = Literal["all", "unread", "read"]
Which = Literal["exclude", "include", "only"]


class InboxFilter(msgspec.Struct, frozen=True):
    """What to show of an inbox: at most ``limit``, fewer where payloads are large."""

    user_id: int
    status: InboxStatus = "all"
    archived: Which = "exclude"
    snoozed: Which = "exclude"
    category: str | None = None
    before: int | None = None
    """What is older than this ``seq``."""
    limit: int = 50


class ChangedKeys(msgspec.Struct, frozen=True):
    """Where some notifications stand since a change, if there was none to them afterwards."""

    version: int
    keys: Sequence[str]
    state: State


class ChangedRange(msgspec.Struct, frozen=True):
    """A change of everything that an inbox showed up to a ``seq``."""

    version: int
    verb: Verb
    up_to: int
    category: str | None
    changed_at: int
    snoozed_until: int | None


class UndoneRange(msgspec.Struct, frozen=True):
    """The end of such a change: what it did is undone wherever nothing was done since."""

    version: int
    undone: int
    """The version of the change."""


InboxChange = ChangedKeys | ChangedRange | UndoneRange


class InboxNews(msgspec.Struct, frozen=True):
    """What has changed behind a version, and how many are unread since."""

    counts: InboxCounts
    changes: Sequence[InboxChange] | None
    """In the order of versions; None where that is too long ago."""


class User(msgspec.Struct, frozen=True):
    """Someone who receives notifications; a superuser may also send and administer."""

    id: int
    username: str
    password_hash: str
    is_active: bool
    is_superuser: bool
    token_version: int
    """Tokens that were issued under another version are no longer valid."""
    created_at: int

    @property
    def actor(self) -> str:
        """What the audit log calls them."""
        return f"user:{self.username}"


class Recipient(msgspec.Struct, frozen=True):
    """Someone whom the application knows by a name of its own, and who has no account here."""

    number: int
    """Whose log it is, in place of a user's id: below zero, and never on the wire."""
    name: str
    token_version: int
    """Tokens of an earlier version are no longer valid: their version is when they were issued."""
    created_at: int


class Session(msgspec.Struct, frozen=True):
    """A browser in which somebody has signed in."""

    id: int
    user_id: int
    nonce: bytes
    """Tells it from any other that ever had this id. Never leaves the server."""
    issued: int
    """The count of the newest cookie that was given for it."""
    address: str
    """From where it was last used."""
    user_agent: str
    created_at: int
    used_at: int
    expires_at: int
    """When it ends at the latest."""
    ends_at: int
    """When it ends unless it is used before."""


class Online(msgspec.Struct, frozen=True):
    """Somebody who is connected."""

    sockets: int
    since: int
    """When the first of their devices came."""


class ApiKey(msgspec.Struct, frozen=True):
    """A program's rights. The key itself is shown once and never stored."""

    id: int
    name: str
    scopes: tuple[str, ...]
    """What it may be used for, of :data:`SCOPES`; a newer program may have stored others."""
    created_at: int
    revoked_at: int | None = None
    user_prefix: str | None = None
    """Only recipients whose name begins with it may be named, and no account."""
    rate: int | None = None
    """Sends a second, in place of those of the settings."""
    expires_at: int | None = None
    last_used_at: int | None = None
    """As last stored: servers do that once a minute."""

    def expired(self, moment: int) -> bool:
        """Whether it is no longer valid at ``moment``."""
        return self.expires_at is not None and self.expires_at <= moment


class KeyUse(msgspec.Struct):
    """When an API key was used that was not used before, or not since that was last stored."""

    key_id: int
    address: str
    """Of the client who was the first."""
    first_at: int
    last_at: int


Action = Literal[
    "started",
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "signed_out_everywhere",
    "session_ended",
    "password_changed",
    "user_created",
    "user_renamed",
    "user_promoted",
    "user_demoted",
    "user_activated",
    "user_deactivated",
    "user_deleted",
    "user_revoked",
    "key_created",
    "key_first_used",
    "key_rotated",
    "key_revoked",
    "secret_rotated",
]
"""What the audit log records."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and from where."""

    name: str
    """``user:NAME``, ``key:NAME``, ``cli:NAME`` of an account of the machine, or ``server``."""
    address: str = ""
    """Of the client, if it came over HTTP."""


THE_SERVER: Final = Actor("server")
"""Nobody asked it to."""


class AuditEntry(msgspec.Struct, frozen=True):
    """One row of the audit log."""

    id: int
    action: str
    """One of :data:`Action`, or one of a later release."""
    actor: str
    """The name of an :class:`Actor`; empty for strangers."""
    subject: str
    """Whom or what it was done to: ``user:NAME``, ``key:NAME`` and so on, or nothing."""
    address: str
    details: str
    """A JSON object."""
    count: int
    """How many times it happened."""
    created_at: int
    last_at: int
    """When it happened for the last time."""


class UserChange(msgspec.Struct, frozen=True):
    """A user was deactivated or got new credentials: connections with older tokens must end."""

    id: int
    user_id: int
    reason: str
    version: int | None
    """The version that the user's tokens need by now; None if the user is gone."""
    session: int | None = None
    """The one session that has ended, if the others go on."""


class Page(msgspec.Struct, frozen=True):
    """A stretch of a user's pending notifications, none behind ``last_seq``."""

    notifications: Sequence[Notification]
    last_seq: int
    """The last place in the user's log, whatever has become of it."""
    complete: bool
    """Whether nothing pending lies behind these notifications, up to ``last_seq``."""


class Authority(msgspec.Struct, frozen=True):
    """Who may do something, and to whom."""

    actor: Actor
    user_prefix: str | None = None
    """Only recipients whose name begins with it may be named, and no account."""


class Sender(msgspec.Struct, frozen=True):
    """On whose authority something is appended. Checked in the very transaction."""

    digest: bytes | None = None
    """The digest of an API key, which must still be active and have the scope ``send``."""
    only_while_open: bool = False
    """Nobody in particular: refused as soon as a first API key has been made."""
    user_prefix: str | None = None
    """Only recipients whose name begins with it may be named, and no account."""


TRUSTED = Sender()
"""Authority was established elsewhere: a superuser, or RabbitMQ's own access control."""

ANYONE = Sender(only_while_open=True)
