"""What all tests share: servers, worker processes, and honesty about what could not run.

An error in the log that a test did not announce fails it. ``make test`` runs the files side
by side, each file in one worker process; a worker starts the servers that its files need.
"""

import asyncio
import functools
import gc
import logging
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from notifier.identity import hashes
from servers.missing import MissingServer
from servers.notifier import ServerProcess
from tests.storage.databases import PostgresDatabase
from tests.support.harness import Harness, ServerWith, running, settings_for
from tests.support.history import MissingHistory

pytest_plugins = ["tests.security.table"]

_WORKERS_PER_CORE = 2
"""Tests wait for something half of their time."""
_MOST_WORKERS = 8
"""With more of them the run is no shorter: the longest file alone takes as long."""

LONG = (
    "cluster/test_faults.py",
    "test_cli.py",
    "cluster/test_rolling.py",
    "browser/test_recipes.py",
    "browser/test_feed.py",
    "browser/test_inbox.py",
    "browser/test_bell_use.py",
    "browser/test_bell.py",
    "browser/test_bell_attributes.py",
    "amqp/test_robustness.py",
    "browser/test_connection.py",
    "browser/test_session.py",
    "browser/test_account.py",
    "test_client_inbox.py",
    "test_cli_inbox.py",
    "test_receive.py",
    "amqp/test_consuming.py",
    "browser/test_admin_quality.py",
    "browser/test_admin_users.py",
    "browser/test_quality.py",
    "test_bad_input.py",
    "storage/test_postgres.py",
    "test_install.py",
    "security/test_schema.py",
    "security/test_bytes.py",
)
"""The files that take longest. They start first, so that no worker ends long after the others."""

# A shell starts background jobs with Ctrl-C ignored, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


_LOOP = "--loop"


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option."""
    parser.addoption(
        _LOOP,
        choices=["asyncio", "uvloop"],
        help="have everything on one loop; else, where uvloop is installed, servers in "
        "processes of their own are on that, and all the rest on asyncio's",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the loop, if one was asked for."""
    match config.getoption(_LOOP):
        case "uvloop":
            import uvloop  # noqa: PLC0415 - an extra

            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        case "asyncio":
            ServerProcess.always = {"NOTIFIER_UVLOOP": "0"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers: none for the files that somebody names, to see or debug them directly."""
    if config.args_source is config.ArgsSource.ARGS:
        return 0
    return min(_WORKERS_PER_CORE * len(os.sched_getaffinity(0)), _MOST_WORKERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files: those that take long first, the others as they were."""
    tests = Path(__file__).parent
    ranks = {tests / name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_collection_finish() -> None:
    """All tests and modules are there, for good: the collector need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Servers inside the test process hash passwords with the least work that argon2 allows."""
    with pytest.MonkeyPatch.context() as patch:
        quick = functools.partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(hashes, "PasswordHasher", quick)
        yield


@pytest.fixture
def database_url() -> str:
    """The store of ``server``: the embedded one, unless a module says otherwise."""
    return ""


@pytest.fixture(params=["sqlite", "postgres"])
def each_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        yield ""
        return
    database = PostgresDatabase()
    yield database.address
    database.give_back()


@pytest_asyncio.fixture
async def server(tmp_path: Path, database_url: str) -> AsyncIterator[Harness]:
    """A running server with default settings."""
    async with running(settings_for(tmp_path, database_url=database_url)) as harness:
        yield harness


@pytest.fixture
def server_with(tmp_path: Path) -> ServerWith:
    """Run a server with other settings: ``async with server_with(retention_days=0) as …``."""
    return lambda **changes: running(settings_for(tmp_path, **changes))


@pytest.fixture
def server_process(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Make server processes, each to be started by the test and stopped afterwards."""
    made: list[ServerProcess] = []

    def make(**options: Any) -> ServerProcess:
        process = ServerProcess(tmp_path, **options)
        made.append(process)
        return process

    yield make
    for process in made:
        process.stop()


@pytest.fixture
def expected_errors() -> list[str]:
    """Messages of errors that the test wants to see in the log."""
    return []


@pytest.fixture(autouse=True)
def _no_unexpected_errors(
    caplog: pytest.LogCaptureFixture, expected_errors: list[str]
) -> Iterator[None]:
    yield
    errors = [
        record.getMessage()
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.ERROR
    ]
    unexpected = [text for text in errors if not any(part in text for part in expected_errors)]
    assert not unexpected, f"unexpected errors in the log: {unexpected}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where a server is missing, or the like: a failure in CI, elsewhere counted and said last."""
    report = yield
    left_out = MissingHistory if os.environ.get("CI") else MissingServer
    if call.excinfo and call.excinfo.errisinstance(left_out):
        name = str(call.excinfo.value)
        report.missing = name  # which travels with the report of a worker
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {name} is missing")
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[Any]:
    """Say last what was missing, and how many tests that left out."""
    result = yield
    skipped = terminalreporter.stats.get("skipped", ())
    for name, count in Counter(
        report.missing for report in skipped if hasattr(report, "missing")
    ).items():
        terminalreporter.write_line(
            f"MISSING: {name} is not here; {count} tests were left out", yellow=True
        )
    return result


@pytest.fixture
def held_sends(server: Harness, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Sends wait for this event before they reach the store."""
    free = asyncio.Event()
    send = server.server.notifications.send

    async def wait(*arguments: Any) -> Any:
        await free.wait()
        return await send(*arguments)

    monkeypatch.setattr(server.server.notifications, "send", wait)
    return free
