"""Listening to one user: what a frame means, what to answer, when to come back.

Nothing here does I/O or waits. Whoever has a connection tells of what happens to it::

    session.opened(identity)
    while …:
        notification = session.read(frame)
        … session.known(notification) or hand it over
        send(session.acknowledged(notification))

What was handed over and acknowledged on a connection that then broke may come again: it is
known by its key, acknowledged once more and not handed over.
"""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from notifier_client.attempts import parse, pause_after
from notifier_client.errors import NotAllowed, ServerUnavailable, UnexpectedAnswer
from notifier_client.inbox import Identity, Notification, moment

_LONGEST_PAUSE: Final = 10.0
_REMEMBERED: Final = 10_000
"""Keys of what was acknowledged: more than can be on its way when a connection breaks."""
_SHARE: Final = 0.8
"""Of a token's life, after which it is renewed."""
_SHORTEST: Final = 5.0
"""Seconds that a token is used at least, whatever the two clocks say."""


class Session:
    """One listener's state, over all of its connections."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._chance = chance
        self._known: dict[str, None] = {}
        self._renewal = 0.0
        self._failures = 0
        self._refusals = 0
        self._ever_connected = False

    def opened(self, identity: Identity) -> None:
        """There is a connection with this token, or it has this new one."""
        life = (identity.expires_at - datetime.now(UTC)).total_seconds()
        self._renewal = self._now() + max(_SHORTEST, life * _SHARE)
        self._ever_connected = True
        self._refusals = 0

    @property
    def seconds(self) -> float:
        """Until the token is to be renewed; 0 when it is time."""
        return max(0.0, self._renewal - self._now())

    def read(self, frame: str | bytes) -> Notification | None:
        """The notification that a frame brings; None for every other frame."""
        self._failures = 0
        match parse(frame if isinstance(frame, bytes) else frame.encode()):
            case {"type": "server_notification", "key": str(), "seq": int()} as found:
                return _notification(found)
        return None

    def known(self, notification: Notification) -> bool:
        """Whether it was acknowledged before."""
        return notification.key in self._known

    def acknowledged(self, notification: Notification) -> str:
        """It was handled: what to tell the server, now or, if that fails, when it comes again."""
        self._known[notification.key] = None
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return json.dumps({"type": "message_ack", "key": notification.key})

    def failed(self, error: Exception, *, refused: bool = False, at_least: float = 0.0) -> float:
        """There is no connection because of ``error``: the seconds until the next attempt.

        ``refused``: the server takes no such token. Raises what no further attempt can mend.
        """
        self._failures += 1
        self._refusals += refused
        if self._refusals > 1:
            # One may have been revoked on its way; not two.
            raise NotAllowed("The server refuses a token that it has just made.") from error
        if isinstance(error, UnexpectedAnswer) and not self._ever_connected:
            raise error
        return at_least + pause_after(self._failures, _LONGEST_PAUSE) * self._chance()


PASSING: Final = (ServerUnavailable, UnexpectedAnswer)
"""What a server that is being restarted brings about, itself or by its proxy."""


def refresh(identity: Identity) -> str:
    """What to tell the server, so that a connection goes on with this token."""
    return json.dumps({"type": "command", "key": "refresh", "value": identity.token})


def _notification(found: dict[str, Any]) -> Notification:
    return Notification(
        key=found["key"],
        seq=found["seq"],
        payload=found.get("value"),
        created_at=datetime.fromisoformat(found["created_at"]),
        category=found.get("category"),
        priority=found.get("priority") or "normal",
        expires_at=moment(found.get("expires_at")),
    )
