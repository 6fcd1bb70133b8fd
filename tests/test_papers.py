"""The papers tell the truth: settings, commands, links."""

import re

import pytest

from notifier.cli import main
from notifier.config import SETTINGS
from tests.support.process import ROOT

README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_table() -> None:
    """README's table has each setting with its default and its description, and no other."""
    rows = {
        row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", README, re.M)
    }
    assert list(rows) == [setting.variable for setting in SETTINGS]
    for setting in SETTINGS:
        default, description = rows[setting.variable]
        value = int(setting.default) if isinstance(setting.default, bool) else setting.default
        shown = "" if setting.secret and value == "" else str(value)
        assert default.strip("`") == shown, setting.variable
        assert description == setting.description


def test_example_settings_exist() -> None:
    """.env.example names nothing but settings."""
    known = {setting.variable for setting in SETTINGS}
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert named
    assert set(named) <= known


def test_links_lead_somewhere() -> None:
    """Every relative link of the papers points to a file of the repository."""
    for paper in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", paper.read_text()):
            if "://" not in target:
                assert (paper.parent / target).exists(), f"{paper.name}: {target}"


def test_python_is_explained_first() -> None:
    """README says which ``python`` it means before it uses it."""
    explained = README.index("`python` is `.venv/bin/python`")
    assert explained < README.index("python -m notifier")


def test_no_passwords_in_arguments() -> None:
    """No command of the docs has a password in an address: arguments are public."""
    for paper in [README, *[each.read_text() for each in (ROOT / "docs").glob("*.md")]]:
        for command in re.findall(r"^.*(?:notifier|docker|curl) .*$", paper, re.M):
            if not command.startswith("|"):
                assert not re.search(r"\w+://[^/\s@:]*:[^/\s@]+@", command), command


def test_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that README mentions is one."""
    for command in set(re.findall(r"python -m notifier ([a-z-]+)", README)):
        try:
            main([command, "--help"])
        except SystemExit as end:
            assert end.code == 0, command
    capsys.readouterr()
