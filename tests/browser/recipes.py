"""The recipes of docs/bell.md, each in a small application of tests/browser/apps."""

import json
import mimetypes
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from servers import ROOT
from servers.program import Program
from tests.browser.backend import Backend
from tests.browser.bell import Shop
from tests.support.harness import ADMIN_PASSWORD, SECONDS
from tests.support.javascript import NEXT, NODE, environment

DOCUMENT = (ROOT / "docs" / "bell.md").read_text()
APPS = Path(__file__).with_name("apps")


def recipe(heading: str, kind: str, server: str = "") -> str:
    """The block of this kind below a heading of the document, for a server of ours."""
    _, _, below = DOCUMENT.partition(f"\n### {heading}\n")
    section, _, _ = below.partition("\n### ")
    (block,) = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return str(block).replace("https://notify.example", server)


def copy_app(name: str, folder: Path) -> Path:
    """One of the applications, without its recipe, in ``folder``."""
    return shutil.copytree(APPS / name, folder / name)


class App(Shop):
    """A site that serves a built application, with one page for all of its addresses."""

    def __init__(self, backend: Backend, user: str, folder: Path) -> None:
        super().__init__(backend)
        self.user = user
        self.folder = folder

    @property
    def policy(self) -> str:
        """Nothing from anywhere else; the recipe for plain HTML has its script in the page."""
        server = self.backend.url
        return f"default-src 'self' 'unsafe-inline' {server} {server.replace('http', 'ws', 1)}"

    def _token(self) -> str:
        return identity(self.backend, self.user)

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, kind and content of a path."""
        if path == "/my/identity-token":
            return 200, "application/json", json.dumps({"identity": self.token()})
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            file = self.folder / "index.html"
        kind, _ = mimetypes.guess_type(file.name)
        return 200, str(kind), file.read_text()


class NextServer(Program):
    """What Next.js has built, served by itself."""

    NAME = "Next.js"

    def __init__(self, folder: Path, token: str) -> None:
        super().__init__(folder=folder)
        self._token = token

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str | Path]:
        program = NEXT / "next" / "dist" / "bin" / "next"
        return NODE, program, "start", "--hostname", "127.0.0.1", "--port", str(self.port)

    def environment(self) -> Mapping[str, str]:
        """Ours, and what its back end gives as a token."""
        return environment() | {"IDENTITY": self._token}


def identity(backend: Backend, user: str) -> str:
    """An identity token of a user of the application."""
    with httpx.Client(base_url=backend.url, timeout=SECONDS) as http:
        admin = {"username": "admin", "password": ADMIN_PASSWORD}
        access = http.post("/api/users/token/", json=admin).raise_for_status().json()["access"]
        headers = {"Authorization": f"Bearer {access}"}
        answer = http.post("/api/users/identity/", json={"user": user}, headers=headers)
        token: str = answer.raise_for_status().json()["identity"]
        return token
