"""What is sent, and what comes back."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawJSON:
    """A payload that is JSON already. It arrives byte for byte."""

    content: bytes | str


@dataclass(frozen=True, slots=True)
class Message:
    """One notification for one user, to be sent: either ``user_id`` or ``user`` names them."""

    user_id: int | str | None = None
    """An account of the server."""
    payload: Any = None
    """Anything that can be JSON, but None; ``RawJSON`` where it is JSON already."""
    key: str | None = None
    """Its identity: sending it again is harmless. Made where not given."""
    ttl: int | None = None
    """Seconds after which it must no longer be delivered."""
    user: str | None = None
    """A user of your application, as it calls them."""
    category: str | None = None
    """What it is about, for tabs and filters."""
    priority: str | None = None
    """``low`` makes no sound, toast or badge; ``normal`` where not given, ``high``, ``urgent``."""
    collapse_key: str | None = None
    """It takes the place of the user's notification that has the same one."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The notification as the server stored it."""

    user_id: int | None
    """To whom, if they were named by an id."""
    key: str
    seq: int
    """Its place in the user's log, from 1."""
    replayed: bool = False
    """It had been stored before, under the same key."""
    user: str | None = None
    """To whom, if they were named so."""
    withdrawn: bool = False
    """It was taken back already: nobody gets it any more."""
