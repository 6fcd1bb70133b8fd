"""The audit log: who did what, when and from where."""

from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.admin.base import AdminHandler, Limit, administration
from handlers.openapi.operation import operation
from notifier import clock
from notifier.models import Action, AuditEntry

T = TypeVar("T")

_DIGITS: Final = 18
"""Of an id, at most."""


class AuditQuery(msgspec.Struct, frozen=True):
    """Which entries."""

    after: (
        Annotated[
            str, Meta(pattern=rf"^[0-9]{{1,{_DIGITS}}}(?![\s\S])", description="`next` before.")
        ]
        | UnsetType
    ) = UNSET
    limit: Limit = 50
    action: Action | UnsetType = UNSET
    actor: Annotated[str, Meta(description="Such as user:admin.")] | UnsetType = UNSET
    since_id: (
        Annotated[
            int,
            Meta(
                ge=0,
                lt=10**_DIGITS,
                description="Only entries with a larger id, the oldest first: to follow.",
            ),
        ]
        | UnsetType
    ) = UNSET


class EntryResponse(msgspec.Struct, frozen=True):
    """What was done, once or again and again."""

    id: int
    action: str
    actor: Annotated[str, Meta(description="Who did it; empty for strangers.")]
    subject: Annotated[str, Meta(description="Whom or what it was done to.")]
    address: str
    details: Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
    count: Annotated[int, Meta(description="How many times, up to `last_at`.")]
    created_at: str
    last_at: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "EntryResponse":
        """``entry`` as it is told."""
        return cls(
            entry.id,
            entry.action,
            entry.actor,
            entry.subject,
            entry.address,
            msgspec.Raw(entry.details),
            entry.count,
            clock.isoformat(entry.created_at),
            clock.isoformat(entry.last_at),
        )


class AuditResponse(msgspec.Struct, frozen=True):
    """Entries, the newest first; with ``since_id`` the oldest."""

    entries: Sequence[EntryResponse]
    next: str | None


class AuditHandler(AdminHandler):
    """The audit log."""

    @operation(
        administration(
            "Read the audit log",
            query=AuditQuery,
            response=AuditResponse,
            errors={400: "A parameter is not valid."},
        )
    )
    async def get(self) -> None:
        await self.acting()
        query = self.parse_query(AuditQuery)
        since = _given(query.since_id)
        # One more, to know whether there is a next page.
        found = await self.application.identity.audit.entries(
            query.limit + 1,
            action=_given(query.action),
            actor=_given(query.actor),
            before=int(query.after) if query.after else None,
            since=since,
        )
        shown = found[: query.limit]
        more = since is None and len(found) > query.limit
        self.reply(
            AuditResponse(
                [EntryResponse.of(each) for each in shown], str(shown[-1].id) if more else None
            )
        )


def _given(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
