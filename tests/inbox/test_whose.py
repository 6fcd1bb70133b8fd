"""Who may look into an inbox and change it: whoever it is, superusers, and keys made for it."""

import time
from typing import Any

import httpx
import jwt
import pytest_asyncio

from notifier.identity.keys import digest
from notifier.models import Scope
from notifier.storage.operations.keys import CreateApiKey
from notifier.storage.operations.users import SetActive
from tests.inbox.inbox import PATH, Inbox
from tests.support.harness import Harness, ServerWith
from tests.support.naming import users_of

Headers = dict[str, str]


def bearer(token: str) -> Headers:
    """The header that brings it."""
    return {"Authorization": f"Bearer {token}"}


async def make_key(server: Harness, *scopes: Scope, user_prefix: str | None = None) -> Headers:
    """A new key with these scopes, as a header."""
    key = f"ntf_{'_'.join(scopes)}_{user_prefix}"
    created = CreateApiKey(key, digest(key), scopes, user_prefix=user_prefix)
    await server.server.store.submit(created)
    return {"X-API-Key": key}


async def everywhere(server: Harness, headers: Headers, query: str = "") -> set[tuple[int, str]]:
    """Statuses and codes of all that there is to ask for."""
    answers: list[httpx.Response] = []
    for path in ("", "count/", "changes/"):
        more = "after=0" if path == "changes/" else ""
        parameters = "&".join(part for part in (query, more) if part)
        answers.append(await server.http.get(f"{PATH}{path}?{parameters}", headers=headers))
    for verb in ("read", "unread", "seen", "archive", "unarchive", "snooze"):
        body: dict[str, Any] = {"keys": ["none"]} | ({"until": None} if verb == "snooze" else {})
        answers.append(await server.post(body, f"{PATH}{verb}/?{query}", headers=headers))
    answers.append(await server.post({"version": 99}, f"{PATH}undo/?{query}", headers=headers))
    return {(answer.status_code, answer.json().get("code", "")) for answer in answers}


ALLOWED = {(200, ""), (404, "unknown_change")}


async def test_ones_own(server: Harness) -> None:
    """An access or an identity token opens its owner's inbox, named or not; nobody else's."""
    ann, bob = await server.user("ann"), await server.user("bob")
    for kind in ("access", "identity"):
        headers = bearer(server.token(ann, kind))  # type: ignore[arg-type]
        for query in ("", f"user_id={ann.id}", f"user_id=0{ann.id}"):
            assert await everywhere(server, headers, query) == ALLOWED
        refused = {(403 if kind == "access" else 401)}
        found = await everywhere(server, headers, f"user_id={bob.id}")
        assert {status for status, _ in found} == refused
    assert await everywhere(server, bearer(server.token(ann, "refresh"))) == {
        (401, "token_not_valid")
    }


async def test_what_opens_nothing(server: Harness) -> None:
    """No token, one that has expired, and those of users who are no longer active."""
    ann = await server.user("ann")
    assert await everywhere(server, {}) == {(401, "not_authenticated")}
    assert await everywhere(server, {}, "user_id=1") == {(401, "not_authenticated")}
    expired = bearer(server.token(ann, "access", seconds=-100))
    assert await everywhere(server, expired) == {(401, "token_not_valid")}
    assert await everywhere(server, bearer("a.b.c")) == {(401, "token_not_valid")}
    outdated = bearer(server.token(ann, "identity", version=7))
    assert await everywhere(server, outdated) == {(401, "token_not_valid")}
    await server.server.store.submit(SetActive(ann.id, False))
    for kind in ("access", "identity"):
        headers = bearer(server.token(ann, kind))  # type: ignore[arg-type]
        [(status, _)] = await everywhere(server, headers)
        assert status == 401


async def test_superusers(server: Harness) -> None:
    """A superuser's access token opens anybody's; whom there is not, is unknown."""
    ann = Inbox(server, await server.user("ann"))
    await ann.send("k")
    headers = bearer(server.token(server.admin, "access"))
    assert await everywhere(server, headers) == ALLOWED, "their own"
    assert await everywhere(server, headers, f"user_id={ann.person.id}") == ALLOWED
    query = f"?user_id={ann.person.id}"
    answer = await server.http.get(PATH + query, headers=headers)
    assert [item["key"] for item in answer.json()["items"]] == ["k"]
    await server.post({"keys": ["k"]}, f"{PATH}read/{query}", headers=headers)
    assert await ann.counts() == (0, 0)
    identity = bearer(server.token(server.admin))
    assert {status for status, _ in await everywhere(server, identity, query[1:])} == {401}


