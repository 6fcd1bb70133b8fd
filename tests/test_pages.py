"""The page, the docs and their files: from what is installed, under a strict policy."""

import asyncio
import importlib.util
import os
import re
import socket
from pathlib import Path

import pytest

from handlers.pages import STATIC_FOLDER, SWAGGER_FOLDER
from tests.support.harness import SECONDS, Harness

COMPILED = Path(importlib.util.cache_from_source(str(STATIC_FOLDER / "__init__.py"))).name
PAGES = ("/api/notifications/", "/api/docs/")


async def test_the_bare_address_leads_to_the_page(server: Harness) -> None:
    """/ redirects to the page."""
    answer = await server.http.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/api/notifications/"


@pytest.mark.parametrize("path", PAGES)
async def test_pages(server: Harness, path: str) -> None:
    """Page and docs are HTML, with and without the slash, for GET and HEAD."""
    for address in (path, path.rstrip("/")):
        answer = await server.http.get(address, headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<!doctype html>")
        head = await server.http.head(address)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]


@pytest.mark.parametrize("path", PAGES)
async def test_policy(server: Harness, path: str) -> None:
    """No inline or foreign script runs, nobody may frame it, nothing is asked of other hosts."""
    headers = (await server.http.get(path)).headers
    policy = dict(
        rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in str(policy)
    assert ("unsafe-inline" in policy["style-src"]) == (path == "/api/docs/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", PAGES)
async def test_everything_a_page_asks_for_is_there(server: Harness, path: str) -> None:
    """All scripts, styles and icons are served by us, of the right type; nothing is inline."""
    html = (await server.http.get(path)).text
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"\son\w+=|\sstyle=|<style", html)
    addresses = re.findall(r'<(?:script|link|img)[^>]*\s(?:src|href)="([^"#]+)"', html)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/"), address
        answer = await server.http.get(address)
        assert answer.status_code == 200, address
        kind = answer.headers["Content-Type"]
        expected = {"js": "javascript", "css": "text/css", "svg": "image/svg", "png": "image/png"}
        assert expected[address.rpartition(".")[2]] in kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def served_at(file: Path) -> str:
    """Where a file of ours is served."""
    return f"/static/{file.relative_to(STATIC_FOLDER).as_posix()}"


def imports(file: Path) -> set[Path]:
    """The modules without which ``file`` does not run, itself included."""
    found = {file}
    waiting = [file]
    while waiting:
        importing = waiting.pop()
        names = re.findall(r'^(?:import|export)[^;]*? from "([^"]+)"', importing.read_text(), re.M)
        more = {Path(os.path.normpath(importing.parent / name)) for name in names} - found
        found |= more
        waiting += more
    return found


async def test_every_module_that_is_imported_is_served(server: Harness) -> None:
    """The page's modules find each other."""
    for module in set().union(*map(imports, STATIC_FOLDER.rglob("*.js"))):
        assert (await server.http.get(served_at(module))).status_code == 200, module


def test_the_page_names_its_modules_beforehand() -> None:
    """A browser fetches the modules of a screen side by side, not one after the other."""
    page = STATIC_FOLDER / "page"
    start, inbox = imports(page / "main.js"), imports(page / "inbox.js")
    now, later = (STATIC_FOLDER / "index.html").read_text().split('<template id="inbox-modules">')
    hints = [re.findall(r'rel="modulepreload" href="([^"]+)"', part) for part in (now, later)]
    assert sorted(hints[0]) == sorted(map(served_at, start - {page / "main.js"}))
    assert sorted(hints[1]) == sorted(map(served_at, inbox - start))


async def test_files_are_revalidated(server: Harness) -> None:
    """A file that has not changed costs no transfer, and an upgrade is seen at once."""
    for address in ("/static/docs.js", "/static/swagger/swagger-ui.css", "/api/notifications/"):
        first = await server.http.get(address)
        assert first.headers["Cache-Control"] == "no-cache"
        again = await server.http.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/nothing/", 404, "not_found"),
        ("POST", "/api/notifications/send/more/", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/static/__init__.py", 404, "not_found"),
        ("GET", f"/static/__pycache__/{COMPILED}", 404, "not_found"),
        ("GET", "/static/swagger/nothing.js", 404, "not_found"),
        ("GET", "/static/swagger/index.html", 404, "not_found"),
        ("GET", "/static/swagger/swagger-ui.js", 404, "not_found"),
        ("GET", "/static/page", 403, "forbidden"),
        ("GET", "/static/notifier", 403, "forbidden"),
        ("GET", "/static/", 403, "forbidden"),
        ("POST", "/api/notifications/", 405, "method_not_allowed"),
        ("DELETE", "/api/docs/", 405, "method_not_allowed"),
        ("PUT", "/static/docs.js", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there(
    server: Harness, method: str, path: str, status: int, code: str
) -> None:
    """Errors are JSON, never a page of the framework, and say nothing of our files."""
    answer = await server.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert answer.headers["Content-Type"] == "application/json"
    assert str(STATIC_FOLDER) not in answer.text


@pytest.mark.parametrize("prefix", ["/static/", "/static/swagger/"])
@pytest.mark.parametrize(
    "path",
    [
        "../setup.cfg",
        "../notifier/config.py",
        "..%2fsetup.cfg",
        "%2e%2e/setup.cfg",
        "%2e%2e%2fsetup.cfg",
        "..%5csetup.cfg",
        "page/../../setup.cfg",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "x/../../../../../../../../etc/passwd",
        "%00",
        "docs.js%00.py",
        "../../../../../../../../etc/swagger-ui.css",
    ],
)
async def test_no_way_out_of_the_folder(server: Harness, prefix: str, path: str) -> None:
    """Whatever the path says, nothing outside of the folder is read, and nothing breaks."""
    request = f"GET {prefix}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    def fetch() -> bytes:
        with socket.create_connection(("127.0.0.1", server.server.port), SECONDS) as raw:
            raw.sendall(request.encode())
            return b"".join(iter(lambda: raw.recv(1 << 16), b""))

    answer = await asyncio.to_thread(fetch)
    assert re.match(rb"HTTP/1.1 40[034] ", answer), answer[:200]
    assert b"root:" not in answer
    assert b"[metadata]" not in answer
    assert b'"code":' in answer


def test_only_needed_files_of_swagger_ui() -> None:
    """Those that the docs page uses exist in the installed package."""
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert (SWAGGER_FOLDER / name).is_file()


async def test_the_client_is_compressed_and_shared(server: Harness) -> None:
    """Its modules travel compressed, apps of other origins may import them, and see upgrades."""
    for path in map(served_at, imports(STATIC_FOLDER / "notifier.js")):
        plain = await server.http.get(path, headers={"Accept-Encoding": "identity"})
        small = await server.http.get(path, headers={"Accept-Encoding": "gzip"})
        again = await server.http.get(path, headers={"If-None-Match": plain.headers["ETag"]})
        assert small.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert small.content == plain.content
        assert again.status_code == 304
        for answer in (plain, small, again):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cache-Control"] == "no-cache"
