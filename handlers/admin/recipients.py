"""Users of the application: find them, see what was sent to them, and delete them."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from handlers.admin.base import AdminHandler, OnlineResponse, PageQuery, Pending, administration
from handlers.admin.history import HistoryHandler, HistoryQuery, HistoryResponse
from handlers.openapi.operation import operation
from notifier import clock
from notifier.errors import InvalidField
from notifier.models import Online, Recipient
from notifier.wire import MAX_NAME_LENGTH, Moment, check_name


class RecipientsQuery(PageQuery, frozen=True):
    """Which recipients."""

    search: Annotated[
        str,
        Meta(
            max_length=MAX_NAME_LENGTH,
            description="The beginning of a name, in any case.",
        ),
    ] = ""


class AdminRecipient(msgspec.Struct, frozen=True):
    """A user of the application as superusers see them."""

    user: str
    created_at: Moment
    online: OnlineResponse | None
    pending: Pending

    @classmethod
    def of(cls, recipient: Recipient, online: Online | None, pending: int) -> "AdminRecipient":
        """``recipient``, who has so many pending notifications."""
        return cls(
            recipient.name,
            clock.isoformat(recipient.created_at),
            OnlineResponse.of(online),
            pending,
        )


class RecipientsResponse(msgspec.Struct, frozen=True):
    """Recipients in the order of their names."""

    recipients: Sequence[AdminRecipient]
    next: str | None


_NO_SUCH_NAME: Final = {400: "Nobody can have this name.", 404: "There is no user of this name."}
_WHO: Final = {"user": "What the application calls the user, percent-encoded."}


class RecipientsHandler(AdminHandler):
    """All recipients."""

    @operation(
        administration(
            "List users of the application",
            query=RecipientsQuery,
            response=RecipientsResponse,
            errors={400: "A parameter is not valid."},
        )
    )
    async def get(self) -> None:
        await self.acting()
        query = self.parse_query(RecipientsQuery)
        found, following = await self.application.identity.recipients.page(
            query.search, query.after or None, query.limit
        )
        self.reply(RecipientsResponse(await self._described(found), following))

    async def _described(self, recipients: Sequence[Recipient]) -> list[AdminRecipient]:
        """``recipients`` with what is going on with them."""
        online, pending = await self.going_on([recipient.number for recipient in recipients])
        return [
            AdminRecipient.of(each, online.get(each.number), pending[each.number])
            for each in recipients
        ]


class _NameHandler(AdminHandler):
    """A path that ends with a name."""

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Strictly: what stands for what is no UTF-8 could be somebody's name."""
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InvalidField(name or "user", "Not valid UTF-8.") from None

    async def named(self, user: str) -> Recipient:
        """The recipient of this name. Raises InvalidField or UnknownUser."""
        return await self.application.identity.recipients.get(check_name(user))


class RecipientHandler(_NameHandler):
    """One recipient."""

    @operation(
        administration(
            "Delete a user of the application, with everything that was kept for them",
            success=204,
            errors=_NO_SUCH_NAME,
            names=_WHO,
        )
    )
    async def delete(self, user: str) -> None:
        actor = await self.acting()
        recipient = await self.named(user)
        await self.application.removal.remove(recipient.number, actor)
        self.done()


class RecipientHistoryHandler(_NameHandler, HistoryHandler):
    """What was sent to one recipient."""

    @operation(
        administration(
            "List what was sent to a user of the application",
            query=HistoryQuery,
            response=HistoryResponse,
            errors=_NO_SUCH_NAME,
            names=_WHO,
        )
    )
    async def get(self, user: str) -> None:
        await self.acting()
        await self.show((await self.named(user)).number)
