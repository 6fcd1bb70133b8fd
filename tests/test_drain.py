"""How a server stops: it finishes what it has begun, and sends its clients elsewhere."""

import asyncio
import signal
import time
from collections.abc import Callable

import httpx
import pytest
import websockets

from notifier.identity.tokens import Tokens
from servers.notifier import ServerProcess
from tests.support.harness import SECONDS, SECRET, SEND, Harness, ServerWith, until

Processes = Callable[..., ServerProcess]


async def test_in_flight_is_finished_while_nothing_new_is_wanted(
    server: Harness, held_sends: asyncio.Event, expected_errors: list[str]
) -> None:
    """Readiness goes off, new connections are refused, and the send under way gets its answer."""
    expected_errors.append("Request")  # the access log's line of a 503
    async with httpx.AsyncClient(base_url=server.url, timeout=SECONDS) as balancer:
        assert (await balancer.get("/healthz/ready/")).status_code == 200
        sending = asyncio.create_task(server.send(server.admin, "under way"))
        await until(lambda: server.server.application.requests == 1)
        stopping = asyncio.create_task(server.server.stop())
        await until(lambda: server.server.hub.draining)
        ready = await balancer.get("/healthz/ready/")
        assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
        assert ready.headers["Connection"] == "close"
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient() as newcomer:
                await newcomer.get(f"{server.url}/healthz/ready/")
        assert not stopping.done()
        held_sends.set()
        assert (await sending)["seq"] == 1
        await asyncio.wait_for(stopping, SECONDS)


async def test_a_stuck_request_does_not_stop_the_stop(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the time limit of a request the server goes on stopping."""
    async with server_with(request_timeout=0.2) as server:
        assert server.server.application is not None
        server.server.application.requests += 1
        await asyncio.wait_for(server.server.stop(), SECONDS)


async def test_sockets_are_sent_elsewhere_one_after_the_other(server_with: ServerWith) -> None:
    """All are closed with 1012, spread over the drain time, what was sent before still arriving."""
    async with server_with(drain_seconds=1.0) as server:
        users = [await server.user(f"u{n}") for n in range(5)]
        closed: list[float] = []

        async def device(n: int) -> int:
            async with server.connect(users[n]) as device:
                await server.send(users[n], n)
                assert (await device.next()).value == n
                code, reason = await device.closed()
                closed.append(time.monotonic())
                assert "reconnect" in reason
                return code

        devices = [asyncio.create_task(device(n)) for n in range(5)]
        await until(lambda: server.server.hub.delivered == 5)
        began = time.monotonic()
        await server.server.stop()
        assert await asyncio.gather(*devices) == [1012] * 5
        moments = sorted(moment - began for moment in closed)
        assert all(moment >= 0.2 * n - 0.05 for n, moment in enumerate(moments))


async def test_nobody_waits_after_the_last_socket(server_with: ServerWith) -> None:
    """With one socket there is nothing to spread: the server stops at once."""
    async with server_with(drain_seconds=60) as server, server.connect(server.admin) as device:
        await device.nothing_more()
        await asyncio.wait_for(server.server.stop(), SECONDS)
        assert (await device.closed())[0] == 1012


async def test_sigterm_under_load(server_process: Processes) -> None:
    """Senders that never pause do not keep it from stopping; what was answered is stored."""
    process = server_process()
    await asyncio.to_thread(process.start)
    answered: list[int] = []

    async def send_on() -> None:
        async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
            while True:
                response = await http.post(SEND, json={"user_id": 1, "payload": "x"})
                assert response.status_code == 200, response.text
                answered.append(response.json()["seq"])

    senders = [asyncio.create_task(send_on()) for _ in range(8)]
    await until(lambda: len(answered) > 50)
    assert await asyncio.to_thread(process.stop) == 0
    ends = await asyncio.gather(*senders, return_exceptions=True)
    assert all(isinstance(end, httpx.TransportError) for end in ends), ends
    assert "Draining" in process.log
    assert "Stopped" in process.log
    assert "Traceback" not in process.log
    await asyncio.to_thread(process.start)
    async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
        response = await http.post(SEND, json={"user_id": 1, "payload": "x"})
    assert response.json()["seq"] > max(answered)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(
    server_process: Processes, number: signal.Signals
) -> None:
    """Whoever asks twice does not want to wait for the drain."""
    process = server_process(NOTIFIER_DRAIN_SECONDS="600")
    await asyncio.to_thread(process.start)
    token = Tokens(SECRET, {"identity": 60}).issue("identity", 1, 0)
    url = f"ws{process.url.removeprefix('http')}/ws/notifications/1/?token={token}"
    async with websockets.connect(url) as one, websockets.connect(url) as other:
        process.send_signal(number)
        await until(lambda: "Draining" in process.log)
        await until(lambda: one.close_code or other.close_code)
        process.send_signal(number)
        code = await asyncio.to_thread(process.wait)
    assert code == 128 + number
    assert "Stopped" not in process.log
    assert "Traceback" not in process.log
