"""What a commit brings about, as events: from the store through the relay to the hubs.

Each says what happened to one user's log; those of one user come in the order of commits.
Between processes an event travels with a tag. Whoever does not know a tag reads the store
instead, so that processes of two releases work side by side.
"""

import msgspec

from notifier.models import Notification


class InboxChanged(msgspec.Struct, frozen=True):
    """The state of some notifications in a user's inbox is another."""

    user_id: int
    version: int
    """The number of the change."""
    last_seq: int
    """The last place in the user's log."""
    changed: bool = True
    """False if nothing was to be changed: then the version is that of an earlier change."""


class Withdrawn(msgspec.Struct, frozen=True):
    """A notification is taken back: whoever shows it should do so no longer."""

    user_id: int
    version: int
    """The number of the change of the user's inbox that this is."""
    last_seq: int
    """The last place in the user's log."""
    seq: int
    """That of the notification."""
    key: str


class Appended(msgspec.Struct, frozen=True):
    """A notification has its place in the log; ``replayed`` if an earlier send had put it there.

    What was replayed is no news, and is announced to nobody.
    """

    notification: Notification
    replayed: bool = False
    withdrawn: bool = False
    """It was taken back already, and is delivered to nobody."""
    superseded: tuple[Withdrawn, ...] = ()
    """What it takes the place of."""

    @property
    def user_id(self) -> int:
        """Whose log it is."""
        return self.notification.user_id

    @property
    def last_seq(self) -> int:
        """The last place in the user's log by then."""
        return self.notification.seq


Event = Appended | InboxChanged | Withdrawn
"""Any of them."""
