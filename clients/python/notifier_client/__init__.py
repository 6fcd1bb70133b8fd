"""Send notifications from Python programs through a running Notifier server, and listen to them.

``Notifier`` is for ordinary programs, ``AsyncNotifier`` for asyncio; both do the same::

    with Notifier() as notifier:
        notifier.send(7, {"title": "Paid", "order": 1042}, key="order-1042-paid")
        notifier.send(user="auth0|5f7c", payload={"title": "Paid"})

They try again by themselves while the server is away or overloaded, always under the same
key, so that nothing is stored twice. What goes wrong is one of::

    NotifierError
    ├── SendFailed                the server did not take the notification, or do what was asked
    │   ├── Refused               and never will: sending the same again is pointless
    │   │   ├── NotAllowed        no right to send: the API key is missing, wrong or revoked
    │   │   ├── UnknownRecipient  there is no active user with this id
    │   │   ├── UnknownNotification   the user has no notification with this key
    │   │   ├── UnknownChange     there is no such change of the inbox any more
    │   │   ├── KeyInUse          the key was used before with another payload
    │   │   └── NotValid          anything else that is wrong with the notification
    │   ├── ServerUnavailable     no answer in time; send again with the same ``key``
    │   ├── UnexpectedAnswer      whatever answered is not a healthy Notifier server
    │   └── SomeFailed            of ``send_many``: what became of each
    └── InvalidSettings           NOTIFIER_URL or NOTIFIER_API_KEY cannot be right
"""

from typing import Any

from notifier_client.asynchronous import AsyncNotifier
from notifier_client.blocking import Notifier
from notifier_client.connection import DEFAULT_URL
from notifier_client.errors import (
    InvalidSettings,
    KeyInUse,
    NotAllowed,
    NotifierError,
    NotValid,
    Refused,
    SendFailed,
    ServerUnavailable,
    SomeFailed,
    UnexpectedAnswer,
    UnknownChange,
    UnknownNotification,
    UnknownRecipient,
)
from notifier_client.inbox import Change, Counts, Identity, Item, Notification, Withdrawn
from notifier_client.message import Message, RawJSON, Sent

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_URL",
    "AsyncNotifier",
    "Change",
    "Counts",
    "Identity",
    "InvalidSettings",
    "Item",
    "KeyInUse",
    "Message",
    "NotAllowed",
    "NotValid",
    "Notification",
    "Notifier",
    "NotifierError",
    "RawJSON",
    "Refused",
    "SendFailed",
    "Sent",
    "ServerUnavailable",
    "SomeFailed",
    "UnexpectedAnswer",
    "UnknownChange",
    "UnknownNotification",
    "UnknownRecipient",
    "Withdrawn",
    "notify_user_by_id",
]


def notify_user_by_id(
    user_id: int | str, payload: Any, *, key: str | None = None, ttl: int | None = None
) -> Sent:
    """Send one notification without keeping a client, see :meth:`Notifier.send`.

    The server is the one of ``NOTIFIER_URL``, with the key of ``NOTIFIER_API_KEY``.
    """
    with Notifier() as notifier:
        return notifier.send(user_id, payload, key=key, ttl=ttl)
