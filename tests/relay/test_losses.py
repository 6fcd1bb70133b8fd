"""Redis dies, hangs, forgets, refuses: the relay goes on without it, and comes back."""

import asyncio
import time

import pytest

from notifier.delivery.relay import link
from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.cluster import Address, Cluster
from notifier.delivery.relay.connection import Connect, Connection
from notifier.delivery.relay.redis import RedisRelay
from servers.redis import RedisServer, redis_cluster, sentinel
from tests.relay.networks import Network, notification, until_linked, until_state
from tests.support.harness import SECRET, until

pytestmark = pytest.mark.asyncio


async def test_start_without_redis(redis: RedisServer) -> None:
    """A process starts although Redis is away, and finds it when it comes."""
    redis.stop()
    network = Network(redis.url)
    async with network.process(1) as receiver, network.process() as sender:
        assert receiver.relay.state == "away"
        sender.publish(notification(1, 1))
        assert sender.told.seqs == [1]
        redis.start()
        await until_linked(sender, receiver, 1)
        assert receiver.relay.state == "ok"


async def test_start_with_a_frozen_redis(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that takes connections and never greets does not hold up the start."""
    monkeypatch.setattr(link, "_SILENCE", 0.3)
    network = Network(redis.url)
    async with network.process() as sender:
        with redis.suspended():
            async with network.process(1) as receiver:
                assert receiver.relay.state == "away"
                redis.resume()
                await until_linked(sender, receiver, 1)


async def test_crash_and_return(redis: RedisServer) -> None:
    """After a crash everybody comes back, with old subscriptions and those made meanwhile."""
    network = Network(redis.url)
    async with network.process(1, 2) as receiver, network.process() as sender:
        redis.kill()
        await until_state(receiver, "away")
        receiver.relay.unsubscribe(2)
        await receiver.relay.subscribe(3)
        redis.start()
        await until_linked(sender, receiver, 1)
        sender.publish(notification(2, 1), notification(3, 1))
        await until(lambda: receiver.told.delivered[-1].user_id == 3)
        assert not any(told.user_id == 2 for told in receiver.told.delivered)


@pytest.mark.parametrize("kind", ["NORMAL", "PUBSUB"])
async def test_killed_connections(redis: RedisServer, kind: str) -> None:
    """CLIENT KILL costs a moment."""
    network = Network(redis.url)
    async with network.process(1) as receiver, network.process() as sender:
        redis.execute("CLIENT", "KILL", "TYPE", kind)
        await until_linked(sender, receiver, 1)


async def test_flush(redis: RedisServer) -> None:
    """Redis keeps nothing of ours: FLUSHALL and SCRIPT FLUSH take nothing away."""
    network = Network(redis.url)
    async with network.process(1) as receiver, network.process() as sender:
        redis.execute("FLUSHALL")
        sender.publish(notification(1, 1))
        await receiver.is_told(notification(1, 1))
        assert redis.execute("DBSIZE") == 0


async def test_frozen_redis_is_noticed(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that hangs counts as away after a while; nothing blocks; then it is found again."""
    monkeypatch.setattr(link, "_SILENCE", 0.3)
    monkeypatch.setattr(link, "_PING", 0.1)
    network = Network(redis.url)
    async with network.process(1) as receiver, network.process(1) as sender:
        with redis.suspended():
            before = time.monotonic()
            sender.publish(notification(1, 1))
            assert sender.told.seqs == [1]
            await asyncio.gather(receiver.relay.subscribe(2), sender.relay.subscribe(2))
            assert time.monotonic() - before < 5
            await until_state(receiver, "away")
        await until_linked(sender, receiver, 1)


async def test_what_waits_is_bounded(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that does not read costs a bounded buffer; the rest is dropped, nobody waits."""
    monkeypatch.setattr(link, "_MAX_WAITING", 100_000)
    network = Network(redis.url)
    async with network.process() as sender:
        bus = sender.relay._bus  # type: ignore[attr-defined]
        with redis.suspended():
            for seq in range(20_000):
                sender.publish(notification(1, seq, b"1" * 1000))
                assert bus._waiting < 102_000
            assert len(sender.told.delivered) == 20_000


async def test_refusals_count_as_away(redis: RedisServer) -> None:
    """Where Redis lets us in but not do our work, the relay says that it is away.

    With what the documentation names, and no more, it works.
    """
    documented = ["+publish", "+unsubscribe", "+ping", "+hello", "+client|setname"]
    network = Network(redis.url)
    rights = ["on", ">secret", "-@all", *documented, "resetchannels", f"&{network.prefix}*"]
    redis.execute("ACL", "SETUSER", "limited", *rights)
    url = f"redis://limited:secret@127.0.0.1:{redis.port}"
    async with network.process() as sender, network.process(url=url) as refused:
        await refused.relay.subscribe(1)
        await until_state(refused, "away")
        redis.execute("ACL", "SETUSER", "limited", "+subscribe")
        await until_linked(sender, refused, 1)


async def test_wrong_password(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password is a Redis that is away, with the reason in the log, without it."""
    redis.execute("CONFIG", "SET", "requirepass", "right")
    bus = bus_for(f"redis://:wr0ng-one@127.0.0.1:{redis.port}")
    relay = RedisRelay(bus, prefix="test:", secrets=(SECRET,))
    async with Network(f"redis://:right@127.0.0.1:{redis.port}").process() as fine:
        assert fine.relay.state == "ok"
        await relay.start(fine.told)
        assert relay.state == "away"
        await relay.stop()
    assert "invalid username-password pair" in "".join(str(vars(entry)) for entry in caplog.records)
    assert "wr0ng-one" not in "".join(str(vars(entry)) for entry in caplog.records)


async def test_sentinel_failover() -> None:
    """When the primary dies, Sentinel names another one, and everybody follows."""
    with sentinel() as (primary, _, guard):
        network = Network(f"redis+sentinel://127.0.0.1:{guard.port}/main")
        async with network.process(1) as receiver, network.process() as sender:
            sender.publish(notification(1, 1))
            await receiver.is_told(notification(1, 1))
            primary.kill()
            await until_linked(sender, receiver, 1)


async def test_slots_move() -> None:
    """When a slot moves to another server of a cluster, its channels follow."""
    with redis_cluster() as servers:
        network = Network(f"redis+cluster://127.0.0.1:{servers[1].port}")
        network.prefix = "{same slot}:"
        async with network.process(1) as receiver, network.process() as sender:
            slot = servers[0].execute("CLUSTER", "KEYSLOT", "{same slot}")
            ids = [server.execute("CLUSTER", "MYID") for server in servers]
            owner = next(
                number
                for number, server in enumerate(servers)
                if any(slot in range(*_range(words)) for words in _slots(server, ids))
            )
            new = (owner + 1) % len(servers)
            for server in (servers[new], servers[owner], servers[(owner + 2) % 3]):
                server.execute("CLUSTER", "SETSLOT", slot, "NODE", ids[new])
            await until_linked(sender, receiver, 1)


def _slots(server: RedisServer, ids: list[str]) -> list[str]:
    """The ranges of slots that ``server`` owns."""
    lines = [line.split() for line in server.execute("CLUSTER", "NODES").splitlines()]
    mine = next(words for words in lines if "myself" in words[2])
    assert mine[0] in ids
    return mine[8:]


def _range(words: str) -> tuple[int, int]:
    first, _, last = words.partition("-")
    return int(first), int(last or first) + 1


async def test_a_bug_does_not_end_the_following(expected_errors: list[str]) -> None:
    """What nobody expected while the cluster is asked is logged, and it is asked again."""
    expected_errors.append("Following the cluster failed")
    asked = 0

    def server(_: Address) -> Connect:
        async def connect() -> Connection:
            nonlocal asked
            asked += 1
            raise RuntimeError("a bug") if asked < 3 else ConnectionRefusedError

        return connect

    cluster = Cluster([("127.0.0.1", 1)], server, lambda _: None)
    await cluster.start()
    try:
        await until(lambda: asked > 3)
    finally:
        await cluster.stop()
