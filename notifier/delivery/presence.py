"""Who is connected, to whichever process, and since when.

Nothing is kept for that: when somebody wants to know, each process says who is connected to it.
"""

import itertools
from collections.abc import Sequence

from notifier.delivery.hub import Hub
from notifier.delivery.relay import MOST_ASKED, Relay
from notifier.models import Online


class Presence:
    """What this process knows, and the others by asking."""

    def __init__(self, hub: Hub, relay: Relay) -> None:
        self._hub = hub
        self._relay = relay

    async def online(self, numbers: Sequence[int]) -> dict[int, Online]:
        """Those of these users and recipients who are connected, at most 100 of them asked for.

        Where Redis is away, or a process does not answer soon, those it knows are missing.
        """
        assert len(numbers) <= MOST_ASKED
        found: dict[int, Online] = {}
        answers = await self._relay.ask_online(numbers) if numbers else ()
        for number, online in itertools.chain.from_iterable(
            each.items() for each in (self._hub.online(numbers), *answers)
        ):
            found[number] = _both(found[number], online) if number in found else online
        return found


def _both(one: Online, other: Online) -> Online:
    return Online(one.sockets + other.sockets, min(one.since, other.since))
