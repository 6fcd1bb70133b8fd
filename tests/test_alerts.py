"""The alerts, played to Prometheus' own tool; and what the runbook says of each."""

import re
import subprocess

import yaml

from servers import ROOT
from servers.prometheus import PrometheusServer

ALERTS = ROOT / "deploy" / "alerts.yml"


def promtool(*arguments: str) -> str:
    """What it says; fails where it finds something wrong."""
    program = PrometheusServer.find("promtool")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names() -> list[str]:
    """Those of all alerts."""
    rules = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["alert"] for group in rules for rule in group["rules"]]


def test_each_is_silent_and_fires() -> None:
    """Both are played for each of them."""
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(ROOT / "tests" / "alerts.yml"))
    played = (ROOT / "tests" / "alerts.yml").read_text()
    for name in names():
        assert len(re.findall(rf"alertname: {name}\b", played)) >= 2, name


def test_each_has_a_section() -> None:
    """Its link leads there, and no section is left over."""
    page = (ROOT / "docs" / "runbook.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == names()
    links = re.findall(r"runbook: docs/runbook.md#(\w+)", ALERTS.read_text())
    assert links == [name.lower() for name in names()]


def test_they_ask_for_what_there_is() -> None:
    """Every metric that a rule names is documented."""
    documented = (ROOT / "docs" / "metrics.md").read_text()
    for name in re.findall(r"\bnotifier_\w+", ALERTS.read_text()):
        assert name.removesuffix("_bucket") in documented, name
