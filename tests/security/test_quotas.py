"""Somebody fills what others need: inboxes, the store's time, the disk."""

import asyncio
from collections import Counter

import httpx
import pytest

from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from tests.support.harness import Harness, Person, ServerWith, until

LIMIT = 50


async def flood(
    server: Harness, person: Person, count: int, *, headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """Many sends at once."""
    body = {"user_id": person.id, "payload": "x" * 1000}
    return await asyncio.gather(*[server.post(body, headers=headers) for _ in range(count)])


def codes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(each.json().get("code", "stored") for each in answers)


@pytest.mark.attack("flooding one user's inbox", before="no bound: 420 MB in 3 s")
async def test_inbox(server_with: ServerWith, each_database_url: str):
    """Who floods one user is stopped at the limit, whatever key each send has; others go on."""
    async with server_with(max_pending=LIMIT, database_url=each_database_url) as server:
        ann, bob = await server.user("ann"), await server.user("bob")
        answers = await flood(server, ann, 3 * LIMIT)
        assert codes(answers) == {"stored": LIMIT, "inbox_full": 2 * LIMIT}
        refused = next(each for each in answers if each.status_code == 429)
        assert int(refused.headers["Retry-After"]) > 0
        assert len(await server.pending(ann)) == LIMIT
        assert codes(await flood(server, bob, 1)) == {"stored": 1}
        assert server.server.refusals.counts == {"inbox_full": 2 * LIMIT}


async def test_inbox_in_bytes(server_with: ServerWith, each_database_url: str):
    """Large payloads reach the limit of bytes long before that of rows."""
    async with server_with(max_pending_bytes=10_000, database_url=each_database_url) as server:
        ann = await server.user()
        assert codes(await flood(server, ann, 30)) == {"stored": 10, "inbox_full": 20}


async def test_inbox_empties(server_with: ServerWith):
    """A device that acknowledges makes room for what was refused."""
    async with server_with(max_pending=LIMIT) as server:
        ann = await server.user()
        await flood(server, ann, LIMIT + 1)
        async with server.connect(ann) as device:
            await device.ack(*await device.take(LIMIT))
            async with asyncio.timeout(30):
                while codes(await flood(server, ann, 1)) != {"stored": 1}:
                    pass
            assert (await device.next()).seq == LIMIT + 1


@pytest.mark.attack("a keyless program gone wild", before="no bound")
async def test_keyless_sends(server_with: ServerWith):
    """All that send without a key share one rate; a key is not concerned."""
    async with server_with(keyless_sends_per_second=5) as server:
        ann = await server.user()
        counts = codes(await flood(server, ann, 100))
        assert counts["stored"] >= 10, "two seconds' worth may come at once"
        assert counts["too_many_sends"] > 0
        assert counts.total() == 100
        assert len(await server.pending(ann)) == counts["stored"]
        bearer = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
        assert codes(await flood(server, ann, 1, headers=bearer)) == {"stored": 1}
        assert server.server.refusals.counts["too_many_sends"] == counts["too_many_sends"]


@pytest.mark.attack("a program with a key gone wild", before="no bound")
async def test_sends_of_one_key(server_with: ServerWith):
    """A key that sends too quickly is told when to come again, and leaves the others alone."""
    async with server_with(sends_per_second=1) as server:
        ann = await server.user()
        keys = [f"key {name}" for name in "ab"]
        for key in keys:
            await server.server.store.submit(CreateApiKey(key, digest(key)))
        one, other = ({"X-API-Key": key} for key in keys)
        answers = await flood(server, ann, 50, headers=one)
        assert codes(answers)["too_many_sends"] > 0
        refused = next(each for each in answers if each.status_code == 429)
        assert refused.headers["Retry-After"] == "1"
        assert codes(await flood(server, ann, 1, headers=other)) == {"stored": 1}


@pytest.mark.attack("filling the disk", before="the database fails, readiness flaps")
async def test_disk(server_with: ServerWith, expected_errors: list[str]):
    """Below the floor of free disk sends get 503, acknowledgements pass, and it is not ready."""
    expected_errors.append("The disk is nearly full")
    async with server_with() as server:
        ann = await server.user()
        await server.send(ann, 1)
    async with server_with(min_free_bytes=1 << 60) as server:
        await until(lambda: not server.server.store.available)
        (refused,) = await flood(server, ann, 1)
        assert (refused.status_code, refused.json()["code"]) == (503, "disk_low")
        assert "Retry-After" in refused.headers
        assert (await server.http.get("/healthz/ready/")).status_code == 503
        assert server.server.status.snapshot().store.state == "disk_low"
        async with server.connect(ann) as device:
            await device.ack(await device.next())
            await device.nothing_more()
        async with asyncio.timeout(30):
            while await server.pending(ann):
                pass
        assert server.server.refusals.counts == {"disk_low": 1}


@pytest.mark.parametrize("setting", ["max_pending", "max_pending_bytes", "sends_per_second"])
async def test_no_limit(server_with: ServerWith, setting: str):
    """0 is no limit."""
    async with server_with(**{setting: 0}) as server:
        ann = await server.user()
        assert codes(await flood(server, ann, 20)) == {"stored": 20}
