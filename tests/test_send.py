"""Sending over HTTP: what is promised, to whom, and on whose authority."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from notifier.errors import Unavailable
from notifier.identity.keys import digest
from notifier.storage.contract import Operation, Query
from notifier.storage.operations.keys import ApiKeyByDigest, CreateApiKey, RevokeApiKey
from notifier.storage.operations.notifications import Acknowledge
from tests.support.harness import JSON, SEND, Harness, Person, ServerWith

FORWARDING = ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"]


async def make_key(server: Harness, key: str, name: str = "billing") -> dict[str, str]:
    """Store an API key; returns the header that presents it."""
    await server.server.store.submit(CreateApiKey(name, digest(key)))
    return {"X-API-Key": key}


async def test_the_answer(server: Harness) -> None:
    """The answer repeats the user and the payload, and gives the key and the place in the log."""
    ann = await server.user()
    first = await server.send(ann, {"additionalProp1": "string"})
    second = await server.send(ann, {"additionalProp1": "string"})
    assert first["user_id"] == ann.id
    assert first["payload"] == {"additionalProp1": "string"}
    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["key"] != second["key"], "equal notifications are two notifications"


@pytest.mark.parametrize("path", [SEND, SEND.rstrip("/")])
@pytest.mark.parametrize("as_text", [True, False])
async def test_user_id_and_path_forms(server: Harness, path: str, as_text: bool) -> None:
    """The user's id may be an integer or decimal digits, the path with or without its slash."""
    ann = await server.user()
    user_id = str(ann.id) if as_text else ann.id
    response = await server.post({"user_id": user_id, "payload": 1}, path)
    assert response.status_code == 200
    assert response.json()["user_id"] == ann.id


@pytest.mark.parametrize("in_header", [True, False])
async def test_retry_with_the_same_key(server: Harness, in_header: bool) -> None:
    """The same key again stores nothing, answers with the first result, and says so."""
    ann = await server.user()

    async def send(payload: object) -> tuple[int, dict[str, object], str | None]:
        body = {"user_id": ann.id, "payload": payload}
        headers = {"Idempotency-Key": "order-7"} if in_header else {}
        response = await server.post(
            body if in_header else body | {"key": "order-7"}, headers=headers
        )
        return response.status_code, response.json(), response.headers.get("Idempotency-Replayed")

    status, first, replayed = await send({"a": 1, "b": 2})
    assert (status, first["key"], replayed) == (200, "order-7", None)
    assert await send({"a": 1, "b": 2}) == (200, first, "true")
    assert (await send({"b": 2, "a": 1}))[0] == 200, "key order does not make another payload"
    status, problem, _ = await send({"a": 1, "b": 3})
    assert (status, problem["code"]) == (409, "key_conflict")
    assert await server.pending(ann) == [1]


async def test_retry_after_the_acknowledgement(server: Harness) -> None:
    """A key stays used when its notification has been acknowledged."""
    ann = await server.user()
    first = await server.send(ann, 1, key="k")
    await server.server.store.submit(Acknowledge(ann.id, "k"))
    again = await server.post({"user_id": ann.id, "payload": 1, "key": "k"})
    assert again.json() == first
    assert await server.pending(ann) == []


async def test_concurrent_retries_store_once(server: Harness) -> None:
    """Of many equal requests at the same moment one stores; all get the same answer."""
    ann = await server.user()
    body = {"user_id": ann.id, "payload": 1, "key": "k"}
    answers = await asyncio.gather(*[server.post(body) for _ in range(20)])
    assert {answer.text for answer in answers} == {answers[0].text}
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 19


async def test_key_in_body_and_header_must_agree(server: Harness) -> None:
    """Two different keys in one request are refused."""
    ann = await server.user()
    body = {"user_id": ann.id, "payload": 1, "key": "one"}
    refused = await server.post(body, headers={"Idempotency-Key": "other"})
    assert refused.status_code == 400
    assert "key" in refused.json()
    assert (await server.post(body, headers={"Idempotency-Key": "one"})).status_code == 200


async def test_consecutive_under_concurrency(server: Harness) -> None:
    """Concurrent sends to one user get consecutive places and are delivered in that order."""
    ann = await server.user()
    async with server.connect(ann) as device:
        await device.nothing_more()
        answers = await asyncio.gather(*[server.send(ann, n) for n in range(100)])
        assert sorted(answer["seq"] for answer in answers) == list(range(1, 101))
        assert [frame.seq for frame in await device.take(100)] == list(range(1, 101))


