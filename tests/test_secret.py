"""The signing secrets: made once, kept for their owner alone, and replaced."""

import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from notifier.config import load
from notifier.errors import CannotStart, InvalidSettings, NotifierError
from notifier.identity.secret import FILE_NAME, rotate, signing_secrets
from notifier.settings import Settings
from notifier.storage.sqlite import FILE_NAME as STORE
from servers.notifier import ServerProcess
from tests.support.harness import ADMIN_PASSWORD, SECONDS, SECRET, Harness, settings_for

NEW = "a-new-secret-for-tests-a-new-secret"


def test_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    """The first start makes it, in a folder of its own; later ones find it."""
    settings = settings_for(tmp_path / "a" / "data", secret_key="")
    (secret,) = signing_secrets(settings)
    assert len(secret) >= 32
    assert signing_secrets(settings) == (secret,)
    file = tmp_path / "a" / "data" / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [found.name for found in file.parent.iterdir()] == [FILE_NAME]


def test_every_folder_has_its_own(tmp_path: Path) -> None:
    """Two installations do not share a secret."""
    secrets = {signing_secrets(settings_for(tmp_path / name, secret_key="")) for name in "abc"}
    assert len(secrets) == 3


def test_a_given_one_is_taken(tmp_path: Path) -> None:
    """With SECRET_KEY no file is made."""
    assert signing_secrets(settings_for(tmp_path)) == (SECRET,)
    assert list(tmp_path.iterdir()) == []


def test_starts_at_the_same_moment_agree(tmp_path: Path) -> None:
    """However many make it at once, all use the same one, and no draft is left."""
    for round_ in range(10):
        settings = settings_for(tmp_path / str(round_), secret_key="")
        with ThreadPoolExecutor(8) as pool:
            secrets = set(pool.map(lambda _, given=settings: signing_secrets(given), range(8)))
        assert len(secrets) == 1
        assert [found.name for found in (tmp_path / str(round_)).iterdir()] == [FILE_NAME]


def test_a_draft_that_was_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    """A start that died half-way does not stop the next one."""
    (tmp_path / f"{FILE_NAME}.12345").write_text("half a sec")
    assert len(signing_secrets(settings_for(tmp_path, secret_key=""))[0]) >= 32


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 64, b"x" * 40 + b"\nshort\n"])
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes) -> None:
    """An empty, short or garbled file is refused, not used to sign what anyone can forge."""
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(CannotStart, match=FILE_NAME):
        signing_secrets(settings_for(tmp_path, secret_key=""))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The reason is given, with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="cannot be used"):
        signing_secrets(settings_for(tmp_path / "file" / "data", secret_key=""))


class TestSeveral:
    """Secrets that are given in one setting."""

    @pytest.mark.parametrize(
        "text", [f"{SECRET},{NEW}", f" {SECRET} , {NEW},\n", f"{SECRET}\r\n{NEW}"]
    )
    def test_separators(self, text: str) -> None:
        """Commas and line breaks separate them, and what surrounds them is none of theirs."""
        assert Settings(secret_key=text).secrets == (SECRET, NEW)

    def test_spaces_do_not_separate(self) -> None:
        """One secret is taken as it stands."""
        words = "correct horse battery staple and so on "
        assert Settings(secret_key=words).secrets == (words,)

    def test_twice_is_once(self) -> None:
        """The same secret named twice is one."""
        assert Settings(secret_key=f"{SECRET},{NEW},{SECRET}").secrets == (SECRET, NEW)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("short", "wants at least 32 characters."),
            (f"{SECRET},short", "number 2 of the 2 wants at least 32 characters"),
            (f"short,{SECRET},{NEW}", "number 1 of the 3 wants at least 32 characters"),
            (",", "holds no secret"),
        ],
    )
    def test_too_short(self, text: str, problem: str) -> None:
        """A short one is refused by its place, without being repeated."""
        with pytest.raises(InvalidSettings) as refused:
            load({}, {"SECRET_KEY": text}, Path("/nonexistent"))
        assert refused.value.message.startswith(f"SECRET_KEY: {problem}")
        assert "short" not in refused.value.message


