"""The two ways to install it, each with a link wherever one part speaks to another."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from notifier.storage.sqlite import FILE_NAME
from servers import ROOT
from servers.nginx import NginxServer
from servers.notifier import ServerProcess
from servers.postgres import PostgresServer
from servers.rabbitmq import RabbitServer
from servers.redis import RedisServer
from tests.faults.link import Link
from tests.support.harness import Person
from tests.support.people import make_people, socket_url

_DISK_MEGABYTES = 64
_WRONG_CLOCK = Path(__file__).with_name("wrong_clock")


class Site:
    """One installation. What it does not have is None."""

    name: str
    processes: Sequence[ServerProcess]
    broker: RabbitServer
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    disk: Path | None = None
    """A small file system of the embedded store, where one can be made."""
    clock: Path
    """A file with the seconds by which the clock of the first process is wrong."""

    def __init__(self) -> None:
        self.links: dict[str, Sequence[Link]] = {}
        """By the pair between which they are."""
        self.stack = AsyncExitStack()
        self._people: list[Person] = []

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.links['clients'][0].port}"

    def socket_url(self, person: Person) -> str:
        """Where a device of ``person`` connects."""
        return socket_url(self.url, person.id)

    def people(self, count: int) -> list[Person]:
        """Users of whom nobody has heard before."""
        chosen, self._people = self._people[:count], self._people[count:]
        assert len(chosen) == count
        return chosen

    async def link(self, pair: str, *targets: int) -> list[int]:
        """Put links between a pair; returns their ports, one for each of ``targets``."""
        self.links[pair] = [
            await self.stack.enter_async_context(Link(target).open()) for target in targets
        ]
        return [link.port for link in self.links[pair]]

    def wrong_clock(self, folder: Path) -> dict[str, str]:
        """The environment of processes whose time of day goes by :attr:`clock`."""
        self.clock = folder / "clock"
        self.clock.write_text("0")
        path = os.pathsep.join(map(str, (_WRONG_CLOCK, ROOT)))
        return {"PYTHONPATH": path, "WRONG_CLOCK": str(self.clock)}

    async def start_broker(self) -> str:
        """RabbitMQ, over a link; its address."""
        self.broker = RabbitServer()
        self.stack.callback(self.broker.remove)
        await asyncio.to_thread(self.broker.start)
        (port,) = await self.link("process to RabbitMQ", self.broker.port)
        return self.broker.address.replace(str(self.broker.port), str(port))


class OneProcess(Site):
    """One process with the embedded store."""

    name = "one process, SQLite"

    @asynccontextmanager
    async def running(self, folder: Path, people: int) -> AsyncIterator["OneProcess"]:
        """Run inside the block, with so many users."""
        async with self.stack:
            own = folder / "one"
            own.mkdir()
            if self._mount(own):
                self.disk = own
                self.stack.callback(subprocess.run, ["umount", own], check=True)
            clock = self.wrong_clock(folder)
            process = ServerProcess(
                own, AMQP_URL=await self.start_broker(), NOTIFIER_MIN_FREE_BYTES="0", **clock
            )
            self.processes = [process]
            self.stack.callback(process.stop)
            await asyncio.to_thread(process.start)
            await asyncio.to_thread(process.stop)  # the store has one user at a time
            self._people = self._make_people(own / "data" / FILE_NAME, people)
            await asyncio.to_thread(process.start)
            await self.link("clients", process.port)
            yield self

    @staticmethod
    def _mount(folder: Path) -> bool:
        if os.geteuid() != 0:
            return False
        command = ("mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "tmpfs", folder)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @staticmethod
    def _make_people(file: Path, count: int) -> list[Person]:
        with closing(sqlite3.connect(file)) as connection, connection:
            made = []
            for number in range(count):
                (user_id,) = connection.execute(
                    "INSERT INTO users (username, password_hash, created_at) "
                    "VALUES (?, 'no hash', 0) RETURNING id",
                    (f"user-{number}",),
                ).fetchone()
                connection.execute("INSERT INTO inboxes (user_id) VALUES (?)", (user_id,))
                made.append(Person(user_id, f"user-{number}"))
            return made

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """No byte is left on the store's file system."""
        assert self.disk is not None
        ballast = self.disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 12)):
                pass
        try:
            yield
        finally:
            ballast.unlink()


class ThreeProcesses(Site):
    """Three processes behind nginx, with PostgreSQL and Redis."""

    name = "three processes, PostgreSQL, Redis, nginx"
    postgres: PostgresServer
    redis: RedisServer

    @asynccontextmanager
    async def running(self, folder: Path, people: int) -> AsyncIterator["ThreeProcesses"]:
        """Run inside the block, with so many users."""
        async with self.stack:
            self.postgres, self.redis = PostgresServer(), RedisServer()
            for server in (self.postgres, self.redis):
                self.stack.callback(server.remove)
                await asyncio.to_thread(server.start)
            database = self.postgres.create_database()
            (postgres_port,) = await self.link("process to PostgreSQL", self.postgres.port)
            (redis_port,) = await self.link("process to Redis", self.redis.port)
            settings = {
                "DATABASE_URL": database.replace(f":{self.postgres.port}/", f":{postgres_port}/"),
                "REDIS_URL": f"redis://127.0.0.1:{redis_port}",
                "AMQP_URL": await self.start_broker(),
                "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
                "NOTIFIER_OPEN_SEND": "1",
            }
            made = []
            for number in range(3):
                own = folder / f"process-{number}"
                own.mkdir()
                # One of them, so that clocks disagree.
                clock = {} if made else self.wrong_clock(folder)
                process = ServerProcess(own, **settings, **clock)
                made.append(process)
                self.stack.callback(process.stop)
                await asyncio.to_thread(process.start)
            self.processes = made
            ports = await self.link("nginx to process", *(process.port for process in made))
            nginx = NginxServer([f"127.0.0.1:{port}" for port in ports])
            self.stack.callback(nginx.remove)
            await asyncio.to_thread(nginx.start)
            await self.link("clients", nginx.port)
            self._people = make_people(database, people)
            yield self
