"""What strangers can do with pages, files, headers and cookies."""

import asyncio
import re
from http.cookies import SimpleCookie

import httpx
import pytest

from handlers.pages import AssetHandler
from handlers.routes import routes
from notifier import __version__
from tests.support.harness import ADMIN_PASSWORD, JSON, SECONDS, SEND, Harness

SESSION = "/api/users/session/"
SIGN_IN = {"username": "admin", "password": ADMIN_PASSWORD}
STATIC = r"/static/((?:v/[^/]*/)?)(.*)$"
ROUTES = [route.regex.pattern for route in routes()]
PAGES = ("/api/notifications/", "/api/docs/")
FILES = (
    "/static/notifier.js",
    "/static/page.css",
    "/static/icon.svg",
    "/static/notifier.d.ts",
    "/static/v/0123456789abcdef/page/main.js",
    "/static/swagger/swagger-ui-bundle.js",
    "/static/swagger/favicon-32x32.png",
)


def addresses() -> list[str]:
    """One for each route, files, and what is not there."""
    found = [
        re.sub(r"\(\[\^/\]\+\)", "1", pattern.removesuffix("/?$").removesuffix("$")) + "/"
        for pattern in ROUTES
        if pattern not in (STATIC, ".*$", "/$")
    ]
    return [*found, *FILES, "/", "/nothing", "/static/nothing.js", "/static/index.html", "/%ff"]


def test_every_route_is_asked() -> None:
    """No route is forgotten when one is added."""
    assert STATIC in ROUTES
    unasked = [
        pattern
        for pattern in ROUTES
        if pattern != ".*$" and not any(re.match(pattern, path) for path in addresses())
    ]
    assert unasked == []


