"""Guessing passwords at a running server: refused in time, and nobody else's trouble."""

import asyncio
import json
import threading

import httpx
import pytest

from notifier.identity.guesses import Guesses
from notifier.identity.passwords import Passwords
from tests.support.harness import ADMIN_PASSWORD, JSON, Harness, ServerWith, until
from tests.test_buckets import Clock

TOKEN = "/api/users/token/"
SESSION = "/api/users/session/"
PROXY = "127.0.0.1"
FLOOD = 300
ALLOWED = 20


def credentials(username: str = "admin", password: str = ADMIN_PASSWORD) -> bytes:
    return json.dumps({"username": username, "password": password}).encode()


async def sign_in(
    http: httpx.AsyncClient, body: bytes, address: str, path: str = TOKEN
) -> httpx.Response:
    """Try to sign in, seen by the trusted proxy as coming from ``address``."""
    return await http.post(path, content=body, headers=JSON | {"X-Forwarded-For": address})


def set_clock(server: Harness, *limits: int) -> Clock:
    """Let the server's limits count by a clock of ours."""
    clock = Clock()
    assert server.server.application is not None
    server.server.application.authentication._guesses = Guesses(*limits, now=clock)
    return clock


@pytest.mark.parametrize("path", [TOKEN, SESSION])
@pytest.mark.parametrize("name", ["admin", "nobody", "n\0body", "x" * 200])
@pytest.mark.attack("guess the password of one name", before="10 to 12 a second, for ever")
async def test_guesses_are_refused_and_later_allowed(
    server_with: ServerWith, path: str, name: str
) -> None:
    """After ten wrong passwords comes 429 with the time to wait, and then it goes on.

    The same for names that nobody has. The right password is refused meanwhile as well, or
    else the refusal would tell which one is right.
    """
    async with server_with() as server:
        clock = set_clock(server, 60, 10)
        wrong, right = credentials(name, "wrong"), credentials(name)
        for _ in range(10):
            assert (await server.post(wrong, path)).status_code == 401
        for body in (wrong, right):
            refused = await server.post(body, path)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "6")
            assert refused.json() == {
                "detail": "Too many sign-ins; try again later.",
                "code": "too_many_sign_ins",
            }
        assert server.server.refusals.counts == {"too_many_sign_ins": 2}
        assert server.server.status.snapshot().refused == {"too_many_sign_ins": 2}
        clock.time += 6
        expected = 200 if name == "admin" else 401
        assert (await server.post(right, path)).status_code == expected


async def test_both_doors_count_together(server: Harness) -> None:
    """What was tried for tokens counts for the page's session too."""
    set_clock(server, 60, 10)
    wrong = credentials(password="wrong")
    for path in (TOKEN, SESSION) * 5:
        assert (await server.post(wrong, path)).status_code == 401
    for path in (TOKEN, SESSION):
        assert (await server.post(wrong, path)).status_code == 429


@pytest.mark.attack("lock a person out by their name", before="not possible, nor any limit")
async def test_nobody_is_locked_out_by_name(server_with: ServerWith) -> None:
    """Strangers at many addresses use up their guesses of a name; its person signs in."""
    async with server_with(trusted_proxies=PROXY) as server:
        set_clock(server, 60, 10)
        wrong = credentials(password="wrong")
        for number in range(3):
            answers = [
                (await sign_in(server.http, wrong, f"192.0.2.{number}")).status_code
                for _ in range(11)
            ]
            assert answers == [401] * 10 + [429]
        assert (await sign_in(server.http, credentials(), "198.51.100.1")).status_code == 200


@pytest.mark.attack("guess from many addresses of one IPv6 network", before="no limit")
async def test_many_addresses_of_one_network(server_with: ServerWith) -> None:
    """In IPv6 one host has a whole network of addresses, which counts as one."""
    async with server_with(trusted_proxies=PROXY) as server:
        set_clock(server, 60, 10)
        wrong = credentials(password="wrong")
        for number in range(10):
            answer = await sign_in(server.http, wrong, f"2001:db8::{number}:1")
            assert answer.status_code == 401
        assert (await sign_in(server.http, wrong, "2001:db8::ffff:1")).status_code == 429
        assert (await sign_in(server.http, wrong, "2001:db8:0:1::1")).status_code == 401


async def test_people_who_know_their_passwords_are_not_limited(server: Harness) -> None:
    """An office behind one address signs in as often as it likes."""
    set_clock(server, 5, 5)
    answers = [(await server.post(credentials(), TOKEN)).status_code for _ in range(20)]
    assert answers == [200] * 20


async def test_what_is_no_attempt_does_not_count(server: Harness) -> None:
    """A body that is no sign-in uses up nothing."""
    set_clock(server, 1, 1)
    for body in (b"{}", b"nonsense", b'{"username": "admin", "password": 1}'):
        assert (await server.post(body, TOKEN)).status_code == 400
    assert (await server.post(credentials(), TOKEN)).status_code == 200


@pytest.mark.parametrize("addresses", [1, 10])
@pytest.mark.attack("300 guesses at once", before="a rightful sign-in waits 4 s, or is refused")
async def test_a_flood(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch, addresses: int
) -> None:
    """Of 300 guesses at once few cost a hash; another's sign-in waits for one of each address.

    Sends are answered meanwhile. How long all this takes is measured by
    ``python -m benchmarks.sign_in``.
    """
    hashed: list[str] = []
    free = threading.Event()
    verify = Passwords._verify

    def held(self: Passwords, password_hash: str | None, password: str) -> bool:
        hashed.append(password)
        free.wait()
        return verify(self, password_hash, password)

    monkeypatch.setattr(Passwords, "_verify", held)
    anything = httpx.Limits(max_connections=None)
    async with (
        server_with(trusted_proxies=PROXY, open_send=True) as server,
        httpx.AsyncClient(base_url=server.url, limits=anything, timeout=None) as strangers,
    ):
        set_clock(server, ALLOWED, 10)
        turns = server.server.application.authentication._passwords._turns  # type: ignore[union-attr]
        flood = [
            asyncio.create_task(
                sign_in(strangers, credentials(f"user{n}", "wrong"), f"192.0.2.{n % addresses}")
            )
            for n in range(FLOOD)
        ]

        def waiting(whose: str = "192.0.2.") -> int:
            return sum(len(each) for key, each in turns._waiting.items() if whose in str(key))

        def refused() -> int:
            return server.server.refusals.counts.get("too_many_sign_ins", 0)

        try:
            await until(lambda: len(hashed) + waiting() + refused() == FLOOD)
            rightful = asyncio.create_task(sign_in(server.http, credentials(), "198.51.100.1"))
            await until(lambda: waiting("198.51.100.1"))
            forwarded = {"X-Forwarded-For": "198.51.100.2"}
            sent = await server.post({"user_id": 1, "payload": 1}, headers=forwarded)
            assert sent.status_code == 200
            assert len(hashed) == 2
        finally:
            free.set()
        assert (await rightful).status_code == 200
        answers = [(await each).status_code for each in flood]
    assert hashed.index(ADMIN_PASSWORD) <= 2 + addresses
    most = min(ALLOWED * addresses, 2 + server.server.settings.sign_ins_waiting)
    assert answers.count(401) == len(hashed) - 1 <= most
    assert answers.count(429) == FLOOD - answers.count(401)
