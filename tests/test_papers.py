"""The papers tell the truth: settings, commands, links, recipes."""

import asyncio
import re
from typing import Any

import pytest
import websockets

from notifier.config import SETTINGS
from notifier.identity.keys import digest
from notifier.process.cli import main
from notifier.storage.operations.keys import CreateApiKey, RevokeApiKey
from notifier.storage.operations.users import EndSessions, SetActive
from servers import ROOT
from tests.support.harness import Harness

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
    """.env.example names nothing but settings, and what docker-compose.yml asks for."""
    known = {setting.variable for setting in SETTINGS}
    known |= set(re.findall(r"\$\{(\w+):", (ROOT / "docker-compose.yml").read_text()))
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


async def test_the_identity_recipe(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The back end of browser.md gets tokens that open connections, whatever happens to a user."""
    paper = (ROOT / "docs" / "browser.md").read_text()
    (recipe,) = re.findall(r"```python\n(.*?)```", paper, re.DOTALL)
    (scope,) = re.findall(r"apikey create --name web --scope (\w+) ", paper)
    ann = await server.user()
    store = server.server.store
    await store.submit(CreateApiKey("web", digest("ntf_web"), (scope,)))
    monkeypatch.setenv("NOTIFIER_URL", server.url)
    monkeypatch.setenv("NOTIFIER_API_KEY", "ntf_web")
    backend: dict[str, Any] = {}
    exec(recipe, backend)

    async def token(user_id: int = ann.id) -> str | None:
        return await asyncio.to_thread(backend["identity_token"], user_id)

    for change in (EndSessions(ann.id), SetActive(ann.id, False)):
        old = await token()
        assert old is not None
        async with server.connect(ann, token=old) as device:
            await device.nothing_more()
            await store.submit(change)
            assert (await device.closed())[0] == 4403
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(server.socket_url(ann, old))
    assert await token() is None
    await store.submit(SetActive(ann.id, True))
    async with server.connect(ann, token=await token()) as device:
        await device.nothing_more()
    assert await token(99) is None
    await store.submit(RevokeApiKey("web"))
    with pytest.raises(backend["httpx"].HTTPStatusError, match="401"):
        await token()
    backend["notifier"].close()
