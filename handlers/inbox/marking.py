"""What people do with their notifications, and how they take it back."""

from typing import ClassVar

from handlers.inbox.base import InboxHandler, WhoseQuery, inbox_operation
from handlers.openapi.operation import Operation, operation
from notifier.events import InboxChanged
from notifier.inbox_wire import ChangeRequest, ChangeResponse, SnoozeRequest, UndoRequest
from notifier.models import Verb

_TOO_MANY = {429: "The inbox is changed too often, or as a whole before that was carried out."}


def _marking(summary: str, request: type = ChangeRequest) -> Operation:
    return inbox_operation(
        summary, query=WhoseQuery, request=request, response=ChangeResponse, errors=_TOO_MANY
    )


class _MarkHandler(InboxHandler):
    """Does one thing with some notifications, or with all that is shown up to a place."""

    verb: ClassVar[Verb]
    form: ClassVar[type[ChangeRequest]] = ChangeRequest
    takes_payload = True  # a hundred long keys are more than a small body holds

    async def mark(self) -> None:
        """Do it and answer."""
        whose = await self.whose(self.parse_query(WhoseQuery))
        request = self.parse(self.form)
        self.tell(await self.application.inboxes.change(whose, self.verb, request))

    def tell(self, changed: InboxChanged) -> None:
        """Answer with the version of the change."""
        self.reply(ChangeResponse(changed.version, changed.changed))


class ReadHandler(_MarkHandler):
    """They were read."""

    verb = "read"

    @operation(_marking("Mark notifications as read"))
    async def post(self) -> None:
        await self.mark()


class UnreadHandler(_MarkHandler):
    """They are to be read again."""

    verb = "unread"

    @operation(_marking("Mark notifications as unread"))
    async def post(self) -> None:
        await self.mark()


class SeenHandler(_MarkHandler):
    """They were on a screen."""

    verb = "seen"

    @operation(_marking("Mark notifications as seen"))
    async def post(self) -> None:
        await self.mark()


class ArchiveHandler(_MarkHandler):
    """They are put away."""

    verb = "archive"

    @operation(_marking("Archive notifications"))
    async def post(self) -> None:
        await self.mark()


class UnarchiveHandler(_MarkHandler):
    """They are back."""

    verb = "unarchive"

    @operation(_marking("Bring notifications back from the archive"))
    async def post(self) -> None:
        await self.mark()


class SnoozeHandler(_MarkHandler):
    """They are put off."""

    verb = "snooze"
    form = SnoozeRequest

    @operation(_marking("Put notifications off", SnoozeRequest))
    async def post(self) -> None:
        await self.mark()


class UndoHandler(_MarkHandler):
    """A change is taken back."""

    @operation(
        inbox_operation(
            "Undo a change",
            query=WhoseQuery,
            request=UndoRequest,
            response=ChangeResponse,
            errors=_TOO_MANY | {404: "There is no such user, or no such change any more."},
        )
    )
    async def post(self) -> None:
        whose = await self.whose(self.parse_query(WhoseQuery))
        request = self.parse(UndoRequest)
        self.tell(await self.application.inboxes.undo(whose, request.version))
