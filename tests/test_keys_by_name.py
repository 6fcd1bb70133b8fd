"""Keys that are for some of the application's users only, where users are named."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifier.storage.contract import Query, ReadSession, Row
from tests.support.harness import SEND, Harness, ServerWith
from tests.test_keys import make


class Recipients(Query[list[Row]], frozen=True):
    """The names of all."""

    def ask(self, session: ReadSession) -> list[Row]:
        return session.run("SELECT name FROM recipients")


IDENTITY = "/api/users/identity/"
REVOKE = "/api/users/revoke/"


@pytest.fixture
async def server(server_with: ServerWith, each_database_url: str) -> AsyncIterator[Harness]:
    """One whose users are the application's and ours."""
    async with server_with(
        users="both",
        jwt_secret="s" * 32,
        jwt_issuer="i",
        jwt_audience="a",
        database_url=each_database_url,
    ) as server:
        yield server


@pytest.mark.attack(
    "a key of one region that names users of another", before="any key could send to anyone"
)
@pytest.mark.parametrize(
    "user", ["eu", "eu1", "europe:1", "EU:1", " eu:1", "e\N{ZERO WIDTH SPACE}u:1", "us:eu:1"]
)
async def test_users_of_others(server: Harness, user: str) -> None:
    """No endpoint does anything to a user whose name begins otherwise, nor to an account."""
    ann = await server.user("eu:ann")
    made = await make(server, scopes=["send", "identity", "revoke"], user_prefix="eu:")
    whom: list[dict[str, Any]] = [{"user": user}, {"user_id": ann.id}]
    for who in whom:
        for path, more in ((SEND, {"payload": 1}), (IDENTITY, {}), (REVOKE, {})):
            answer = await server.post(who | more, path, headers={"X-API-Key": made["key"]})
            assert (answer.status_code, answer.json()["code"]) == (403, "user_not_allowed")
    assert await server.server.store.read(Recipients()) == []


async def test_users_of_its_own(server: Harness) -> None:
    """Whose name begins with the prefix can be named everywhere that the scopes open."""
    made = await make(server, scopes=["send", "identity", "revoke"], user_prefix="eu:")
    for user in ("eu:", "eu:1"):
        for path, more, status in (
            (SEND, {"payload": 1}, 200),
            (IDENTITY, {}, 200),
            (REVOKE, {}, 204),
        ):
            answer = await server.post(
                {"user": user} | more, path, headers={"X-API-Key": made["key"]}
            )
            assert answer.status_code == status, answer.text
