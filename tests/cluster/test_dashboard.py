"""The dashboard and the alerts, asked of a real Prometheus that scrapes real processes."""

import json
import re
from collections.abc import Iterator

import pytest

from servers import ROOT
from servers.prometheus import PrometheusServer
from tests.cluster.devices import connected, send
from tests.support.cluster import PeopledCluster
from tests.support.harness import until

pytestmark = pytest.mark.asyncio

SCRAPED = 'min(count_over_time(up{job="notifier"}[1m])) >= 3'
TOO_LARGE = 70_000
"""More bytes than a frame may have."""


@pytest.fixture
def prometheus(cluster: PeopledCluster) -> Iterator[PrometheusServer]:
    """It scrapes the processes with a key that may do nothing else."""
    made = cluster.processes[0].command(
        "apikey", "create", "--name", "prometheus", "--scope", "metrics"
    )
    [key] = re.findall(r"^ntf_\S+$", made.stdout, re.MULTILINE)
    targets = [process.url.removeprefix("http://") for process in cluster.processes]
    server = PrometheusServer(targets, key, ROOT / "deploy" / "alerts.yml")
    server.start()
    yield server
    server.stop()


def expressions() -> Iterator[tuple[str, str]]:
    """Those of the dashboard, each with the title of its panel."""
    for panel in json.loads((ROOT / "deploy" / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            yield panel["title"], asked


async def test_every_panel_shows_something(
    cluster: PeopledCluster, prometheus: PrometheusServer
) -> None:
    """Where there were sends, deliveries, acknowledgements, and somebody who was refused."""
    (ann,) = cluster.users(1)
    async with connected(cluster, ann, 1) as loud:
        await loud.tell("x" * TOO_LARGE)
        await loud.closed()
    async with connected(cluster, ann, 0) as device:
        for number in range(20):
            assert (await send(cluster.processes[number % 3].url, ann, number)).is_success
            await device.ack(await device.next())
        await until(lambda: prometheus.query(SCRAPED))
        asked = dict.fromkeys(expressions())
        assert len(asked) >= 20
        await until(lambda: not [each for each in asked if not prometheus.query(each[1])])
        assert len(prometheus.query("notifier_build_info")) == 3
        [delivered] = prometheus.query("sum(notifier_delivered_total)")
        assert float(delivered["value"][1]) == 20
        assert prometheus.query("ALERTS") == []
