"""Pages of other origins: those that a setting names may ask for an inbox, and no others."""

import pytest

from tests.inbox.inbox import PATH, Inbox
from tests.support.harness import SEND, Harness, ServerWith
from tests.support.raw import Raw

KILOBYTE = 1024
APP = "https://app.example"
ALLOW = "Access-Control-Allow-Origin"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
def database_url() -> str:
    """The embedded one: no store has to do with it."""
    return ""


async def test_preflight(server_with: ServerWith) -> None:
    """A browser that asks first is told that an allowed origin may send its token."""
    async with server_with(inbox_origins=f"{APP}, https://b.example") as server:
        for path in ("", "count/", "changes/", "read/", "undo/", "snooze/"):
            answer = await server.http.options(PATH + path, headers={"Origin": APP} | PREFLIGHT)
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers[ALLOW] == APP
            assert answer.headers["Vary"] == "Origin"
            assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
            allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
            assert {"authorization", "content-type"} <= set(allowed)
            assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_answers(server_with: ServerWith) -> None:
    """Answers and refusals alike can be read by an allowed origin, and by no other."""
    async with server_with(inbox_origins=APP) as server:
        inbox = Inbox(server, await server.user())
        for headers, status in ((inbox.headers, 200), ({}, 401), ({"X-API-Key": "x"}, 401)):
            for origin in (APP, "https://app.example.evil", "http://app.example", "null", None):
                asking = headers | ({} if origin is None else {"Origin": origin})
                answer = await server.http.get(PATH, headers=asking)
                assert answer.status_code == status
                assert answer.headers.get(ALLOW) == (APP if origin == APP else None)
                assert answer.headers["Vary"] == "Origin"
        from_app = inbox.headers | {"Origin": APP}
        for path, body, status in (("read/", b"{", 400), ("undo/", b'{"version": 9}', 404)):
            refused = await server.post(body, PATH + path, headers=from_app)
            assert refused.status_code == status
            assert refused.headers[ALLOW] == APP
        for path in (SEND, "/api/users/me/", "/api/notifications/"):
            other = await server.http.get(path, headers=from_app)
            assert ALLOW not in other.headers, "of all that is there, only the inbox"


async def test_what_no_handler_answers(server_with: ServerWith) -> None:
    """A refusal can be read in the same way before anybody looks what is asked for."""
    limits = {"body_budget_bytes": 400 * KILOBYTE, "body_seconds": 0.2, "address_connections": 1}
    async with server_with(inbox_origins=APP, trusted_proxies="127.0.0.1", **limits) as server:
        for size, origin, status in (
            (2048 * KILOBYTE, APP, 413),
            (2048 * KILOBYTE, "https://other.example", 413),
            (300 * KILOBYTE, APP, 429),
            (10, APP, 408),
        ):
            raw = await Raw.to(server)
            said = f"Origin: {origin}\r\nContent-Length: {size}\r\n"
            raw.say(said, path=f"{PATH}read/")
            refused, sent, _ = await raw.answer()
            assert (refused, sent["Vary"]) == (status, "Origin")
            assert sent.get(ALLOW) == (APP if origin == APP else None)
            raw.leave()
        client = {"X-Forwarded-For": "192.0.2.1"}
        async with server.connect(server.admin, additional_headers=client):
            answer = await server.http.get(f"{PATH}count/", headers=client | {"Origin": APP})
            assert (answer.status_code, answer.headers[ALLOW]) == (429, APP)
            assert answer.headers["Retry-After"]
            assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
        missing = await server.http.get(f"{PATH}nothing/", headers={"Origin": APP})
        assert (missing.status_code, missing.headers[ALLOW]) == (404, APP)
        for path in ("/api/inboxes/", "/api/users/me/"):
            answer = await server.http.get(path, headers={"Origin": APP})
            assert ALLOW not in answer.headers
            assert "Vary" not in answer.headers


async def test_any(server_with: ServerWith) -> None:
    """With * any origin may, which is named in the answer, so that no cache mixes them up."""
    async with server_with(inbox_origins="*") as server:
        for origin in (APP, "null", "http://localhost:3000"):
            answer = await server.http.options(PATH, headers={"Origin": origin} | PREFLIGHT)
            assert (answer.headers[ALLOW], answer.headers["Vary"]) == (origin, "Origin")


async def test_none(server: Harness) -> None:
    """Unless something is set, no other origin may."""
    for method in ("OPTIONS", "GET"):
        answer = await server.http.request(method, PATH, headers={"Origin": APP} | PREFLIGHT)
        assert ALLOW not in answer.headers
