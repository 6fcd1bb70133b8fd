"""The program as it is installed: from a wheel, away from its source."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.harness import JSON, SECONDS, SEND
from tests.support.process import ROOT, ServerProcess

PACKAGES = ("notifier", "handlers", "amqp", "static")
PAPERS = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def run(*command: str | Path, cwd: Path) -> str:
    finished = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def files(folder: Path) -> set[str]:
    """What belongs to the packages in ``folder``."""
    return {
        file.relative_to(folder).as_posix()
        for package in PACKAGES
        for file in (folder / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; only its dependencies are borrowed from ours."""
    folder = tmp_path_factory.mktemp("install")
    source, environment = folder / "source", folder / "environment"
    # A copy, because building leaves its traces in the source.
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for paper in PAPERS:
        if (ROOT / paper).exists():
            shutil.copy(ROOT / paper, source)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("notifier-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    python = environment / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = environment.glob("lib/*/site-packages")
    # A path in a .pth file, whose own .pth files are not read: our editable install stays out.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return environment


def test_the_wheel_is_complete(installed: Path) -> None:
    """Every file of the packages is installed, data files too, and nothing else."""
    (site,) = installed.glob("lib/*/site-packages")
    assert files(site) == files(ROOT)


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
    script = "import notifier, handlers, amqp, static; print(notifier.__file__, static.__file__)"
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
