"""One notification on its way. All attempts carry the same key, so that the server stores it
once even if it had stored it already and only its answer got lost.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from notifier_client.attempts import Attempts, Patience
from notifier_client.connection import PATH
from notifier_client.encoding import encode
from notifier_client.message import Message, Sent


class Delivery(Attempts[Sent]):
    """The attempts to send one notification. Raises NotValid if it cannot even be encoded."""

    path = PATH

    def __init__(self, message: Message, patience: Patience, **options: Any) -> None:
        super().__init__(patience, **options)
        self.key: str = message.key or uuid4().hex
        self.body = encode(message, self.key)

    def understood(self, content: Any, headers: Mapping[str, str]) -> Sent | None:
        return stored(content, replayed="idempotency-replayed" in headers)


def stored(content: Any, *, replayed: bool) -> Sent | None:
    """The notification that the server says it has stored; None if it says no such thing."""
    withdrawn = isinstance(content, dict) and content.get("withdrawn") is True
    match content:
        case {"user_id": int(user_id), "key": str(key), "seq": int(seq)}:
            return Sent(user_id, key, seq, replayed, withdrawn=withdrawn)
        case {"user": str(user), "key": str(key), "seq": int(seq)}:
            return Sent(None, key, seq, replayed, user, withdrawn)
    return None
