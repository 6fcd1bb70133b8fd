"""Identity tokens for a back end that knows who is signed in with it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import websockets

from notifier.identity.keys import digest
from notifier.models import Scope
from notifier.storage.operations.keys import CreateApiKey, RevokeApiKey
from notifier.storage.operations.users import EndSessions, SetActive
from tests.support.harness import JSON, SECRET, Harness, Person, ServerWith

KEY = "ntf_web"


def path(user_id: object) -> str:
    """Where the identity token of this user is to be had."""
    return f"/api/users/{user_id}/identity/"


async def make_key(server: Harness, *scopes: Scope) -> dict[str, str]:
    """An API key with these scopes; returns the header that presents it."""
    await server.server.store.submit(CreateApiKey("web", digest(KEY), scopes))
    return {"X-API-Key": KEY}


async def connects(server: Harness, person: Person, token: str) -> bool:
    """Whether ``token`` opens a connection of ``person``."""
    try:
        async with server.connect(person, token=token) as device:
            await device.nothing_more()
            return True
    except websockets.InvalidStatus as refused:
        assert refused.response.status_code == 403
        return False


async def test_the_answer(server_with: ServerWith) -> None:
    """The answer has a token that opens the user's socket and no other, and its end."""
    async with server_with(identity_seconds=300) as server:
        ann = await server.user()
        headers = await make_key(server, "identity")
        for address in (path(ann.id), path(ann.id).rstrip("/")):
            answer = await server.http.post(address, headers=headers)
            assert answer.status_code == 200
            assert set(answer.json()) == {"identity", "expires_at"}
            assert answer.headers["Cache-Control"] == "no-store"
        token = answer.json()["identity"]
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        assert (claims["token_type"], claims["user_id"]) == ("identity", ann.id)
        expires_at = datetime.fromisoformat(answer.json()["expires_at"])
        assert expires_at.timestamp() == claims["exp"]
        left = expires_at - datetime.now(UTC)
        assert timedelta(seconds=240) < left <= timedelta(seconds=300)
        assert await connects(server, ann, token)
        assert not await connects(server, server.admin, token)


async def test_tokens_last(server: Harness) -> None:
    """After a sign-out or a deactivation old tokens end, and the next one works again."""
    ann = await server.user()
    headers = await make_key(server, "identity")
    store = server.server.store

    async def token() -> str:
        answer = await server.http.post(path(ann.id), headers=headers)
        assert answer.status_code == 200
        return str(answer.json()["identity"])

    first = await token()
    async with server.connect(ann, token=first) as device:
        await store.submit(EndSessions(ann.id))
        assert (await device.closed())[0] == 4403
    assert not await connects(server, ann, first)
    second = await token()
    async with server.connect(ann, token=second) as device:
        await device.nothing_more()
        await store.submit(SetActive(ann.id, False))
        assert (await device.closed())[0] == 4403
    assert (await server.http.post(path(ann.id), headers=headers)).status_code == 404
    await store.submit(SetActive(ann.id, True))
    assert not await connects(server, ann, second)
    assert await connects(server, ann, await token())


async def test_tokens_of_the_earlier_service(server: Harness) -> None:
    """A token without a version opens until its user's first change, and not after it."""
    ann = await server.user()
    claims = {"user_id": ann.id, "token_type": "identity", "iat": 0, "exp": 2**31, "jti": "x"}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    async with server.connect(ann, token=token) as device:
        await device.nothing_more()
        await server.server.store.submit(EndSessions(ann.id))
        assert (await device.closed())[0] == 4403
    assert not await connects(server, ann, token)


