"""What superusers see of the application's users, and how they delete them."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from notifier.identity.keys import digest
from notifier.models import SCOPES
from notifier.storage.operations.keys import CreateApiKey
from notifier.storage.operations.notifications import Acknowledge, Append
from notifier.storage.operations.recipients import CreateRecipient, RecipientByName
from tests.support.harness import Harness, ServerWith, append
from tests.support.naming import users_of

RECIPIENTS = "/api/admin/recipients/"
NAME = "auth0|5f7c"
ODD = ["a/b", "..", ".", "%2F", "a b", " a", "é", "😀", "?x=1", "#", "a;b", "+", "\ufffd", "1"]


@pytest_asyncio.fixture
async def server(server_with: ServerWith, each_database_url: str) -> AsyncIterator[Harness]:
    """A server that has both kinds of users, on each database."""
    async with server_with(**users_of(), database_url=each_database_url) as harness:
        yield harness


async def ask(server: Harness, method: str, path: str, **query: object) -> httpx.Response:
    """What a superuser is answered."""
    return await server.http.request(
        method,
        path,
        params=query or None,  # type: ignore[arg-type]
        headers={"Authorization": f"Bearer {server.token(server.admin, 'access')}"},
    )


async def get(server: Harness, path: str, **query: object) -> Any:
    answer = await ask(server, "GET", path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make(server: Harness, name: str, *payloads: bytes) -> int:
    """A recipient to whom these were sent; returns the number."""
    store = server.server.store
    number = (await store.submit(CreateRecipient(name))).number
    for index, payload in enumerate(payloads):
        await store.submit(Append(number, f"k{index}", payload))
    return number


def path_of(name: str, rest: str = "") -> str:
    return f"{RECIPIENTS}{quote(name, safe='')}/{rest}"


class TestList:
    async def test_pages(self, server: Harness) -> None:
        """They come by name, page by page, with what is pending, and never with a number."""
        number = await make(server, "Bob", b"1", b"2")
        await server.server.store.submit(Acknowledge(number, "k0"))
        for name in ("ann", "carl"):
            await make(server, name)
        first = await get(server, RECIPIENTS, limit=2)
        assert [(each["user"], each["pending"]) for each in first["recipients"]] == [
            ("ann", 0),
            ("Bob", 1),
        ]
        assert set(first["recipients"][0]) == {"user", "created_at", "online", "pending"}
        assert first["recipients"][0]["created_at"].endswith("Z")
        second = await get(server, RECIPIENTS, limit=2, after=first["next"])
        assert [each["user"] for each in second["recipients"]] == ["carl"]
        assert second["next"] is None

    async def test_search(self, server: Harness) -> None:
        """A search is by the beginning of the name, in any case, and takes nothing specially."""
        for name in ("Ann", "anna", " ann", "bob", "a%", "a_"):
            await make(server, name)
        for search, found in (
            ("AN", ["Ann", "anna"]),
            (" a", [" ann"]),
            ("a%", ["a%"]),
            ("x", []),
        ):
            answer = await get(server, RECIPIENTS, search=search)
            assert [each["user"] for each in answer["recipients"]] == found

    @pytest.mark.parametrize("name", ODD)
    async def test_cursors_of_odd_names(self, server: Harness, name: str) -> None:
        """A cursor works whatever the name behind which it stands."""
        for each in (name, f"{name}x", f"{name}y"):
            await make(server, each)
        seen: list[str] = []
        query: dict[str, object] = {}
        while True:
            page = await get(server, RECIPIENTS, limit=1, **query)
            seen += [each["user"] for each in page["recipients"]]
            if page["next"] is None:
                break
            query = {"after": page["next"]}
        assert seen == [name, f"{name}x", f"{name}y"]

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 101},
            {"limit": "x"},
            {"after": "x"},
            {"after": "1"},
            {"after": "-1.a"},
            {"after": "1" * 30 + ".a"},
            {"search": "x" * 129},
        ],
    )
    async def test_refused(self, server: Harness, query: dict[str, object]) -> None:
        """What is no parameter is refused, by name."""
        refused = await ask(server, "GET", RECIPIENTS, **query)
        assert refused.status_code == 400, refused.text
        assert set(refused.json()) == set(query)


class TestHistory:
    async def test_newest_first(self, server: Harness) -> None:
        """What was sent is shown from its end, with what has become of it and who sent it."""
        store = server.server.store
        await store.submit(CreateApiKey("billing", digest("ntf_key")))
        for n in range(3):
            body = {"user": NAME, "payload": {"n": n}, "key": f"k{n}", "ttl": 60}
            sent = await server.post(body, headers={"X-API-Key": "ntf_key"})
            assert sent.status_code == 200
        recipient = await store.read(RecipientByName(NAME))
        assert recipient is not None
        await store.submit(Acknowledge(recipient.number, "k2"))
        page = await get(server, path_of(NAME, "notifications/"), limit=2)
        assert [each["payload"] for each in page["notifications"]] == [{"n": 2}, {"n": 1}]
        newest, other = page["notifications"]
        assert set(newest) == {
            *("key", "seq", "payload", "created_at", "expires_at", "acked_at", "sent_by")
        }
        assert newest["acked_at"]
        assert (other["acked_at"], other["seq"], other["key"]) == (None, 2, "k1")
        assert other["expires_at"] > other["created_at"]
        rest = await get(server, path_of(NAME, "notifications/"), after=page["next"], limit=2)
        assert [each["seq"] for each in rest["notifications"]] == [1]
        assert rest["next"] is None

    async def test_of_an_account(self, server: Harness) -> None:
        """The log of an account is shown in the same way."""
        ann = await server.user()
        for n in range(3):
            await server.send(ann, n)
        path = f"/api/admin/users/{ann.id}/notifications/"
        page = await get(server, path, limit=2)
        assert [each["seq"] for each in page["notifications"]] == [3, 2]
        assert (await get(server, path, after=page["next"]))["next"] is None
        for user_id, status in ((99, 404), (0, 404), ("x", 400), (2**63, 404)):
            path = f"/api/admin/users/{user_id}/notifications/"
            assert (await ask(server, "GET", path)).status_code == status

    async def test_large(self, server: Harness) -> None:
        """A page of large payloads ends early, and says where the next one begins."""
        large = b'"%b"' % (b"x" * 600_000)
        await make(server, NAME, large, large, large)
        seen: list[int] = []
        query: dict[str, object] = {}
        while True:
            page = await get(server, path_of(NAME, "notifications/"), **query)
            assert len(page["notifications"]) <= 2
            seen += [each["seq"] for each in page["notifications"]]
            if page["next"] is None:
                break
            query = {"after": page["next"]}
        assert seen == [3, 2, 1]

    async def test_refused(self, server: Harness) -> None:
        """What is no place or limit is refused."""
        await make(server, NAME)
        for query in ({"after": 0}, {"after": "x"}, {"after": 2**70}, {"limit": 0}):
            refused = await ask(server, "GET", path_of(NAME, "notifications/"), **query)
            assert refused.status_code == 400


class TestDelete:
    async def test_everything_goes(self, server: Harness) -> None:
        """Whoever is deleted is gone with their log; the next send makes somebody new."""
        number = await make(server, NAME)
        await append(server.server.store, number, *[b"1"] * 1200)
        deleted = await ask(server, "DELETE", path_of(NAME))
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert (await get(server, RECIPIENTS))["recipients"] == []
        assert (await ask(server, "DELETE", path_of(NAME))).status_code == 404
        again = await server.post({"user": NAME, "payload": 1, "key": "k0"})
        assert again.json()["seq"] == 1
        assert "Idempotency-Replayed" not in again.headers

    # Clients resolve dots in paths, also where they are encoded.
    @pytest.mark.parametrize("name", [name for name in ODD if name not in (".", "..")])
    async def test_odd_names(self, server: Harness, name: str) -> None:
        """Any name can stand in a path, percent-encoded."""
        await make(server, name)
        await make(server, f"{name}x")
        assert (await get(server, path_of(name, "notifications/")))["notifications"] == []
        assert (await ask(server, "DELETE", path_of(name))).status_code == 204
        left = (await get(server, RECIPIENTS))["recipients"]
        assert [each["user"] for each in left] == [f"{name}x"]

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("nobody/", 404),
            ("%00/", 400),
            ("a%0A/", 400),
            ("a%C2%85/", 400),
            ("%ff/", 400),
            ("%ED%A0%80/", 400),
            ("x" * 129 + "/", 400),
        ],
    )
    async def test_refused(self, server: Harness, path: str, status: int) -> None:
        """What is nobody's name deletes nobody; what is no text is not taken for another."""
        await make(server, "\ufffd")
        for method, rest in (("DELETE", ""), ("GET", "notifications/")):
            refused = await ask(server, method, f"{RECIPIENTS}{path}{rest}")
            assert refused.status_code == status, refused.text
        assert len((await get(server, RECIPIENTS))["recipients"]) == 1


