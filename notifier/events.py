"""What a commit brings about, as events: from the store through the relay to the hubs.

Each says what happened to one user's log; those of one user come in the order of commits.
Between processes an event travels with a tag. Whoever does not know a tag reads the store
instead, so that processes of two releases work side by side.
"""

import msgspec

from notifier.models import Notification


class Appended(msgspec.Struct, frozen=True):
    """A notification has its place in the log; ``replayed`` if an earlier send had put it there.

    What was replayed is no news, and is announced to nobody.
    """

    notification: Notification
    replayed: bool = False


Event = Appended
"""Any of them."""
