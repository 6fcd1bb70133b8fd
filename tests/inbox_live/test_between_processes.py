"""A change at one process reaches the devices at another, also when Redis was away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from notifier.identity.tokens import Tokens
from servers.notifier import SECRET
from servers.redis import RedisServer
from tests.inbox_live.watcher import Watcher, watching
from tests.support.cluster import PeopledCluster, running
from tests.support.harness import SECONDS, Person
from tests.support.people import identity_of

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis that may go away."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[PeopledCluster]:
    """Two processes, which do not sweep: what a device is told comes over the relay."""
    folder = tmp_path_factory.mktemp("pair")
    settings = {"NOTIFIER_SWEEP_SECONDS": "3600", "NOTIFIER_INBOX_CHANGES_PER_SECOND": "0"}
    with running(folder, 2, nginx=False, relay=redis, **settings) as cluster:
        yield cluster


@asynccontextmanager
async def at(pair: PeopledCluster, person: Person, number: int) -> AsyncIterator[Watcher]:
    """A device at one of the processes, that was told the state."""
    url = f"{pair.socket_url(person, pair.processes[number])}&events=inbox"
    async with watching(url) as device:
        await device.until(lambda: device.of_type("inbox_state"))
        yield device


async def ask(
    pair: PeopledCluster, number: int, method: str, path: str, token: str, **options: Any
) -> dict[str, Any]:
    """A request to one of the processes, which has to succeed."""
    url = f"{pair.processes[number].url}/api/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        response = await http.request(method, url, headers=headers, **options)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def mark(
    pair: PeopledCluster, number: int, person: Person, verb: str, **body: object
) -> dict[str, Any]:
    """Do something with notifications at one of the processes."""
    return await ask(pair, number, "POST", f"inbox/{verb}/", identity_of(person.id), json=body)


async def count(pair: PeopledCluster, number: int, person: Person) -> tuple[int, int]:
    """Unread and unseen, as one of the processes counts."""
    counted = await ask(pair, number, "GET", "inbox/count/", identity_of(person.id))
    return counted["unread"], counted["unseen"]


async def send(pair: PeopledCluster, number: int, person: Person, **fields: object) -> None:
    """Send at one of the processes."""
    body = {"user_id": person.id, "payload": 1, **fields}
    await ask(pair, number, "POST", "notifications/send/", superuser(), json=body)


async def withdraw(pair: PeopledCluster, number: int, person: Person, key: str) -> None:
    """Take a notification back at one of the processes."""
    params = {"user_id": person.id, "key": key}
    await ask(pair, number, "DELETE", "notifications/", superuser(), params=params)


def superuser() -> str:
    """An access token of the first superuser."""
    return Tokens(SECRET, {"access": 3600}).issue("access", 1, 0)


async def test_read_on_one_told_on_the_other(pair: PeopledCluster) -> None:
    """Changes at either process reach both, in order, with the counts of the database."""
    (ann,) = pair.users(1)
    async with at(pair, ann, 0) as phone, at(pair, ann, 1) as laptop:
        for number in range(6):
            await send(pair, number % 2, ann, key=f"k{number}")
        for number in range(6):
            await mark(pair, number % 2, ann, "read", keys=[f"k{number}"])
            for device in (phone, laptop):
                await device.until_version(number + 1)
        await phone.command("unread", {"up_to": 6})
        for device in (phone, laptop):
            await device.until_version(7)
            seqs = [frame["seq"] for frame in device.of_type("server_notification")]
            assert seqs == [1, 2, 3, 4, 5, 6]
            changes = [
                each for frame in device.of_type("inbox_changed") for each in frame["changes"]
            ]
            assert [change["version"] for change in changes] == list(range(1, 8))
            assert device.counts == await count(pair, 1, ann) == (6, 0)


async def test_withdrawn_on_one_gone_on_the_other(pair: PeopledCluster) -> None:
    """A device at another process is told; who comes later is not given it, nor by a retry."""
    (ann,) = pair.users(1)
    async with at(pair, ann, 1) as shows:
        await send(pair, 0, ann, key="a")
        await shows.take("server_notification")
        await withdraw(pair, 0, ann, "a")
        withdrawn, _ = await shows.take("notification_withdrawn", "inbox_changed")
        assert (withdrawn["key"], shows.counts) == ("a", (0, 0))
        await send(pair, 0, ann, key="a")
        await shows.nothing_more()
        await send(pair, 0, ann, key="b")
    async with at(pair, ann, 1) as later:
        await later.until(lambda: _places(later))
        assert _places(later) == [2]


async def test_sent_here_withdrawn_there(pair: PeopledCluster) -> None:
    """Wherever it is withdrawn, a device that was given it is told afterwards, in any case."""
    (ann,) = pair.users(1)
    async with at(pair, ann, 0) as phone, at(pair, ann, 1) as laptop:
        for number in range(20):
            await send(pair, number % 2, ann, key=f"k{number}")
            await withdraw(pair, 1 - number % 2, ann, f"k{number}")
        await send(pair, 0, ann, key="last")
        for device in (phone, laptop):
            await device.until_version(20)
            await device.until(lambda device=device: 21 in _places(device))
            keys = [frame["key"] for frame in device.of_type("notification_withdrawn")]
            assert keys == [f"k{number}" for number in range(20)]
            assert _places(device) == sorted(set(_places(device)))
            assert device.counts == (1, 1)


def _places(device: Watcher) -> list[int]:
    return [frame["seq"] for frame in device.of_type("server_notification")]


async def test_a_collapse_key_across(pair: PeopledCluster) -> None:
    """The newer one comes and the older goes, at whatever process either was sent."""
    (ann,) = pair.users(1)
    async with at(pair, ann, 0) as device:
        await send(pair, 0, ann, key="one", collapse_key="comments")
        await send(pair, 1, ann, key="two", collapse_key="comments")
        await device.until_version(1)
        await device.until(lambda: len(_places(device)) == 2)
        assert device.of_type("notification_withdrawn")[0]["key"] == "one"
        assert device.counts == (1, 1)


async def test_after_redis_was_away(pair: PeopledCluster, redis: RedisServer) -> None:
    """What nobody could be told of meanwhile is told with the next change that is heard of."""
    (ann,) = pair.users(1)
    await send(pair, 0, ann, key="a")
    await send(pair, 0, ann, key="b")
    async with at(pair, ann, 1) as device:
        await device.until(lambda: len(_places(device)) == 2)
        redis.kill()
        await mark(pair, 0, ann, "read", keys=["a"])
        await withdraw(pair, 0, ann, "b")
        await device.nothing_more()
        redis.start()
        verbs = 0
        while device.version < 3:
            verb = ("unread", "read")[verbs % 2]
            verbs += 1
            await mark(pair, 0, ann, verb, keys=["a"])
            await device.rest()
        await device.until_version(2 + verbs)
        assert device.of_type("notification_withdrawn")[0]["version"] == 2
        assert device.counts == await count(pair, 0, ann)
