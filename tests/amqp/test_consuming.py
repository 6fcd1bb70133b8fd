"""Messages become notifications; results and dead letters go out."""

import asyncio
import datetime
import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from amqp.worker import Worker
from notifier.storage.operations.users import SetActive
from servers.missing import MissingServer
from tests.amqp.broker import RESULT, Rabbit
from tests.amqp.conftest import Consuming
from tests.security.table import Now
from tests.support.harness import Harness, until


async def test_message_to_device(server: Harness, rabbit: Rabbit) -> None:
    """A message is delivered to its user's device, byte for byte."""
    ann = await server.user()
    async with server.connect(ann) as device:
        rabbit.publish(b'{"user_id": "%d", "payload": {"n": 1.10}}' % ann.id)
        frame = await device.next()
        assert '"value":{"n": 1.10}' in frame.text
        assert frame.seq == 1


async def test_results(server: Harness, rabbit: Rabbit) -> None:
    """Each message has a result with its correlation_id: HTTP's answer, or the error."""
    ann = await server.user()
    rabbit.listen()
    rabbit.publish({"user_id": ann.id, "payload": {"a": 1}}, message_id="k", correlation_id="c1")
    rabbit.publish({"user_id": 999, "payload": 1}, correlation_id="c2")
    answers = {each.properties.correlation_id: each.json for each in await rabbit.results(2)}
    assert answers == {
        "c1": {"user_id": ann.id, "payload": {"a": 1}, "key": "k", "seq": 1},
        "c2": {"error": "There is no active user with this id."},
    }


async def test_reply_to(consuming: Consuming, rabbit: Rabbit) -> None:
    """Where it is allowed, a result goes to reply_to as well; direct reply-to works too."""
    queue = rabbit.channel.queue_declare("", exclusive=True).method.queue
    allowed = f"{queue}, amq.rabbitmq.reply-to*"
    async with consuming(rabbit_reply_to=allowed) as server:
        ann = await server.user()
        body = {"user_id": ann.id, "payload": 1}
        rabbit.publish(body, reply_to=queue, correlation_id="c")
        [answer] = await rabbit.take(queue, 1)
        assert answer.properties.correlation_id == "c"
        assert answer.json["seq"] == 1

        direct: list[bytes] = []
        channel = rabbit.channel
        channel.basic_consume(
            "amq.rabbitmq.reply-to", lambda *message: direct.append(message[3]), auto_ack=True
        )
        rabbit.publish(body, reply_to="amq.rabbitmq.reply-to")
        await until(lambda: channel.connection.process_data_events(0) or direct)
        assert json.loads(direct[0])["seq"] == 2
        assert server.server.refusals.counts == {}


@pytest.mark.attack("reply_to names another's queue", before="the result was written into it")
@pytest.mark.parametrize("allowed", ["", "mine, replies.*"])
async def test_reply_to_what_is_not_allowed(
    consuming: Consuming, rabbit: Rabbit, allowed: str, now: Now
) -> None:
    """What reply_to names is ignored and counted; the result goes to who listens for results."""
    queue = rabbit.channel.queue_declare("", exclusive=True).method.queue
    async with consuming(rabbit_reply_to=allowed) as server:
        ann = await server.user()
        rabbit.listen()
        for reply_to in (queue, "replies", "mine.not"):
            rabbit.publish({"user_id": ann.id, "payload": 1}, reply_to=reply_to)
        assert len(await rabbit.results(3)) == 3
        assert server.server.refusals.counts == {"reply_to": 3}
    assert rabbit.get(queue) is None
    now("ignored and counted")


async def test_results_off(consuming: Consuming, rabbit: Rabbit) -> None:
    """With results off nothing is published, not even to reply_to."""
    async with consuming(rabbit_results=False, rabbit_reply_to="*") as server:
        ann = await server.user()
        rabbit.listen()
        queue = rabbit.channel.queue_declare("", exclusive=True).method.queue
        async with server.connect(ann) as device:
            rabbit.publish({"user_id": ann.id, "payload": 1}, reply_to=queue)
            await device.next()
        rabbit.publish(b"nonsense", reply_to=queue)
        await rabbit.dead(1)
    assert rabbit.get(queue) is None


