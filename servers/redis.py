"""A real Redis. ``shared()`` is one server for the whole run."""

import functools
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from servers.ports import free_port
from servers.program import Program, wait_for


class RedisServer(Program):
    """One server. ``settings`` are directives of redis.conf, such as ``cluster_enabled="yes"``."""

    NAME = "Redis"

    def __init__(self, *, sentinel: bool = False, **settings: str | int) -> None:
        # A server of a cluster speaks to the others on a port of its own.
        super().__init__(port=free_port(companion=10_000))
        self._binary = self.find("redis-server")
        self._sentinel = sentinel
        self._settings = {name.replace("_", "-"): value for name, value in settings.items()}

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        settings: dict[str, str | int | Path] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
        }
        if not self._sentinel:
            settings |= {"save": '""', "appendonly": "no"}
        lines = [f"{name} {value}" for name, value in (settings | self._settings).items()]
        (self.folder / "redis.conf").write_text("\n".join(lines) + "\n")

    def _command(self) -> Sequence[str | Path]:
        return [self._binary, self.folder / "redis.conf", *["--sentinel"] * self._sentinel]

    def _is_ready(self) -> bool:
        return self._answers(lambda client: client.ping())

    def resume(self) -> None:
        """Let it go on, if it was frozen."""
        self.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> int:
        if self.running:
            self.resume()  # a frozen one would not hear the signal
        return super()._end(number)

    def execute(self, *words: str | int) -> Any:
        """Run one command, on a connection of its own."""
        with redis.Redis(port=self.port, protocol=3, decode_responses=True) as client:
            return client.execute_command(*words)

    def wait_until(self, condition: Callable[[Any], object]) -> None:
        """Return as soon as ``condition``, which is given a client, holds."""
        wait_for(
            lambda: self._answers(condition), lambda: f"Redis is not ready: {self.log[-2000:]}"
        )

    def _answers(self, question: Callable[[Any], object]) -> bool:
        with redis.Redis(port=self.port, decode_responses=True) as client:
            try:
                return bool(question(client))
            except redis.RedisError:
                return False


@functools.cache
def shared() -> RedisServer:
    """The server of this run, started with the first test that needs it."""
    server = RedisServer()
    server.start()
    return server


@contextmanager
def redis_cluster(primaries: int = 3) -> Iterator[list[RedisServer]]:
    """A Redis cluster, its slots spread evenly."""
    servers = [RedisServer(cluster_enabled="yes") for _ in range(primaries)]
    try:
        for server in servers:
            server.start()
        subprocess.run(
            ["redis-cli", "--cluster", "create", "--cluster-yes"]
            + [f"127.0.0.1:{server.port}" for server in servers],
            check=True,
            capture_output=True,
            timeout=60,
        )
        for server in servers:
            server.wait_until(lambda client: client.cluster("info")["cluster_state"] == "ok")
        yield servers
    finally:
        for server in servers:
            server.remove()


@contextmanager
def sentinel() -> Iterator[tuple[RedisServer, RedisServer, RedisServer]]:
    """A primary, its replica, and a Sentinel that knows them as ``main``."""
    primary = RedisServer()
    replica = RedisServer(replicaof=f"127.0.0.1 {primary.port}")
    guard = RedisServer(sentinel=True, **{"sentinel monitor": f"main 127.0.0.1 {primary.port} 1"})
    servers = (primary, replica, guard)
    try:
        for server in servers:
            server.start()
        guard.execute("SENTINEL", "SET", "main", "down-after-milliseconds", 500)
        guard.execute("SENTINEL", "SET", "main", "failover-timeout", 2000)
        guard.wait_until(lambda client: len(client.sentinel_slaves("main")) == 1)
        yield servers
    finally:
        for server in servers:
            server.remove()
