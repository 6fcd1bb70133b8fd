"""Everything that can die dies, one after the other, and nothing is lost."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import postgres, rabbitmq
from servers.redis import RedisServer
from tests.cluster.ledger import HttpSender, Ledger, RabbitSender, Watcher
from tests.support.cluster import PeopledCluster, running

pytestmark = pytest.mark.asyncio

USERS = 40
SENDERS = 6
TOTAL = 20_000
BY_RABBIT = 4_000
SECONDS = 55.0
"""For how long notifications are sent at the least: as long as the faults take."""

_CATCH_UP = 30.0


async def test_nothing_is_lost_whatever_dies(tmp_path: Path) -> None:
    """20,000 notifications over HTTP and RabbitMQ, while each part fails in its own way.

    Each user is connected twice. Afterwards all that was accepted was delivered, without
    holes, in order, and nothing twice on one connection.
    """
    redis = RedisServer()
    redis.start()
    broker = rabbitmq.shared()
    ledger = Ledger()
    try:
        with running(tmp_path, broker=broker, relay=redis, NOTIFIER_DRAIN_SECONDS="1") as cluster:
            people = cluster.users(USERS)
            watchers = [Watcher(ledger, cluster, person) for person in people * 2]
            watching = [asyncio.create_task(watcher.run()) for watcher in watchers]
            await asyncio.gather(*[watcher.connected.wait() for watcher in watchers])
            each = (TOTAL - BY_RABBIT) // SENDERS
            sending = [
                HttpSender(ledger, cluster, people[number:] + people[:number], f"http{number}").run(
                    range(each), each / SECONDS
                )
                for number in range(SENDERS)
            ]
            sending.append(
                RabbitSender(ledger, broker.address, people).run(
                    range(BY_RABBIT), BY_RABBIT / SECONDS
                )
            )
            await asyncio.gather(_torment(cluster, redis), *sending)
            assert ledger.promises == each * SENDERS + BY_RABBIT
            await _until(lambda: not ledger.missing(), _CATCH_UP)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            assert all(process.stop() == 0 for process in cluster.processes)
        ledger.check()
        assert sum(watcher.codes[1012] for watcher in watchers) > 0, "nobody was sent away"
    finally:
        redis.remove()


async def _torment(cluster: PeopledCluster, redis: RedisServer) -> None:
    """All faults, one after the other, with time to recover in between."""
    first, second, _ = cluster.processes
    blocking = asyncio.to_thread
    await asyncio.sleep(2)
    redis.kill()
    await asyncio.sleep(3)
    await blocking(redis.start)
    await asyncio.sleep(3)
    redis.execute("FLUSHALL")
    await asyncio.sleep(1)
    redis.execute("CLIENT", "KILL", "TYPE", "PUBSUB")
    await asyncio.sleep(2)
    with redis.suspended():
        await asyncio.sleep(10)
    await asyncio.sleep(2)
    first.kill()
    await asyncio.sleep(3)
    await blocking(first.start)
    await asyncio.sleep(2)
    await blocking(second.stop)
    await blocking(second.start)
    await asyncio.sleep(2)
    await blocking(postgres.shared().restart)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    # Seldom, because it goes through the whole ledger.
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "something was not delivered"
        await asyncio.sleep(0.25)
