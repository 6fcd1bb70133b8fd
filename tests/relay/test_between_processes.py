"""What a relay between processes does, while all goes well."""

import asyncio
import json
import logging
from collections.abc import Sequence

import msgspec
import pytest
import redis as redis_py

from notifier.delivery.relay.nudges import MAX_PAYLOAD, NotANudge, Nudges
from notifier.events import Appended, Event, InboxChanged, Withdrawn
from notifier.models import Notification
from servers import redis as redis_support
from tests.relay.networks import Network, notification, until_linked
from tests.support.harness import SECRET, until

pytestmark = pytest.mark.asyncio


async def test_other_processes_are_told(wide_network: Network) -> None:
    """Whoever subscribed gets all of it, byte for byte, in order."""
    payload = json.dumps({"text": "ü" * 100, "n": 10**30}).encode()
    published = [
        Notification(1, seq, f"key {seq}", payload, 1_700_000_000_000, expires_at)
        for seq, expires_at in ((1, None), (2, 1_900_000_000_000))
    ]
    async with wide_network.process(1) as one, wide_network.process(1) as other:
        one.publish(*published)
        await other.is_told(*published)


async def test_only_subscribers_are_told(wide_network: Network) -> None:
    """A process hears nothing of users who are not connected to it, or no longer are."""
    async with wide_network.process() as sender, wide_network.process(1, 2, 3) as receiver:
        receiver.relay.unsubscribe(2)
        await receiver.relay.subscribe(4)
        sender.publish(*[notification(user_id, 1) for user_id in (5, 2, 1, 3, 4)])
        await until(lambda: len(receiver.told.delivered) == 3)
        assert {told.user_id for told in receiver.told.delivered} == {1, 3, 4}


async def test_subscribed_means_confirmed(wide_network: Network) -> None:
    """Nothing that is published after subscribe() has returned is missed."""
    async with wide_network.process() as sender, wide_network.process() as receiver:
        for user_id in range(100, 200):
            await receiver.relay.subscribe(user_id)
            sender.publish(notification(user_id, 1))
        await until(lambda: len(receiver.told.delivered) == 100)


async def test_large_payloads_travel_as_a_place(wide_network: Network) -> None:
    """Redis carries no large payload: the other processes learn where to read it."""
    large = b'"%b"' % (b"x" * MAX_PAYLOAD)
    async with wide_network.process() as sender, wide_network.process(1) as receiver:
        sender.publish(notification(1, 7), notification(1, 8, large), notification(1, 9))
        await until(lambda: receiver.told.positions == [(1, 9)])
        assert receiver.told.seqs == [7]


async def test_many_at_once(wide_network: Network) -> None:
    """A burst arrives completely, and for each user in order."""
    users, each = 50, 40
    async with wide_network.process() as sender, wide_network.process(*range(users)) as receiver:
        for seq in range(each):
            sender.publish(*[notification(user_id, seq) for user_id in range(users)])
        await until(lambda: len(receiver.told.delivered) == users * each)
        for user_id in range(users):
            seqs = [told.seq for told in receiver.told.delivered if told.user_id == user_id]
            assert seqs == list(range(each))


async def test_what_arrives_together_is_delivered_together(wide_network: Network) -> None:
    """A batch that one process commits reaches the other's hub in few calls, not one for each."""
    async with wide_network.process() as sender, wide_network.process(1, 2) as receiver:
        sender.publish(*[notification(user_id, seq) for seq in range(100) for user_id in (1, 2)])
        await until(lambda: len(receiver.told.delivered) == 200)
        assert len(receiver.told.batches) <= 4
        # Each nudge says how far its user's log goes.
        assert sorted(receiver.told.positions) == [(1, 99), (2, 99)]


async def test_foreign_messages_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """What no process of this installation can have made changes nothing, and is noted once."""
    server = redis_support.shared()
    network = Network(server.url)
    theirs = Nudges("the secret of another installation").make(1, [Appended(notification(1, 1))])
    ours = Nudges(SECRET)
    genuine = ours.make(1, [Appended(notification(1, 1))])
    forged = genuine[:20] + bytes([genuine[20] ^ 1]) + genuine[21:]
    sealed = b"12345678\x93\x01\x02"  # by someone who has the key, but no nudge
    messages = (
        *(b"", b"hello there, this is not a nudge, however long it is", theirs),
        *(genuine[:-1], forged, ours._seal(sealed) + sealed),
    )
    async with network.process() as sender, network.process(1) as receiver:
        with redis_py.Redis(port=server.port) as stranger:
            for message in messages:
                stranger.publish(f"{network.prefix}events:1", message)
        await until(lambda: receiver.relay.rejected == len(messages))
        assert not receiver.told.delivered
        await until_linked(sender, receiver, 1)
    assert [record.message for record in caplog.records].count("Not a nudge") == 1


