"""A real Redis for tests: on a free port, in a temporary folder, gone afterwards.

``shared()`` is one server for the whole run.
"""

import atexit
import functools
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.support.ports import free_port
from tests.support.servers import MissingServer

_SECONDS = 20.0


def _binary() -> str:
    found = shutil.which("redis-server")
    if found is None:
        raise MissingServer("Redis")
    return found


class RedisServer:
    """One server. ``settings`` are directives of redis.conf, such as ``cluster_enabled="yes"``."""

    def __init__(self, *, sentinel: bool = False, **settings: str | int) -> None:
        self._binary = _binary()
        self._sentinel = sentinel
        self._settings = {name.replace("_", "-"): value for name, value in settings.items()}
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        # A server of a cluster speaks to the others on a port of its own.
        self.port = free_port(companion=10_000)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs, and return when it answers."""
        if self.running:
            return
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="notifier-redis-"))
            atexit.register(self.remove)
            self._configure(self._folder)
        command = [self._binary, str(self._folder / "redis.conf")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command + ["--sentinel"] * self._sentinel,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait(lambda client: client.ping())

    def _configure(self, folder: Path) -> None:
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": folder}
        if not self._sentinel:
            settings |= {"save": '""', "appendonly": "no"}
        lines = [f"{name} {value}" for name, value in (settings | self._settings).items()]
        (folder / "redis.conf").write_text("\n".join(lines) + "\n")

    def stop(self) -> None:
        """Shut it down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Let it crash."""
        self._end(signal.SIGKILL)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze it: connections stay open, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.resume()

    def resume(self) -> None:
        """Let it go on, if it was frozen."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its folder."""
        atexit.unregister(self.remove)
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def execute(self, *words: str | int) -> Any:
        """Run one command, on a connection of its own."""
        with redis.Redis(port=self.port, protocol=3, decode_responses=True) as client:
            return client.execute_command(*words)

    def wait(self, condition: Callable[[Any], object]) -> None:
        """Return as soon as ``condition``, which is given a client, holds."""
        deadline = time.monotonic() + _SECONDS
        while True:
            with redis.Redis(port=self.port, decode_responses=True) as client:
                try:
                    if condition(client):
                        return
                except redis.RedisError:
                    pass
            assert time.monotonic() < deadline, f"Redis is not ready: {self.log[-2000:]}"
            time.sleep(0.02)

    @property
    def log(self) -> str:
        """What it has logged."""
        return "" if self._folder is None else (self._folder / "log").read_text(errors="replace")

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait()
            self._process = None


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
            server.wait(lambda client: client.cluster("info")["cluster_state"] == "ok")
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
        guard.wait(lambda client: len(client.sentinel_slaves("main")) == 1)
        yield servers
    finally:
        for server in servers:
            server.remove()