class TestDeleteAccounts:
    async def test_everything_goes(self, server: Harness) -> None:
        """Whoever is deleted is signed out and gone with their log, and the name is free again."""
        ann = await server.user()
        await server.append(ann, *[b"1"] * 1200)
        path = f"/api/admin/users/{ann.id}/"
        async with server.connect(ann) as device:
            await device.take(1200)
            assert (await ask(server, "DELETE", path)).status_code == 204
            assert (await device.closed())[0] == 4403
        assert (await ask(server, "DELETE", path)).status_code == 404
        assert (await server.post({"user_id": ann.id, "payload": 1})).status_code == 404
        again = await server.user()
        assert again.id > ann.id
        assert await server.pending(again) == []

    async def test_refused(self, server: Harness) -> None:
        """Nobody deletes themself, and what is no id deletes nobody."""
        for user_id, status in ((1, 400), ("x", 400), ("01", 400), (0, 404), (99, 404)):
            refused = await ask(server, "DELETE", f"/api/admin/users/{user_id}/")
            assert refused.status_code == status
            if status == 400:
                assert set(refused.json()) == {"user_id"}
        assert (await server.send(server.admin, 1))["seq"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", RECIPIENTS),
        ("DELETE", path_of(NAME)),
        ("GET", path_of(NAME, "notifications/")),
        ("GET", "/api/admin/users/1/notifications/"),
        ("DELETE", "/api/admin/users/1/"),
    ],
)
async def test_superusers_only(server: Harness, method: str, path: str) -> None:
    """Strangers hear 401, users 403, and keys of any scope 401; nothing happens."""
    await make(server, NAME)
    await server.server.store.submit(CreateApiKey("all", digest("ntf_all"), SCOPES))
    ann = await server.user()
    for status, headers in (
        (401, {}),
        (401, {"X-API-Key": "ntf_all"}),
        (401, {"Authorization": "Bearer ntf_all"}),
        (401, {"Authorization": f"Bearer {server.token(server.admin)}"}),
        (403, {"Authorization": f"Bearer {server.token(ann, 'access')}"}),
    ):
        refused = await server.http.request(method, path, headers=headers)
        assert refused.status_code == status, headers
    assert await server.server.store.read(RecipientByName(NAME)) is not None
