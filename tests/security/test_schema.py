"""Strangers read the OpenAPI document and try whatever it allows and forbids."""

import re
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from notifier.models import WhoseUsers
from servers import ROOT
from servers.notifier import ServerProcess
from tests.security.table import Now
from tests.support.harness import ADMIN_PASSWORD
from tests.support.naming import environment_of

_CONFIG = ROOT / "tests" / "security" / "schemathesis.toml"
_SECONDS = 900.0
"""For all of it, also on a busy machine."""


def credentials(server: ServerProcess, kind: str) -> dict[str, str]:
    """A header that lets in, or none."""
    if kind == "key":
        made = server.command("apikey", "create", "--name", "x", *("--scope", "identity"))
        [key] = re.findall(r"^ntf_\S+$", made.stdout, re.MULTILINE)
        return {"X-API-Key": key}
    if kind == "token":
        answer = httpx.post(
            f"{server.url}/api/users/token/",
            json={"username": "admin", "password": ADMIN_PASSWORD},
        )
        return {"Authorization": f"Bearer {answer.json()['access']}"}
    return {}


@pytest.mark.attack(
    "schemathesis with all its checks: what the document allows and forbids",
    before="valid requests refused (payload null, odd header keys), an empty key ignored",
)
@pytest.mark.parametrize(
    ("each_database_url", "kind", "users"),
    [
        ("sqlite", "nothing", "accounts"),
        ("sqlite", "key", "external"),
        ("postgres", "token", "both"),
    ],
    indirect=["each_database_url"],
)
def test_documented_and_kept_to(
    server_process: Callable[..., ServerProcess],
    each_database_url: str,
    kind: str,
    *,
    users: WhoseUsers,
    in_full: bool,
    now: Now,
) -> None:
    """Whatever is sent gets an answer that the document foresees, and none is a fault of ours."""
    server = server_process(DATABASE_URL=each_database_url, **environment_of(users))
    server.start()
    headers = credentials(server, kind)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", f"--config-file={_CONFIG}"),
            *("run", f"{server.url}/api/schema/"),
            *("--checks", "all", "--continue-on-failure", "--no-color"),
            *("--max-examples", "200" if in_full else "3"),
            *(f"--header={name}: {value}" for name, value in headers.items()),
        ],
        cwd=server.folder,
        env={"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.security.strangers"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.stop() == 0
    assert "Traceback" not in server.log
    [cases] = re.findall(r"(\d+) generated", done.stdout)
    now(f"{cases} with {kind} on {'PostgreSQL' if each_database_url else 'SQLite'}: all pass")
