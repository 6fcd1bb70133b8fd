"""What was sent to an account or a recipient, the newest first."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.admin.base import AdminHandler, Limit, administration
from handlers.openapi.operation import operation
from notifier import clock
from notifier.errors import UnknownUser
from notifier.models import Sent
from notifier.wire import MAX_ID, Moment, moment, parse_user_id


class HistoryQuery(msgspec.Struct, frozen=True):
    """Which stretch of it."""

    after: (
        Annotated[int, Meta(ge=1, le=MAX_ID, description="`next` of the page before.")] | UnsetType
    ) = UNSET
    limit: Limit = 50


class SentBy(msgspec.Struct, frozen=True):
    """An API key."""

    id: int
    name: str


class SentNotification(msgspec.Struct, frozen=True):
    """A notification, and what has become of it."""

    key: str
    seq: int
    payload: msgspec.Raw
    created_at: Moment
    expires_at: Moment | None
    acked_at: Moment | None
    sent_by: Annotated[SentBy | None, Meta(description="The API key, if it was one.")]

    @classmethod
    def of(cls, sent: Sent) -> "SentNotification":
        """``sent`` as superusers see it."""
        stored = sent.notification
        return cls(
            key=stored.key,
            seq=stored.seq,
            payload=msgspec.Raw(stored.payload),
            created_at=clock.isoformat(stored.created_at),
            expires_at=moment(stored.expires_at),
            acked_at=moment(sent.acked_at),
            sent_by=SentBy(sent.key_id, sent.key_name) if sent.key_id and sent.key_name else None,
        )


class HistoryResponse(msgspec.Struct, frozen=True):
    """Notifications, the newest first."""

    notifications: Sequence[SentNotification]
    next: str | None


class HistoryHandler(AdminHandler):
    """Of anybody who has a log."""

    async def show(self, number: int) -> None:
        """Answer with a page of the log of this number."""
        query = self.parse_query(HistoryQuery)
        page = await self.application.notifications.history(
            number, query.after or None, query.limit
        )
        notifications = [SentNotification.of(each) for each in page.sent]
        following = None if page.before is None else str(page.before)
        self.reply(HistoryResponse(notifications, following))


class UserHistoryHandler(HistoryHandler):
    """Of an account."""

    @operation(
        administration(
            "List what was sent to a user",
            query=HistoryQuery,
            response=HistoryResponse,
            errors={
                400: "The id is not a number, or a parameter is not valid.",
                404: "There is no user with this id.",
            },
            ids={"user_id": "The id of an account."},
        )
    )
    async def get(self, user_id: str) -> None:
        await self.acting()
        number = parse_user_id(user_id)
        if number is None:
            raise UnknownUser
        user = await self.application.identity.accounts.get(number)
        await self.show(user.id)
