"""A process that sends and acknowledges as fast as it can, for the stress test.

Arguments: the address of the database, a name, the number of notifications. Users are
those with the ids 1 to 20. Prints how many transactions had to be tried again.
"""

import asyncio
import logging
import random
import sys

from notifier.storage.operations.notifications import Acknowledge, Append
from notifier.storage.postgres import PostgresDriver
from notifier.storage.store import Store

USERS = 20
AT_ONCE = 64


class Counter(logging.Handler):
    """Counts warnings."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self.count += 1


async def main(address: str, name: str, number: int) -> None:
    """Send ``number`` notifications, and acknowledge every second one."""
    store = Store(PostgresDriver(address))
    await store.open()
    keys = iter(range(number))

    async def send() -> None:
        for n in keys:
            user = random.randint(1, USERS)
            key = f"{name}-{n}"
            await store.submit(Append(user, key, b'{"n": 1}', key_given=n % 3 == 0))
            if n % 2:
                await store.submit(Acknowledge(user, key))
            # Another process's, so that processes meet at the same rows.
            await store.submit(Acknowledge(user, f"{random.choice('0123')}-{n}"))

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    await store.close()


if __name__ == "__main__":
    warnings = Counter(logging.WARNING)
    logging.getLogger().addHandler(warnings)
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    sys.stdout.write(str(warnings.count))
