"""``/ws/notifications/me/`` and ``/api/users/me/``: whoever the token names, however it comes."""

import time
from typing import Any

import pytest
import websockets

from notifier.identity.keys import digest
from notifier.identity.tokens import Tokens, TokenType
from notifier.storage.operations.keys import CreateApiKey
from servers.notifier import SECRET
from tests.support.harness import Harness, ServerWith
from tests.support.issuer import SigningKey, claims, external

REFUSED = (403, "permission_denied")


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey("EC", None)


def named(user: str, *, seconds: int = 60) -> str:
    """Our own token of a user of the application."""
    return Tokens(SECRET, {"identity": seconds}).issue_named(user)


async def opened(address: str, **options: Any) -> tuple[int, str | None]:
    """The status of a handshake, and the subprotocol that was selected."""
    try:
        async with websockets.connect(address, **options) as socket:
            return 101, socket.subprotocol
    except websockets.InvalidStatus as refused:
        return refused.response.status_code, None


class TestWays:
    """Where the token is."""

    async def test_each(self, server: Harness) -> None:
        """The address, the subprotocol and the header open the same, with and without a slash."""
        token = server.token(server.admin)
        bearer = {"additional_headers": {"Authorization": f"Bearer {token}"}}
        offered = {"subprotocols": ["notifier", f"bearer.{token}"]}
        for address in (server.my_url, server.my_url.rstrip("/")):
            assert await opened(f"{address}?token={token}") == (101, None)
            assert await opened(address, **offered) == (101, "notifier")
            assert await opened(address, **bearer) == (101, None)
            assert await opened(address, **bearer, **offered) == (101, "notifier")
        numbered = server.my_url.replace("/me/", "/1/")
        assert await opened(numbered, **offered) == (101, "notifier")
        assert await opened(numbered, **bearer) == (101, None)

    async def test_the_token_is_not_echoed(self, server: Harness) -> None:
        """Only our own subprotocol is ever selected."""
        token = server.token(server.admin)
        async with server.connect_me(token) as device:
            response = device.socket.response
            assert response is not None
            assert token not in str(response.headers)
        for others in (["chat"], ["chat", "superchat"], ["notifier2"]):
            options: Any = {"subprotocols": others}
            assert await opened(f"{server.my_url}?token={token}", **options) == (101, None)

    async def test_differing_tokens(self, server: Harness) -> None:
        """Tokens that differ are refused: nobody guesses which one is meant."""
        ann = await server.user()
        one, other = server.token(server.admin), server.token(ann)
        offered: Any = {"subprotocols": ["notifier", f"bearer.{one}"]}
        two: Any = {"subprotocols": ["notifier", f"bearer.{one}", f"bearer.{other}"]}
        header: Any = {"additional_headers": {"Authorization": f"Bearer {other}"}}
        for address, options in (
            (f"{server.my_url}?token={other}", offered),
            (f"{server.my_url}?token={one}&token={other}", {}),
            (server.my_url, two),
            (server.my_url, offered | header),
            (f"{server.my_url}?token={one}", header),
        ):
            assert await opened(address, **options) == (403, None)

    async def test_clients_of_the_earlier_service(self, server: Harness) -> None:
        """With a number and a token in the address, other headers count as little as ever."""
        access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
        address = server.socket_url(server.admin, server.token(server.admin))
        assert await opened(address, additional_headers=access) == (101, None)

    async def test_nothing(self, server: Harness) -> None:
        """Without a token, or with an empty one, nothing opens."""
        for address in (server.my_url, f"{server.my_url}?token=", f"{server.my_url}?token=%00"):
            assert await opened(address) == (403, None)
        for offered in (["notifier"], ["notifier", "bearer."], ["bearer.a.b.c"]):
            options: Any = {"subprotocols": offered}
            assert await opened(server.my_url, **options) == (403, None)
        for header in ("Basic YTpi", "Bearer", "Bearer ", "bearer.x"):
            options = {"additional_headers": {"Authorization": header}}
            assert await opened(server.my_url, **options) == (403, None)

    async def test_the_log(
        self, server: Harness, caplog: pytest.LogCaptureFixture, key: SigningKey
    ) -> None:
        """A token is in no line of the log, however it comes."""
        caplog.set_level("DEBUG", "notifier")
        caplog.set_level("DEBUG", "tornado")
        for token in (server.token(server.admin), key.sign(claims())):
            await opened(f"{server.my_url}?token={token}")
            await server.refusal(token)
            lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
            assert lines
            assert not [line for line in lines if token in line]