async def test_a_new_secret() -> None:
    """A nudge is sealed with the first secret and read with all, so that one takes over."""
    new = "a secret that takes over from another"
    event = Appended(notification(1, 1))
    before, first, then = Nudges(SECRET), Nudges(SECRET, new), Nudges(new, SECRET)
    for sender, receivers in ((before, (first, then)), (first, (before, then)), (then, (first,))):
        for receiver in receivers:
            nudge = receiver.read(sender.make(1, [event]))
            assert nudge is not None
            assert list(nudge.events()) == [event]
    with pytest.raises(NotANudge):
        before.read(then.make(1, [event]))


async def test_events_of_later_releases() -> None:
    """Events with unknown tags are passed over; the position says that there is more to read."""
    server = redis_support.shared()
    network = Network(server.url)
    newer = Nudges(SECRET)
    events = [
        ["appended", 1, "k1", b"1", 0, None, "a field that came later"],
        ["withdrawn", "k0"],
        ["appended", 2, "k2", b"2", 0, None],
    ]
    body = b"newer..." + msgspec.msgpack.encode([1, 3, events, "another field"])
    async with network.process(1) as receiver:
        with redis_py.Redis(port=server.port) as other:
            other.publish(f"{network.prefix}events:1", newer._seal(body) + body)
        await until(lambda: receiver.told.positions)
        assert receiver.told.seqs == [1, 2]
        assert receiver.told.positions == [(1, 3)]
        assert receiver.relay.rejected == 0


async def test_events_of_the_inbox() -> None:
    """What happens to an inbox crosses as it is, between sends and in the order of commits."""
    events: list[Event] = [
        Appended(Notification(1, 1, "a", b"1", 5, 7, "billing", "high")),
        InboxChanged(1, version=3, last_seq=1),
        Withdrawn(1, version=4, last_seq=1, seq=1, key="a"),
        Appended(Notification(1, 2, "b", b"1", 5)),
    ]
    nudge = Nudges(SECRET).read(Nudges(SECRET).make(1, events))
    assert nudge is not None
    assert (nudge.seq, list(nudge.events())) == (2, events)


async def test_a_change_behind_a_large_send() -> None:
    """A change that follows what is too large still crosses: it says what to read."""
    large = Appended(Notification(1, 1, "a", b"1" * (MAX_PAYLOAD + 1), 5))
    withdrawn = Withdrawn(1, version=1, last_seq=1, seq=1, key="a")
    nudge = Nudges(SECRET).read(Nudges(SECRET).make(1, [large, withdrawn]))
    assert nudge is not None
    assert (nudge.seq, list(nudge.events())) == (1, [withdrawn])


async def test_processes_that_know_no_inbox() -> None:
    """They find in our nudges what they know in its place, and what they tell is read."""
    ours, theirs = Nudges(SECRET), Nudges(SECRET)
    told = [
        Appended(Notification(1, 1, "a", b"1", 5, 7, "billing", "high")),
        InboxChanged(1, version=3, last_seq=2),
        Appended(Notification(1, 2, "b", b"2", 5)),
    ]
    body = theirs.unseal(ours.make(1, told))
    assert body is not None
    user_id, seq, events = msgspec.msgpack.decode(body)
    known = [["appended", 1, "a", b"1", 5, 7], ["appended", 2, "b", b"2", 5, None]]
    assert [event[:6] for event in events if event[0] == "appended"] == known
    nudge = ours.read(theirs.seal(msgspec.msgpack.encode([user_id, seq, known])))
    assert nudge is not None
    plain = [Notification(1, 1, "a", b"1", 5, 7), Notification(1, 2, "b", b"2", 5)]
    assert list(nudge.events()) == [Appended(each) for each in plain]


async def test_a_failing_receiver_ends_nothing(
    expected_errors: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """When delivering fails it is logged, and whoever missed something is told to read it."""
    expected_errors.append("Nudges were lost")
    network = Network(redis_support.shared().url)
    async with network.process() as sender, network.process(1, 2) as receiver:
        deliver = receiver.told.deliver

        def fail(told: Sequence[Event]) -> None:
            receiver.told.deliver = deliver  # type: ignore[method-assign]
            raise ValueError

        receiver.told.deliver = fail  # type: ignore[method-assign]
        sender.publish(notification(1, 1), notification(2, 1))
        await until(lambda: receiver.told.positions == [(1, 1), (2, 1)])
        sender.publish(notification(1, 2))
        await until(lambda: receiver.told.seqs == [2])
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_what_is_under_way_is_sent_before_the_end() -> None:
    """stop() lets what was published before it reach the others."""
    network = Network(redis_support.shared().url)
    async with network.process(1) as receiver:
        async with network.process() as sender:
            sender.publish(*[notification(1, seq) for seq in range(2000)])
        await until(lambda: len(receiver.told.delivered) == 2000)


async def test_prefixes_keep_installations_apart() -> None:
    """Two installations may share a Redis."""
    server = redis_support.shared()
    ours, theirs = Network(server.url), Network(server.url)
    async with ours.process(1) as mine, theirs.process(1) as other:
        other.publish(notification(1, 1))
        await asyncio.sleep(0)
        await other.relay.subscribe(2)
        await mine.relay.subscribe(2)
        assert not mine.told.delivered
