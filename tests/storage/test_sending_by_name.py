"""The service over a store that can be held back: order and refusals of sends by name."""

import asyncio

import msgspec
import pytest

from notifier.errors import Unavailable, UserNotAllowed
from notifier.events import Appended
from notifier.models import Sender
from notifier.sending.numbers import Numbers
from notifier.sending.service import NotificationService
from notifier.storage.operations.notifications import Append
from notifier.storage.store import Store
from notifier.wire import SendRequest
from tests.storage.databases import Database, make_user, opened
from tests.storage.held import HeldDriver


def request(name: str, number: int) -> SendRequest:
    """A send whose payload is a number."""
    return SendRequest(user=name, payload=msgspec.Raw(b"%d" % number))


async def test_order_while_the_number_arrives(database: Database):
    """Sends keep their order, whether they come before the number is known, or at that moment."""
    driver = HeldDriver(database.driver())
    async with opened(driver) as store:
        service = NotificationService(store)
        ann = await make_user(store, "ann")
        sent: list[asyncio.Future[Appended]] = []
        all_four = asyncio.Event()

        def submit(number: int) -> None:
            sent.append(service.submit(request("auth0|5f7c", number)))
            if len(sent) == 4:
                all_four.set()

        driver.hold()
        store.submit(Append(ann, "before", b"1"))
        await asyncio.to_thread(driver.arrived.wait)
        submit(0)
        # At once when the first is stored, before and behind whoever learns the number.
        sent[0].add_done_callback(lambda _: submit(3))
        submit(1)
        submit(2)
        driver.release()
        await asyncio.wait_for(all_four.wait(), 30)
        submit(4)
        found = [each.notification for each in await asyncio.gather(*sent)]
        assert [int(each.payload) for each in found] == [0, 1, 2, 3, 4]
        assert [each.seq for each in found] == [1, 2, 3, 4, 5]
        assert len({each.user_id for each in found}) == 1


@pytest.mark.parametrize("after", [True, False])
async def test_store_away(database: Database, after: bool, expected_errors: list[str]):
    """When the store goes away, everybody who waits hears of it, and can send again."""
    expected_errors.append("The store is away")
    driver = HeldDriver(database.driver())
    async with opened(driver) as store:
        service = NotificationService(store)
        failures = driver.failures_after if after else driver.failures
        failures.append(Unavailable())
        keyed = [msgspec.structs.replace(request("new", n), key=f"k{n}") for n in range(50)]
        sends = [service.submit(each) for each in keyed]
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(each) for each in outcomes} == {Unavailable}
        await asyncio.wait_for(store.wait_available(), 30)
        again = await asyncio.gather(*[service.submit(each) for each in keyed])
        assert [each.notification.seq for each in again] == list(range(1, 51))
        assert again[0].replayed is after
        assert not again[-1].replayed or after


async def test_a_key_for_some_users(store: Store):
    """A key for some names reaches neither others nor accounts, and makes nobody."""
    service = NotificationService(store)
    sender = Sender(user_prefix="eu:")
    ann = await make_user(store, "ann")
    assert (await service.send(request("eu:ann", 1), sender)).notification.seq == 1
    by_id = SendRequest(user_id=ann, payload=msgspec.Raw(b"1"))
    for refused in (request("us:ann", 1), request("EU:ann", 1), by_id):
        with pytest.raises(UserNotAllowed):
            await service.send(refused, sender)


def test_memory():
    """Only so many numbers are kept at hand, and the newest one counts."""
    known = Numbers()
    for number in range(100_001):
        known.learn(str(number), -number - 1)
    assert known.get("0") is None
    assert known.get("1") == -2
    known.learn("1", -7)
    assert known.get("1") == -7
