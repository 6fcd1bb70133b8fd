"""A back end ends its users' connections and tokens, and has new ones made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio

from notifier import clock
from notifier.delivery.closing import CloseCode
from notifier.identity.keys import digest
from notifier.models import Notification, Recipient, Scope, WhoseUsers
from notifier.storage.contract import Query, ReadSession, Row
from notifier.storage.operations.keys import CreateApiKey, RevokeApiKey
from notifier.storage.operations.recipients import RecipientByName
from tests.storage.databases import PostgresDatabase
from tests.support.harness import SECRET, Harness, ServerWith, running, settings_for, until
from tests.support.naming import users_of

REVOKE = "/api/users/revoke/"
IDENTITY = "/api/users/identity/"
NAME = "auth0|5f7c"
KEY = {"X-API-Key": "ntf_key"}


@pytest_asyncio.fixture
async def server(server_with: ServerWith, each_database_url: str) -> AsyncIterator[Harness]:
    """A server that has both kinds of users, on each database, and a key for all of this."""
    async with server_with(**users_of(), database_url=each_database_url) as harness:
        await make_key(harness, "identity", "revoke")
        yield harness


async def make_key(server: Harness, *scopes: Scope) -> None:
    await server.server.store.submit(CreateApiKey("backend", digest("ntf_key"), scopes))


class Socket:
    """A transport that remembers how it was ended."""

    buffered = 0

    def __init__(self) -> None:
        self.received: list[Notification] = []
        self.end: tuple[CloseCode, str] | None = None

    def send(self, notification: Notification) -> None:
        self.received.append(notification)

    def flush(self) -> None:
        pass

    async def drained(self) -> None:
        pass

    def close(self, code: CloseCode, reason: str) -> None:
        self.end = (code, reason)


@asynccontextmanager
async def connected(server: Harness, number: int, version: int) -> AsyncIterator[Socket]:
    """A device of somebody, whose token has this version."""
    socket = Socket()
    expires_at = clock.now() + clock.DAY
    hub = server.server.hub
    device = hub.attach(number, socket, version=version, expires_at=expires_at)
    try:
        yield socket
    finally:
        hub.detach(device)


async def recipient(server: Harness, name: str = NAME) -> Recipient:
    """The recipient of this name, who must exist."""
    found = await server.server.store.read(RecipientByName(name))
    assert found is not None
    return found


async def revoke(server: Harness, **whom: object) -> None:
    answer = await server.post(whom, REVOKE, headers=KEY)
    assert (answer.status_code, answer.content) == (204, b"")


async def identity(server: Harness, **whose: object) -> dict[str, Any]:
    """The claims of a new identity token."""
    answer = await server.post(whose, IDENTITY, headers=KEY)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"identity", "expires_at"}
    claims: dict[str, Any] = jwt.decode(answer.json()["identity"], SECRET, algorithms=["HS256"])
    assert answer.json()["expires_at"] == clock.isoformat(claims["exp"] * clock.SECOND)
    return claims


class Recorded(Query[list[Row]], frozen=True):
    """The audit log."""

    def ask(self, session: ReadSession) -> list[Row]:
        columns = "action, actor, subject, address"
        return session.run(f"SELECT {columns} FROM audit WHERE action = 'user_revoked' ORDER BY id")


class TestRecipients:
    async def test_connections_end(self, server: Harness) -> None:
        """Sockets with tokens of before end for good, those with later ones go on."""
        await server.post({"user": NAME, "payload": 1}, headers=await self._sender(server))
        number = (await recipient(server)).number
        before = clock.now()
        async with connected(server, number, before) as old:
            await until(lambda: old.received)
            await revoke(server, user=NAME)
            version = (await recipient(server)).token_version
            assert version > before
            async with connected(server, number, version) as fresh:
                await until(lambda: old.end)
                assert old.end == (CloseCode.REVOKED, "revoked")
                await until(lambda: fresh.received)
                assert fresh.end is None

    async def _sender(self, server: Harness) -> dict[str, str]:
        return {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}

    async def test_whoever_never_was(self, server: Harness) -> None:
        """Somebody who was never heard of cannot come later with a token of before."""
        before = clock.now()
        await revoke(server, user=NAME)
        assert (await recipient(server)).token_version > before

    async def test_again_and_again(self, server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each revocation ends what the one before has let pass, wherever clocks stand."""
        versions = []
        moment = clock.now()
        monkeypatch.setattr(clock, "now", lambda: moment)
        for step in (0, 0, -60_000, 60_000):
            moment += step
            await revoke(server, user=NAME)
            versions.append((await recipient(server)).token_version)
            claims = await identity(server, user=NAME)
            assert claims["ver"] >= versions[-1], "the next token holds"
            assert max(versions) == versions[-1]
        assert len(set(versions)) == 4

    async def test_identity(self, server: Harness) -> None:
        """An identity token of a recipient says who it is by name, and when it was made."""
        before = clock.now()
        claims = await identity(server, user=NAME)
        assert set(claims) == {"token_type", "exp", "iat", "jti", "user", "ver"}
        assert (claims["token_type"], claims["user"]) == ("identity", NAME)
        assert claims["exp"] - claims["iat"] == 3600
        assert before <= claims["ver"] <= clock.now()
        found = await server.server.store.read(RecipientByName(NAME))
        assert found is None, "nobody comes into being by a token that nobody uses"


