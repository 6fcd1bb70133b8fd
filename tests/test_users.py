"""Signing in: the four token endpoints."""

from collections.abc import Hashable

import jwt
import pytest

from notifier import clock
from notifier.identity.passwords import Passwords
from notifier.storage.operations.users import SetActive
from tests.support.harness import ADMIN_PASSWORD, SECRET, Harness, Person, ServerWith, until

TOKEN = "/api/users/token/"
REFRESH = "/api/users/token/refresh/"
VERIFY = "/api/users/token/verify/"
WHO = "/api/users/is-authenticated/"
SESSION = "/api/users/session/"
CREDENTIALS = {"username": "admin", "password": ADMIN_PASSWORD}


async def sign_in(server: Harness) -> dict[str, str]:
    """The admin's tokens."""
    response = await server.post(CREDENTIALS, TOKEN)
    assert response.status_code == 200
    tokens: dict[str, str] = response.json()
    return tokens


async def test_tokens_and_their_claims(server_with: ServerWith) -> None:
    """Signing in gives three tokens with the promised claims and lifetimes."""
    async with server_with(access_seconds=100, refresh_seconds=200, identity_seconds=300) as server:
        tokens = await sign_in(server)
        assert set(tokens) == {"access", "refresh", "identity"}
        for kind, seconds in (("access", 100), ("refresh", 200), ("identity", 300)):
            claims = jwt.decode(tokens[kind], SECRET, algorithms=["HS256"])
            assert claims["token_type"] == kind
            assert claims["user_id"] == 1
            assert claims["exp"] - claims["iat"] == seconds
            assert claims["jti"]


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "admin", "password": "wrong"},
        {"username": "nobody", "password": ADMIN_PASSWORD},
        {"username": "", "password": ""},
        {"username": "admin\x00", "password": ADMIN_PASSWORD},
        {"username": "admin", "password": "x" * 15_000},
    ],
)
async def test_wrong_credentials(server: Harness, credentials: dict[str, str]) -> None:
    """A wrong name and a wrong password get the same answer."""
    response = await server.post(credentials, TOKEN)
    assert response.status_code == 401
    assert response.json() == {
        "detail": "No active account was found with the given credentials.",
        "code": "no_active_account",
    }


REQUIRED = ["This field is required."]
NOT_TEXT = ["Expected a string."]
NOT_NULL = ["This field may not be null."]


@pytest.mark.parametrize(
    ("path", "body", "problems"),
    [
        (TOKEN, {}, {"username": REQUIRED, "password": REQUIRED}),
        (TOKEN, {"username": "admin"}, {"password": REQUIRED}),
        (TOKEN, {"username": 1, "password": [2]}, {"username": NOT_TEXT, "password": NOT_TEXT}),
        (TOKEN, {"username": None}, {"username": NOT_NULL, "password": REQUIRED}),
        (SESSION, {"user": "admin"}, {"username": REQUIRED, "password": REQUIRED}),
        (REFRESH, {}, {"refresh": REQUIRED}),
        (REFRESH, {"refresh": 5}, {"refresh": NOT_TEXT}),
        (VERIFY, {"token": {}}, {"token": NOT_TEXT}),
    ],
)
async def test_every_fault_is_named(
    server: Harness, path: str, body: dict[str, object], problems: dict[str, list[str]]
) -> None:
    """Each missing or mistyped field is named, all in one answer."""
    response = await server.post(body, path)
    assert (response.status_code, response.json()) == (400, problems)


async def test_more_fields_than_needed(server: Harness) -> None:
    """What an older or newer client sends beside the credentials is left alone."""
    assert (await server.post(CREDENTIALS | {"remember": True}, TOKEN)).status_code == 200
    tokens = await sign_in(server)
    for path, name, kind in ((REFRESH, "refresh", "refresh"), (VERIFY, "token", "access")):
        assert (await server.post({name: tokens[kind], "x": 1}, path)).status_code == 200


