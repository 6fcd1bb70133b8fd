"""Notifications that are taken back by message, behind their sends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from amqp import early
from notifier.errors import DiskLow, Unavailable
from notifier.wire import SendRequest, WithdrawRequest
from tests.amqp.broker import Rabbit
from tests.amqp.conftest import Consuming
from tests.support.harness import Harness, until
from tests.support.naming import users_of

WITHDRAW = "notifications.withdraw"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is unknown has failed soon."""
    monkeypatch.setattr(early, "PATIENCE", 0.3)
    yield


async def test_behind_its_send(consuming: Consuming, rabbit: Rabbit) -> None:
    """What is taken back is so in the order of the queue, alone and in arrays, also by name."""
    async with consuming(**users_of()) as server:
        ann = await server.user()
        rabbit.listen()
        for n in range(20):
            rabbit.publish({"user_id": ann.id, "payload": n}, message_id=f"k{n}")
            rabbit.publish({"user_id": ann.id, "key": f"k{n}"}, WITHDRAW, correlation_id="w")
        rabbit.publish([{"user": "bob", "payload": n, "key": f"b{n}"} for n in range(3)])
        rabbit.publish([{"user": "bob", "key": f"b{n}"} for n in (2, 0)], WITHDRAW)
        results = await rabbit.results(42)
        withdrawn = [each.json for each in results if each.properties.correlation_id == "w"]
        assert withdrawn == [
            {"user_id": ann.id, "key": f"k{n}", "seq": n + 1, "withdrawn": True} for n in range(20)
        ]
        assert results[-1].json == [
            {"user": "bob", "key": "b2", "seq": 3, "withdrawn": True},
            {"user": "bob", "key": "b0", "seq": 1, "withdrawn": True},
        ]
        assert await server.pending(ann) == []
        # Again is harmless, and so is a late retry of the send.
        rabbit.publish({"user_id": str(ann.id), "key": "k3"}, WITHDRAW)
        rabbit.publish({"user_id": ann.id, "payload": 3}, message_id="k3")
        again, retried = await rabbit.results(2)
        assert again.json == withdrawn[3]
        assert (retried.json["seq"], retried.json["withdrawn"]) == (4, True)
        async with server.connect(ann) as device:
            await device.nothing_more()
    assert rabbit.ready(f"{rabbit.queue}.dead") == 0


