"""Wrong passwords: how many may be tried, from one address and for one name.

A name alone is never a reason to refuse: then any stranger could lock a person out. So a name
is counted for each address apart, and an address for all names together. Names that nobody has
are counted like others, which tells nothing about who exists.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from notifier.buckets import Buckets
from notifier.errors import NoActiveAccount, TooManySignIns


class Guesses:
    """Those of one process. Of each kind so many are allowed a minute; 0 is no limit."""

    def __init__(
        self, per_address: int, per_name: int, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._addresses = Buckets(per_address / 60, per_address, now=now)
        self._names = Buckets(per_name / 60, per_name, now=now)

    @contextmanager
    def guess(self, username: str, address: str) -> Iterator[None]:
        """Around one attempt, which counts only if it ends with NoActiveAccount.

        It counts from its begin, or many at the same time would all be allowed. Raises
        TooManySignIns.
        """
        # Only the hash of a name is kept: it may be long, and somebody's password by mistake.
        name = hash((username, address))
        if wait := max(self._addresses.wait(address), self._names.wait(name)):
            raise TooManySignIns(retry_after=wait)
        self._addresses.take(address)
        self._names.take(name)
        was_wrong = False
        try:
            yield
        except NoActiveAccount:
            was_wrong = True
            raise
        finally:
            if not was_wrong:
                self._addresses.give_back(address)
                self._names.give_back(name)
