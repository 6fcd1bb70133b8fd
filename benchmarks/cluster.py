"""What several processes cost, and what they ask of those they share.

``python -m benchmarks.cluster [part …]``; without parts all of them:

crossing   CPU per delivery, sender and socket at one process or at two
order      how often nudges of two processes overtake each other, and what that costs
shared     CPU of Redis, PostgreSQL and nginx per send, memory per socket and channel
sweep      CPU of a comparison of positions, per connected user
shards     CPU of each server of a Redis cluster per send
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.fanout import Listener
from benchmarks.measure import SECRET, Sender, Subject, subject
from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.redis import RedisRelay
from notifier.events import Appended, Event
from notifier.identity.tokens import Tokens
from notifier.models import Notification, Online
from notifier.storage.postgres import PostgresDriver
from servers import postgres
from servers.nginx import NginxServer
from servers.postgres import PostgresServer
from servers.redis import RedisServer, redis_cluster

USERS = 16
ROUNDS = 4
_TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")


class Shared:
    """The servers that processes share."""

    def __init__(self, stack: ExitStack) -> None:
        self.postgres = PostgresServer(durable=True)
        self.redis = RedisServer()
        for server in (self.postgres, self.redis):
            stack.callback(server.remove)
            server.start()

    @contextmanager
    def processes(self, count: int, *, redis: bool) -> Iterator[list[Subject]]:
        """So many of them, on an empty database with :data:`USERS` users."""
        database = self.postgres.create_database()
        environment = {
            "DATABASE_URL": database,
            "NOTIFIER_OPEN_SEND": "1",
            "NOTIFIER_MAX_PENDING": "0",  # nobody acknowledges
            "NOTIFIER_ADMIN_PASSWORD": "a password for benchmarks",
            "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
            "NOTIFIER_LOG_LEVEL": "warning",
        } | ({"REDIS_URL": self.redis.url} if redis else {})
        with ExitStack() as stack:
            started = [
                stack.enter_context(subject("notifier", **environment)) for _ in range(count)
            ]
            postgres.execute(
                database,
                "WITH made AS (INSERT INTO users (username, password_hash, created_at) "
                "SELECT 'user ' || n, '', 0 FROM generate_series(2, 20000) n RETURNING id) "
                "INSERT INTO inboxes (user_id) SELECT id FROM made",
            )
            self.database = database
            yield started


def token(user_id: int) -> str:
    return Tokens(SECRET, {"identity": 3600}).issue("identity", user_id, 0)


def body(user_id: int) -> bytes:
    return b'{"user_id": %d, "payload": {"additionalProp1": "string", "number": 12345}}' % user_id


def cpu_of(pid: int) -> float:
    """CPU time of a process and its living children, in microseconds."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0.0
    for each in (pid, *map(int, children)):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) * _TICK
    return total


