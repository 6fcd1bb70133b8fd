"""The JSON of batches: many sends in one request, each of which is read as if it had come alone.

An item that is not valid harms no other. Only what is no JSON at all, or nests as deep as no
parser reads, is refused as a whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from notifier.errors import (
    InvalidField,
    InvalidFields,
    InvalidRequest,
    NotifierError,
    RequestTooLarge,
    TryLater,
)
from notifier.events import Appended
from notifier.faults import Choice
from notifier.models import WhoseUsers
from notifier.wire import (
    MAX_KEY_LENGTH,
    ONE_LINE,
    Decoder,
    ForSomebody,
    SendRequest,
    UserId,
    UserName,
    taken_by,
)

MOST_SENDS: Final = 1000
"""Notifications in one batch, one for each user."""
MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of their payloads, each counted for every user whom it is for."""

_SENDS_WORDS: Final = f"1 to {MOST_SENDS} notifications, one for each user"
_LONGEST_INDEX: Final = f"#{MOST_SENDS - 1}"
_KEY_LENGTH: Final = MAX_KEY_LENGTH - len(_LONGEST_INDEX)

BatchKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_KEY_LENGTH,
        pattern=ONE_LINE,
        description="Followed by `#` and its place in the list, from 0, it is the key of each "
        "item that has none of its own.",
    ),
]
UserIds = Annotated[
    list[Annotated[msgspec.Raw, Meta(extra_json_schema=msgspec.json.schema(UserId))]],
    Meta(
        min_length=1,
        max_length=MOST_SENDS,
        description="One notification for each of these users, by id.",
        extra={"expected": f"a list of 1 to {MOST_SENDS} ids"},
    ),
]
UserNames = Annotated[
    list[Annotated[msgspec.Raw, Meta(extra_json_schema=msgspec.json.schema(UserName))]],
    Meta(
        min_length=1,
        max_length=MOST_SENDS,
        description="One notification for each of these users, by name.",
        extra={"expected": f"a list of 1 to {MOST_SENDS} names"},
    ),
]

NAMED_BY: Final[Mapping[WhoseUsers, Choice]] = {
    "accounts": taken_by("accounts", user_id="user", user_ids="users"),
    "external": taken_by("external", user="user_id", users="user_ids"),
    "both": Choice(("user_id", "user", "user_ids", "users")),
}
"""By which fields the users of an item are named, whosever they are."""


