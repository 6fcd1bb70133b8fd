"""What a limit did not let pass is counted, and logged at a bounded rate."""

import asyncio

from notifier import refusals
from notifier.refusals import Refusals
from tests.support.harness import until


async def test_each_is_counted_and_few_are_logged(monkeypatch, caplog):
    """A flood is one line at its begin and one for each interval, with how many there were."""
    monkeypatch.setattr(refusals, "SECONDS", 0.05)
    refused = Refusals()
    for _ in range(1000):
        refused.count("send_rate", remote_ip="192.0.2.1")
    refused.count("inbox_full")
    assert refused.counts == {"send_rate": 1000, "inbox_full": 1}
    lines = caplog.records
    assert [(line.reason, line.times) for line in lines] == [("send_rate", 1), ("inbox_full", 1)]
    await until(lambda: len(lines) == 3)
    assert (lines[2].reason, lines[2].times) == ("send_rate", 999)
    await asyncio.sleep(0.2)
    refused.count("send_rate")
    assert [line.times for line in lines[3:]] == [1]