async def deliver(ports: Sequence[int], socket_port: int, sends: int, users: int = USERS) -> None:
    """Send to ``users``, over ``ports`` in turn, and wait for all at one socket each."""
    listeners = [await Listener.connect(socket_port, token(n + 2), n + 2) for n in range(users)]
    await asyncio.sleep(0.3)  # the last ones go live
    senders = [await Sender.connect(ports[number % len(ports)]) for number in range(USERS)]
    each = sends // USERS

    async def produce(number: int) -> None:
        for _ in range(each):
            await senders[number].send(body(2 + number % users))

    async with asyncio.timeout(60):
        await asyncio.gather(
            *[produce(number) for number in range(USERS)],
            *[listener.take(each * USERS // users) for listener in listeners],
        )
    connections: list[Listener | Sender] = [*senders, *listeners]
    for connection in connections:
        connection.close()
    await asyncio.sleep(0.3)


def crossing(shared: Shared, sends: int = 6400) -> None:
    with (
        shared.processes(1, redis=False) as (alone,),
        shared.processes(2, redis=True) as (one, other),
    ):
        cases: dict[str, tuple[Sequence[Subject], Subject, Subject]] = {
            "one process, no Redis": ([alone], alone, alone),
            "one of two processes": ([one, other], one, one),
            "sender on A, socket on B": ([one, other], one, other),
        }
        figures: dict[str, list[float]] = {name: [] for name in cases}
        for number in range(ROUNDS + 1):
            for name, (counted, sender, receiver) in cases.items():
                before = sum(process.cpu() for process in counted)
                asyncio.run(deliver([sender.port], receiver.port, sends))
                spent = (sum(process.cpu() for process in counted) - before) / sends
                if number:  # the first round warms up
                    figures[name].append(spent)
    for name, values in figures.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        print(f"{name:<26} {statistics.median(values):5.0f} µs of CPU per delivery ({rounds})")


def _page_reads(database: str) -> int:
    time.sleep(1.5)  # sessions report their figures once a second
    ((reads,),) = postgres.execute(
        database,
        "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE relname = 'notifications'",
    )
    return int(reads)


def order(shared: Shared, sends: int = 6400) -> None:
    with shared.processes(3, redis=True) as (one, other, third):
        for users in (1, 4, 16):
            before, cpu = _page_reads(shared.database), third.cpu()
            asyncio.run(deliver([one.port, other.port], third.port, sends, users))
            spent = (third.cpu() - cpu) / sends
            reads = _page_reads(shared.database) - before - users
            print(
                f"two senders' processes, {users:2} users: {reads / sends:6.4f} reads of the store "
                f"and {spent:4.0f} µs of the socket's process per delivery"
            )


def shared_servers(shared: Shared, sends: int = 6400) -> None:
    redis_pid, postgres_pid = shared.redis.pid, shared.postgres.pid
    with shared.processes(2, redis=True) as (one, other), ExitStack() as stack:
        nginx = NginxServer([f"127.0.0.1:{process.port}" for process in (one, other)])
        stack.callback(nginx.remove)
        nginx.start()
        asyncio.run(deliver([one.port], other.port, sends))
        measured = {"Redis": redis_pid, "PostgreSQL": postgres_pid, "nginx": nginx.pid}
        before = {name: cpu_of(pid) for name, pid in measured.items()}
        asyncio.run(deliver([nginx.port], nginx.port, sends))
        for name, pid in measured.items():
            print(f"{name:<11} {(cpu_of(pid) - before[name]) / sends:5.0f} µs of CPU per send")
        asyncio.run(_hold(one, other, nginx, shared.redis))


async def _hold(one: Subject, other: Subject, nginx: NginxServer, redis: RedisServer) -> None:
    count = 4000
    measured: dict[str, Callable[[], float]] = {
        "both processes": lambda: one.memory() + other.memory(),
        "nginx": nginx.memory,
        "Redis": lambda: redis.execute("INFO", "memory")["used_memory"],
    }
    cpu = one.cpu() + other.cpu()
    before = {name: measure() for name, measure in measured.items()}
    sockets: list[Listener] = []
    for first in range(2, count + 2, 50):
        connecting = [Listener.connect(nginx.port, token(n), n) for n in range(first, first + 50)]
        sockets += await asyncio.gather(*connecting)
    await asyncio.sleep(1)
    for name, measure in measured.items():
        held = (measure() - before[name]) / count / 1024
        print(f"{name:<15} {held:5.1f} KiB per connected user")
    print(
        f"both processes  {(one.cpu() + other.cpu() - cpu) / count:5.0f} µs of CPU per connection"
    )
    cpu, began = one.cpu() + other.cpu(), time.monotonic()
    await asyncio.sleep(10)
    idle = (one.cpu() + other.cpu() - cpu) / (time.monotonic() - began) / count
    print(f"both processes  {idle:5.1f} µs of CPU per idle user and second, sweeps and pings")
    await _resubscribe(one, other, redis)
    for socket in sockets:
        socket.close()


async def _resubscribe(one: Subject, other: Subject, redis: RedisServer) -> None:
    cpu, began = one.cpu() + other.cpu(), time.monotonic()
    count = _channels(redis)
    redis.execute("CLIENT", "KILL", "TYPE", "PUBSUB")
    while _channels(redis) < count:  # noqa: ASYNC110 - another process makes them
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began
    spent = one.cpu() + other.cpu() - cpu
    print(f"{count} subscriptions were back after {seconds:.2f} s, for {spent / count:.0f} µs each")


def _channels(redis: RedisServer) -> int:
    return len(redis.execute("PUBSUB", "CHANNELS"))


def sweep(shared: Shared) -> None:
    with shared.processes(1, redis=False):
        session = PostgresDriver(shared.database).reader()
        users = list(range(2, 1002))
        session.positions(users)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(50):
            session.positions(users)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        session.close()
    print(f"positions of 1000 users: {wall * 20:.1f} ms, of which {spent * 20:.1f} ms are ours")


class Counted:
    """A receiver that counts."""

    def __init__(self) -> None:
        self.count = 0

    def deliver(self, events: Sequence[Event]) -> None:
        self.count += len(events)

    def heard(self, user_id: int, seq: int) -> None:
        """There is no store to read it from."""

    def online(self, user_ids: Sequence[int]) -> dict[int, Online]:
        """Nobody asks."""
        return {}


def shards(shared: Shared) -> None:
    with redis_cluster() as servers:
        asyncio.run(_crossing_shards(servers, 60_000, 2000))


async def _crossing_shards(servers: Sequence[RedisServer], sends: int, users: int) -> None:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    bus = bus_for(f"redis+cluster://{hosts}")
    one, other = (RedisRelay(bus, prefix="n:", secrets=(SECRET,)) for _ in "12")
    told = Counted()
    await one.start(Counted())
    await other.start(told)
    await asyncio.gather(*[other.subscribe(user_id) for user_id in range(users)])
    before = [cpu_of(server.pid) for server in servers]
    for seq in range(sends // users):
        fresh = [Notification(user_id, seq, "0" * 32, b"12345", 0) for user_id in range(users)]
        one.publish([Appended(each) for each in fresh])
        while told.count < (seq + 1) * users:  # noqa: ASYNC110 - a relay tells nobody
            await asyncio.sleep(0.001)
    for server, start in zip(servers, before, strict=True):
        print(f"shard at {server.port}: {(cpu_of(server.pid) - start) / sends:5.1f} µs per send")
    await asyncio.gather(one.stop(), other.stop())


PARTS = {
    "crossing": crossing,
    "order": order,
    "shared": shared_servers,
    "sweep": sweep,
    "shards": shards,
}


def main() -> None:
    with ExitStack() as stack:
        shared = Shared(stack)
        for name in sys.argv[1:] or PARTS:
            PARTS[name](shared)


if __name__ == "__main__":
    main()
