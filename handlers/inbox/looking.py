"""Pages of an inbox, how many are unread, and what has changed."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from handlers.inbox.base import InboxHandler, WhoseQuery, inbox_operation
from handlers.openapi.operation import operation
from notifier.inbox_wire import ChangesResponse, CountResponse, InboxResponse, Seq, Version
from notifier.models import InboxFilter, InboxStatus, Which
from notifier.wire import Category

_BAD_PARAMETER = {400: "A parameter is not valid."}


class InboxQuery(WhoseQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show of an inbox."""

    status: InboxStatus = "all"
    archived: Annotated[Which, Meta(description="Those that were put away.")] = "exclude"
    snoozed: Annotated[Which, Meta(description="Those that are put off.")] = "exclude"
    category: Category | UnsetType = UNSET
    before: (
        Annotated[Seq, Meta(description="`before` of the page before: what is older.")] | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class InboxPageHandler(InboxHandler):
    """What an inbox shows, the newest first."""

    @operation(
        inbox_operation(
            "List notifications, the newest first",
            query=InboxQuery,
            response=InboxResponse,
            errors=_BAD_PARAMETER,
        )
    )
    async def get(self) -> None:
        query = self.parse_query(InboxQuery)
        page = await self.application.inboxes.page(
            InboxFilter(
                await self.whose(query),
                query.status,
                query.archived,
                query.snoozed,
                query.category or None,
                None if query.before is UNSET else query.before,
                query.limit,
            )
        )
        self.reply(InboxResponse.of(page))


class CountHandler(InboxHandler):
    """How many are unread."""

    @operation(
        inbox_operation(
            "Count what is unread",
            query=WhoseQuery,
            response=CountResponse,
            errors=_BAD_PARAMETER,
        )
    )
    async def get(self) -> None:
        whose = await self.whose(self.parse_query(WhoseQuery))
        self.reply(CountResponse.of(await self.application.inboxes.count(whose)))


class ChangesQuery(WhoseQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since when."""

    after: Version


class ChangesHandler(InboxHandler):
    """What has changed, for those who were away."""

    @operation(
        inbox_operation(
            "List what has changed behind a version",
            query=ChangesQuery,
            response=ChangesResponse,
            errors=_BAD_PARAMETER | {410: "That is too long ago: load the inbox anew."},
        )
    )
    async def get(self) -> None:
        query = self.parse_query(ChangesQuery)
        whose = await self.whose(query)
        self.reply(ChangesResponse.of(await self.application.inboxes.changes(whose, query.after)))
