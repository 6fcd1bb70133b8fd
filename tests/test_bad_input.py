"""Bad input gets a clear JSON error, never a 500, never a traceback, and stores nothing."""

import asyncio
import json

import pytest

from tests.support.harness import SEND, Harness, ServerWith

DEEP = b"[" * 101 + b"]" * 101
DEEPEST = b"[" * 200_000


def sending(payload: bytes, user_id: bytes = b"1", more: bytes = b"") -> bytes:
    """The body of a send, put together without a JSON library."""
    return b'{"user_id": ' + user_id + b', "payload": ' + payload + more + b"}"


@pytest.mark.parametrize(
    ("body", "status", "mentions"),
    [
        (b"", 400, "malformed_json"),
        (b"not JSON", 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", 400, "malformed_json"),
        (b"[]", 400, "array"),
        (b"null", 400, "null"),
        (b"{}", 400, "user_id"),
        (b'{"user_id": 1}', 400, "payload"),
        (b'{"payload": 1}', 400, "user_id"),
        (sending(b"null"), 400, "payload"),
        (sending(b"1", b"null"), 400, "user_id"),
        (sending(b"1", b"true"), 400, "user_id"),
        (sending(b"1", b"1.5"), 400, "user_id"),
        (sending(b"1", b"[1]"), 400, "user_id"),
        (sending(b"1", b'"one"'), 400, "user_id"),
        (sending(b"1", b'""'), 400, "user_id"),
        (sending(b"1", b'"-1"'), 400, "user_id"),
        (sending(b"1", b'"\xd9\xa1"'), 400, "user_id"),
        (sending(b"1", b"0"), 404, "unknown_user"),
        (sending(b"1", b"-5"), 404, "unknown_user"),
        (sending(b"1", b"999"), 404, "unknown_user"),
        (sending(b"1", b"9" * 30), 404, "unknown_user"),
        (sending(b"1", b'"' + b"9" * 5000 + b'"'), 404, "unknown_user"),
        (sending(b"1", more=b', "key": 5'), 400, "key"),
        (sending(b"1", more=b', "key": ""'), 400, "key"),
        (sending(b"1", more=b', "key": "a\\nb"'), 400, "key"),
        (sending(b"1", more=b', "key": "a\\u0000b"'), 400, "key"),
        (sending(b"1", more=b', "key": "line\\n"'), 400, "key"),
        (sending(b"1", more=b', "key": "' + b"k" * 201 + b'"'), 400, "key"),
        (sending(b"1", more=b', "ttl": 0'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": -1'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": 1.5'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": "soon"'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": 1' + b"0" * 40), 400, "ttl"),
        (sending(b'"\xff\xfe"'), 400, "UTF-8"),
        (sending(b'"\xed\xa0\x80"'), 400, "UTF-8"),
        (sending(b'"\\ud800"'), 400, "malformed_json"),
        (sending(b'"a\x00b"'), 400, "malformed_json"),
        (sending(b'"tab\there"'), 400, "malformed_json"),
        (sending(b"NaN"), 400, "malformed_json"),
        (sending(b"01"), 400, "malformed_json"),
        (sending(b"[1,]"), 400, "malformed_json"),
        (sending(b"{'a': 1}"), 400, "malformed_json"),
        (sending(b"1") + b"x", 400, "malformed_json"),
        (sending(DEEP), 400, "deep"),
        (sending(DEEPEST), 400, "deep"),
        (sending(b'{"a":' * 101 + b"1" + b"}" * 101), 400, "deep"),
    ],
)
async def test_bodies_that_are_refused(
    server: Harness, body: bytes, status: int, mentions: str
) -> None:
    """Every malformed body gets its status and an answer that names the problem."""
    response = await server.post(body)
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.json(), dict)
    assert mentions in response.text
    assert "Traceback" not in response.text
    assert await server.pending(server.admin) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"0",
        b'""',
        b"false",
        b"{}",
        b"[]",
        b'"null"',
        b"-0.0",
        b"1E400",
        b"1" * 5000,
        b'"\\u0000"',
        b'"\\ud83d\\ude00"',
        b"[" * 98 + b"]" * 98,
        b'"' + b"[" * 1000 + b'"',
        b'["\\"[", "\\\\", "' + b"{" * 200 + b'"]',
        b'{"a": 1, "a": 2}',
        '"\u2028\u2029\U0001f600"'.encode(),
    ],
)
async def test_odd_payloads_that_are_fine(server: Harness, payload: bytes) -> None:
    """Any other JSON value is delivered byte for byte, and blocks nothing behind it."""
    assert (await server.post(sending(payload))).status_code == 200
    await server.send(server.admin, "behind")
    async with server.connect(server.admin) as device:
        frame = await asyncio.wait_for(device.socket.recv(), 5)
        assert isinstance(frame, str)
        assert b'"value":' + payload + b',"seq"' in frame.encode()
        assert (await device.next()).value == "behind"


