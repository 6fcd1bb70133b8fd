"""What processes ask each other: who is connected."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
import redis as redis_py

from notifier.delivery.presence import Presence
from notifier.delivery.relay import MOST_ASKED, questions
from notifier.delivery.relay.nudges import Nudges
from notifier.models import Online
from servers import redis as redis_support
from servers.redis import RedisServer, sentinel
from tests.relay.networks import Network, Process, notification, until_state
from tests.support.harness import SECONDS, SECRET, until

pytestmark = pytest.mark.asyncio

ANN, BOB, ZOE = 1, -2, 3


async def ask(process: Process, *user_ids: int) -> list[dict[int, Online]]:
    """What the others answer."""
    return [dict(answer) for answer in await process.relay.ask_online(user_ids)]


async def next_of(listening: redis_py.client.PubSub) -> Any:
    """What is heard next; how many channels are, after subscribing."""
    message = await asyncio.to_thread(listening.get_message, timeout=SECONDS)
    assert message is not None, "nothing was heard"
    return message["data"]


async def test_everybody_answers(wide_network: Network) -> None:
    """Each of the others says who is connected to it, quickly, as soon as all have answered."""
    async with (
        wide_network.process() as asking,
        wide_network.process() as one,
        wide_network.process() as other,
    ):
        one.told.connected = {ANN: Online(2, 500), BOB: Online(1, 700), 99: Online(1, 1)}
        other.told.connected = {ANN: Online(1, 400)}
        asking.told.connected = {ANN: Online(7, 1)}
        began = time.monotonic()
        answers = await ask(asking, ANN, BOB, ZOE)
        assert time.monotonic() - began < 0.5
        assert sorted(answers, key=len) == [
            {ANN: Online(1, 400)},
            {ANN: Online(2, 500), BOB: Online(1, 700)},
        ]


async def test_many_questions_at_a_time(wide_network: Network) -> None:
    """Each gets its own answers."""
    async with wide_network.process() as asking, wide_network.process() as other:
        other.told.connected = {number: Online(number, 5) for number in range(1, 51)}
        answers = await asyncio.gather(*[ask(asking, number) for number in range(1, 51)])
        assert answers == [[{number: Online(number, 5)}] for number in range(1, 51)]


async def test_as_many_users_as_a_page_has(wide_network: Network) -> None:
    """The longest question and the longest answer fit."""
    ids = [2**62 + number for number in range(MOST_ASKED)]
    async with wide_network.process() as asking, wide_network.process() as other:
        other.told.connected = dict.fromkeys(ids, Online(2**31, 2**42))
        assert await ask(asking, *ids) == [other.told.connected]


async def test_one_process(network: Network) -> None:
    """Nobody else is there to answer, and nobody is waited for."""
    async with network.process() as alone:
        began = time.monotonic()
        assert await ask(alone, ANN) == []
        assert time.monotonic() - began < 0.5


async def test_presence_adds_up() -> None:
    """Devices at several processes count together, from when the first one came."""

    class Somebody:
        def online(self, numbers: object) -> dict[int, Online]:
            return {ANN: Online(1, 500), BOB: Online(1, 600)}

        async def ask_online(self, numbers: object) -> list[dict[int, Online]]:
            return [{ANN: Online(2, 400)}, {ZOE: Online(1, 700)}, {}]

    presence = Presence(Somebody(), Somebody())  # type: ignore[arg-type]
    assert await presence.online([ANN, BOB, ZOE]) == {
        ANN: Online(3, 400),
        BOB: Online(1, 600),
        ZOE: Online(1, 700),
    }


async def test_old_processes_are_not_waited_for() -> None:
    """A process of an earlier release does not hear questions, so no answer of it is missing."""
    server = redis_support.shared()
    network = Network(server.url)
    async with network.process() as asking, network.process() as other:
        other.told.connected = {ANN: Online(1, 5)}
        with redis_py.Redis(port=server.port) as old, old.pubsub() as earlier:
            earlier.subscribe(f"{network.prefix}events:{ANN}")
            began = time.monotonic()
            assert await ask(asking, ANN) == [{ANN: Online(1, 5)}]
            assert time.monotonic() - began < 0.5


async def test_a_process_that_does_not_answer() -> None:
    """What the others know is told after half a second."""
    server = redis_support.shared()
    network = Network(server.url)
    async with network.process() as asking, network.process() as other:
        other.told.connected = {ANN: Online(1, 5)}
        with redis_py.Redis(port=server.port) as redis, redis.pubsub() as hung:
            hung.subscribe(f"{network.prefix}events:questions")
            assert await next_of(hung)
            began = time.monotonic()
            assert await ask(asking, ANN) == [{ANN: Online(1, 5)}]
            assert 0.4 < time.monotonic() - began < 5


async def test_redis_away(redis: RedisServer) -> None:
    """Without Redis nobody is asked; with it again, they answer."""
    network = Network(redis.url)
    async with network.process() as asking, network.process() as other:
        other.told.connected = {ANN: Online(1, 5)}
        redis.stop()
        await until_state(asking, "away")
        began = time.monotonic()
        assert await ask(asking, ANN) == []
        assert time.monotonic() - began < 0.5
        redis.start()
        await until_state(asking, "ok")
        await until_state(other, "ok")
        assert await ask(asking, ANN) == [{ANN: Online(1, 5)}]


async def test_a_frozen_redis(redis: RedisServer) -> None:
    """A Redis that hangs holds nobody up for long, and the link goes on afterwards."""
    network = Network(redis.url)
    async with network.process() as asking, network.process() as other:
        other.told.connected = {ANN: Online(1, 5)}
        with redis.suspended():
            began = time.monotonic()
            assert await ask(asking, ANN) == []
            assert time.monotonic() - began < 2
        assert await ask(asking, ANN) == [{ANN: Online(1, 5)}]


async def test_behind_sentinels() -> None:
    """Whichever server Sentinels name carries questions, too."""
    with sentinel() as (_, _, guard):
        network = Network(f"redis+sentinel://127.0.0.1:{guard.port}/main")
        async with network.process() as asking, network.process() as other:
            other.told.connected = {ANN: Online(1, 5)}
            assert await ask(asking, ANN) == [{ANN: Online(1, 5)}]


async def test_strangers_get_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may publish in Redis, but has no secret, asks in vain and answers in vain."""
    server = redis_support.shared()
    network = Network(server.url)
    stranger, ours = Nudges("the secret of another installation"), Nudges(SECRET)
    question = questions.encode(questions.question([ANN]))
    sealed = ours.seal(question)
    too_long = ours.seal(b"\x00" * questions.MAX_MESSAGE)
    nudge_of_a_question = sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]
    refused = (b"", question, stranger.seal(question), nudge_of_a_question, too_long)
    async with network.process() as process:
        process.told.connected = {ANN: Online(1, 5)}
        with redis_py.Redis(port=server.port) as redis, redis.pubsub() as listening:
            channel = f"{network.prefix}events:questions"
            listening.subscribe(channel)
            assert await next_of(listening)
            for message in refused:
                redis.publish(channel, message)
            await until(lambda: process.relay.rejected == len(refused))
            # A question of ours is answered, so the others were not.
            redis.publish(channel, sealed)
            heard = [await next_of(listening) for _ in range(len(refused) + 2)]
            assert heard[:-1] == [*refused, sealed]
            answer = questions.decode(heard[-1][24:])
            assert isinstance(answer, questions.Answer)
    assert [record.message for record in caplog.records].count("Not a nudge") == 1


