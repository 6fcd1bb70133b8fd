"""Clients lose their connections again and again, and notifications arrive all the same."""

from pathlib import Path

import pytest

from notifier.identity.tokens import Tokens
from tests.cluster.jitter import Client, Jitter
from tests.security.table import Now
from tests.support.cluster import running
from tests.support.harness import SECRET, ServerWith

LOSSES = 8

pytestmark = pytest.mark.attack(
    "a jitter run: each client loses its connection 8 times", before="not tried"
)


def client(user_id: int) -> Client:
    return Client(user_id, Tokens(SECRET, {"identity": 3600}).issue("identity", user_id, 0))


async def test_one_process(server_with: ServerWith, in_full: bool, now: Now) -> None:
    """One process with the embedded store: all of them, in order, whatever is lost."""
    people, notifications, seconds = (500, 5_000, 40.0) if in_full else (50, 500, 5.0)
    async with server_with(ping_seconds=2.0) as server:
        clients = [client((await server.user(f"user{n}")).id) for n in range(people)]
        figures = await Jitter(server.url).run(
            clients, losses=LOSSES, notifications=notifications, seconds=seconds
        )
        assert len(figures.delays) == figures.promised == notifications
        assert figures.losses == LOSSES * people
    now(f"{people:,} clients of one process: {figures}")


@pytest.mark.only_in_full
async def test_three_processes(tmp_path: Path, now: Now) -> None:
    """The same with PostgreSQL and Redis, through nginx, for 2,000 clients."""
    with running(tmp_path, NOTIFIER_PING_SECONDS="10") as cluster:
        clients = [client(person.id) for person in cluster.users(2_000)]
        figures = await Jitter(cluster.url).run(
            clients, losses=LOSSES, notifications=10_000, seconds=100.0
        )
        assert len(figures.delays) == figures.promised == 10_000
        assert figures.losses == LOSSES * len(clients)
    now(f"{len(clients):,} clients of three processes: {figures}")
