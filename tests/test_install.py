"""The program and its client as they are installed: from wheels, away from their source."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import notifier
from servers import ROOT
from servers.notifier import ServerProcess
from tests.support.harness import JSON, SECONDS, SEND

PACKAGES = ("notifier", "handlers", "amqp", "static")
CLIENT = Path("clients/python")
BROWSER_MODULES = sorted(
    file.relative_to(ROOT / "static").as_posix()
    for file in (ROOT / "static" / "notifier").rglob("*.js")
)
ORDER = ("notifier", "notifier_client")
PAPERS = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

# The task of docs/clients.md with its worker in one process, and a broker in its memory.
WORKER = """
import celery
import kombu.transport.pyamqp
from celery.contrib.testing.worker import start_worker

from tasks import tell

app = celery.Celery(broker="memory://", backend="cache+memory://")
with start_worker(app, perform_ping_check=False):
    tell.delay(1, {"title": "Paid"}, "order-1042-paid").get(timeout=30)
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def files(folder: Path, *packages: str) -> set[str]:
    """What belongs to ``packages`` in ``folder``."""
    return {
        file.relative_to(folder).as_posix()
        for package in packages
        for file in (folder / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def make_environment(folder: Path) -> Path:
    """An empty virtual environment; returns its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    return folder / "bin" / "python"


def install(python: Path, *wheels: Path) -> None:
    """Install ``wheels``; only their dependencies are borrowed from our environment."""
    for wheel in wheels:
        command = ("install", "--no-deps", "--no-index", wheel)
        run(*PIP, "--python", python, *command, cwd=wheel.parent)
    # A path in a .pth file, whose own .pth files are not read: our editable install stays out.
    (site_of(python.parents[1]) / "borrowed.pth").write_text(sysconfig.get_path("purelib"))


def site_of(environment: Path) -> Path:
    """Where the packages of ``environment`` are."""
    (site,) = environment.glob("lib/*/site-packages")
    return site


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of the server and of its client, by the name of their distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    source = folder / "source"
    # A copy, because building leaves its traces in the source.
    traces = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for name in (*PACKAGES, CLIENT):
        shutil.copytree(ROOT / name, source / name, ignore=traces)
    for paper in PAPERS:
        shutil.copy(ROOT / paper, source)
    run(*PIP, "wheel", "--no-deps", "--wheel-dir", folder, source, source / CLIENT, cwd=folder)
    return {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Path:
    """A virtual environment with the server's wheel."""
    environment = tmp_path_factory.mktemp("install") / "environment"
    install(make_environment(environment), wheels["notifier"])
    return environment


def test_the_wheel_is_complete(installed: Path) -> None:
    """Every file of the packages is installed, data files too, and nothing else."""
    client = "notifier_client"
    assert files(site_of(installed), *PACKAGES, client) == (
        files(ROOT, *PACKAGES) | files(ROOT / CLIENT, client)
    )


def test_make_says_what_takes_so_long(tmp_path: Path) -> None:
    """The first ``make run`` says that it installs and where, the second one has nothing to say."""
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text("#!/bin/sh\n")  # what it installs is another test's matter
    pip.chmod(0o755)
    make = ("make", "--no-print-directory", f"VENV={tmp_path}", f"PYTHON={sys.executable}")
    said = run(*make, f"{tmp_path}/.installed", cwd=ROOT)
    assert said.startswith(f"Installing Notifier and its libraries into {tmp_path};")
    assert "Installing" not in run(*make, f"{tmp_path}/.installed", cwd=ROOT)


def test_it_is_the_installed_one_that_runs(installed: Path, tmp_path: Path) -> None:
    """The source tree plays no part any more."""
    names = ", ".join((*PACKAGES, "notifier.client", "notifier_client"))
    script = f"import {names}; print(notifier.__file__, static.__file__, notifier_client.__file__)"
    places = run(installed / "bin" / "python", "-c", script, cwd=tmp_path).split()
    assert all(Path(place).is_relative_to(installed) for place in places)


def test_it_serves_from_anywhere(
    installed: Path, server_process: Callable[..., ServerProcess]
) -> None:
    """Started by its command in a foreign folder, it has its page, docs, schema and store."""
    process = server_process(PYTHONPATH="")
    process.program = [str(installed / "bin" / "notifier")]
    assert process.command("--version").stdout.startswith("notifier ")
    process.start()
    with httpx.Client(base_url=process.url, timeout=SECONDS) as http:
        for path, kind in (
            ("/api/notifications/", "text/html"),
            ("/static/notifier.js", "text/javascript"),
            ("/static/notifier-inbox.js", "text/javascript"),
            *((f"/static/{name}", "text/javascript") for name in BROWSER_MODULES),
            ("/static/page/main.js", "text/javascript"),
            ("/static/page.css", "text/css"),
            ("/api/docs/", "text/html"),
            ("/static/swagger/swagger-ui.css", "text/css"),
            ("/static/swagger/swagger-ui-bundle.js", "text/javascript"),
            ("/api/schema/", "application/json"),
            ("/healthz/ready/", "application/json"),
        ):
            answer = http.get(path)
            assert answer.status_code == 200, path
            assert answer.headers["Content-Type"].partition(";")[0] == kind
            assert answer.content
        sent = http.post(SEND, content=b'{"user_id": 1, "payload": "x"}', headers=JSON)
        assert sent.json()["seq"] == 1
    assert "admin" in process.command("users").stdout
    assert process.stop() == 0
    assert (process.folder / "data" / "notifier.sqlite3").exists()


@pytest.mark.parametrize("order", [ORDER, ORDER[::-1]])
def test_the_server_and_the_client_in_one_environment(
    order: tuple[str, ...], wheels: dict[str, Path], tmp_path: Path
) -> None:
    """Whichever is installed first, both work and there is one client."""
    python = make_environment(tmp_path / "environment")
    install(python, *(wheels[name] for name in order))
    script = "import notifier.client as a, notifier_client as b; print(a.Notifier is b.Notifier)"
    assert run(python, "-c", script, cwd=tmp_path) == "True\n"
    assert run(python.with_name("notifier"), "--version", cwd=tmp_path).startswith("notifier ")


@pytest.fixture(scope="module")
def back_end(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Path:
    """The Python of an environment with Celery and the client, and nothing borrowed."""
    folder = tmp_path_factory.mktemp("back-end")
    python = make_environment(folder / "environment")
    pip = (*PIP, "--python", python, "install", "--only-binary", ":all:")
    run(*pip, "celery>=5.4,<6", wheels["notifier_client"], cwd=folder)
    return python


def test_the_client_brings_httpx_alone(back_end: Path, tmp_path: Path) -> None:
    """It depends on httpx as the server does, has the server's version, and brings types."""
    script = """
import importlib.metadata as metadata, json
client = metadata.distribution("notifier-client")
print(json.dumps([client.version, client.requires, list(map(str, client.files))]))
"""
    version, requires, brought = json.loads(run(back_end, "-c", script, cwd=tmp_path))
    assert version == notifier.__version__
    assert requires == ["httpx<1,>=0.27"]
    assert "httpx>=0.27,<1\n" in (ROOT / "setup.cfg").read_text()
    ours = {name for name in brought if ".dist-info" not in name and "__pycache__" not in name}
    assert ours == files(ROOT / CLIENT, "notifier_client")
    assert "notifier_client/py.typed" in ours


def test_a_celery_task_sends(
    back_end: Path, tmp_path: Path, server_process: Callable[..., ServerProcess]
) -> None:
    """Celery, kombu and the client live in one environment, and the documented task sends."""
    process = server_process()
    process.start()
    documented = re.search(
        r"```python\n(# tasks\.py\n.*?)```", (ROOT / "docs" / "clients.md").read_text(), re.DOTALL
    )
    assert documented
    (tmp_path / "tasks.py").write_text(documented[1])
    (tmp_path / "worker.py").write_text(WORKER)
    run(back_end, tmp_path / "worker.py", cwd=tmp_path, NOTIFIER_URL=process.url)
    with closing(sqlite3.connect(process.folder / "data" / "notifier.sqlite3")) as store:
        stored = store.execute("SELECT key, payload FROM notifications").fetchall()
    assert stored == [("order-1042-paid", b'{"title":"Paid"}')]
