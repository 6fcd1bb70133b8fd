"""Everything that can happen to a broker, a connection, a queue or the store."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from amqp.broker import parameters
from amqp.worker import Worker
from notifier.config import load
from notifier.errors import InvalidSettings, Unavailable
from tests.amqp.broker import Rabbit
from tests.amqp.conftest import Consuming
from tests.support.harness import Harness, Person, until

SECONDS_TO_RECOVER = 60.0


def state(server: Harness) -> str:
    return server.server.status.rabbitmq()


async def recovered(server: Harness) -> None:
    await until(lambda: state(server) == "consuming", SECONDS_TO_RECOVER)


def publish(rabbit: Rabbit, person: Person, numbers: Iterable[int]) -> None:
    """A message for each of ``numbers``, confirmed one by one: not on the loop of the server."""
    for number in numbers:
        rabbit.publish({"user_id": person.id, "payload": number}, message_id=str(number))


async def test_broker_killed_under_load(consuming: Consuming, rabbit: Rabbit) -> None:
    """kill -9 of the broker loses and repeats nothing that it had confirmed or we acknowledged."""
    total = 3000
    async with consuming() as server:
        ann = await server.user()
        await asyncio.to_thread(rabbit.broker.flush)
        async with server.connect(ann) as device:
            await asyncio.to_thread(publish, rabbit, ann, range(total // 2))
            rabbit.disconnect()
            await asyncio.to_thread(rabbit.broker.kill)
            await until(lambda: state(server) == "connecting")
            sent = await server.send(ann, "meanwhile", key="meanwhile")
            assert sent["key"] == "meanwhile"
            await asyncio.to_thread(rabbit.broker.start)
            await recovered(server)
            await asyncio.to_thread(publish, rabbit, ann, range(total // 2, total))
            frames = await device.take(total + 1)
            await device.nothing_more()
        assert [frame.seq for frame in frames] == list(range(1, total + 2))
        values = [frame.value for frame in frames if frame.value != "meanwhile"]
        assert values == list(range(total))
    assert rabbit.ready() == 0


async def test_broker_away_at_the_start(consuming: Consuming, rabbit: Rabbit) -> None:
    """Without a broker the server starts and serves HTTP, and consumes once there is one."""
    rabbit.disconnect()
    await asyncio.to_thread(rabbit.broker.kill)
    async with consuming(wait=False) as server:
        ann = await server.user()
        await server.send(ann, 1)
        assert state(server) == "connecting"
        await asyncio.to_thread(rabbit.broker.start)
        await recovered(server)
        rabbit.publish({"user_id": ann.id, "payload": 2})
        async with server.connect(ann) as device:
            assert [frame.value for frame in await device.take(2)] == [1, 2]


async def test_connection_closed_by_an_operator(server: Harness, rabbit: Rabbit) -> None:
    """A connection that is closed on the broker's side is replaced."""
    rabbit.disconnect()
    # The command may take longer than the server needs to come back.
    closing = asyncio.create_task(
        asyncio.to_thread(rabbit.broker.control, "close_all_connections", "by the test")
    )
    await until(lambda: state(server) == "connecting", SECONDS_TO_RECOVER)
    await closing
    await recovered(server)
    ann = await server.user()
    async with server.connect(ann) as device:
        rabbit.publish({"user_id": ann.id, "payload": 1})
        await device.next()


async def test_queue_deleted_under_us(server: Harness, rabbit: Rabbit) -> None:
    """A deleted queue is made again, with its binding."""
    rabbit.channel.queue_delete(rabbit.queue)
    await until(lambda: state(server) == "connecting")
    await recovered(server)
    ann = await server.user()
    async with server.connect(ann) as device:
        rabbit.publish({"user_id": ann.id, "payload": 1})
        await device.next()


async def test_exchange_deleted_under_us(server: Harness, rabbit: Rabbit) -> None:
    """A deleted exchange is made again with the next message that wants a result."""
    ann = await server.user()
    rabbit.channel.exchange_delete(rabbit.exchange)
    body = b'{"user_id": %d, "payload": 1}' % ann.id
    rabbit.channel.basic_publish("", rabbit.queue, body)
    await until(lambda: state(server) == "connecting")
    await recovered(server)
    rabbit.publish({"user_id": ann.id, "payload": 2})
    await until(lambda: rabbit.ready() == 0)


