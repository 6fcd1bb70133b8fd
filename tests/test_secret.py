"""The signing secret: made once, kept for its owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notifier.errors import CannotStart
from notifier.identity.secret import FILE_NAME, signing_secrets
from tests.support.harness import SECRET, Harness, settings_for


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


async def test_nothing_in_the_folder_is_for_others(server: Harness, tmp_path: Path) -> None:
    """Secret, store and lock can be read by their owner only, whoever made the folder."""
    await server.send(server.admin, "private")
    signing_secrets(settings_for(tmp_path, secret_key=""))
    modes = file_modes(tmp_path)
    assert len(modes) >= 4
    assert set(modes.values()) == {0o600}, modes


def file_modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
