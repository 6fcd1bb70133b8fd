"""Listening to one user: what a frame means, what to answer, when to come back.

Nothing here does I/O or waits. Whoever has a connection tells of what happens to it::

    session.opened(identity)
    while …:
        while session.has_room and …:
            session.read(frame)  # all that has come, so that what is withdrawn by now is known
        notification = session.next()
        … session.known(notification) or hand it over
        send(session.acknowledged(notification))

What was handed over and acknowledged on a connection that then broke may come again: it is
known, acknowledged once more and not handed over.
"""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from notifier_client.attempts import parse, pause_after
from notifier_client.errors import NotAllowed, ServerUnavailable, UnexpectedAnswer
from notifier_client.inbox import Identity, Notification, moment
from notifier_client.raw import members

_LONGEST_PAUSE: Final = 10.0
_REMEMBERED: Final = 10_000
"""Of what was acknowledged: more than can be on its way when a connection breaks."""
_MOST_WAITING: Final = 256
"""Notifications that are read ahead."""
_MOST_WITHDRAWN: Final = 1_000
"""Keys of what was withdrawn, which may be on its way."""
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
        self._known: dict[tuple[str, int], None] = {}
        self._waiting: deque[Notification] = deque()
        self._withdrawn: dict[str, int] = {}
        """By key, the place up to which it is meant: behind that the key is somebody else's."""
        self._renewal = 0.0
        self._failures = 0
        self._refusals = 0
        self._ever_connected = False

    def opened(self, identity: Identity) -> None:
        """There is a connection with this token: all that is not acknowledged comes anew."""
        self._waiting.clear()
        self._withdrawn.clear()
        self.renewed(identity)

    def renewed(self, identity: Identity) -> None:
        """The connection has this token now."""
        life = (identity.expires_at - datetime.now(UTC)).total_seconds()
        self._renewal = self._now() + max(_SHORTEST, life * _SHARE)
        self._ever_connected = True
        self._refusals = 0

    @property
    def seconds(self) -> float:
        """Until the token is to be renewed; 0 when it is time."""
        return max(0.0, self._renewal - self._now())

    @property
    def patience(self) -> float:
        """Seconds to wait for a frame: none while there is something to hand over."""
        return 0.0 if self._waiting else self.seconds

    @property
    def waiting(self) -> bool:
        """Whether there is something to hand over."""
        return bool(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether more may be read ahead."""
        return len(self._waiting) < _MOST_WAITING

    def read(self, frame: str | bytes) -> None:
        """Take in what a frame says."""
        self._failures = 0
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        match parse(text):
            case {"type": "server_notification", "key": str(key), "seq": int(seq)} as found:
                if seq > self._withdrawn.get(key, 0):
                    self._waiting.append(_notification(found, text))
            case {"type": "inbox_changed", "seq": int(seq), "changes": [*changes]}:
                for change in changes:
                    match change:
                        case {"keys": [*keys], "withdrawn_at": str()}:
                            self._withdraw(keys, seq)

    def _withdraw(self, keys: Iterable[str], seq: int) -> None:
        self._withdrawn.update(dict.fromkeys(keys, seq))
        while len(self._withdrawn) > _MOST_WITHDRAWN:
            del self._withdrawn[next(iter(self._withdrawn))]
        left = [each for each in self._waiting if each.seq > self._withdrawn.get(each.key, 0)]
        self._waiting = deque(left)

    def next(self) -> Notification | None:
        """The next to be handed over, or only to be acknowledged; None if nothing has come."""
        return self._waiting.popleft() if self._waiting else None

    def known(self, notification: Notification) -> bool:
        """Whether it was acknowledged before."""
        # The key alone may have been given again, once the server had forgotten the first.
        return (notification.key, notification.seq) in self._known

    def acknowledged(self, notification: Notification) -> str:
        """It was handled: what to tell the server, now or, if that fails, when it comes again."""
        self._known[notification.key, notification.seq] = None
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


def _notification(found: dict[str, Any], text: str) -> Notification:
    return Notification(
        key=found["key"],
        seq=found["seq"],
        payload=found.get("value"),
        created_at=datetime.fromisoformat(found["created_at"]),
        category=found.get("category"),
        priority=found.get("priority") or "normal",
        expires_at=moment(found.get("expires_at")),
        raw=members(text).get("value", "null").encode(),
    )