class TestRotate:
    """A new secret for the file."""

    def test_newest_first(self, tmp_path: Path) -> None:
        """The new one comes first, before as many old ones as are to be kept."""
        settings = settings_for(tmp_path, secret_key="")
        (first,) = signing_secrets(settings)
        assert rotate(settings, 1) == (tmp_path / FILE_NAME, 1)
        second, kept = signing_secrets(settings)
        assert kept == first
        assert rotate(settings, 1)[1] == 1
        assert signing_secrets(settings)[1:] == (second,)
        assert rotate(settings, 5)[1] == 2
        assert signing_secrets(settings)[2] == second
        assert rotate(settings, 0)[1] == 0
        assert len(signing_secrets(settings)) == 1
        assert file_modes(tmp_path) == {FILE_NAME: 0o600}

    def test_a_link_stays_one(self, tmp_path: Path) -> None:
        """A file that is elsewhere is replaced there."""
        elsewhere = tmp_path / "secrets" / "notifier"
        elsewhere.parent.mkdir()
        elsewhere.write_text(SECRET)
        (tmp_path / FILE_NAME).symlink_to(elsewhere)
        settings = settings_for(tmp_path, secret_key="")
        assert rotate(settings, 1)[0] == elsewhere
        assert (tmp_path / FILE_NAME).is_symlink()
        assert signing_secrets(settings)[1:] == (SECRET,)

    def test_a_given_one(self, tmp_path: Path) -> None:
        """Where SECRET_KEY is set, no file is made, and it is said what to do instead."""
        with pytest.raises(NotifierError, match="SECRET_KEY is set"):
            rotate(settings_for(tmp_path), 1)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_holds_no_secret(self, tmp_path: Path) -> None:
        """A file that no start would take is not built upon."""
        (tmp_path / FILE_NAME).write_text("short")
        with pytest.raises(CannotStart):
            rotate(settings_for(tmp_path, secret_key=""), 1)
        assert (tmp_path / FILE_NAME).read_text() == "short"

    def test_a_disk_that_takes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the new one cannot be written, the old one is untouched."""
        settings = settings_for(tmp_path, secret_key="")
        before = signing_secrets(settings)

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(CannotStart, match="cannot be replaced: No space left"):
                rotate(settings, 1)
        assert signing_secrets(settings) == before

    def test_beside_a_server(self, server_process: Callable[..., ServerProcess]) -> None:
        """The command tells what to do next; what was signed before counts behind the restart."""
        process = server_process(SECRET_KEY="")
        process.start()
        credentials = {"username": "admin", "password": ADMIN_PASSWORD}
        with httpx.Client(base_url=process.url, timeout=SECONDS) as http:
            tokens = http.post("/api/users/token/", json=credentials).json()
            http.post("/api/users/session/", json=credentials).raise_for_status()
            done = process.command("secret", "rotate")
            assert (done.returncode, done.stderr) == (0, "")
            assert "restart" in done.stdout
            secrets = (process.folder / "data" / FILE_NAME).read_text().split()
            assert len(secrets) == 2
            with closing(sqlite3.connect(process.folder / "data" / STORE)) as store:
                (entry,) = store.execute(
                    "SELECT action, actor, details FROM audit WHERE action = 'secret_rotated'"
                )
            assert (entry[0], entry[2]) == ("secret_rotated", '{"kept":1}')
            assert entry[1].startswith("cli:")
            for restart in (False, True):
                if restart:
                    process.stop()
                    process.start()
                for token in tokens.values():
                    answer = http.post("/api/users/token/verify/", json={"token": token})
                    assert answer.status_code == 200
                assert http.post("/api/users/session/refresh/", json={}).status_code == 200
            done = process.command("secret", "rotate", "--keep", "0")
            assert "ends all sessions and tokens" in done.stdout
            process.stop()
            process.start()
            answer = http.post("/api/users/token/verify/", json={"token": tokens["access"]})
            assert answer.status_code == 401
            assert http.post("/api/users/session/refresh/", json={}).status_code == 401
        secrets += (process.folder / "data" / FILE_NAME).read_text().split()
        for secret in secrets:
            assert secret not in process.log + process.output + done.stdout

    def test_without_a_store(self, server_process: Callable[..., ServerProcess]) -> None:
        """What cannot be recorded has happened all the same, and both are said."""
        process = server_process(SECRET_KEY="", DATABASE_URL="postgresql://127.0.0.1:1/none")
        done = process.command("secret", "rotate")
        assert done.returncode == 0
        assert "has a new secret" in done.stdout
        assert done.stderr.startswith("notifier: not in the audit log: ")

    def test_refused_by_the_command(self, server_process: Callable[..., ServerProcess]) -> None:
        """A secret that is set elsewhere, and a number that is none, are refused in one line."""
        process = server_process()
        refused = process.command("secret", "rotate")
        assert refused.returncode == 1
        assert "SECRET_KEY is set" in refused.stderr
        for keep in ("-1", "x", "²"):
            refused = process.command("secret", "rotate", f"--keep={keep}", SECRET_KEY="")
            assert refused.returncode == 2
            assert "whole number" in refused.stderr
        assert not (process.folder / "data").exists()


async def test_nothing_in_the_folder_is_for_others(server: Harness, tmp_path: Path) -> None:
    """Secret, store and lock can be read by their owner only, whoever made the folder."""
    await server.send(server.admin, "private")
    signing_secrets(settings_for(tmp_path, secret_key=""))
    modes = file_modes(tmp_path)
    assert len(modes) >= 4
    assert set(modes.values()) == {0o600}, modes


def file_modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
