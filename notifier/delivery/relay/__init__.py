"""How events reach the processes whose users are connected.

A relay is only a nudge: it may lose, repeat or reorder. Feeds notice by ``seq`` and read
the store. So a relay never blocks a send and never fails one.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from notifier.events import Event
from notifier.models import Online

MOST_ASKED: Final = 100
"""Users about whom one question may be."""


class Receiver(Protocol):
    """Whom a relay tells, on the loop: the hub."""

    def deliver(self, events: Sequence[Event]) -> None:
        """Take events that may concern connected users, those of one user in order."""
        ...

    def heard(self, user_id: int, seq: int) -> object:
        """Learn that a user's log has grown to ``seq``; the store has what is there."""
        ...

    def online(self, user_ids: Sequence[int]) -> Mapping[int, Online]:
        """Those of these users who are connected to this process."""
        ...


class Relay(Protocol):
    """Carries the events of commits to the hubs of all processes."""

    name: str
    rejected: int
    """How many messages were no nudges of this installation, since the start."""

    @property
    def state(self) -> str:
        """``ok``, or in a word why nudges do not get through."""
        ...

    async def start(self, receiver: Receiver) -> None:
        """Begin to receive. Returns although the network is away."""
        ...

    async def stop(self) -> None:
        """Send what is under way and let go. Never raises."""
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Nudge every process, this one too, in this order. Never blocks, never raises."""
        ...

    async def subscribe(self, user_id: int) -> None:
        """Receive this user's events from now on, if the network allows it."""
        ...

    def unsubscribe(self, user_id: int) -> None:
        """No longer receive this user's events. Never blocks, never raises."""
        ...

    async def ask_online(self, user_ids: Sequence[int]) -> Sequence[Mapping[int, Online]]:
        """Who of these is connected to the other processes, as far as they answer soon.

        An answer for each process; no more than :data:`MOST_ASKED` users. Never raises.
        """
        ...


class LocalRelay:
    """The relay of a single process: a function call."""

    name = "local"
    state = "ok"
    rejected = 0

    def __init__(self) -> None:
        self._receiver: Receiver | None = None

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def stop(self) -> None:
        self._receiver = None

    def publish(self, events: Sequence[Event]) -> None:
        if self._receiver is not None:
            self._receiver.deliver(events)

    async def subscribe(self, user_id: int) -> None:
        """Nothing to do: everything passes through here."""

    def unsubscribe(self, user_id: int) -> None:
        """Nothing to do."""

    async def ask_online(self, user_ids: Sequence[int]) -> Sequence[Mapping[int, Online]]:
        """Nobody to ask."""
        return ()