async def test_names_that_cannot_be_take_as_long(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that nobody can have costs the same work as one that nobody has."""
    hashes: list[str | None] = []
    verify = Passwords.verify

    async def watched(
        self: Passwords, password_hash: str | None, password: str, **options: Hashable
    ) -> bool:
        hashes.append(password_hash)
        return await verify(self, password_hash, password, **options)

    monkeypatch.setattr(Passwords, "verify", watched)
    for name in ("nobody", "admin\0", "x" * 151):
        assert (await server.post({"username": name, "password": "x"}, TOKEN)).status_code == 401
    assert hashes == [None, None, None]


async def test_deactivated_users_cannot_sign_in(server: Harness) -> None:
    """A deactivated user gets the answer of a wrong password, and old tokens stop working."""
    tokens = await sign_in(server)
    await server.server.store.submit(SetActive(1, False))
    assert (await server.post(CREDENTIALS, TOKEN)).status_code == 401
    assert (await server.post({"refresh": tokens["refresh"]}, REFRESH)).status_code == 401
    assert (await server.post({"token": tokens["access"]}, VERIFY)).status_code == 401


async def test_refresh(server: Harness) -> None:
    """A refresh token brings new access and identity tokens; no other type does."""
    tokens = await sign_in(server)
    fresh = await server.post({"refresh": tokens["refresh"]}, REFRESH)
    assert fresh.status_code == 200
    assert set(fresh.json()) == {"access", "identity"}
    async with server.connect(server.admin, token=fresh.json()["identity"]) as device:
        await device.nothing_more()
    for wrong in (tokens["access"], tokens["identity"], "nonsense", ""):
        refused = await server.post({"refresh": wrong}, REFRESH)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")


async def test_verify(server: Harness) -> None:
    """Tokens of every type verify; expired, altered and foreign ones do not."""
    for token in (await sign_in(server)).values():
        assert (await server.post({"token": token}, VERIFY)).json() == {}
    other = jwt.encode({"user_id": 1, "token_type": "access"}, "x" * 40, algorithm="HS256")
    unsigned = jwt.encode({"user_id": 1, "token_type": "access"}, None, algorithm="none")
    for token in (server.token(server.admin, seconds=-60), other, unsigned, "a.b.c", "é"):
        refused = await server.post({"token": token}, VERIFY)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")


async def test_a_clock_that_was_set_back(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens from before our clock was set back count on: what ends them is their end."""
    tokens = await sign_in(server)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - 600 * clock.SECOND)
    ahead = {"user_id": 1, "token_type": "access", "iat": 2**31, "exp": 2**31}
    for token in (*tokens.values(), jwt.encode(ahead, SECRET, algorithm="HS256")):
        assert (await server.post({"token": token}, VERIFY)).status_code == 200


async def test_clock_skew(server: Harness) -> None:
    """A token that expired a few seconds ago by our clock still counts."""
    token = server.token(server.admin, seconds=-2)
    assert (await server.post({"token": token}, VERIFY)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"user_id": "1"},
        {"user_id": 1.0},
        {"user_id": True},
        {"user_id": None},
        {"token_type": "admin"},
        {"token_type": ["access"]},
        {"ver": "0"},
        {"exp": "soon"},
    ],
)
async def test_tokens_with_odd_claims(server: Harness, claims: dict[str, object]) -> None:
    """Rightly signed tokens with claims of the wrong type are refused, not stumbled over."""
    valid = {"user_id": 1, "token_type": "access", "iat": 0, "exp": 2**31}
    token = jwt.encode(valid | claims, SECRET, algorithm="HS256")
    assert (await server.post({"token": token}, VERIFY)).status_code == 401


async def test_tokens_of_the_earlier_service(server: Harness) -> None:
    """Tokens without a version claim count for users whose credentials never changed."""
    claims = {"user_id": 1, "token_type": "access", "iat": 0, "exp": 2**31, "jti": "x"}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    assert (await server.post({"token": token}, VERIFY)).status_code == 200


async def test_is_authenticated(server: Harness) -> None:
    """An access token says who one is; everything else gets 401."""
    tokens = await sign_in(server)

    async def ask(**headers: str) -> tuple[int, dict[str, object]]:
        response = await server.http.get(WHO, headers=headers)
        return response.status_code, response.json()

    status, who = await ask(Authorization=f"Bearer {tokens['access']}")
    assert (status, who) == (200, {"id": 1, "username": "admin", "is_superuser": True})
    assert (await ask(Authorization=f"bearer {tokens['access']}"))[0] == 200
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {tokens['access']}"},
        {"Authorization": f"Bearer {tokens['identity']}"},
        {"Authorization": f"Bearer {server.token(Person(99, 'nobody'), 'access')}"},
    ):
        assert (await ask(**headers))[0] == 401


class TestStats:
    """The figures of the process."""

    async def test_for_superusers_only(self, server: Harness) -> None:
        """Superusers see the figures; others and strangers do not."""
        ann = await server.user()

        async def status(token: str | None) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return (await server.http.get("/api/stats/", headers=headers)).status_code

        assert await status(None) == 401
        assert await status(server.token(ann, "access")) == 403
        assert await status(server.token(server.admin, "access")) == 200

    async def test_figures(self, server: Harness) -> None:
        """Users, sockets, sends, deliveries and acks are counted."""
        ann = await server.user()
        async with server.connect(ann) as phone, server.connect(ann) as laptop:
            await server.send(ann, 1)
            frame = await phone.next()
            await laptop.next()
            await phone.ack(frame)
            await until(lambda: server.server.counts.acks == 1)
            headers = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
            figures = (await server.http.get("/api/stats/", headers=headers)).json()
        expected = {"users": 1, "sockets": 2, "sends": 1, "deliveries": 2, "acks": 1}
        assert {name: figures[name] for name in expected} == expected
        assert figures["store"]["driver"] == "sqlite"
        assert figures["store"]["state"] == figures["relay"]["state"] == "ok"
