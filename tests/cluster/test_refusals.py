"""What does not go together is refused at the start, in words that help."""

import subprocess
from pathlib import Path

import pytest

from servers.notifier import ServerProcess


def _refusal(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a server that must not start."""
    return ServerProcess(folder, **environment).command("serve")


def test_redis_needs_a_shared_database(tmp_path: Path) -> None:
    """Several processes cannot share the embedded store."""
    refused = _refusal(tmp_path, REDIS_URL="redis://:hidden@127.0.0.1:1")
    assert refused.returncode == 2
    assert "REDIS_URL: it connects several processes, and these need PostgreSQL" in refused.stderr
    assert "DATABASE_URL" in refused.stderr
    assert "hidden" not in refused.stderr


def test_several_processes_need_one_secret(tmp_path: Path) -> None:
    """Without a common secret, each process would refuse the tokens of the others."""
    refused = _refusal(
        tmp_path,
        REDIS_URL="redis://127.0.0.1:1",
        DATABASE_URL="postgresql://127.0.0.1:1/none",
        SECRET_KEY="",
    )
    assert refused.returncode == 2
    assert "SECRET_KEY: several processes" in refused.stderr


def test_several_processes_on_one_folder(tmp_path: Path) -> None:
    """A second server on the same embedded store is told what several processes need."""
    first = ServerProcess(tmp_path)
    first.start()
    try:
        refused = _refusal(tmp_path)
        assert refused.returncode == 1
        assert "Several processes need DATABASE_URL (PostgreSQL)" in refused.stderr
    finally:
        first.stop()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("REDIS_URL", "http://:hidden@host", "expected redis://"),
        ("REDIS_URL", "redis+sentinel://:hidden@host", "redis+sentinel://host:port"),
        ("NOTIFIER_TRUSTED_PROXIES", "10.0.0.0/8, nginx", "'nginx'"),
        ("NOTIFIER_TRUSTED_PROXIES", "10.0.0.1/8", "host bits"),
    ],
)
def test_values_that_do_not_fit(tmp_path: Path, name: str, value: str, words: str) -> None:
    """A wrong address is refused with what would fit, and without the password in it."""
    environment = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", name: value}
    refused = _refusal(tmp_path, **environment)
    assert refused.returncode == 2
    assert name in refused.stderr
    assert words in refused.stderr
    assert "hidden" not in refused.stderr