async def test_retention_zero_deletes_on_ack(server_with: ServerWith) -> None:
    """Without retention an acknowledged notification is gone, so its key may be used anew."""
    async with server_with(retention_days=0) as server:
        ann = await server.user()
        await server.send(ann, 1, key="k")
        await server.server.store.submit(Acknowledge(ann.id, "k"))
        assert (await server.send(ann, 2, key="k"))["seq"] == 2


class TestWhoMaySend:
    """Authority to send."""

    async def test_open_on_loopback_until_a_key_exists(self, server: Harness) -> None:
        """Without any key, this machine may send; with the first key it needs one, at once."""
        ann = await server.user()
        await server.send(ann, 1)
        key = await make_key(server, "ntf_first")
        refused = await server.post({"user_id": ann.id, "payload": 2})
        assert refused.status_code == 401
        assert refused.json()["code"] == "not_authenticated"
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        allowed = await server.post({"user_id": ann.id, "payload": 2}, headers=key)
        assert allowed.status_code == 200

    async def test_stays_closed_after_the_last_key_is_revoked(self, server: Harness) -> None:
        """Revoking the only key doesn't let everybody in."""
        ann = await server.user()
        await make_key(server, "ntf_only")
        await server.server.store.submit(RevokeApiKey("billing"))
        refused = await server.post({"user_id": ann.id, "payload": 1})
        assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
        assert "one was made once" in refused.json()["detail"]

    @pytest.mark.parametrize("header", FORWARDING)
    async def test_forwarded_requests_are_not_from_here(self, server: Harness, header: str) -> None:
        """What a proxy forwarded may come from anywhere, so it needs a key."""
        ann = await server.user()
        refused = await server.post(
            {"user_id": ann.id, "payload": 1}, headers={header: "203.0.113.7"}
        )
        assert refused.status_code == 401

    async def test_rebound_names_are_not_from_here(self, server: Harness) -> None:
        """A page whose name was rebound to this machine may not send on the user's behalf."""
        ann = await server.user()
        refused = await server.post(
            {"user_id": ann.id, "payload": 1}, headers={"Host": "evil.example"}
        )
        assert refused.status_code == 401

    async def test_open_send(self, server_with: ServerWith) -> None:
        """NOTIFIER_OPEN_SEND lets everyone send, keys or not."""
        async with server_with(open_send=True) as server:
            ann = await server.user()
            await make_key(server, "ntf_key")
            sent = await server.post(
                {"user_id": ann.id, "payload": 1}, headers={"X-Forwarded-For": "203.0.113.7"}
            )
            assert sent.status_code == 200

    async def test_listening_elsewhere_needs_a_key(
        self, server_with: ServerWith, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A server that others can reach takes no open sends, and its log says what to do."""
        async with server_with(host="0.0.0.0") as server:
            ann = await server.user()
            assert (await server.post({"user_id": ann.id, "payload": 1})).status_code == 401
            [line] = [each for each in caplog.records if vars(each).get("reason")]
            assert "apikey create" in vars(line)["hint"]

    @pytest.mark.parametrize("scheme", ["X-API-Key", "Authorization"])
    async def test_revoking_works_at_once(self, server: Harness, scheme: str) -> None:
        """A key works in either header, and not one request longer than it is active."""
        ann = await server.user()
        key = await make_key(server, "ntf_temporary")
        headers = key if scheme == "X-API-Key" else {scheme: f"Bearer {key['X-API-Key']}"}
        body = {"user_id": ann.id, "payload": 1}
        assert (await server.post(body, headers=headers)).status_code == 200
        await server.server.store.submit(RevokeApiKey("billing"))
        refused = await server.post(body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "api_key_not_valid")
        assert await server.pending(ann) == [1]

    async def test_unknown_keys(self, server: Harness) -> None:
        """A key that was never made is refused, before the body is looked at."""
        refused = await server.post(b"not JSON", headers={"X-API-Key": "ntf_invented"})
        assert (refused.status_code, refused.json()["code"]) == (401, "api_key_not_valid")

    async def test_an_empty_key_is_a_wrong_one(self, server: Harness) -> None:
        """Whoever sends an empty key has lost theirs, and neither passes without nor by a token."""
        token = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
        for headers in ({"X-API-Key": ""}, {"X-API-Key": ""} | token):
            refused = await server.post({"user_id": 1, "payload": 1}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "api_key_not_valid")

    async def test_keys_that_may_not_send(self, server: Harness) -> None:
        """A key without the scope is refused, with the scope's name, and nothing is stored."""
        ann = await server.user()
        await server.server.store.submit(CreateApiKey("web", digest("ntf_web"), ("identity",)))
        for _ in "12":
            refused = await server.post(
                {"user_id": ann.id, "payload": 1}, headers={"X-API-Key": "ntf_web"}
            )
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
            assert "scope 'send'" in refused.json()["detail"]
        assert await server.pending(ann) == []

    async def test_a_key_is_not_looked_up_for_each_send(
        self, server: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What one look-up found holds for the next sends, whose transactions check it anyway."""
        ann = await server.user()
        headers = await make_key(server, "ntf_key")
        store = server.server.store
        read = store.read
        asked: list[object] = []

        async def counted(query: Query[Any]) -> Any:
            if isinstance(query, ApiKeyByDigest):
                asked.append(query)
            return await read(query)

        monkeypatch.setattr(store, "read", counted)
        for _ in range(3):
            sent = await server.post({"user_id": ann.id, "payload": 1}, headers=headers)
            assert sent.status_code == 200
        assert asked == [ApiKeyByDigest(digest("ntf_key"))]

    async def test_access_tokens(self, server: Harness) -> None:
        """A superuser's access token may send, others' may not, and other types neither."""
        await make_key(server, "ntf_key")
        ann = await server.user()

        async def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await server.post({"user_id": 1, "payload": 1}, headers=headers)).status_code

        assert await status(server.token(server.admin, "access")) == 200
        assert await status(server.token(ann, "access")) == 403
        assert await status(server.token(server.admin, "identity")) == 401
        assert await status(server.token(server.admin, "access", seconds=-60)) == 401
        assert await status(server.token(Person(999, "nobody"), "access")) == 401


async def test_full_queue_answers_503(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store cannot take now is refused with Retry-After, and can be sent again."""
    async with server_with(queue_size=1) as server:
        ann = await server.user()
        bodies = [{"user_id": ann.id, "payload": 1, "key": f"k{n}"} for n in range(50)]
        answers = await asyncio.gather(*map(server.post, bodies))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused, "the queue was never full"
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert all(answer.json()["code"] == "unavailable" for answer in refused)
        for body in bodies:
            while (await server.post(body)).status_code == 503:
                pass
        assert len(await server.pending(ann)) == 50


async def test_store_away_answers_503_and_sockets_stay(
    server: Harness, monkeypatch: pytest.MonkeyPatch, expected_errors: list[str]
) -> None:
    """While the store is away sends get 503, connections stay, and all resumes by itself."""
    expected_errors.append("The store is away")
    ann = await server.user()
    store = server.server.store

    class Away:
        def commit(self, operations: Sequence[Operation[Any]]) -> list[object]:
            raise Unavailable("Gone.")

        def close(self) -> None:
            """Nothing to give up."""

    async with server.connect(ann) as device:
        await device.nothing_more()
        with monkeypatch.context() as outage:
            outage.setattr("notifier.storage.sqlite.SqliteWriteSession.commit", Away.commit)
            refused = await server.post({"user_id": ann.id, "payload": 1, "key": "k"})
            assert refused.status_code == 503
            assert not store.available
            assert (await server.http.get("/healthz/ready/")).status_code == 503
            assert (await server.http.get("/healthz/live/")).status_code == 200
            await device.nothing_more()
        retry = {"user_id": ann.id, "payload": 1, "key": "k"}
        while (await server.post(retry)).status_code != 200:  # noqa: ASYNC110 - as clients do
            await asyncio.sleep(0.02)
        assert (await device.next()).key == "k"
        assert (await server.http.get("/healthz/ready/")).status_code == 200


async def test_sender_that_leaves_early_still_delivers(server: Harness) -> None:
    """A send whose client hangs up after the request is stored and delivered all the same."""
    ann = await server.user()
    async with server.connect(ann) as device:
        await device.nothing_more()
        key = await make_key(server, "ntf_early")  # nobody can ask who it was that has left
        body = json.dumps({"user_id": ann.id, "payload": "gone"}).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        head = f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in (JSON | key).items())
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        writer.close()
        assert (await device.next()).value == "gone"