class BatchItem(SendRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notification for one user, or the same for each of several."""

    named_by: ClassVar[Mapping[WhoseUsers, Choice]] = NAMED_BY

    user_ids: UserIds | UnsetType = UNSET
    users: UserNames | UnsetType = UNSET


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notifications to be stored in this order, each of which may fail by itself."""

    notifications: Annotated[list[BatchItem], Meta(min_length=1, max_length=MOST_SENDS)]


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same with its items unparsed."""

    notifications: Annotated[
        list[msgspec.Raw],
        Meta(
            min_length=1,
            max_length=MOST_SENDS,
            extra={"expected": f"a list of {_SENDS_WORDS}"},
        ),
    ]


class _Lists(msgspec.Struct, frozen=True):
    """What tells how many users an item is for that is otherwise not valid."""

    user_ids: list[msgspec.Raw] = []
    users: list[msgspec.Raw] = []


class BatchSent(msgspec.Struct, frozen=True, kw_only=True):
    """One that is stored, for the user as the request has named them."""

    user_id: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    key: str
    seq: Annotated[int, Meta(description="Its place in the user's log, from 1.")]
    replayed: Annotated[
        bool | UnsetType, Meta(description="It had been stored before, under the same key.")
    ] = UNSET
    withdrawn: Annotated[
        bool | UnsetType, Meta(description="It was taken back: nobody gets it any more.")
    ] = UNSET


class BatchRefused(msgspec.Struct, frozen=True, kw_only=True):
    """One that is not stored, as far as is known, and why."""

    error: str
    code: Annotated[str, Meta(description="That of a single send.")]
    fields: Annotated[
        Mapping[str, Sequence[str]] | UnsetType,
        Meta(description="What is wrong with its fields, by field."),
    ] = UNSET
    retry_after: Annotated[
        int | UnsetType, Meta(description="Seconds after which sending this one again makes sense.")
    ] = UNSET


class BatchResponse(msgspec.Struct, frozen=True):
    """A result for each notification, in their order; of an item for several users, as many."""

    parts: ClassVar[Sequence[type]] = (BatchSent, BatchRefused)

    results: Sequence[
        Annotated[
            Any,
            Meta(
                extra_json_schema={
                    "oneOf": [
                        {"$ref": "#/components/schemas/BatchSent"},
                        {"$ref": "#/components/schemas/BatchRefused"},
                    ]
                }
            ),
        ]
    ]

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Appended | NotifierError],
        requests: Iterable[SendRequest | InvalidRequest],
    ) -> "BatchResponse":
        """What became of ``requests``."""
        pairs = zip(outcomes, requests, strict=True)
        return cls([_result(outcome, request) for outcome, request in pairs])


def _result(
    outcome: Appended | NotifierError, request: SendRequest | InvalidRequest
) -> BatchSent | BatchRefused:
    if isinstance(outcome, NotifierError):
        return _refused(outcome)
    assert isinstance(request, SendRequest), "nothing else is stored"
    stored, name = outcome.notification, request.user
    return BatchSent(
        user_id=stored.user_id if name is UNSET else UNSET,
        user=name,
        key=stored.key,
        seq=stored.seq,
        replayed=outcome.replayed or UNSET,
        withdrawn=outcome.withdrawn or UNSET,
    )


def _refused(error: NotifierError) -> BatchRefused:
    return BatchRefused(
        error=error.message,
        code=error.code,
        fields=error.errors if isinstance(error, InvalidFields) else UNSET,
        retry_after=error.retry_after if isinstance(error, TryLater) else UNSET,
    )


def check_batch_key(key: str) -> str:
    """``key``, if those of items may begin with it. Raises InvalidField."""
    try:
        return msgspec.convert(key, BatchKey)
    except msgspec.ValidationError:
        raise InvalidField(
            "key",
            f"Expected a string of 1 to {_KEY_LENGTH} characters, without control characters "
            "or line separators.",
        ) from None


class BatchDecoder:
    """Takes batches apart, on a server whose users are these."""

    def __init__(self, users: WhoseUsers) -> None:
        self._item = _ItemDecoder(BatchItem, users)
        self._somebody = Decoder(ForSomebody, users)

    def read(self, body: bytes, key: str | None) -> Iterator[SendRequest | InvalidRequest]:
        """Each send, or what is wrong with it, in order. The items without a key get ``key``'s.

        Raises, in the middle too, MalformedJSON, InvalidFields or InvalidRequest where the whole
        is not valid, and RequestTooLarge where its payloads are too large for so many users.
        """
        count = size = 0
        for index, raw in enumerate(_split(body)):
            for each in self._read_item(raw, None if key is None else f"{key}#{index}"):
                count += 1
                if isinstance(each, SendRequest):
                    size += len(each.payload)
                if count > MOST_SENDS:
                    raise InvalidField("notifications", f"Expected a list of {_SENDS_WORDS}.")
                if size > MOST_BYTES:
                    raise RequestTooLarge(
                        f"The payloads exceed {MOST_BYTES} bytes, each counted for every user."
                    )
                yield each

    def _read_item(
        self, raw: msgspec.Raw, key: str | None
    ) -> Iterator[SendRequest | InvalidRequest]:
        try:
            item = self._item(bytes(raw))
        except InvalidRequest as error:
            yield from [error] * _count(raw)
            return
        if key is not None and item.key is None:
            item = msgspec.structs.replace(item, key=key)
        if item.user_ids is not UNSET:
            yield from self._unfold(item, b'{"user_id":%b}', item.user_ids)
        elif item.users is not UNSET:
            yield from self._unfold(item, b'{"user":%b}', item.users)
        else:
            yield item

    def _unfold(
        self, item: BatchItem, form: bytes, those: Sequence[msgspec.Raw]
    ) -> Iterator[SendRequest | InvalidRequest]:
        for each in those:
            try:
                named = self._somebody(form % bytes(each))
            except InvalidRequest as error:
                yield error
            else:
                yield msgspec.structs.replace(
                    item, user_id=named.user_id, user=named.user, user_ids=UNSET, users=UNSET
                )


class _ItemDecoder(Decoder[BatchItem]):
    """Knows of lists of users, too."""

    def _is_named_well(self, found: ForSomebody) -> bool:
        assert isinstance(found, BatchItem)
        if found.user_ids is UNSET and found.users is UNSET:
            return super()._is_named_well(found)
        if found.user_id is not UNSET or found.user is not UNSET:
            return False
        if found.users is UNSET:
            return self._id_may_be
        return found.user_ids is UNSET and self._name_may_be


_envelopes: Final = msgspec.json.Decoder(_Envelope)
_explained: Final = Decoder(_Envelope)
_lists: Final = msgspec.json.Decoder(_Lists)


def _split(body: bytes) -> Sequence[msgspec.Raw]:
    """The items, each unparsed and still to be checked."""
    try:
        return _envelopes.decode(body).notifications
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _explained(body).notifications  # which says what is wrong


def _count(raw: msgspec.Raw) -> int:
    """For how many users an item is that is not valid."""
    try:
        found = _lists.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 1
    return len(found.user_ids) or len(found.users) or 1
