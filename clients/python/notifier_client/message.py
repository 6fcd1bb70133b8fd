"""What is sent, and what comes back."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawJSON:
    """A payload that is JSON already. It arrives byte for byte."""

    content: bytes | str


@dataclass(frozen=True, slots=True)
class Message:
    """One notification for one user, to be sent."""

    user_id: int | str
    payload: Any
    """Anything that can be JSON, but None; ``RawJSON`` where it is JSON already."""
    key: str | None = None
    """Its identity: sending it again is harmless. Made where not given."""
    ttl: int | None = None
    """Seconds after which it must no longer be delivered."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The notification as the server stored it."""

    user_id: int
    key: str
    seq: int
    """Its place in the user's log, from 1."""
    replayed: bool = False
    """It had been stored before, under the same key."""
