"""``make cluster``: the topology of docker-compose.yml as plain processes on this machine.

PostgreSQL, RabbitMQ, Redis and nginx are those that are installed; everything lives in a
temporary folder, on free ports, and Ctrl-C stops all of it. Nothing is kept.
"""

import argparse
import secrets
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.support.cluster import Cluster
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.redis import RedisServer
from tests.support.servers import MissingServer

_PORT = 8002


def main() -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--processes", type=int, default=3, metavar="N")
    parser.add_argument("--port", type=int, default=_PORT, help="where nginx listens")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with ExitStack() as stack:
            _run(stack, options.processes, options.port)
            ended.wait()
            print("Stopping …", flush=True)
    except MissingServer as missing:
        print(f"{missing.name} is not installed; on Debian: apt install {_DEBIAN}", file=sys.stderr)
        return 1
    return 0


_DEBIAN = "postgresql rabbitmq-server redis-server nginx"


def _run(stack: ExitStack, count: int, port: int) -> None:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notifier-cluster-")))
    database, relay, broker = PostgresServer(durable=True), RedisServer(), RabbitServer()
    for server in (database, relay, broker):
        print(f"Starting {type(server).__name__.removesuffix('Server')} …", flush=True)
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
