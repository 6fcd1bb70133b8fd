"""The whole topology as plain processes: several Notifiers behind nginx, and what they share."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from notifier.identity.tokens import Tokens
from tests.support import postgres, rabbitmq, redis
from tests.support.harness import SECRET, Person
from tests.support.nginx import NginxServer
from tests.support.process import ServerProcess


class Cluster:
    """Processes on one database, and whatever else they were given."""

    def __init__(
        self, folder: Path, count: int, database: str | None = None, **environment: str
    ) -> None:
        self.database = database or postgres.shared().create_database()
        self.environment = {
            "DATABASE_URL": self.database,
            "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
            "NOTIFIER_OPEN_SEND": "1",
            **environment,
        }
        self.processes = []
        for number in range(count):
            own = folder / f"process-{number}"
            own.mkdir()
            self.processes.append(ServerProcess(own, **self.environment))
        self.nginx: NginxServer | None = None

    @property
    def url(self) -> str:
        """Where clients go: to nginx, or the only process."""
        return self.processes[0].url if self.nginx is None else self.nginx.url

    def start(self) -> None:
        """Start all processes, at the same moment."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.start, self.processes))

    def stop(self) -> None:
        """Stop those that still run."""
        for process in self.processes:
            process.stop()

    def add_nginx(self, port: int = 0) -> NginxServer:
        """Put nginx in front of all processes."""
        addresses = [f"127.0.0.1:{process.port}" for process in self.processes]
        self.nginx = NginxServer(addresses, port=port)
        self.nginx.start()
        return self.nginx

    def users(self, count: int) -> list[Person]:
        """New users, made in the database itself, without the cost of real password hashes."""
        made = postgres.execute(
            self.database,
            "WITH made AS ("
            "INSERT INTO users (username, password_hash, created_at) "
            "SELECT 'user-' || gen_random_uuid(), 'no hash', 0 FROM generate_series(1, %s) "
            "RETURNING id, username"
            "), inboxes AS (INSERT INTO inboxes (user_id) SELECT id FROM made) "
            "SELECT id, username FROM made ORDER BY id",
            (count,),
        )
        return [Person(*row) for row in made]

    def stored(self) -> list[tuple[int, str, int]]:
        """User, key and seq of all that the database holds."""
        rows = postgres.execute(self.database, "SELECT user_id, key, seq FROM notifications")
        return [(user_id, key, seq) for user_id, key, seq in rows]

    def token(self, person: Person) -> str:
        """An identity token, valid in all processes."""
        return Tokens(SECRET, {"identity": 3600}).issue("identity", person.id, 0)

    def socket_url(self, person: Person, process: ServerProcess | None = None) -> str:
        """Where ``person`` connects: through nginx, or to one process."""
        base = self.url if process is None else process.url
        path = f"/ws/notifications/{person.id}/?token={self.token(person)}"
        return f"ws{base.removeprefix('http')}{path}"


@contextmanager
def running(
    folder: Path,
    count: int = 3,
    *,
    nginx: bool = True,
    broker: rabbitmq.RabbitServer | None = None,
    relay: redis.RedisServer | None = None,
    **environment: str,
) -> Iterator[Cluster]:
    """Processes that share PostgreSQL, Redis and, where given, RabbitMQ."""
    with ExitStack() as stack:
        relay = relay or redis.shared()
        environment = {"REDIS_URL": relay.url, **environment}
        if broker is not None:
            environment["AMQP_URL"] = broker.address
        cluster = Cluster(folder, count, **environment)
        stack.callback(cluster.stop)
        cluster.start()
        if nginx:
            stack.callback(cluster.add_nginx().remove)
        yield cluster
