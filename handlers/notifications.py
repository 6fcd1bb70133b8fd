"""Notifications one by one: sent, taken back, and what has become of them."""

from typing import Annotated

import msgspec
from tornado.web import HTTPError

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation, operation
from handlers.pages import AssetHandler
from notifier.errors import InvalidField
from notifier.inbox_wire import ReceiptResponse
from notifier.sending.authority import Credentials
from notifier.wire import (
    Key,
    NamedInAddress,
    SendRequest,
    SendResponse,
    StoredKey,
    check_key,
    check_stored_key,
)

_HeaderKey = Annotated[Key, msgspec.Meta(description="The same as `key` in the body.")]


class NotificationQuery(NamedInAddress, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notification, and whose."""

    key: StoredKey


class WithdrawResponse(msgspec.Struct, frozen=True):
    """What was taken back."""

    key: str
    seq: int
    version: Annotated[int, msgspec.Meta(description="The number of this change of the inbox.")]


class NotificationsHandler(AssetHandler):
    """The page; and the notifications that it shows, to take them back."""

    @operation(Operation("The page", "notifications"))
    async def get(self, path: str = "", include_body: bool = True) -> None:
        await super().get(path, include_body)

    @operation(
        Operation(
            "Withdraw a notification",
            "notifications",
            query=NotificationQuery,
            response=WithdrawResponse,
            errors={
                400: "A parameter is missing or not valid.",
                401: "Bring an API key or a superuser's access token.",
                403: "The API key lacks the scope `withdraw` or is for other users, or the "
                "access token is no superuser's.",
                404: "There is no such notification.",
                503: "Try again later.",
            },
            security=("apiKey", "accessToken"),
        )
    )
    async def delete(self) -> None:
        authority = await self.application.senders.authorize_for(self.credentials, "withdraw")
        query = self.parse_query(NotificationQuery)
        withdrawn = await self.application.notifications.withdraw(
            await self.number_of(query, authority), check_stored_key(query.key)
        )
        self.reply(WithdrawResponse(withdrawn.key, withdrawn.seq, withdrawn.version))

    def compute_etag(self) -> str | None:
        return None if self.request.method == "DELETE" else super().compute_etag()


class ReceiptHandler(ApiHandler):
    """What has become of a notification."""

    @operation(
        Operation(
            "What has become of a notification",
            "notifications",
            query=NotificationQuery,
            response=ReceiptResponse,
            errors={
                400: "A parameter is missing or not valid.",
                401: "Bring an API key or a superuser's access token.",
                403: "The API key lacks the scope `receipts` or is for other users, or the "
                "access token is no superuser's.",
                404: "There is no such notification, or it has been removed.",
                503: "Try again later.",
            },
            security=("apiKey", "accessToken"),
        )
    )
    async def get(self) -> None:
        authority = await self.application.senders.authorize_for(self.credentials, "receipts")
        query = self.parse_query(NotificationQuery)
        user_id = await self.number_of(query, authority)
        item = await self.application.inboxes.standing(user_id, check_stored_key(query.key))
        self.reply(ReceiptResponse.of(item))


class SendHandler(ApiHandler):
    """Accept one notification for one user."""

    takes_payload = True

    @operation(
        Operation(
            "Send a notification",
            "notifications",
            SendRequest,
            SendResponse,
            errors={
                401: "No right to send: bring an API key or a superuser's access token.",
                403: "The API key lacks the scope `send` or is for other users, or the access "
                "token is no superuser's.",
                404: "There is no active user with this id.",
                409: "The key was used before with another payload.",
                429: "As much is pending for this user as may be, or this sender or address sends "
                "more than it may: later, with the same key.",
                503: "Nothing was promised: send again, with the same key.",
            },
            security=("apiKey", "accessToken"),
            optional_security=True,
            headers={"Idempotency-Key": _HeaderKey},
            example={"user_id": 1, "payload": {"additionalProp1": "string"}},
        )
    )
    async def post(self) -> None:
        credentials = self.credentials
        if credentials.from_this_machine is None:
            from_here = await self.application.this_machine.ask(self.request)
            credentials = Credentials(from_this_machine=from_here)
        sender = await self.application.senders.authorize(credentials)
        request = self._with_header_key(self.parse(SendRequest))
        if self.application.proxies.has_given_up(self.request):
            raise HTTPError(408)
        appended = await self.application.notifications.send(request, sender)
        if appended.replayed:
            self.set_header("Idempotency-Replayed", "true")
        self.reply(SendResponse.of(appended, request))

    def _with_header_key(self, request: SendRequest) -> SendRequest:
        key = self.header_text("Idempotency-Key")
        if key is None and request.key is None:
            key = self.application.proxies.request_id(self.request)
        if key is None:
            return request
        if request.key not in (None, key):
            raise InvalidField("key", "Differs from the Idempotency-Key header.")
        return msgspec.structs.replace(request, key=check_key(key))
