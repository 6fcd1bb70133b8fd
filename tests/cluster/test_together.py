"""Several processes behave like one."""

import json
import time
from typing import Any

import httpx
import pytest
import websockets

from notifier.identity.tokens import Tokens
from tests.cluster.devices import connected, send
from tests.support.cluster import PeopledCluster
from tests.support.harness import ADMIN_PASSWORD, SECONDS, SECRET, SEND, Person
from tests.support.people import identity_of

pytestmark = pytest.mark.asyncio


async def test_everyone_is_told(cluster: PeopledCluster) -> None:
    """What one process accepts reaches devices at all others, live and in order."""
    (ann,) = cluster.users(1)
    async with (
        connected(cluster, ann, 0) as one,
        connected(cluster, ann, 1) as two,
        connected(cluster, ann, 2) as three,
    ):
        for device in (one, two, three):
            await device.nothing_more()
        for number in range(30):
            sent = await send(cluster.processes[number % 3].url, ann, number)
            assert sent.status_code == 200
            for device in (one, two, three):
                assert (await device.next()).value == number


async def test_an_ack_settles_everywhere(cluster: PeopledCluster) -> None:
    """What was acknowledged at one process is delivered by no other again."""
    (ann,) = cluster.users(1)
    async with connected(cluster, ann, 0) as phone:
        await send(cluster.url, ann, "once")
        frame = await phone.next()
        await phone.ack(frame)
        await phone.nothing_more()
        deadline = time.monotonic() + SECONDS
        while True:
            async with connected(cluster, ann, 1) as laptop:
                await laptop.tell({"type": "command", "key": "ping"})
                if (await laptop.next()).value == "pong":
                    break
            assert time.monotonic() < deadline


@pytest.mark.parametrize("command", ["deactivate", "changepassword"])
async def test_ends_of_sessions_reach_all_processes(cluster: PeopledCluster, command: str) -> None:
    """Who is locked out, or gets a new password, loses all connections soon."""
    (ann,) = cluster.users(1)
    async with connected(cluster, ann, 0) as one, connected(cluster, ann, 1) as two:
        await one.nothing_more()
        await two.nothing_more()
        name = [ann.username] if command == "deactivate" else ["--username", ann.username]
        options = [] if command == "deactivate" else ["--password-stdin"]
        done = cluster.processes[2].command(command, *name, *options, stdin="another password\n")
        assert done.returncode == 0, done.stderr
        for device in (one, two):
            code, _ = await device.closed()
            assert code == 4403


async def test_tokens_hold_everywhere(cluster: PeopledCluster) -> None:
    """A token from one process opens all others."""
    credentials = {"username": "admin", "password": ADMIN_PASSWORD}
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        answer = await http.post(f"{cluster.processes[0].url}/api/users/token/", json=credentials)
        token = answer.json()["access"]
        for process in cluster.processes:
            stats = await http.get(
                f"{process.url}/api/stats/", headers={"Authorization": f"Bearer {token}"}
            )
            assert stats.json()["relay"] == {"kind": "redis", "state": "ok", "rejected": 0}
            assert stats.json()["store"]["driver"] == "postgresql"


async def test_one_key_is_stored_once(cluster: PeopledCluster) -> None:
    """A send that is repeated at another process, with its key, is the same notification."""
    (ann,) = cluster.users(1)
    answers = [await send(process.url, ann, 1, key="k") for process in cluster.processes]
    assert len({answer.content for answer in answers}) == 1


async def test_a_large_payload_crosses(cluster: PeopledCluster) -> None:
    """What is too large for the relay is read from the store, at once all the same."""
    (ann,) = cluster.users(1)
    async with connected(cluster, ann, 0) as device:
        await device.nothing_more()
        await send(cluster.processes[1].url, ann, "x" * 100_000)
        assert (await device.next()).value == "x" * 100_000


async def test_nginx_logs_no_token(cluster: PeopledCluster) -> None:
    """Neither nginx nor a process writes down what opens a connection."""
    (ann,) = cluster.users(1)
    assert cluster.nginx is not None
    async with connected(cluster, ann) as device:
        await device.nothing_more()
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(cluster.socket_url(ann) + "nonsense"):
            pass
    logs = cluster.nginx.log + "".join(process.log for process in cluster.processes)
    assert f"GET /ws/notifications/{ann.id}/" in logs
    assert "token=" not in logs
    assert identity_of(ann.id)[:20] not in logs


async def test_clients_cannot_forge_where_they_come_from(cluster: PeopledCluster) -> None:
    """What a client claims about itself does not get through nginx."""
    forged = {
        "X-Forwarded-For": "8.8.8.8",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=8.8.8.8",
    }
    async with httpx.AsyncClient(base_url=cluster.url, timeout=SECONDS, headers=forged) as http:
        answer = await http.post("/api/users/token/", json={})
        assert answer.status_code == 400
    assert not any("8.8.8.8" in process.log for process in cluster.processes)


async def test_nginx_tries_a_send_elsewhere_under_one_key(cluster: PeopledCluster) -> None:
    """Without a key of its own a send gets one from nginx, so that trying again is harmless."""
    (ann,) = cluster.users(1)
    first = await send(cluster.url, ann, 1)
    second = await send(cluster.url, ann, 1)
    assert first.json()["key"] != second.json()["key"]
    own = await send(cluster.url, ann, 1, key="mine")
    assert own.json()["key"] == "mine"
    async with httpx.AsyncClient(timeout=SECONDS, headers={"X-Request-Id": "a" * 32}) as http:
        body = json.dumps({"user_id": ann.id, "payload": 2})
        headers = {"Content-Type": "application/json"}
        direct = [
            await http.post(f"{process.url}{SEND}", content=body, headers=headers)
            for process in cluster.processes[:2]
        ]
    assert {answer.json()["key"] for answer in direct} == {"a" * 32}
    assert len({answer.json()["seq"] for answer in direct}) == 1


async def test_who_is_online_at_all_of_them(cluster: PeopledCluster) -> None:
    """Whichever process is asked knows the devices at all of them, and since when there is one."""
    ann, bob = cluster.users(2)
    async with connected(cluster, ann, 0) as one:
        await one.nothing_more()
        first = await online(cluster, 2, ann)
        async with connected(cluster, ann, 1) as two, connected(cluster, bob, 1) as three:
            await two.nothing_more()
            await three.nothing_more()
            for process in range(3):
                found = await online(cluster, process, ann)
                assert found == {"sockets": 2, "since": first["since"]}
                assert (await online(cluster, process, bob))["sockets"] == 1


async def online(cluster: PeopledCluster, process: int, person: Person) -> Any:
    """What a process says of somebody to a superuser."""
    access = Tokens(SECRET, {"access": 60}).issue("access", 1, 0)
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        answer = await http.get(
            f"{cluster.processes[process].url}/api/admin/users/{person.id}/",
            headers={"Authorization": f"Bearer {access}"},
        )
    assert answer.status_code == 200, answer.text
    return answer.json()["online"]