async def test_messages_keep_to_their_channels() -> None:
    """A question is no nudge, and a nudge no question, wherever somebody repeats them."""
    server = redis_support.shared()
    network = Network(server.url)
    ours = Nudges(SECRET)
    question = ours.seal(questions.encode(questions.question([ANN])))
    async with network.process(ANN) as process, network.process() as sender:
        with redis_py.Redis(port=server.port) as redis, redis.pubsub() as listening:
            listening.subscribe(f"{network.prefix}events:{ANN}")
            assert await next_of(listening)
            sender.publish(notification(ANN, 1))
            nudge = await next_of(listening)
            await until(lambda: process.told.seqs == [1])
            redis.publish(f"{network.prefix}events:questions", nudge)
            redis.publish(f"{network.prefix}events:{ANN}", question)
            await until(lambda: process.relay.rejected == 1)
            await process.relay.subscribe(2)
            assert process.told.seqs == [1]


@pytest.mark.parametrize(
    "body",
    [
        ["whence", b"12345678", [1]],
        ["who", b"12345678", list(range(MOST_ASKED + 1))],
        ["here", b"12345678", {1: [1, 2]}],
        ["here", b"12345678", {1: ["x", 2]}],
        [],
        "who",
    ],
    ids=str,
)
async def test_what_later_releases_say(body: object) -> None:
    """A process goes on whatever others of the installation tell it."""
    server = redis_support.shared()
    network = Network(server.url)
    later = Nudges(SECRET).seal(msgspec.msgpack.encode(body))
    async with network.process() as process, network.process() as other:
        other.told.connected = {ANN: Online(1, 5)}
        with redis_py.Redis(port=server.port) as redis:
            redis.publish(f"{network.prefix}events:questions", later)
        assert await ask(process, ANN) == [{ANN: Online(1, 5)}]
        assert process.relay.rejected == 0
