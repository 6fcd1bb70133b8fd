"""The recipes of docs/identity.md, as they stand there, against a real server."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.config import load
from servers import ROOT
from servers.missing import MissingServer
from tests.support.harness import SECRET, Harness, ServerWith, running, settings_for

PAPER = (ROOT / "docs" / "identity.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAPER, re.DOTALL)
FILES = {
    found[1]: code
    for language, code in BLOCKS
    if language == "python" and (found := re.match(r"# (\S+\.py)\n", code))
}
COMMANDS = [code for language, code in BLOCKS if language == "sh" and "openssl" in code]
SETTINGS = dict(
    re.findall(r"^(NOTIFIER_\w+)=(.*)$", "".join(code for _, code in BLOCKS), re.MULTILINE)
)
"""Of Notifier: those of the JWK set as well."""

DJANGO = """
import sys
import django
from django.conf import settings

settings.configure(
    ROOT_URLCONF="urls",
    SECRET_KEY="of Django",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=[f"django.contrib.{app}" for app in ("auth", "contenttypes", "sessions")],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
client = Client()
assert client.get("/notifier-token").status_code == 401
client.force_login(User.objects.create_user("ann", pk=42))
answer = client.get("/notifier-token")
assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
sys.stdout.write(answer.content.decode())
"""

FASTAPI = """
import asyncio
import sys
import httpx
from app import app

async def ask():
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.example") as http:
        assert (await http.get("/notifier-token")).status_code == 401
        http.cookies.set("session", "a session of ann's")
        answer = await http.get("/notifier-token")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    sys.stdout.write(answer.text)

asyncio.run(ask())
"""

PLAIN = """
import sys
from notifier_token import notifier_token
sys.stdout.write(notifier_token("auth0|5f7c"))
"""


@pytest.fixture
def back_end(tmp_path: Path) -> Path:
    """A folder with everything that the recipes make."""
    if shutil.which("openssl") is None:
        raise MissingServer("openssl")
    folder = tmp_path / "back end"
    folder.mkdir()
    (commands,) = COMMANDS
    run(folder, "sh", "-e", "-c", commands)
    for name, code in FILES.items():
        (folder / name).write_text(code)
    return folder


def run(folder: Path, *command: str) -> str:
    """What a command prints, which has to succeed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settings(folder: Path, **changes: str | None) -> dict[str, object]:
    """The settings of the recipes, with files where they are here."""
    variables = {**SETTINGS, "SECRET_KEY": SECRET, **changes}
    given = {name: text for name, text in variables.items() if text is not None}
    found = load({}, given, folder / ".env").settings
    return {
        name: getattr(found, name)
        for name in found.__struct_fields__
        if name.startswith(("jwt_", "jwks_", "users"))
    }


async def me(server: Harness, token: str) -> object:
    """Whom the server takes the holder of ``token`` for."""
    headers = {"Authorization": f"Bearer {token}"}
    async with server.connect_me(token) as device:
        await device.nothing_more()
    return (await server.http.get("/api/users/me/", headers=headers)).json().get("user")


@pytest.mark.parametrize(
    ("script", "user"),
    [(PLAIN, "auth0|5f7c"), (DJANGO, "42"), (FASTAPI, "ann")],
    ids=["PyJWT", "Django", "FastAPI"],
)
async def test_back_ends(back_end: Path, server_with: ServerWith, script: str, user: str) -> None:
    """A token of each back end connects its user, and only who is signed in there gets one."""
    token = await asyncio.to_thread(run, back_end, sys.executable, "-c", script)
    file = str(back_end / SETTINGS["NOTIFIER_JWT_PUBLIC_KEY_FILE"])
    changed = settings(back_end, NOTIFIER_JWT_PUBLIC_KEY_FILE=file, NOTIFIER_JWKS_URL=None)
    async with server_with(**changed) as server:
        assert await me(server, token) == user


async def test_a_set_from_a_file(back_end: Path, tmp_path: Path) -> None:
    """The set that the recipe writes verifies what is signed with the name of its key."""
    token = await asyncio.to_thread(run, back_end, sys.executable, "-c", PLAIN)
    publish = (sys.executable, "publish_keys.py", "jwks.json", "2026-01=public_key.pem")
    await asyncio.to_thread(run, back_end, *publish)
    address = (back_end / "jwks.json").as_uri()
    changed = settings(back_end, NOTIFIER_JWT_PUBLIC_KEY_FILE=None, NOTIFIER_JWKS_URL=address)
    async with running(settings_for(tmp_path, **changed)) as server:
        assert await me(server, token) == "auth0|5f7c"


def test_all_recipes_are_tried() -> None:
    """Every Python recipe of the page has a name, and is one of those above."""
    python = [code for language, code in BLOCKS if language == "python"]
    assert len(FILES) == len(python)
    assert set(FILES) == {
        "notifier_token.py",
        "notifications.py",
        "urls.py",
        "app.py",
        "publish_keys.py",
    }
