"""What Prometheus is told, and who may ask."""

import asyncio
import re

import httpx
import pytest

from notifier.histogram import Histogram
from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from servers import ROOT
from servers.ports import free_port
from servers.prometheus import PrometheusServer
from tests.support.harness import SECONDS, Harness, ServerWith, until


async def figures(server: Harness) -> dict[str, float]:
    """Every sample by its name and labels, asked for by the superuser."""
    headers = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    answer = await server.http.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        name: float(value)
        for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", answer.text, re.MULTILINE)
    }


async def test_a_notification_is_counted_on_its_way(server: Harness) -> None:
    """Accepted, delivered with the time that it took, acknowledged; and each in /api/stats/ too."""
    async with server.connect(server.admin) as device:
        await device.nothing_more()
        await server.send(server.admin, "hello", key="k")
        await server.send(server.admin, "hello", key="k")
        await device.ack(await device.next())
        await until(lambda: server.server.counts.acks)
        found = await figures(server)
    assert found["notifier_accepted_total"] == 1
    assert found["notifier_repeated_total"] == 1
    assert found["notifier_pending"] == 0
    assert found["notifier_delivered_total"] == 1
    assert found["notifier_acked_total"] == 1
    assert found["notifier_delivery_duration_seconds_count"] == 1
    assert 0 <= found["notifier_delivery_duration_seconds_sum"] < SECONDS
    assert found['notifier_devices{transport="websocket"}'] == found["notifier_users"] == 1
    assert found['notifier_catch_ups_total{cause="connect"}'] == 1
    commits = found["notifier_commit_duration_seconds_count"]
    assert commits >= 2
    assert found['notifier_commit_operations_bucket{le="+Inf"}'] == commits
    for part in ("store", "disk", "relay"):
        assert found[f"notifier_{part}_up"] == 1
    assert "notifier_rabbitmq_up" not in found
    stats = server.server.status.snapshot()
    assert (stats.sends, stats.deliveries, stats.acks) == (1, 1, 1)


async def test_what_is_pending(server: Harness) -> None:
    """Counted in the store, of all users."""
    ann = await server.user()
    for person in (server.admin, ann, ann):
        await server.send(person, "wait")
    assert (await figures(server))["notifier_pending"] == 3


async def test_drift_is_what_the_sweep_found(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nudge that was lost is one disagreement, and one catch-up of that cause."""
    async with server.connect(server.admin) as device:
        await device.nothing_more()
        monkeypatch.setattr(server.server.relay, "publish", lambda _: None)
        await server.send(server.admin, "lost on the way")
        assert await server.server.hub.sweep(server.server._read_positions) == 1
        assert (await device.next()).value == "lost on the way"
        found = await figures(server)
    assert found["notifier_position_drift_total"] == 1
    assert found['notifier_catch_ups_total{cause="sweep"}'] == 1


async def test_what_is_refused(server_with: ServerWith) -> None:
    """By reason, as in the log and in /api/stats/."""
    async with server_with(sockets_per_user=1) as server:
        async with server.connect(server.admin) as device:
            await device.nothing_more()
            answer = await server.http.get(
                server.socket_url(server.admin, server.token(server.admin)).replace("ws:", "http:"),
                headers={
                    "Upgrade": "websocket",
                    "Connection": "Upgrade",
                    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                    "Sec-WebSocket-Version": "13",
                },
            )
            assert answer.status_code == 429
            found = await figures(server)
        [(reason, count)] = server.server.refusals.counts.items()
        assert found[f'notifier_refused_total{{reason="{reason}"}}'] == count == 1


async def test_who_may_ask(server: Harness) -> None:
    """A superuser, or a key with the scope; nobody else, also where sends are open."""
    store = server.server.store
    await store.submit(CreateApiKey("prometheus", digest("ntf_metrics"), ("metrics",)))
    await store.submit(CreateApiKey("shop", digest("ntf_send"), ("send",)))
    ann = await server.user()

    async def status(**headers: str) -> int:
        return (await server.http.get("/metrics", headers=headers)).status_code

    assert await status() == 401
    assert await status(Authorization=f"Bearer {server.token(ann, 'access')}") == 403
    assert await status(**{"X-API-Key": "ntf_send"}) == 403
    assert await status(**{"X-API-Key": "ntf_metrics"}) == 200
    assert await status(Authorization="Bearer ntf_metrics") == 200


async def test_a_port_of_its_own(server_with: ServerWith) -> None:
    """Where it is set, without credentials; and nothing else is answered there."""
    port = free_port()
    async with server_with(metrics_port=port) as server, httpx.AsyncClient(verify=False) as http:
        base = f"http://127.0.0.1:{port}"
        answer = await http.get(f"{base}/metrics")
        assert answer.status_code == 200
        assert "notifier_build_info" in answer.text
        assert "Server" not in answer.headers
        assert (await http.get(f"{base}/api/stats/")).status_code == 404
        assert (await http.post(f"{base}/metrics", content=b"x")).status_code in (400, 405)
        assert server.server.url != base


async def test_nothing_of_users(server: Harness) -> None:
    """No label and no value names one."""
    ann = await server.user("ann with a name")
    await server.send(ann, "secret text", key="secret key")
    headers = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    text = (await server.http.get("/metrics", headers=headers)).text
    assert not re.search(r"ann|secret|admin", text)


async def test_all_are_documented(server: Harness) -> None:
    """docs/metrics.md names each, and no other."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    documented = re.findall(r"^\| (`notifier_.*?) \|", page, re.MULTILINE)
    names = {re.sub(r"\{.*|`", "", name) for row in documented for name in row.split(", ")}
    headers = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    text = (await server.http.get("/metrics", headers=headers)).text
    told = set(re.findall(r"^# TYPE (notifier_\w+)", text, re.MULTILINE))
    assert told | {"notifier_rabbitmq_up"} == names


async def test_the_format(server: Harness) -> None:
    """Prometheus' own tool finds nothing to say about names, units and help texts."""
    promtool = PrometheusServer.find("promtool")
    headers = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    text = (await server.http.get("/metrics", headers=headers)).text
    process = await asyncio.create_subprocess_exec(
        *(promtool, "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said) == (0, b"")


def test_a_histogram_counts_in_steps() -> None:
    """Each bound holds what is at most that, and the last one all."""
    histogram = Histogram((1, 2, 5))
    for value in (0, 1, 1.5, 2, 9):
        histogram.observe(value)
    assert list(histogram.buckets()) == [("1.0", 2), ("2.0", 4), ("5.0", 4), ("+Inf", 5)]
    assert histogram.sum == 13.5