async def test_whom_there_is_not(server: Harness) -> None:
    """To look into the inbox of an unknown user, or of one who is no longer active, is refused
    as it is to change it; so is a name that nobody can have."""
    headers = bearer(server.token(server.admin, "access"))
    gone = await server.user("gone")
    await server.send(gone, 1)
    await server.server.store.submit(SetActive(gone.id, False))
    for asking in (headers, await make_key(server, "inbox")):
        for unknown in ("99", "0", "9" * 30, str(gone.id)):
            found = await everywhere(server, asking, f"user_id={unknown}")
            assert found == {(404, "unknown_user")}, unknown
    for bad in ("x", "-1", "", "1%0A", "%C2%B2"):
        answer = await server.http.get(f"{PATH}?user_id={bad}", headers=headers)
        assert (answer.status_code, list(answer.json())) == (400, ["user_id"])
    answer = await server.http.get(f"{PATH}?user=ann", headers=headers)
    assert "NOTIFIER_USERS=accounts" in answer.json()["user"][0]


async def test_keys(server: Harness) -> None:
    """A key needs the scope for it, and to say whose inbox it is about."""
    ann = await server.user("ann")
    key, other = await make_key(server, "inbox"), await make_key(server, "send", "identity")
    whose = f"user_id={ann.id}"
    assert await everywhere(server, key, whose) == ALLOWED
    assert await everywhere(server, bearer(key["X-API-Key"]), whose) == ALLOWED
    assert await everywhere(server, key) == {(401, "not_authenticated")}
    assert await everywhere(server, other, whose) == {(403, "permission_denied")}
    assert await everywhere(server, {"X-API-Key": "ntf_no"}, whose) == {(401, "api_key_not_valid")}
    withdrawing = Inbox(server, ann)
    assert (await withdrawing.withdraw("k", **key)).status_code == 403


class TestByName:
    """The application's own users."""

    @pytest_asyncio.fixture
    async def server(self, server_with: ServerWith, database_url: str):  # type: ignore[no-untyped-def]
        """A server that has both kinds."""
        async with server_with(**users_of(), database_url=database_url) as harness:
            yield harness

    def token(self, name: str) -> Headers:
        """A token that the application has signed."""
        settings, now = users_of(), int(time.time())
        said = {"iss": settings["jwt_issuer"], "aud": settings["jwt_audience"], "sub": name}
        return bearer(jwt.encode(said | {"iat": now, "exp": now + 60}, settings["jwt_secret"]))

    async def test_ones_own(self, server: Harness) -> None:
        """The application's token opens the inbox of whom it names, from the first moment."""
        headers = self.token("eu:ann")
        assert await everywhere(server, headers) == ALLOWED
        sent = await server.post({"user": "eu:ann", "payload": 1, "key": "k"})
        assert sent.status_code == 200
        assert await everywhere(server, headers, "user=eu:ann") == ALLOWED
        page = await server.http.get(PATH, headers=headers)
        assert [item["key"] for item in page.json()["items"]] == ["k"]
        for query in ("user=eu:bob", "user_id=1", "user=eu:ann&user_id=1"):
            found = await everywhere(server, headers, query)
            assert {status for status, _ in found} <= {400, 401, 403}, query

    async def test_for_others(self, server: Harness) -> None:
        """Superusers and keys name them; a key with a prefix, only those, and no account."""
        await server.post({"user": "eu:ann", "payload": 1, "key": "k"})
        await server.post({"user": "us:bob", "payload": 1, "key": "k"})
        superuser = bearer(server.token(server.admin, "access"))
        key = await make_key(server, "inbox")
        prefixed = await make_key(server, "inbox", user_prefix="eu:")
        for headers in (superuser, key, prefixed):
            assert await everywhere(server, headers, "user=eu:ann") == ALLOWED
        for headers in (superuser, key):
            assert await everywhere(server, headers, "user=us:bob") == ALLOWED
            unknown = await everywhere(server, headers, "user=eu:nobody")
            assert unknown == {(404, "unknown_user")}
            both = await everywhere(server, headers, "user=eu:ann&user_id=1")
            assert {status for status, _ in both} == {400}
        for query in ("user=us:bob", "user_id=1", "user=EU:ann"):
            found = await everywhere(server, prefixed, query)
            assert found == {(403, "user_not_allowed")}, query