class TestModes:
    """Whose users there are."""

    async def test_accounts(self, server: Harness) -> None:
        """Where all have accounts, their tokens open ``me`` and what is pending comes."""
        ann = await server.user()
        sent = await server.send(ann, "for ann")
        async with server.connect_me(server.token(ann)) as device:
            assert (await device.next()).key == sent["key"]
        for kind in ("access", "refresh"):
            assert await server.refusal(server.token(ann, kind)) == REFUSED
        assert await server.refusal(server.token(ann, version=1)) == REFUSED
        assert await server.refusal(server.token(ann, seconds=-60)) == REFUSED
        assert await server.refusal(named("ann")) == REFUSED

    async def test_both(self, server_with: ServerWith, key: SigningKey) -> None:
        """Accounts and users of the application connect side by side, and stay apart."""
        async with server_with(**external(users="both", jwt_public_key=key.pem)) as server:
            assert server.server.first_superuser is not None
            for token in (server.token(server.admin), key.sign(claims("1")), named("1")):
                assert await server.refusal(token) == (101, "")
            path = "/api/users/is-authenticated/"
            for token, status in ((server.token(server.admin, "access"), 200), (named("1"), 401)):
                headers = {"Authorization": f"Bearer {token}"}
                assert (await server.http.get(path, headers=headers)).status_code == status
            headers = {"Authorization": f"Bearer {key.sign(claims('1'))}"}
            assert (await server.http.get(path, headers=headers)).status_code == 401

    async def test_external(self, server_with: ServerWith, key: SigningKey) -> None:
        """Where all are the application's, nobody signs in, and nobody is a superuser."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            assert (server.server.first_superuser, list(server.server.advice)) == (None, [])
            ann = await server.user(is_superuser=True)
            assert await server.refusal(server.token(ann)) == REFUSED
            assert await server.refusal(key.sign(claims())) == (101, "")
            assert await server.refusal(named("ann")) == (101, "")
            headers = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
            for path in ("/api/users/is-authenticated/", "/api/users/me/"):
                assert (await server.http.get(path, headers=headers)).status_code == 401

    async def test_sign_in(self, server_with: ServerWith, key: SigningKey) -> None:
        """What takes passwords or brings new tokens answers 403, and says why."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            ann = await server.user(is_superuser=True)
            password = {"username": "ann", "password": "secret"}
            refresh = server.token(ann, "refresh")
            for path, body in (
                ("/api/users/token/", password),
                ("/api/users/session/", password),
                ("/api/users/token/refresh/", {"refresh": refresh}),
                ("/api/users/session/refresh/", {}),
            ):
                answer = await server.post(body, path)
                assert (answer.status_code, answer.json()["code"]) == (403, "no_accounts")
            create = CreateApiKey("web", digest("ntf_web"), ("identity",))
            await server.server.store.submit(create)
            headers = {"X-API-Key": "ntf_web"}
            answer = await server.http.post(f"/api/users/{ann.id}/identity/", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "no_accounts")

    async def test_named_tokens_of_ours(self, server_with: ServerWith, key: SigningKey) -> None:
        """A token of ours that names a user ends, and opens that user's own only."""
        async with server_with(**external(users="both", jwt_public_key=key.pem)) as server:
            assert await server.refusal(named("ann", seconds=-60)) == REFUSED
            async with server.connect_me(named("ann")) as device:
                theirs = {"type": "command", "key": "refresh", "value": named("bob")}
                await device.tell(theirs)
                assert (await device.next()).type == "message_processing_error"
                await device.tell(theirs | {"value": key.sign(claims("ann"))})
                assert (await device.next()).type == "command_processing_result"


class TestWhoAmI:
    """``GET /api/users/me/``."""

    async def test_answer(self, server_with: ServerWith, key: SigningKey) -> None:
        """An access or identity token, ours or the application's, is told whose it is."""
        ends = int(time.time()) + 600
        async with server_with(**external(users="both", jwt_public_key=key.pem)) as server:
            kinds: tuple[TokenType, ...] = ("access", "identity")
            for token, whose in (
                *((server.token(server.admin, kind), {"user_id": 1}) for kind in kinds),
                (key.sign(claims("1", exp=ends)), {"user": "1"}),
                (named("1", seconds=600), {"user": "1"}),
            ):
                headers = {"Authorization": f"Bearer {token}"}
                answer = await server.http.get("/api/users/me", headers=headers)
                assert answer.status_code == 200
                assert answer.json() == {"expires_at": answer.json()["expires_at"], **whose}
                assert answer.headers["Cache-Control"] == "no-store"

    async def test_refused(self, server: Harness, key: SigningKey) -> None:
        """Nobody's token, one that only brings others, and none at all get 401."""
        for token in (server.token(server.admin, "refresh"), key.sign(claims()), "nonsense"):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await server.http.get("/api/users/me/", headers=headers)
            assert answer.status_code == 401