async def test_inactive_user(server: Harness) -> None:
    """A deactivated user cannot be sent to."""
    ann = await server.user()
    await server.server.store.set_active(ann.id, False)
    response = await server.post({"user_id": ann.id, "payload": 1})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_user")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"],
)
async def test_wrong_content_type(server: Harness, content_type: str | None) -> None:
    """Anything but JSON is refused by its content type, a missing one too."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await server.http.post(SEND, content=sending(b"1"), headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"],
)
async def test_forms_of_the_content_type(server: Harness, content_type: str) -> None:
    """Parameters, upper case and JSON's relatives are accepted."""
    headers = {"Content-Type": content_type}
    response = await server.http.post(SEND, content=sending(b"1"), headers=headers)
    assert response.status_code == 200


async def test_too_large(server_with: ServerWith) -> None:
    """A body over the limit gets 413, announced or chunked; one at the limit is taken."""
    async with server_with(max_body_bytes=2048) as server:
        frame = len(sending(b'""'))
        fits = sending(b'"' + b"x" * (2048 - frame) + b'"')
        assert (await server.post(fits)).status_code == 200
        for size in (2049, 2048 * 10, 2048 * 1000):
            response = await server.post(sending(b'"' + b"x" * (size - frame) + b'"'))
            assert (response.status_code, response.json()["code"]) == (413, "request_too_large")

        async def chunks():  # type: ignore[no-untyped-def]
            for _ in range(5):
                yield b"x" * 1000

        response = await server.http.post(
            SEND, content=chunks(), headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")
        assert (await server.post(fits)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SEND, "POST"),
        ("PUT", SEND, "POST"),
        ("POST", "/api/schema/", "GET"),
        ("GET", "/api/users/token/", "POST"),
        ("POST", "/api/users/is-authenticated/", "GET"),
    ],
)
async def test_wrong_method(server: Harness, method: str, path: str, allowed: str) -> None:
    """The wrong method gets 405 and hears which are right."""
    response = await server.http.request(method, path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert allowed in response.headers["Allow"].split(", ")


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/notifications/send/x", "/ws/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_path(server: Harness, method: str, path: str) -> None:
    """Unknown paths get 404 as JSON."""
    response = await server.http.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"detail": "Not Found.", "code": "not_found"}


async def test_socket_path_without_upgrade(server: Harness) -> None:
    """A plain GET of the WebSocket's address is a client error."""
    token = server.token(server.admin)
    response = await server.http.get(f"/ws/notifications/1/?token={token}")
    assert response.status_code == 400
    assert (await server.http.get("/ws/notifications/abc/?token=x")).status_code == 403


async def test_a_fault_of_ours_shows_no_details(
    server: Harness, monkeypatch: pytest.MonkeyPatch, expected_errors: list[str]
) -> None:
    """An unexpected error is logged, and answered without what it was."""
    expected_errors.append("Uncaught exception")

    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.server.notifications, "send", broken)
    response = await server.post({"user_id": 1, "payload": 1})
    assert response.status_code == 500
    assert json.loads(response.text)["code"] == "internal_error"
    assert "secret detail" not in response.text
