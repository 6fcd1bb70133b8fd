"""The table of attacks: what each did before it was met, and what it does now.

A pytest plugin for all tests. A test that is an attack says so, and says what it measured::

    @pytest.mark.attack("a path of 60 kB", before="a line of 60 kB in the log")
    async def test_long_path(server: Harness, now: Now) -> None:
        ...
        now(f"{longest} characters")

``make test`` runs a short form of them, ``make attack`` (``--attack``) the whole, one after
the other, and prints a line for each name. Tests that need to know ask ``in_full``.
"""

from collections.abc import Callable

import hypothesis
import pytest

Now = Callable[[str], None]
"""Says what an attack does now, measured."""

_OPTION = "--attack"

# How long an example takes says only how busy the machine is.
_SHORT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("short", _SHORT)
hypothesis.settings.register_profile("full", _SHORT, max_examples=500)


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option."""
    parser.addoption(
        _OPTION, action="store_true", help="run attacks in full, and print what they do now"
    )


def pytest_configure(config: pytest.Config) -> None:
    """One mark; and hypothesis thinks of more, where attacks run in full."""
    config.addinivalue_line(
        "markers", "attack(name, before): what an attacker does, and what it did once"
    )
    config.addinivalue_line("markers", "only_in_full: an attack without a short form")
    hypothesis.settings.load_profile("full" if config.getoption(_OPTION) else "short")


@pytest.fixture(scope="session")
def in_full(pytestconfig: pytest.Config) -> bool:
    """Whether attacks run at full length."""
    return bool(pytestconfig.getoption(_OPTION))


@pytest.fixture
def now(record_property: Callable[[str, object], None]) -> Now:
    """``now("2 ms")``: for the table."""
    return lambda measured: record_property("now", measured)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each report of an attack carries its name, from workers too."""
    if not config.getoption(_OPTION):
        long = [item for item in items if item.get_closest_marker("only_in_full")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        if mark := item.get_closest_marker("attack"):
            [name] = mark.args
            item.user_properties.append(("attack", (name, mark.kwargs["before"])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not terminalreporter.config.getoption(_OPTION):
        return
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        said = dict(report.user_properties)
        if report.when == "call" and "attack" in said:
            result = "FAILED" if report.failed else str(said.get("now", ""))
            rows.setdefault(tuple(said["attack"]), {})[result] = None
    terminalreporter.section("attacks")
    terminalreporter.write_line("| attack | before | now |\n|---|---|---|")
    for (name, before), results in rows.items():
        terminalreporter.write_line(
            f"| {name} | {before} | {'; '.join(filter(None, results)) or 'refused'} |"
        )
