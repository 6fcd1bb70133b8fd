"""The page, the docs and their files: from what is installed, under a strict policy."""

import asyncio
import gzip
import importlib.util
import os
import re
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from handlers.assets import STATIC_FOLDER, Assets, installed
from tests.support.harness import SECONDS, Harness, ServerWith

COMPILED = Path(importlib.util.cache_from_source(str(STATIC_FOLDER / "__init__.py"))).name
PAGES = ("/api/notifications/", "/api/docs/")
PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


async def test_the_bare_address_leads_to_the_page(server: Harness) -> None:
    """/ redirects to the page."""
    answer = await server.http.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/api/notifications/"


@pytest.mark.parametrize("path", PAGES)
async def test_pages(server: Harness, path: str) -> None:
    """Page and docs are HTML, with and without the slash, for GET and HEAD."""
    for address in (path, path.rstrip("/")):
        answer = await server.http.get(address, headers=PLAIN)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<!doctype html>")
        head = await server.http.head(address, headers=PLAIN)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]


@pytest.mark.parametrize("path", PAGES)
async def test_policy(server: Harness, path: str) -> None:
    """No inline or foreign script runs, nobody may frame it, only pictures are of other hosts."""
    headers = (await server.http.get(path)).headers
    policy = dict(
        rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert ("https:" in policy["img-src"].split()) == (path == "/api/notifications/")
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
    start, inbox = imports(page / "main.js"), imports(page / "inbox" / "screen.js")
    account = imports(page / "account" / "dialog.js")
    # What a superuser's inbox has already.
    tools = imports(page / "tools" / "tools.js") | imports(page / "admin" / "areas.js")
    views = imports(page / "admin" / "views.js")
    html = (STATIC_FOLDER / "index.html").read_text()
    parts = re.split(r'<template id="(?:inbox|admin|account)-modules">', html)
    hints = [re.findall(r'rel="modulepreload" href="([^"]+)"', part) for part in parts]
    assert sorted(hints[0]) == sorted(map(served_at, start - {page / "main.js"}))
    assert sorted(hints[1]) == sorted(map(served_at, inbox - start))
    assert sorted(hints[2]) == sorted(map(served_at, views - tools - inbox - start))
    assert sorted(hints[3]) == sorted(map(served_at, account - inbox - start))


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
        ("GET", "/static/package.json", 404, "not_found"),
        ("GET", "/static/swagger/nothing.js", 404, "not_found"),
        ("GET", "/static/swagger/index.html", 404, "not_found"),
        ("GET", "/static/swagger/swagger-ui.js", 404, "not_found"),
        ("GET", "/static/page", 404, "not_found"),
        ("GET", "/static/notifier", 404, "not_found"),
        ("GET", "/static/", 404, "not_found"),
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
        assert f"swagger/{name}" in installed().files


async def test_the_client_is_compressed_and_shared(server: Harness) -> None:
    """Its modules travel compressed, apps of other origins may import them, and see upgrades."""
    for path in map(served_at, imports(STATIC_FOLDER / "notifier.js")):
        plain = await server.http.get(path, headers=PLAIN)
        small = await server.http.get(path, headers=GZIP)
        again = await server.http.get(path, headers=PLAIN | {"If-None-Match": etag(plain)})
        assert small.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert small.content == plain.content
        assert again.status_code == 304
        for answer in (plain, small, again):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert answer.headers["Cache-Control"] == "no-cache"


def etag(answer: httpx.Response) -> str:
    """What names the representation that was answered."""
    return str(answer.headers["ETag"])


async def raw(server: Harness, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its body as it travelled."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.http.stream("GET", path, headers=sent) as answer:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])


@pytest.mark.parametrize("path", ["/static/page.css", "/api/notifications/", "/api/schema/"])
async def test_each_encoding_is_a_representation_of_its_own(server: Harness, path: str) -> None:
    """Its tag, its length and its conditions are its own, and caches are told what it hangs on."""
    answers = {}
    for encoding in ("identity", "gzip"):
        answer, body = await raw(server, path, Accept_Encoding=encoding)
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(body)
        head = await server.http.head(path, headers={"Accept-Encoding": encoding})
        assert {**head.headers, "date": ""} == {**answer.headers, "date": ""}
        again, nothing = await raw(
            server, path, Accept_Encoding=encoding, If_None_Match=f'"other", W/{etag(answer)}'
        )
        assert (again.status_code, nothing) == (304, b"")
        for name in ("ETag", "Vary", "Cache-Control", "Content-Security-Policy"):
            assert again.headers[name] == answer.headers[name]
        answers[encoding] = etag(answer), body
    assert answers["identity"][0] != answers["gzip"][0]
    assert gzip.decompress(answers["gzip"][1]) == answers["identity"][1]
    other, _ = await raw(server, path, Accept_Encoding="gzip", If_None_Match=answers["identity"][0])
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br, gzip;q=0.8, *;q=0.1", "gzip"),
        ("deflate , gzip ; q=0.001", "gzip"),
        ("gzip;q=1.000", "gzip"),
        ("", None),
        ("identity", None),
        ("*", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, br", None),
        ("x-gzip-not", None),
        ("gzip;q=nan", None),
    ],
)
async def test_what_is_accepted(server: Harness, accepted: str, encoding: str | None) -> None:
    """Compressed is what may be compressed, and nothing else."""
    answer, _ = await raw(server, "/static/docs.js", Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == encoding


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_ranges(server: Harness, encoding: str) -> None:
    """A part is one of the representation whose tag it bears; with another's tag, it is whole."""
    path = "/static/swagger/swagger-ui.css"
    whole, body = await raw(server, path, Accept_Encoding=encoding)
    for asked, part in (("10-99", body[10:100]), ("10-", body[10:]), ("-7", body[-7:])):
        answer, got = await raw(
            server, path, Accept_Encoding=encoding, Range=f"bytes={asked}", If_Range=etag(whole)
        )
        assert (answer.status_code, got) == (206, part)
        assert etag(answer) == etag(whole)
        assert answer.headers["Content-Range"].endswith(f"/{len(body)}")
    for tag in ('"of another release"', "Tue, 15 Nov 1994 12:45:26 GMT"):
        answer, got = await raw(
            server, path, Accept_Encoding=encoding, Range="bytes=10-99", If_Range=tag
        )
        assert (answer.status_code, got) == (200, body)
    beyond, _ = await raw(server, path, Accept_Encoding=encoding, Range=f"bytes={len(body)}-")
    assert beyond.status_code == 416


@pytest.mark.parametrize("path", PAGES)
async def test_pages_refer_to_what_never_changes(server: Harness, path: str) -> None:
    """Files of a page are kept for a year, with all that they import, and not asked for again."""
    html = (await server.http.get(path)).text
    files = re.findall('"(/static/[^"]+)"', html)
    (version,) = {re.match(r"/static/v/[0-9a-f]{16}/", name)[0] for name in files}  # type: ignore[index]
    for name in (*files, version + "page/shared/words.ru.js"):
        answer = await server.http.get(name)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.content == (await server.http.get("/static/" + name[len(version) :])).content


async def test_a_page_of_another_release_finds_its_files(server: Harness) -> None:
    """While processes are replaced, a page's files come from another one, and are not kept."""
    for version in ("0123456789abcdef", "", "%ff"):
        answer = await server.http.get(f"/static/v/{version}/notifier.js")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        assert (await server.http.get(f"/static/v/{version}/index.html")).status_code == 404


def test_the_version_says_what_is_in_the_files() -> None:
    """Processes of one release agree on it, in whatever order they read; any change changes it."""
    version = Assets({"a.js": b"1", "b.html": b"2"}).version
    assert Assets({"b.html": b"2", "a.js": b"1"}).version == version
    for changed in ({"a.js": b"1", "b.html": b"3"}, {"a.js": b"1"}, {"b.js": b"1", "b.html": b"2"}):
        assert Assets(changed).version != version


async def test_compressed_once_and_not_on_the_loop(
    server_with: ServerWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask for a large file, it is compressed once, and nobody waits meanwhile."""
    threads = []

    def compress(content: bytes, *, mtime: float) -> bytes:
        threads.append(threading.get_ident())
        return gzip.compress(content, mtime=mtime)

    monkeypatch.setattr("handlers.assets.gzip", SimpleNamespace(compress=compress))
    installed.cache_clear()
    async with server_with() as server:
        path = "/static/swagger/swagger-ui-bundle.js"
        answers = await asyncio.gather(*[server.http.get(path, headers=GZIP) for _ in range(9)])
        assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
        assert len(threads) == 1
        assert threading.get_ident() not in threads
    installed.cache_clear()


async def test_answers_of_the_api_are_not_compressed(server: Harness) -> None:
    """A long answer, which holds what a sender sent, costs the loop no more than its bytes."""
    answer = await server.post({"user_id": 1, "payload": "x" * 100_000}, headers=GZIP)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
