"""What every relay promises, whatever lies between the processes."""

import asyncio

import pytest

from notifier.events import Appended
from tests.relay.networks import Network, notification

pytestmark = pytest.mark.asyncio


async def test_own_process_is_told_at_once(network: Network) -> None:
    """When publish() returns, its own process has been told, in the order of commits."""
    async with network.process(1, 2) as process:
        published = [notification(1, 1), notification(2, 1), notification(1, 2)]
        process.publish(*published)
        assert process.told.delivered == published


async def test_own_process_is_told_once(network: Network) -> None:
    """What comes back from the network is not delivered a second time."""
    async with network.process(1) as process:
        process.publish(notification(1, 1))
        await process.relay.subscribe(2)  # its confirmation comes behind the echo
        assert process.told.seqs == [1]


async def test_state_is_ok(network: Network) -> None:
    """A relay that works says so."""
    async with network.process() as process:
        assert process.relay.state == "ok"


async def test_subscriptions_may_come_and_go(network: Network) -> None:
    """Subscribing twice, at the same time, after unsubscribing: all of it works."""
    async with network.process() as process:
        relay = process.relay
        await asyncio.gather(*[relay.subscribe(1) for _ in range(5)])
        relay.unsubscribe(1)
        relay.unsubscribe(1)
        await relay.subscribe(1)
        process.publish(notification(1, 1))
        assert process.told.seqs == [1]


async def test_giving_up_a_subscription_disturbs_nobody(network: Network) -> None:
    """Whoever is cancelled while subscribing takes nothing from others who wait."""
    async with network.process() as process:
        impatient = asyncio.create_task(process.relay.subscribe(1))
        patient = asyncio.create_task(process.relay.subscribe(1))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient


async def test_publishing_never_fails(network: Network) -> None:
    """Before the start, after the stop, without anything: publish() just returns."""
    relay = network.relay()
    relay.publish([Appended(notification(1, 1))])
    relay.unsubscribe(1)
    async with network.process() as process:
        process.publish()
    process.publish(notification(1, 1))
    await process.relay.stop()