async def test_dead_letter_queue_deleted_under_us(
    server: Harness, rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that could not be dead-lettered is not acknowledged: it waits until it can be."""
    rabbit.channel.queue_delete(f"{rabbit.queue}.dead")
    rabbit.publish(b"nonsense", message_id="m")
    await until(lambda: "found no queue" in _reasons(caplog))
    await recovered(server)
    [letter] = await rabbit.dead(1)
    assert letter.properties.message_id == "m"


async def test_channel_closed_by_the_broker(
    server: Harness, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An acknowledgement that the broker refuses costs the channel, not the server."""
    ann = await server.user()
    flush = Worker._flush

    def flush_twice(worker: Worker) -> None:
        monkeypatch.setattr(Worker, "_flush", flush)
        worker._channel.ack(4711, False)
        flush(worker)

    monkeypatch.setattr(Worker, "_flush", flush_twice)
    async with server.connect(ann) as device:
        rabbit.publish({"user_id": ann.id, "payload": 1}, message_id="m")
        assert (await device.next()).value == 1
        await until(lambda: state(server) == "connecting")
        await recovered(server)
        rabbit.publish({"user_id": ann.id, "payload": 2})
        assert (await device.next()).value == 2


async def test_bug_in_the_consumer(
    server: Harness,
    rabbit: Rabbit,
    monkeypatch: pytest.MonkeyPatch,
    expected_errors: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An unforeseen exception is logged with its trace, and consuming starts again."""
    expected_errors.append("Consuming from RabbitMQ failed")
    ann = await server.user()
    acknowledge = Worker._acknowledge

    def fail(worker: Worker, tag: int) -> None:
        monkeypatch.setattr(Worker, "_acknowledge", acknowledge)
        raise ZeroDivisionError

    monkeypatch.setattr(Worker, "_acknowledge", fail)
    async with server.connect(ann) as device:
        rabbit.publish({"user_id": ann.id, "payload": 1}, message_id="m")
        await device.next()
        await until(lambda: "ZeroDivisionError" in caplog.text)
        await recovered(server)
        rabbit.publish({"user_id": ann.id, "payload": 2})
        assert (await device.next()).value == 2
        await until(lambda: rabbit.ready() == 0)


async def test_unreadable_because_of_a_bug(
    server: Harness,
    rabbit: Rabbit,
    monkeypatch: pytest.MonkeyPatch,
    expected_errors: list[str],
) -> None:
    """A message that breaks our own code is dead-lettered instead of coming again for ever."""
    expected_errors.append("Reading a message failed")

    def fail(*arguments: object) -> None:
        raise RecursionError

    with monkeypatch.context() as patched:
        patched.setattr("amqp.messages.Reader.read", fail)
        rabbit.publish(b"1", message_id="m")
        [letter] = await rabbit.dead(1)
    assert letter.properties.message_id == "m"
    assert state(server) == "consuming"


async def test_missed_heartbeats(consuming: Consuming, rabbit: Rabbit) -> None:
    """A broker that falls silent is given up and found again when it is back."""
    async with consuming(amqp_url=f"{rabbit.broker.address}?heartbeat=1") as server:
        with rabbit.broker.suspended():
            await until(lambda: state(server) == "connecting", 30)
        await recovered(server)


async def test_blocked_connection(
    consuming: Consuming, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the broker is short of memory nothing is lost, and it goes on by itself."""
    async with consuming() as server:
        ann = await server.user()
        rabbit.listen()
        taken = asyncio.Event()
        submit = server.server.notifications.submit

        def held(*arguments: object) -> object:
            taken.set()
            raise Unavailable

        # The message is with us when the alarm goes off, and its result is published then.
        with monkeypatch.context() as patched:
            patched.setattr(server.server.notifications, "submit", held)
            rabbit.publish({"user_id": ann.id, "payload": 1}, message_id="m")
            await asyncio.wait_for(taken.wait(), 10)
            alarm = rabbit.broker.alarm()
            await asyncio.to_thread(alarm.__enter__)
        try:
            assert server.server.notifications.submit == submit
            await until(lambda: state(server) == "blocked")
            assert await server.pending(ann) == [1]
        finally:
            await asyncio.to_thread(alarm.__exit__, None, None, None)
        await until(lambda: state(server) == "consuming")
        [result] = await rabbit.results(1)
        assert result.json["key"] == "m"
    assert rabbit.ready() == 0


async def test_stopping_while_blocked(consuming: Consuming, rabbit: Rabbit) -> None:
    """A broker that takes nothing from us does not keep the server from stopping."""
    async with consuming(request_timeout=0.5) as server:
        ann = await server.user()
        rabbit.listen()
        alarm = rabbit.broker.alarm()
        rabbit.publish({"user_id": ann.id, "payload": 0})
        await rabbit.results(1)
        await asyncio.to_thread(alarm.__enter__)
        try:
            await asyncio.wait_for(server.server.stop(), 10)
        finally:
            await asyncio.to_thread(alarm.__exit__, None, None, None)


@pytest.mark.parametrize("at_once", [True, False], ids=["full", "too late"])
async def test_store_away(
    consuming: Consuming, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """While the store is away messages wait, in order; none is dead-lettered or answered."""
    async with consuming(rabbit_prefetch=50) as server:
        ann = await server.user()
        rabbit.listen()
        tries = 0

        def away(*arguments: object) -> "asyncio.Future[object]":
            nonlocal tries
            tries += 1
            if at_once:
                raise Unavailable
            future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            future.set_exception(Unavailable())
            return future

        async with server.connect(ann) as device:
            with monkeypatch.context() as patched:
                patched.setattr(server.server.notifications, "submit", away)
                for number in range(200):
                    rabbit.publish({"user_id": ann.id, "payload": number})
                await until(lambda: rabbit.ready() == 150)
                tried = tries
                await until(lambda: tries >= tried + 3)
                assert rabbit.ready() == 150
            frames = await device.take(200)
            assert [frame.value for frame in frames] == list(range(200))
        assert [each.json["seq"] for each in await rabbit.results(200)] == list(range(1, 201))
        assert rabbit.ready(f"{rabbit.queue}.dead") == 0


async def test_stopping_while_the_store_is_away(
    consuming: Consuming, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be stored in time goes back to the broker."""
    async with consuming(request_timeout=0.5) as server:
        ann = await server.user()
        tries: list[object] = []

        def away(*arguments: object) -> object:
            tries.append(arguments)
            raise Unavailable

        monkeypatch.setattr(server.server.notifications, "submit", away)
        for number in range(3):
            rabbit.publish({"user_id": ann.id, "payload": number})
        await until(lambda: tries)
    await until(lambda: rabbit.ready() == 3)


@pytest.mark.parametrize(
    "found",
    [
        ("direct", True, "Set NOTIFIER_RABBIT_EXCHANGE_TYPE=direct"),
        ("fanout", True, "exists with type 'fanout'. Set NOTIFIER_RABBIT_EXCHANGE to"),
        ("topic", False, "exists with durable 'false'"),
    ],
)
async def test_another_exchange_of_this_name(
    consuming: Consuming,
    rabbit: Rabbit,
    caplog: pytest.LogCaptureFixture,
    expected_errors: list[str],
    found: tuple[str, bool, str],
) -> None:
    """The log says what was found and what to set; HTTP works; once it is gone, so do we."""
    kind, durable, advice = found
    expected_errors.append("RabbitMQ cannot be used")
    rabbit.channel.exchange_declare(rabbit.exchange, kind, durable=durable)
    async with consuming(wait=False) as server:
        await until(lambda: any(advice in str(vars(each)) for each in caplog.records))
        ann = await server.user()
        await server.send(ann, 1)
        rabbit.channel.exchange_delete(rabbit.exchange)
        await recovered(server)


async def test_exchange_of_the_type_that_was_set(consuming: Consuming, rabbit: Rabbit) -> None:
    """A direct exchange of an earlier installation can be used."""
    rabbit.channel.exchange_declare(rabbit.exchange, "direct", durable=True)
    async with consuming(rabbit_exchange_type="direct") as server:
        ann = await server.user()
        async with server.connect(ann) as device:
            rabbit.publish({"user_id": ann.id, "payload": 1})
            await device.next()


async def test_another_queue_of_this_name(
    consuming: Consuming, rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """A queue that exists with other properties is used as it is, with a warning."""
    rabbit.channel.queue_declare(rabbit.queue, durable=True)
    async with consuming() as server:
        assert "A queue exists with other properties" in caplog.text
        ann = await server.user()
        async with server.connect(ann) as device:
            rabbit.publish({"user_id": ann.id, "payload": 1})
            await device.next()


async def test_result_that_we_may_not_publish(
    consuming: Consuming, rabbit: Rabbit, expected_errors: list[str]
) -> None:
    """A refused reply ends the results' channel only, for a moment; notifications go on."""
    expected_errors.append("The broker refused a result")
    control = rabbit.broker.control
    user = rabbit.queue
    await asyncio.to_thread(control, "add_user", user, "secret")
    # The default exchange is called amq.default in permissions.
    await asyncio.to_thread(control, "set_permissions", user, ".*", "^(exchange|queue)-.*", ".*")
    address = rabbit.broker.address.replace("guest:guest", f"{user}:secret")
    async with consuming(amqp_url=address, rabbit_reply_to="forbidden") as server:
        ann = await server.user()
        rabbit.listen()
        async with server.connect(ann) as device:
            rabbit.publish({"user_id": ann.id, "payload": 1}, reply_to="forbidden")
            for number in (2, 3):
                rabbit.publish({"user_id": ann.id, "payload": number})
            assert [frame.value for frame in await device.take(3)] == [1, 2, 3]
            assert state(server) == "consuming"

            def answered() -> bool:
                rabbit.publish({"user_id": ann.id, "payload": 4})
                return rabbit.get(rabbit._results) is not None

            await until(answered)
    await asyncio.to_thread(control, "delete_user", user)


async def test_wrong_password(
    consuming: Consuming, rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused login is said in the log, without the password."""
    address = rabbit.broker.address.replace("guest:guest", "guest:hunter2")
    async with consuming(wait=False, amqp_url=address) as server:
        await until(lambda: "ACCESS_REFUSED" in _reasons(caplog))
        assert state(server) == "connecting"
    assert "hunter2" not in _reasons(caplog)


async def test_unknown_host(consuming: Consuming, caplog: pytest.LogCaptureFixture) -> None:
    """A name that cannot be resolved is one more reason to try again."""
    async with consuming(wait=False, amqp_url="amqp://host.invalid/") as server:
        await until(lambda: "cannot be used" in caplog.text)
        assert state(server) == "connecting"


async def test_stopping_while_connecting(consuming: Consuming, rabbit: Rabbit) -> None:
    """A broker that accepts the connection and says nothing does not delay stopping for long."""
    async with consuming(wait=False) as server:
        with rabbit.broker.suspended():
            await asyncio.wait_for(server.server.stop(), 10)


def _reasons(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(str(vars(each).get("reason")) for each in caplog.records)


def test_settings(tmp_path: Path) -> None:
    """RabbitMQ is off unless its host or address is set; an address has to be one."""
    nothing = load({}, {}, tmp_path / "none").settings
    assert not nothing.rabbitmq
    host = load({}, {"RABBIT_HOST": "mq", "RABBIT_VHOST": "v"}, tmp_path / "none").settings
    assert host.rabbitmq
    assert (parameters(host).host, parameters(host).virtual_host) == ("mq", "v")
    secure = load({}, {"AMQP_URL": "amqps://u:p@mq/v"}, tmp_path / "none").settings
    assert parameters(secure).port == 5671
    with pytest.raises(InvalidSettings, match="AMQP_URL: wants an address"):
        load({}, {"AMQP_URL": "http://u:hunter2@mq/"}, tmp_path / "none")
    for option in ("nonsense=1", "ssl_options=:", "heartbeat=x"):
        address = f"amqp://u:hunter2@mq/?{option}"
        odd = load({}, {"AMQP_URL": address}, tmp_path / "none").settings
        with pytest.raises(InvalidSettings) as caught:
            parameters(odd)
        assert "hunter2" not in caught.value.message
    many = {"NOTIFIER_RABBIT_REPLY_TO": " a, b.* ,"}
    assert load({}, many, tmp_path / "none").settings.reply_queues == ("a", "b.*")
    with pytest.raises(InvalidSettings, match="NOTIFIER_RABBIT_REPLY_TO: a \\* can only stand"):
        load({}, {"NOTIFIER_RABBIT_REPLY_TO": "a.*.b"}, tmp_path / "none")