def check_headers(answer: httpx.Response) -> None:
    """Nobody may frame, sniff, embed or learn from ``answer`` what is not meant for that."""
    headers, path = answer.headers, answer.request.url.path
    is_there = answer.status_code < 400 or answer.status_code == 416
    is_page = is_there and path in PAGES
    is_file = is_there and path in FILES
    policy = dict(
        rule.strip().partition(" ")[::2] for rule in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert is_page or set(policy) == {"default-src", "frame-ancestors"}
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    embedding = "cross-origin" if is_file else "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == embedding
    assert headers.get("Access-Control-Allow-Origin") == ("*" if is_file else None)
    assert headers.get("Cross-Origin-Opener-Policy") == ("same-origin" if is_page else None)
    assert ("camera=()" in headers.get("Permissions-Policy", "")) == is_page
    is_kept = is_page or is_file or (is_there and path == "/api/schema/")
    assert (headers["Cache-Control"] == "no-store") == (not is_kept)
    assert "Server" not in headers
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", addresses())
@pytest.mark.attack("an answer without protective headers", before="most of them")
async def test_headers(server: Harness, path: str) -> None:
    """Every answer of every route has them, errors, redirects and "not modified" too."""
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"):
        answer = await server.http.request(method, path)
        check_headers(answer)
        if "ETag" not in answer.headers:
            continue
        for asked in ({"If-None-Match": answer.headers["ETag"]}, {"Range": "bytes=999999999-"}):
            again = await server.http.request(method, path, headers=asked)
            assert again.status_code in (304, 416)
            check_headers(again)


async def test_headers_of_what_is_not_routed(
    server: Harness, monkeypatch: pytest.MonkeyPatch, expected_errors: list[str]
) -> None:
    """They come with success, with a fault of ours, and with what no handler gets to see."""
    expected_errors.append("Uncaught exception")
    access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    answers = [
        await server.post({"user_id": 1, "payload": 1}),
        await server.post({"user_id": 1}),
        await server.post(b"x" * 2_000_000),
        await server.post({}, "/api/users/token/refresh/"),
        await server.post(SIGN_IN, SESSION),
        await server.http.delete(SESSION),
        await server.http.get("/api/stats/", headers=access),
        await server.http.post(SEND, content=b"x", headers={"Content-Type": "text/plain"}),
    ]
    monkeypatch.setattr(server.server.notifications, "send", None)
    answers.append(await server.post({"user_id": 1, "payload": 1}))
    assert [answer.status_code for answer in answers] == [
        200,
        400,
        413,
        400,
        200,
        204,
        200,
        415,
        500,
    ]
    for answer in answers:
        check_headers(answer)


def spellings(page: str) -> list[str]:
    """Ways to ask for a page of the folder."""
    dot = page.replace(".", "%2e")
    return [
        *(f"/static/{page}", f"/static/{dot}", f"/static/%69{page[1:]}", f"/static/{page}/"),
        *(f"/static/./{page}", f"/static//{page}", f"/static/%2e/{page}", f"/static/%2f{page}"),
        *(f"/static/page/../{page}", f"/static/page/%2e%2e/{page}", f"/static/page%2f..%2f{page}"),
        *(f"/static/{page.upper()}", f"/static/{page.capitalize()}", f"/static/{page}%00"),
        *(f"/static/{page}%20", f"/static/{page}.", f"/static/{page}?x", f"/static/{page};x"),
        *(f"/static/v/x/{page}", f"/static/v//{page}", f"/static/v/../{page}"),
        *(f"/static/swagger/../{page}", f"/static\\{page}", f"//static/{page}", f"/Static/{page}"),
        *(f"http://localhost/static/{page}", f"/static/x/../../static/{page}"),
    ]


@pytest.mark.parametrize("page", ["index.html", "docs.html"])
@pytest.mark.attack("a page under another spelling, without its policy", before="200")
async def test_pages_have_one_address(server: Harness, page: str) -> None:
    """However it is spelt, no page is among the files, where its policy would be missing."""
    for path in spellings(page):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404 "), path
        assert b"frame-ancestors 'none'" in answer, path
        assert b"<html" not in answer, path


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({}, False),
        ({"Origin": "http://notify.example"}, False),
        ({"Origin": "null", "X-Forwarded-Proto": "http"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),  # browsers say so on http://localhost too
        ({"Origin": "https://notify.example"}, True),
        ({"Origin": "https://notify.example", "X-Forwarded-Proto": "http"}, True),
        ({"X-Forwarded-Proto": "https"}, True),
        ({"X-Forwarded-Proto": "HTTPS, http"}, True),
        ({"Forwarded": 'for=192.0.2.1;proto="https";by=10.0.0.1'}, True),
        ({"Forwarded": "for=192.0.2.1; proto=http, for=10.0.0.1;Proto=HTTPS"}, True),
    ],
)
@pytest.mark.attack("a session cookie over plain HTTP behind an unknown TLS proxy", before="sent")
async def test_the_cookie_is_secure_over_tls(
    server: Harness, headers: dict[str, str], secure: bool
) -> None:
    """It never travels without TLS again, whichever proxy ended it and whether it is trusted."""
    signed_in = await server.post(SIGN_IN, SESSION, headers=headers)
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    server.http.cookies.clear()
    renewed = await server.post({}, SESSION + "refresh/", headers=headers | cookie)
    for answer in (signed_in, renewed):
        assert answer.status_code == 200
        (morsel,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert bool(morsel["secure"]) == secure
        assert (morsel["httponly"], morsel["samesite"]) == (True, "Strict")
        assert (morsel["path"], morsel["domain"]) == (SESSION, "")


@pytest.mark.attack(
    "reading version, figures or lights as a stranger",
    before="version in schema, package.json and Server",
)
async def test_strangers_learn_nothing(server: Harness) -> None:
    """Figures and lights are the superuser's; nobody else hears of parts, counts or versions."""
    stats = await server.http.get("/api/stats/")
    assert (stats.status_code, stats.json()["code"]) == (401, "not_authenticated")
    ann = await server.user()
    access = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
    assert (await server.http.get("/api/stats/", headers=access)).status_code == 403
    key = {"X-API-Key": "nk_nothing"}
    assert (await server.http.get("/api/stats/", headers=key)).status_code == 401
    for path in ("/healthz/live/", "/healthz/ready/"):
        assert (await server.http.get(path)).json() == {"status": "ok"}
    for path in addresses():
        answer = await server.http.get(path)
        assert "Tornado" not in str(answer.headers)
        if "swagger" not in path:
            assert f'"{__version__}"' not in answer.text


async def test_a_cookie_is_of_no_use_to_other_origins(server: Harness) -> None:
    """Another site, or another port of this host, can neither post to a session nor read of it."""
    await server.post(SIGN_IN, SESSION)
    foreign = {"Origin": "http://127.0.0.1:1"}
    for path, method in ((SESSION, "POST"), (SESSION + "refresh/", "POST"), (SESSION, "DELETE")):
        asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "*"}
        preflight = await server.http.request("OPTIONS", path, headers=foreign | asked)
        assert preflight.status_code == 405
        assert not [name for name in preflight.headers if name.startswith("access-control")]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await server.http.post(
            SESSION + "refresh/", content=b"{}", headers=foreign | {"Content-Type": kind}
        )
        assert answer.status_code in (400, 415)
    answer = await server.http.post(SESSION + "refresh/", content=b"{}", headers=foreign | JSON)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_are_handled_in_one_place() -> None:
    """What is served as a page or a file has no other way in than the one that is tested here."""
    handlers = {route.regex.pattern: route.handler_class for route in routes()}
    serving = [pattern for pattern, each in handlers.items() if issubclass(each, AssetHandler)]
    pages = [f"{page.rstrip('/')}/?$" for page in (*PAGES, "/api/schema/")]
    assert serving == [*pages, STATIC]
