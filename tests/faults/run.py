"""One fault under load: what was promised, what came, and how long it took to be well again."""

import asyncio
import itertools
import time
from typing import Final, NamedTuple

from tests.cluster.ledger import HttpSender, Ledger, RabbitSender, Watcher
from tests.faults.faults import Fault
from tests.faults.site import Site
from tests.support.harness import until

PEOPLE: Final = 12
"""Users of a row, with a device each."""
_SENDERS: Final = 3
_PER_SECOND: Final = 60
"""Of each sender, so that it is never the machine that is too slow."""
_CATCH_UP: Final = 60.0


class Row(NamedTuple):
    """What a fault cost."""

    promised: int
    delivered: int
    again: int
    """How often a user was given what they had already."""
    seconds: float
    """From the fault's end until every sender is served again, and all is delivered that was
    promised before."""


async def run(site: Site, fault: Fault) -> Row:
    """Send and watch while ``fault`` lasts. Raises AssertionError if anything is lost."""
    people = site.people(PEOPLE)
    ledger, over = Ledger(), asyncio.Event()
    watchers = [Watcher(ledger, site, person, acknowledges=True) for person in people]
    watching = [asyncio.create_task(watcher.run()) for watcher in watchers]
    await asyncio.gather(*[watcher.connected.wait() for watcher in watchers])
    senders: list[HttpSender | RabbitSender] = [
        *(HttpSender(ledger, site, people[n::_SENDERS], f"http{n}") for n in range(_SENDERS)),
        RabbitSender(ledger, site.broker.address, people),
    ]
    sending = [
        asyncio.create_task(
            sender.run(
                itertools.takewhile(lambda _: not over.is_set(), itertools.count()), _PER_SECOND
            )
        )
        for sender in senders
    ]
    try:
        await asyncio.sleep(1)
        await fault.happen(site)
        healed = time.monotonic()
        due = {key for promised in ledger.accepted.values() for key in promised}
        await until(
            lambda: (
                all(sender.accepted_at > healed for sender in senders)
                and due.isdisjoint(ledger.missing())
            ),
            _CATCH_UP,
        )
        seconds = time.monotonic() - healed
    finally:
        over.set()
        await asyncio.wait(sending, timeout=_CATCH_UP)
    await until(lambda: not ledger.missing(), _CATCH_UP)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    ledger.check()
    delivered = ledger.promises - len(ledger.missing())
    return Row(ledger.promises, delivered, ledger.repeated, seconds)
