"""What can go wrong, each as something that is done to a site and ends."""

import asyncio
import resource
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

from servers.program import Program
from servers.redis import RedisServer
from tests.faults.site import OneProcess, Site, ThreeProcesses
from tests.support.frames import handshake
from tests.support.people import socket_url

_LASTS: Final = 5.0
"""Seconds for which something is away."""


class Fault(NamedTuple):
    """One row of the table."""

    name: str
    happen: Callable[[Site], Awaitable[None]]
    """Returns when it is over."""
    sites: tuple[type[Site], ...] = (OneProcess, ThreeProcesses)
    """Where there is something that it can happen to."""
    possible: Callable[[Site], bool] = lambda site: True
    """Whether it can be made on this machine."""


async def _nothing(site: Site) -> None:
    await asyncio.sleep(_LASTS)


async def _kill_processes(site: Site) -> None:
    for number in range(20):
        process = site.processes[number % len(site.processes)]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)


async def _hang_process(site: Site) -> None:
    with site.processes[0].suspended():
        await asyncio.sleep(2 * _LASTS)


async def _restart(program: Program) -> None:
    await asyncio.to_thread(program.stop)
    await asyncio.sleep(1)
    await asyncio.to_thread(program.start)


async def _crash(program: Program) -> None:
    await asyncio.to_thread(program.kill)
    await asyncio.sleep(_LASTS)
    await asyncio.to_thread(program.start)


async def _hang(program: Program) -> None:
    with program.suspended():
        await asyncio.sleep(2 * _LASTS)


async def _full_disk(site: Site) -> None:
    with cast(OneProcess, site).full_disk():
        await asyncio.sleep(_LASTS)


async def _no_writes(site: Site) -> None:
    with _unable_to_write(site.processes[0].pid):
        await asyncio.sleep(_LASTS)


@contextmanager
def _unable_to_write(pid: int) -> Iterator[None]:
    """No file of the process may grow, as if its file system had become read-only."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def _read_only_database(site: Site) -> None:
    postgres = cast(ThreeProcesses, site).postgres
    for value in ("on", "off"):
        postgres.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        postgres.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(_LASTS if value == "on" else 0)


async def _flush_redis(site: Site) -> None:
    redis = _redis(site)
    for _ in range(5):
        redis.execute("FLUSHALL")
        redis.execute("CLIENT", "KILL", "TYPE", "PUBSUB")
        await asyncio.sleep(1)


async def _memory_alarm(site: Site) -> None:
    with site.broker.alarm():
        await asyncio.sleep(_LASTS)


def _silence(pair: str) -> Callable[[Site], Awaitable[None]]:
    async def happen(site: Site) -> None:
        # Of several alike, one: the others go on.
        async with site.links[pair][0].silent():
            await asyncio.sleep(2 * _LASTS)

    return happen


async def _vanishing_clients(site: Site) -> None:
    """Devices that connect, and are gone without a word, or never read what they are sent."""
    people = site.people(2)
    host = cast(str, urlsplit(site.url).netloc)
    for number in range(200):
        client = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])))
        path = socket_url("http://", people[number % 2].id).removeprefix("ws://")
        client.sendall(handshake(path, host=host))
        await asyncio.sleep(0.02)
        # A reset instead of an end.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


async def _step_clock(site: Site) -> None:
    for seconds in (600, -600, 0):
        site.clock.write_text(str(seconds))
        await asyncio.sleep(_LASTS)


def _postgres(site: Site) -> Program:
    return cast(ThreeProcesses, site).postgres


def _redis(site: Site) -> RedisServer:
    return cast(ThreeProcesses, site).redis


_ONE: Final = (OneProcess,)
_THREE: Final = (ThreeProcesses,)

FAULTS: Final = (
    Fault("none", _nothing),
    Fault("SIGKILL of a process, 20 times", _kill_processes),
    Fault("a process hangs (SIGSTOP), 10 s", _hang_process),
    Fault("200 clients that vanish", _vanishing_clients),
    Fault("the clock of one process goes 10 min forth and 20 back", _step_clock),
    Fault("clients: nothing gets through, 10 s", _silence("clients")),
    Fault("the disk is full, 5 s", _full_disk, _ONE, lambda site: bool(site.disk)),
    Fault("no file can be written, 5 s", _no_writes, _ONE),
    Fault("PostgreSQL is read-only, 5 s", _read_only_database, _THREE),
    Fault("PostgreSQL restarts", lambda site: _restart(_postgres(site)), _THREE),
    Fault("PostgreSQL crashes, 5 s away", lambda site: _crash(_postgres(site)), _THREE),
    Fault("PostgreSQL hangs, 10 s", lambda site: _hang(_postgres(site)), _THREE),
    Fault(
        "process to PostgreSQL: nothing gets through, 10 s",
        _silence("process to PostgreSQL"),
        _THREE,
    ),
    Fault("Redis crashes, 5 s away", lambda site: _crash(_redis(site)), _THREE),
    Fault("Redis restarts", lambda site: _restart(_redis(site)), _THREE),
    Fault("Redis is flushed and its clients are ended, 5 times", _flush_redis, _THREE),
    Fault("Redis hangs, 10 s", lambda site: _hang(_redis(site)), _THREE),
    Fault("process to Redis: nothing gets through, 10 s", _silence("process to Redis"), _THREE),
    Fault("nginx to one process: nothing gets through, 10 s", _silence("nginx to process"), _THREE),
    Fault("RabbitMQ crashes, 5 s away", lambda site: _crash(site.broker)),
    Fault("RabbitMQ: memory alarm, 5 s", _memory_alarm),
    Fault("process to RabbitMQ: nothing gets through, 10 s", _silence("process to RabbitMQ")),
)