async def test_results_that_come_back_are_ignored(
    server: Harness, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue that somebody bound to everything does not make us answer our own answers."""
    acknowledged: set[int] = set()
    acknowledge = Worker._acknowledge

    def watch(worker: Worker, tag: int) -> None:
        acknowledged.add(tag)
        acknowledge(worker, tag)

    monkeypatch.setattr(Worker, "_acknowledge", watch)
    rabbit.channel.queue_bind(rabbit.queue, rabbit.exchange, "#")
    ann = await server.user()
    rabbit.listen()
    rabbit.publish({"user_id": ann.id, "payload": 1})
    rabbit.publish({"user_id": ann.id, "payload": 2})
    assert [each.json["seq"] for each in await rabbit.results(2)] == [1, 2]
    # Two messages and two results: all four are deliveries of our queue.
    await until(lambda: acknowledged == {1, 2, 3, 4})
    await server.server.stop()
    assert rabbit.ready() == 0
    assert rabbit.ready(f"{rabbit.queue}.dead") == 0


async def test_message_id_is_stored_once(server: Harness, rabbit: Rabbit) -> None:
    """The same message again is answered with the first notification, and not delivered again."""
    ann = await server.user()
    rabbit.listen()
    async with server.connect(ann) as device:
        for _ in range(3):
            rabbit.publish({"user_id": ann.id, "payload": 1}, message_id="once")
        assert {each.json["seq"] for each in await rabbit.results(3)} == {1}
        assert (await device.next()).key == "once"
        await device.nothing_more()


async def test_array(server: Harness, rabbit: Rabbit) -> None:
    """An array has one result with an answer for each item; a repetition stores nothing new."""
    ann, bob = await server.user("ann"), await server.user("bob")
    rabbit.listen()
    body = [{"user_id": person.id, "payload": n} for n in range(100) for person in (ann, bob)]
    for _ in range(2):
        rabbit.publish(body, message_id="batch")
    first, second = await rabbit.results(2)
    assert first.json == second.json
    assert [(each["user_id"], each["payload"], each["seq"]) for each in first.json] == [
        (each["user_id"], each["payload"], each["payload"] + 1) for each in body
    ]
    assert len(await server.pending(ann)) == 100


async def test_largest_array(consuming: Consuming, rabbit: Rabbit) -> None:
    """A thousand items are stored in order, even if the store's queue is shorter than that."""
    async with consuming(queue_size=10) as server:
        ann = await server.user()
        rabbit.listen()
        rabbit.publish([{"user_id": ann.id, "payload": n} for n in range(1000)])
        [result] = await rabbit.results(1)
        assert [each["seq"] for each in result.json] == list(range(1, 1001))


async def test_dead_letters(server: Harness, rabbit: Rabbit) -> None:
    """What can never succeed is dead-lettered with the reason, and with what identifies it."""
    ann, bob = await server.user("ann"), await server.user("bob")
    await server.server.store.submit(SetActive(bob.id, False))
    rabbit.publish({"user_id": ann.id, "payload": 1}, message_id="taken")
    bad: list[tuple[object, str]] = [
        (b"{not json", "malformed_json"),
        ({"user_id": ann.id, "payload": None}, "invalid"),
        ({"user_id": bob.id, "payload": 1}, "unknown_user"),
        ({"user_id": 10**30, "payload": 1}, "unknown_user"),
        ({"user_id": ann.id, "payload": 2, "key": "taken"}, "key_conflict"),
    ]
    for body, code in bad:
        rabbit.publish(
            body, message_id=code, correlation_id="c", reply_to="nobody", headers={"CC": ["x"]}
        )
    letters = await rabbit.dead(len(bad))
    assert sorted(each.headers["code"] for each in letters) == sorted(code for _, code in bad)
    for letter in letters:
        assert letter.headers["reason"]
        assert letter.properties.message_id == letter.headers["code"]
        assert letter.properties.correlation_id == "c"
    assert letters[0].body == b"{not json"
    assert await server.pending(ann) == [1]


async def test_what_is_wrong_with_a_message_is_said_at_once(
    server: Harness, rabbit: Rabbit
) -> None:
    """The result and the dead letter name every fault, as HTTP does; nothing is stored."""
    ann = await server.user()
    rabbit.listen()
    good = b'{"user_id": %d, "payload": 1' % ann.id
    bad = {
        b'{"user_id": "x"}': "user_id: Expected an integer or a string of decimal digits. "
        "payload: This field is required.",
        good + b', "tll": 5}': "tll: Unknown field; did you mean ttl?",
        good + b"1" * 1000 + b"}": "A number has more than 1000 digits in a row.",
        good + b', "key": "a\\u0000b"}': "key: Expected a string of 1 to 200 characters, "
        "without control characters or line separators.",
    }
    for body in bad:
        rabbit.publish(body)
    rabbit.publish(good + b"}", message_id="a\0b")
    reasons = [*bad.values(), "message_id: Expected a string of 1 to 200 characters, "]
    answers = [each.json["error"] for each in await rabbit.results(len(reasons))]
    letters = await rabbit.dead(len(reasons))
    for told in (answers, [each.headers["reason"] for each in letters]):
        assert all(text.startswith(reason) for text, reason in zip(told, reasons, strict=True))
    assert [letter.body for letter in letters] == [*bad, good + b"}"]
    assert await server.pending(ann) == []


async def test_hundreds_of_poisoned_messages_hold_up_nobody(
    consuming: Consuming, rabbit: Rabbit
) -> None:
    """Good messages among many bad ones arrive, in order; the bad ones all are dead-lettered."""
    async with consuming(rabbit_prefetch=20) as server:
        ann = await server.user()
        async with server.connect(ann) as device:
            for number in range(300):
                rabbit.publish(b"\xff" if number % 2 else b"[1, {}]")
                rabbit.publish({"user_id": ann.id, "payload": number})
            frames = await device.take(300)
        assert [frame.value for frame in frames] == list(range(300))
        await rabbit.dead(150 + 2 * 150)
    assert rabbit.ready() == 0


async def test_headers_that_cannot_be_read(server: Harness, rabbit: Rabbit) -> None:
    """A header that no library can represent does not matter."""
    ann = await server.user()
    headers = {"sent": _FarFuture(2026, 1, 1)}
    rabbit.publish({"user_id": ann.id, "payload": 1}, headers=headers)
    async with server.connect(ann) as device:
        assert (await device.next()).value == 1


class _FarFuture(datetime.datetime):
    """Encoded as milliseconds where AMQP wants seconds, a common mistake."""

    def utctimetuple(self) -> time.struct_time:
        day = self.timetuple()
        return time.struct_time((9999, *day[1:3], 10**8, *day[4:]))


async def test_other_users_are_not_mixed_up(server: Harness, rabbit: Rabbit) -> None:
    """Interleaved messages reach their own users, each user's in order."""
    people = [await server.user(f"user{number}") for number in range(5)]
    for number in range(200):
        for person in people:
            rabbit.publish({"user_id": person.id, "payload": [person.id, number]})
    for person in people:
        async with server.connect(person) as device:
            values = [frame.value for frame in await device.take(200)]
            assert values == [[person.id, number] for number in range(200)]


async def test_drain(consuming: Consuming, rabbit: Rabbit) -> None:
    """A stopping server finishes what it took, and leaves the rest on the broker."""
    total = 2000
    async with consuming() as server:
        ann = await server.user()
        rabbit.listen()
        for number in range(total):
            rabbit.publish({"user_id": ann.id, "payload": number}, message_id=str(number))
            if number == total // 2:
                stopping = asyncio.create_task(server.server.stop())
            if number % 50 == 0:
                await asyncio.sleep(0)
        await stopping
    waiting = rabbit.ready()
    answered = len(await rabbit.results(total - waiting))
    assert answered > 0
    async with consuming() as server:
        await until(lambda: rabbit.ready() == 0)
        await rabbit.results(waiting)
        assert await server.pending(ann) == list(range(1, total + 1))


async def test_amqp_publish(server: Harness, rabbit: Rabbit) -> None:
    """``amqp-publish`` of Debian's amqp-tools, as the documentation shows it."""
    program = shutil.which("amqp-publish")
    if program is None:
        raise MissingServer("amqp-tools")
    ann = await server.user()
    async with server.connect(ann) as device:
        publishing = await asyncio.create_subprocess_exec(
            program,
            f"--url={rabbit.broker.address}",
            f"--exchange={rabbit.exchange}",
            "--routing-key=notifications.send",
            "--persistent",
            f'--body={{"user_id": {ann.id}, "payload": "from a shell"}}',
            stdin=subprocess.DEVNULL,
        )
        assert await publishing.wait() == 0
        assert (await device.next()).value == "from a shell"


async def test_management_api(server: Harness, rabbit: Rabbit) -> None:
    """What the management page posts when somebody publishes there."""
    ann = await server.user()
    body: dict[str, Any] = {
        "routing_key": "notifications.send",
        "payload": json.dumps({"user_id": ann.id, "payload": "from the page"}),
        "payload_encoding": "string",
        "properties": {"message_id": "m", "delivery_mode": 2},
    }
    async with server.connect(ann) as device:
        answer = await asyncio.to_thread(
            rabbit.broker.api, "POST", f"/exchanges/%2F/{rabbit.exchange}/publish", body
        )
        assert answer == {"routed": True}
        assert (await device.next()).key == "m"


async def test_status(consuming: Consuming, rabbit: Rabbit) -> None:
    """The status says that we consume, and counts what came this way."""
    async with consuming() as server:
        ann = await server.user()
        rabbit.listen()
        rabbit.publish({"user_id": ann.id, "payload": 1})
        await rabbit.results(1)
        snapshot = server.server.status.snapshot()
        assert (snapshot.rabbitmq.state, snapshot.sends) == ("consuming", 1)
        assert RESULT not in rabbit.queue


@pytest.mark.attack("flooding one user's inbox through RabbitMQ", before="no bound")
async def test_inbox_full(consuming: Consuming, rabbit: Rabbit) -> None:
    """What is too much for a user is laid aside with the reason; the others' goes on."""
    async with consuming(max_pending=3) as server:
        ann, bob = await server.user("ann"), await server.user("bob")
        rabbit.listen()
        for n in range(5):
            rabbit.publish({"user_id": ann.id, "payload": n})
        rabbit.publish({"user_id": bob.id, "payload": "bob"})
        dead = await rabbit.dead(2)
        assert [each.json["payload"] for each in dead] == [3, 4]
        assert {each.headers["code"] for each in dead} == {"inbox_full"}
        results = [each.json for each in await rabbit.results(6)]
        assert sum("error" in result for result in results) == 2
        assert len(await server.pending(ann)) == 3
        assert len(await server.pending(bob)) == 1
        assert server.server.refusals.counts == {"inbox_full": 2}
    assert rabbit.ready() == 0