@pytest.mark.parametrize("trouble", ["turned away", "too late", "disk"])
async def test_store_away(
    consuming: Consuming, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Where the store does not take a send, its withdrawal waits for it, however long."""
    monkeypatch.setattr(early, "PATIENCE", 0.0)
    async with consuming() as server:
        ann = await server.user()
        rabbit.listen()
        notifications = server.server.notifications
        submit, withdraw = notifications.submit, notifications.submit_withdrawal
        missed: list[str] = []

        def away(request: SendRequest) -> "asyncio.Future[Any]":
            if trouble == "turned away":
                raise Unavailable
            if trouble == "disk":
                raise DiskLow
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(Unavailable())
            return future

        def noting(request: WithdrawRequest) -> "asyncio.Future[Any]":
            missed.append(request.key)
            return withdraw(request)

        monkeypatch.setattr(notifications, "submit_withdrawal", noting)
        # Only sends are refused, as on a full disk; what is already under way goes through.
        monkeypatch.setattr(notifications, "submit", away)
        for n in range(10):
            rabbit.publish({"user_id": ann.id, "payload": n}, message_id=f"k{n}")
            rabbit.publish({"user_id": ann.id, "key": f"k{n}"}, WITHDRAW)
        rabbit.publish({"user_id": ann.id, "payload": "last"})
        await until(lambda: rabbit.ready() == 0)
        monkeypatch.setattr(notifications, "submit", submit)
        results = [each.json for each in await rabbit.results(21)]
        assert sum("withdrawn" in each for each in results) == 10
        assert not [each for each in results if "error" in each]
        assert await server.pending(ann) == [11]
    assert rabbit.ready(f"{rabbit.queue}.dead") == 0


async def test_send_in_other_hands(consuming: Consuming, rabbit: Rabbit) -> None:
    """What another process is about to store is taken back once it is there."""
    async with consuming() as server:
        ann = await server.user()
        rabbit.listen()
        rabbit.publish({"user_id": ann.id, "key": "k"}, WITHDRAW)
        rabbit.publish({"user_id": ann.id, "payload": "other"})
        [other] = await rabbit.results(1)
        assert other.json["payload"] == "other"
        await server.send(ann, "early", key="k")
        [result] = await rabbit.results(1)
        assert result.json == {"user_id": ann.id, "key": "k", "seq": 2, "withdrawn": True}


async def test_unknown(consuming: Consuming, rabbit: Rabbit, impatient: None) -> None:
    """What was never sent is answered as an error and laid aside, for the same routing key."""
    async with consuming(**users_of()) as server:
        ann = await server.user()
        rabbit.listen()
        await server.send(ann, 1, key="there")
        rabbit.publish({"user_id": ann.id, "key": "never"}, WITHDRAW, correlation_id="c")
        rabbit.publish([{"user_id": ann.id, "key": "there"}, {"user": "who", "key": "x"}], WITHDRAW)
        answers = {each.properties.correlation_id: each.json for each in await rabbit.results(2)}
        assert answers["c"] == {"error": "This user has no notification with this key."}
        assert answers[None] == [
            {"user_id": ann.id, "key": "there", "seq": 1, "withdrawn": True},
            {"error": "This user has no notification with this key."},
        ]
        dead = await rabbit.dead(2)
        assert {each.headers["code"] for each in dead} == {"not_found"}
        assert sorted(each.json["key"] for each in dead) == ["never", "x"]
        assert {each.routing_key for each in dead} == {WITHDRAW}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"user_id": 1}', "key: This field is required."),
        (b'{"key": "k"}', "user_id: This field is required."),
        (b'{"user_id": 1, "key": "k", "payload": 1}', "payload: Unknown field"),
        (b'{"user_id": 1, "key": ""}', "key: Expected the key of a notification"),
        (b'{"user_id": 1, "key": "a\\u0000"}', "key: Expected the key of a notification"),
        (b'{"user": "x", "key": "k"}', "user: Not taken with NOTIFIER_USERS=accounts"),
        (b"nonsense", "Not valid JSON"),
    ],
    ids=["key", "user", "payload", "empty", "nul", "whose", "json"],
)
async def test_what_cannot_be_understood(
    server: Harness, rabbit: Rabbit, body: bytes, reason: str
) -> None:
    """It is laid aside at once, as it came."""
    rabbit.listen()
    rabbit.publish(body, WITHDRAW)
    [letter] = await rabbit.dead(1)
    assert reason in letter.headers["reason"]
    assert letter.body == body
    [result] = await rabbit.results(1)
    assert reason in result.json["error"]


async def test_many_unknown_hold_up_nobody(consuming: Consuming, rabbit: Rabbit) -> None:
    """Others get past withdrawals that wait for sends that never come."""
    async with consuming(rabbit_prefetch=20, request_timeout=0.5) as server:
        ann = await server.user()
        rabbit.listen()
        for n in range(60):
            rabbit.publish({"user_id": ann.id, "key": f"never {n}"}, WITHDRAW)
        rabbit.publish({"user_id": ann.id, "payload": "through"})
        results = await rabbit.results(56)  # five wait for longer
        assert any(each.json.get("payload") == "through" for each in results)


async def test_fields_of_a_send(server: Harness, rabbit: Rabbit) -> None:
    """Category, priority and collapse_key work as over HTTP."""
    ann = await server.user()
    rabbit.listen()
    fields = {"category": "comments", "priority": "high", "collapse_key": "post 7"}
    for n in range(2):
        rabbit.publish({"user_id": ann.id, "payload": n} | fields)
    rabbit.publish({"user_id": ann.id, "payload": 2, "priority": "loud"})
    results = [each.json for each in await rabbit.results(3)]
    [error] = [each["error"] for each in results if "error" in each]
    assert "priority: Expected low, normal, high or urgent" in error
    headers = {"Authorization": f"Bearer {server.token(ann)}"}
    items = (await server.http.get("/api/inbox/", headers=headers)).json()["items"]
    assert [(item["payload"], item["category"], item["priority"]) for item in items] == [
        (1, "comments", "high")
    ]