class TestWhoMayAsk:
    """Authority over the identities of others."""

    @pytest.mark.parametrize(
        ("scopes", "status"),
        [(("identity",), 200), (("send", "identity"), 200), (("send",), 403)],
    )
    @pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
    async def test_keys(
        self, server: Harness, scopes: tuple[Scope, ...], status: int, header: str
    ) -> None:
        """A key needs the scope; a key that may send does not open inboxes."""
        await make_key(server, *scopes)
        value = KEY if header == "X-API-Key" else f"Bearer {KEY}"
        answer = await server.http.post(path(1), headers={header: value})
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["code"] == "permission_denied"
            assert "scope 'identity'" in answer.json()["detail"]

    async def test_sending_does_not_open_it(self, server: Harness) -> None:
        """That a key has just been let send says nothing about identities."""
        headers = await make_key(server, "send")
        sent = await server.post({"user_id": 1, "payload": 1}, headers=headers)
        assert sent.status_code == 200
        assert (await server.http.post(path(1), headers=headers)).status_code == 403

    async def test_revoking_works_at_once(self, server: Harness) -> None:
        """A revoked key gets nothing more, however recently it was used."""
        headers = await make_key(server, "send", "identity")
        assert (await server.http.post(path(1), headers=headers)).status_code == 200
        await server.server.store.submit(RevokeApiKey("web"))
        refused = await server.http.post(path(1), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "api_key_not_valid")

    async def test_access_tokens(self, server: Harness) -> None:
        """A superuser's access token may ask; others' may not, not even for themselves."""
        ann = await server.user()

        async def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await server.http.post(path(ann.id), headers=headers)).status_code

        assert await status(server.token(server.admin, "access")) == 200
        assert await status(server.token(ann, "access")) == 403
        assert await status(server.token(server.admin, "identity")) == 401
        assert await status(server.token(server.admin, "refresh")) == 401
        assert await status(server.token(server.admin, "access", seconds=-60)) == 401

    async def test_nobody_without_credentials(self, server_with: ServerWith) -> None:
        """Open sends, on this machine or to everyone, do not open identities."""
        for open_send in (False, True):
            async with server_with(open_send=open_send) as server:
                assert (await server.post({"user_id": 1, "payload": 1})).status_code == 200
                refused = await server.http.post(path(1))
                assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
                assert refused.headers["WWW-Authenticate"].startswith("Bearer")

    async def test_not_for_foreign_pages(self, server: Harness) -> None:
        """A browser is not told that a page of another origin may ask."""
        headers = await make_key(server, "identity")
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        preflight = await server.http.options(path(1), headers=asked)
        answer = await server.http.post(path(1), headers=headers | asked)
        assert preflight.status_code == 405
        for response in (preflight, answer):
            assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("user_id", "status"),
    [
        ("99", 404),
        ("0", 404),
        ("00", 404),
        (2**63 - 1, 404),
        (2**63, 404),
        ("9" * 5000, 404),
        ("-1", 400),
        ("+1", 400),
        ("1.0", 400),
        ("x", 400),
        ("²", 400),
        ("%D9%A1", 400),  # an Arabic one
        ("%00", 400),
        ("1%00", 400),
        ("1%0a", 400),
        ("%ff", 400),
        ("1%2F..", 400),
        ("token", 400),
    ],
)
async def test_ids_that_are_nobodys(server: Harness, user_id: object, status: int) -> None:
    """An id that nobody has or can have gets 404, and what is no id at all 400."""
    headers = JSON | await make_key(server, "identity")
    for address in (path(user_id), path(user_id).rstrip("/")):
        refused = await server.http.post(address, headers=headers)
        assert refused.status_code == status, refused.text
        if status == 404:
            assert refused.json()["code"] == "unknown_user"
        assert (await server.http.post(address, headers=JSON)).status_code in (400, 401)


async def test_methods(server: Harness) -> None:
    """It is asked by POST only, so that nothing on the way keeps an answer."""
    headers = await make_key(server, "identity")
    calls: list[Callable[..., object]] = [server.http.get, server.http.put, server.http.delete]
    for call in calls:
        refused = await call(path(1), headers=headers)  # type: ignore[misc]
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