class TestAccounts:
    @pytest.mark.parametrize("as_text", [True, False])
    async def test_revoked(self, server: Harness, as_text: bool) -> None:
        """All tokens and connections of an account end, and the next token holds."""
        ann = await server.user()
        user_id = str(ann.id) if as_text else ann.id
        access = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
        who = "/api/users/is-authenticated/"
        async with server.connect(ann) as device:
            await device.nothing_more()
            await revoke(server, user_id=user_id)
            assert (await device.closed())[0] == 4403
        assert (await server.http.get(who, headers=access)).status_code == 401
        claims = await identity(server, user_id=user_id)
        assert (claims["user_id"], claims["ver"], "user" in claims) == (ann.id, 1, False)

    @pytest.mark.parametrize("path", [REVOKE, IDENTITY])
    async def test_nobody(self, server: Harness, path: str) -> None:
        """An id that nobody has or can have gets 404."""
        for user_id in (99, 0, -1, 2**63, "9" * 1000):
            answer = await server.post({"user_id": user_id}, path, headers=KEY)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_user")


@pytest.mark.parametrize("path", [REVOKE, IDENTITY])
class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "user_id"),
            ({"user": "ann", "user_id": 1}, "user"),
            ({"user": ""}, "user"),
            ({"user": "x" * 129}, "user"),
            ({"user": "a\0"}, "user"),
            ({"user": 1}, "user"),
            ({"user_id": "ann"}, "user_id"),
            ({"user_id": None}, "user_id"),
            ({"user": "ann", "reason": "x"}, "reason"),
        ],
    )
    async def test_bodies(
        self, server: Harness, path: str, body: dict[str, object], field: str
    ) -> None:
        """Whoever is not named well is not touched."""
        refused = await server.post(body, path, headers=KEY)
        assert refused.status_code == 400
        assert field in refused.json()
        assert await server.server.store.read(RecipientByName("ann")) is None

    async def test_surrogates(self, server: Harness, path: str) -> None:
        """Half of a pair is no name."""
        refused = await server.post(b'{"user": "\\ud800"}', path, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed_json")

    async def test_who_may(self, server_with: ServerWith, path: str) -> None:
        """It takes a key with the very scope, or a superuser; being on this machine is nothing."""
        scope = "revoke" if path == REVOKE else "identity"
        async with server_with(**users_of(), open_send=True) as server:
            store = server.server.store
            ann = await server.user()
            for name in ("send", "identity", "revoke", "inbox"):
                await store.submit(CreateApiKey(name, digest(f"ntf_{name}"), (name,)))
            cases: list[tuple[int, dict[str, str]]] = [
                (401, {}),
                (401, {"X-API-Key": "wrong"}),
                (401, {"Authorization": f"Bearer {server.token(server.admin)}"}),
                (403, {"Authorization": f"Bearer {server.token(ann, 'access')}"}),
                (403, {"X-API-Key": "ntf_send"}),
                (403, {"X-API-Key": "ntf_inbox"}),
                (403, {"X-API-Key": "ntf_identity" if path == REVOKE else "ntf_revoke"}),
            ]
            for status, headers in cases:
                refused = await server.post({"user": NAME}, path, headers=headers)
                assert refused.status_code == status, headers
                if "X-API-Key" in headers and status == 403:
                    assert f"scope '{scope}'" in refused.json()["detail"]
            assert await store.read(RecipientByName(NAME)) is None
            good = {"X-API-Key": f"ntf_{scope}"}
            access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
            for headers in (good, access):
                answer = await server.post({"user": NAME}, path, headers=headers)
                assert answer.status_code in (200, 204)
            await store.submit(RevokeApiKey(scope))
            refused = await server.post({"user": NAME}, path, headers=good)
            assert refused.status_code == 401

    @pytest.mark.parametrize(
        ("users", "whom"), [("accounts", {"user": "ann"}), ("external", {"user_id": 1})]
    )
    async def test_the_setting_decides(
        self, server_with: ServerWith, path: str, users: WhoseUsers, whom: dict[str, object]
    ) -> None:
        """Whom this server does not have cannot be named."""
        async with server_with(**users_of(users)) as server:
            await make_key(server, "identity", "revoke")
            refused = await server.post(whom, path, headers=KEY)
            assert refused.status_code == 400
            assert f"NOTIFIER_USERS={users}" in refused.text

    async def test_methods(self, server: Harness, path: str) -> None:
        """It is asked by POST with JSON only."""
        refused = await server.http.get(path, headers=KEY)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
        text = await server.http.post(
            path, content=b"{}", headers=KEY | {"Content-Type": "text/plain"}
        )
        assert text.status_code == 415


async def test_recorded(server_with: ServerWith) -> None:
    """The audit log says who revoked whom, and from where."""
    async with server_with(**users_of()) as server:
        await make_key(server, "revoke")
        await revoke(server, user=NAME)
        await revoke(server, user_id=1)
        access = {"Authorization": f"Bearer {server.token(server.admin, 'access', version=1)}"}
        assert (await server.post({"user": "x"}, REVOKE, headers=access)).status_code == 204
        rows = await server.server.store.read(Recorded())
        assert rows == [
            ("user_revoked", "key:backend", f"recipient:{NAME}", "127.0.0.1"),
            ("user_revoked", "key:backend", "user:admin", "127.0.0.1"),
            ("user_revoked", "user:admin", "recipient:x", "127.0.0.1"),
        ]


async def test_across_processes(tmp_path: Path) -> None:
    """Connections to another process end too, within a second or so, and without Redis."""
    database = PostgresDatabase()
    settings = [
        settings_for(tmp_path / str(n), **users_of(), database_url=database.address)
        for n in range(2)
    ]
    async with running(settings[0]) as one, running(settings[1]) as other:
        await make_key(one, "revoke")
        await revoke(one, user=NAME)
        found = await recipient(other)
        async with (
            connected(other, found.number, found.token_version) as socket,
            connected(other, found.number, found.token_version + clock.DAY) as later,
        ):
            began = asyncio.get_running_loop().time()
            await revoke(one, user=NAME)
            await until(lambda: socket.end)
            assert asyncio.get_running_loop().time() - began < 5  # a second, on a quiet machine
            assert socket.end == (CloseCode.REVOKED, "revoked")
            assert later.end is None
    database.give_back()
