"""One device of one user, whatever transport it came over.

A device has a feed, and ends when its token does, when its user's tokens no longer hold,
or when the process wants to stop. How it is told is its transport's business.
"""

import asyncio

from notifier import clock
from notifier.delivery.closing import CloseCode
from notifier.delivery.feed import Feed


class Device:
    """Made by :meth:`Hub.attach`; whoever serves the connection detaches it at its end."""

    __slots__ = ("_expiry", "feed", "revoked", "session", "version")

    def __init__(
        self, feed: Feed, version: int, expires_at: int, session: int | None = None
    ) -> None:
        self.feed = feed
        self.version = version
        """The version of its user's tokens that its own token has."""
        self.session = session
        """The session that its token was given with, if any."""
        self.revoked = False
        """Its token no longer holds: nothing that still comes from it counts."""
        self._expiry: asyncio.TimerHandle | None = None
        self.prolong(version, expires_at, session)

    @property
    def user_id(self) -> int:
        """Whose it is."""
        return self.feed.user_id

    def prolong(self, version: int, expires_at: int, session: int | None = None) -> None:
        """It has shown a new token, which ends at ``expires_at``."""
        self.version = version
        self.session = session
        self._cancel_expiry()
        seconds = max(0, expires_at - clock.now()) / clock.SECOND
        self._expiry = asyncio.get_running_loop().call_later(
            seconds, self.end, CloseCode.TOKEN_EXPIRED, "identity token expired"
        )

    def end(self, code: CloseCode, reason: str) -> None:
        """Say good-bye. Nothing is delivered any more, though the peer may take long to leave."""
        self.revoked |= code in (CloseCode.TOKEN_EXPIRED, CloseCode.REVOKED)
        self.close()
        self.feed.transport.close(code, reason)

    def close(self) -> None:
        """Deliver nothing any more: the connection is gone, or about to be."""
        self._cancel_expiry()
        self.feed.close()

    def _cancel_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
