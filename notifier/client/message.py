"""What is sent, and what comes back."""

from typing import Any

import msgspec

from notifier.client.errors import NotValid
from notifier.wire import SendRequest, make_key


class Message(msgspec.Struct, frozen=True):
    """One notification for one user, to be sent."""

    user_id: int | str
    payload: Any
    """Anything that can be JSON, but None; ``msgspec.Raw`` where it is JSON already."""
    key: str | None = None
    """Its identity: sending it again is harmless. Made where not given."""
    ttl: int | None = None
    """Seconds after which it must no longer be delivered."""


class Sent(msgspec.Struct, frozen=True):
    """The notification as the server stored it."""

    user_id: int
    key: str
    seq: int
    """Its place in the user's log, from 1."""
    replayed: bool = False
    """It had been stored before, under the same key."""


_one_value: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)


def make_request(message: Message) -> SendRequest:
    """What to ask of the server; with a key, so that asking again is harmless.

    Raises NotValid for a payload that cannot be JSON.
    """
    try:
        # Decoded again, because a Raw is whatever somebody has put into it: it must be
        # one JSON value and cannot bring fields of its own.
        payload = _one_value.decode(msgspec.json.encode(message.payload))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise NotValid(f"The payload cannot be JSON: {error}.", key=message.key) from None
    return SendRequest(message.user_id, payload, message.key or make_key(), message.ttl)
