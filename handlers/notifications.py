"""Notifications: sent, one or many at once, taken back, and what has become of them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Final

import msgspec
from tornado.web import HTTPError

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation, operation
from handlers.pages import AssetHandler
from notifier.batch_wire import (
    BatchDecoder,
    BatchKey,
    BatchRequest,
    BatchResponse,
    check_batch_key,
)
from notifier.errors import (
    DiskLow,
    InvalidField,
    InvalidRequest,
    NotifierError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from notifier.events import Appended
from notifier.inbox_wire import ReceiptResponse
from notifier.models import Scope
from notifier.sending.authority import Credentials, Permit
from notifier.wire import (
    Key,
    NamedInAddress,
    SendRequest,
    SendResponse,
    StoredKey,
    check_key,
    check_stored_key,
)

_TURN: Final = 0.005
"""Seconds for which the faults of a batch are explained before others have their turn."""

_batch_decoder: Final = cache(BatchDecoder)

_HeaderKey = Annotated[Key, msgspec.Meta(description="The same as `key` in the body.")]


def _errors_of_one(scope: Scope) -> Mapping[int, str]:
    return {
        400: "A parameter is missing or not valid.",
        401: "Bring an API key or a superuser's access token.",
        403: f"The API key lacks the scope `{scope}` or is for other users, or the access token "
        "is no superuser's.",
        404: "There is no such notification, or no longer.",
        503: "Try again later.",
    }


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
            errors=_errors_of_one("withdraw"),
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
            errors=_errors_of_one("receipts"),
            security=("apiKey", "accessToken"),
        )
    )
    async def get(self) -> None:
        authority = await self.application.senders.authorize_for(self.credentials, "receipts")
        query = self.parse_query(NotificationQuery)
        user_id = await self.number_of(query, authority)
        item = await self.application.inboxes.standing(user_id, check_stored_key(query.key))
        self.reply(ReceiptResponse.of(item))


class _SendingHandler(ApiHandler):
    """What has to be established before anything is sent."""

    takes_payload = True

    async def authorize(self) -> Permit:
        """On whose authority. Raises Unauthenticated and its kin, or TooManySends."""
        credentials = self.credentials
        if credentials.from_this_machine is None:
            from_here = await self.application.this_machine.ask(self.request)
            credentials = Credentials(from_this_machine=from_here)
        return await self.application.senders.authorize(credentials)

    def is_wanted(self) -> bool:
        """Whether anybody waits for the answer, as far as that matters."""
        return not self.application.proxies.has_given_up(self.request)

    @property
    def proxys_key(self) -> str | None:
        """What a proxy that may try this elsewhere calls it."""
        return self.application.proxies.request_id(self.request)


class SendHandler(_SendingHandler):
    """Accept one notification for one user."""

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
        permit = await self.authorize()
        request = self._with_header_key(self.parse(SendRequest))
        if not self.is_wanted():
            raise HTTPError(408)
        appended = await self.application.notifications.send(request, permit.sender)
        if appended.replayed:
            self.set_header("Idempotency-Replayed", "true")
        self.reply(SendResponse.of(appended, request))

    def _with_header_key(self, request: SendRequest) -> SendRequest:
        key = self.header_text("Idempotency-Key")
        if key is None and request.key is None:
            key = self.proxys_key
        if key is None:
            return request
        if request.key not in (None, key):
            raise InvalidField("key", "Differs from the Idempotency-Key header.")
        return msgspec.structs.replace(request, key=check_key(key))


class BatchHandler(_SendingHandler):
    """Accept many notifications, each of which may fail by itself."""

    @operation(
        Operation(
            "Send many notifications",
            "notifications",
            BatchRequest,
            BatchResponse,
            errors={
                401: "No right to send: bring an API key or a superuser's access token.",
                403: "The API key lacks the scope `send`, or the access token is no superuser's.",
                429: "This sender or address sends more than it may: later, with the same keys.",
                503: "None was taken: send them again, with the same keys.",
            },
            security=("apiKey", "accessToken"),
            optional_security=True,
            headers={"Idempotency-Key": BatchKey},
            example={"notifications": [{"user_id": 1, "payload": {"additionalProp1": "string"}}]},
        )
    )
    async def post(self) -> None:
        permit = await self.authorize()
        requests = await self._read()
        if not self.is_wanted():
            raise HTTPError(408)
        passing = self._passing(permit, requests)
        outcomes = await self.application.notifications.send_all(
            passing, permit.sender, is_wanted=self.is_wanted
        )
        if refusal := _refusal_of_all(outcomes):
            raise refusal
        for outcome in outcomes:
            if isinstance(outcome, TooManyRequests | DiskLow):
                self.count_refusal(outcome)
        self.reply(BatchResponse.of(outcomes, requests))

    async def _read(self) -> Sequence[SendRequest | InvalidRequest]:
        key = self.header_text("Idempotency-Key")
        key = self.proxys_key if key is None else key
        if key is not None:
            check_batch_key(key)
        decoder = _batch_decoder(self.application.options.users)
        found: list[SendRequest | InvalidRequest] = []
        turn_ends = time.monotonic() + _TURN
        for each in decoder.read(self.json_body(), key):
            found.append(each)
            # What is wrong takes thirty times as long to explain as what is right to read.
            if isinstance(each, InvalidRequest) and time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + _TURN
        return found

    def _passing(
        self, permit: Permit, requests: Sequence[SendRequest | InvalidRequest]
    ) -> Sequence[SendRequest | NotifierError]:
        """``requests``, of which those are refused that come too quickly."""
        senders = self.application.senders
        passing = 1 + senders.further(permit, len(requests) - 1)
        late = len(requests) - passing
        return [*requests[:passing], *[senders.too_many(permit)] * late] if late else requests


def _refusal_of_all(outcomes: Sequence[Appended | NotifierError]) -> NotifierError | None:
    """Why none was taken, if it is not for anything in them: who sends, or the store."""
    if any(isinstance(outcome, Appended) for outcome in outcomes):
        return None
    whole = (each for each in outcomes if isinstance(each, Unauthenticated | Unavailable))
    return next(whole, None)
