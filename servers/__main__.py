"""``make cluster``: the topology of docker-compose.yml as plain processes on this machine.

PostgreSQL, RabbitMQ, Redis and nginx are those that are installed; everything lives in a
temporary folder, on free ports, and Ctrl-C stops all of it. Nothing is kept.
"""

import argparse
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from servers.cluster import Cluster
from servers.missing import MissingServer
from servers.nginx import NginxServer
from servers.postgres import PostgresServer
from servers.rabbitmq import RabbitServer
from servers.redis import RedisServer

_PORT: Final = 8002

_DEBIAN: Final[dict[str, Callable[[], object]]] = {
    "postgresql": PostgresServer,
    "rabbitmq-server": RabbitServer,
    "redis-server": RedisServer,
    "nginx": partial(NginxServer, ()),
}
"""Debian's packages of what is needed, and what finds out whether it is there."""


class CannotRun(Exception):
    """Something is in the way, and somebody can clear it."""


def main() -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--processes", type=int, default=3, metavar="N")
    parser.add_argument("--port", type=int, default=_PORT, help="where nginx listens")
    options = parser.parse_args()
    if options.processes < 1:
        parser.error("--processes: wants at least 1")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        _check_installed()
        _check_port(options.port)
        with ExitStack() as stack:
            _run(stack, options.processes, options.port)
            signal.pause()
    except CannotRun as reason:
        print(f"make cluster: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _end(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # stopping takes a moment, and is not broken off
    print("Stopping …", flush=True)
    raise KeyboardInterrupt


def _check_installed() -> None:
    """Say all that is missing before anything is started."""
    missing = {}
    for package, look in _DEBIAN.items():
        try:
            look()
        except MissingServer as server:
            missing[server.name] = package
    if missing:
        raise CannotRun(
            f"not installed: {', '.join(missing)}; "
            f"on Debian or Ubuntu: apt install {' '.join(missing.values())}"
        )


def _check_port(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else "no such port"
        raise CannotRun(
            f"cannot listen on port {port} ({reason}); another one: make cluster PORT=9000"
        ) from error


def _run(stack: ExitStack, count: int, port: int) -> None:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notifier-cluster-")))
    database, relay, broker = PostgresServer(durable=True), RedisServer(), RabbitServer()
    for server in (database, relay, broker):
        print(f"Starting {server.NAME} …", flush=True)
        stack.callback(server.remove)
        server.start()
    password = secrets.token_urlsafe(12)
    cluster = Cluster(
        folder,
        count,
        database.create_database(),
        REDIS_URL=relay.url,
        AMQP_URL=broker.address,
        SECRET_KEY=secrets.token_urlsafe(48),
        NOTIFIER_ADMIN_PASSWORD=password,
    )
    stack.callback(cluster.stop)
    cluster.start()
    stack.callback(cluster.add_nginx(port).remove)
    print(f"Notifier is running on {cluster.url}, {count} processes behind nginx.")
    print(f"  page      {cluster.url}/api/notifications/   admin / {password}")
    print(f"  processes {', '.join(process.url for process in cluster.processes)}")
    print(f"  RabbitMQ  {broker.address}")
    print(f"  logs      {folder}/process-*/server.log")
    print("Sends are open to everyone who reaches it. Ctrl-C stops all.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
