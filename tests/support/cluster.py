"""A cluster with people, whose database can be looked into."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from notifier.identity.tokens import Tokens
from servers import postgres, rabbitmq, redis
from servers.cluster import Cluster
from servers.notifier import SECRET, ServerProcess
from tests.support.harness import Person


class PeopledCluster(Cluster):
    """Processes on a new database, and users."""

    def __init__(self, folder: Path, count: int, **environment: str) -> None:
        self.database = postgres.shared().create_database()
        super().__init__(folder, count, self.database, **environment)

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
