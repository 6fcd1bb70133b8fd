"""People of a server that is a process of its own: made in its database, and how they reach it."""

from notifier.identity.tokens import Tokens
from servers import postgres
from servers.notifier import SECRET
from tests.support.harness import Person


def make_people(database: str, count: int) -> list[Person]:
    """New users in a database of PostgreSQL, without the cost of real password hashes."""
    made = postgres.execute(
        database,
        "WITH made AS ("
        "INSERT INTO users (username, password_hash, created_at) "
        "SELECT 'user-' || gen_random_uuid(), 'no hash', 0 FROM generate_series(1, %s) "
        "RETURNING id, username"
        "), inboxes AS (INSERT INTO inboxes (user_id) SELECT id FROM made) "
        "SELECT id, username FROM made ORDER BY id",
        (count,),
    )
    return [Person(*row) for row in made]


def identity_of(user_id: int) -> str:
    """An identity token, valid in all processes that the tests start."""
    return Tokens(SECRET, {"identity": 3600}).issue("identity", user_id, 0)


def socket_url(base: str, user_id: int) -> str:
    """Where a user's device connects, at the server or proxy ``base``."""
    path = f"/ws/notifications/{user_id}/?token={identity_of(user_id)}"
    return f"ws{base.removeprefix('http')}{path}"
