"""A cluster with people, whose database can be looked into."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers import postgres, rabbitmq, redis
from servers.cluster import Cluster
from servers.notifier import ServerProcess
from tests.support.harness import Person
from tests.support.people import make_people, socket_url


class PeopledCluster(Cluster):
    """Processes on a new database, and users."""

    def __init__(self, folder: Path, count: int, **environment: str) -> None:
        self.database = postgres.shared().create_database()
        super().__init__(folder, count, self.database, **environment)

    def users(self, count: int) -> list[Person]:
        """New users, made in the database itself."""
        return make_people(self.database, count)

    def stored(self) -> list[tuple[int, str, int]]:
        """User, key and seq of all that the database holds."""
        rows = postgres.execute(self.database, "SELECT user_id, key, seq FROM notifications")
        return [(user_id, key, seq) for user_id, key, seq in rows]

    def socket_url(self, person: Person, process: ServerProcess | None = None) -> str:
        """Where ``person`` connects: through nginx, or to one process."""
        return socket_url(self.url if process is None else process.url, person.id)


@contextmanager
def running(
    folder: Path,
    count: int = 3,
    *,
    nginx: bool = True,
    broker: rabbitmq.RabbitServer | None = None,
    relay: redis.RedisServer | None = None,
    **environment: str,
) -> Iterator[PeopledCluster]:
    """Processes that share PostgreSQL, Redis and, where given, RabbitMQ."""
    with ExitStack() as stack:
        relay = relay or redis.shared()
        environment = {"REDIS_URL": relay.url, **environment}
        if broker is not None:
            environment["AMQP_URL"] = broker.address
        cluster = PeopledCluster(folder, count, **environment)
        stack.callback(cluster.stop)
        cluster.start()
        if nginx:
            stack.callback(cluster.add_nginx().remove)
        yield cluster
