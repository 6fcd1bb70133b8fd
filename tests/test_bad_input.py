"""Bad input gets a clear JSON error, never a 500, never a traceback, and stores nothing.

All of it runs on both databases: what one refuses, the other may take.
"""

import asyncio
import json

import jwt
import pytest
import websockets

from notifier.storage.operations.notifications import Append
from notifier.storage.operations.users import SetActive
from tests.support.harness import ADMIN_PASSWORD, SECRET, SEND, Harness, ServerWith

TOKEN = "/api/users/token/"
REFRESH = "/api/users/token/refresh/"
VERIFY = "/api/users/token/verify/"
SESSION = "/api/users/session/"

DEEP = b"[" * 101 + b"]" * 101
DEEPEST = b"[" * 200_000


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """Each of them."""
    return each_database_url


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
        (sending(b"1", b'"1\\n"'), 400, "user_id"),
        (sending(b"1", b'"1\\u0000"'), 400, "user_id"),
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
        (sending(b"1", more=b', "key": "a\xc2\x85b"'), 400, "key"),
        (sending(b"1", more=b', "key": "a\\u009fb"'), 400, "key"),
        (sending(b"1", more=b', "key": "a\xe2\x80\xa8b"'), 400, "key"),
        (sending(b"1", more=b', "tll": 5'), 400, '{"tll":["Unknown field; did you mean ttl?"]}'),
        (sending(b"1", more=b', "\\u0000": 5'), 400, "Unknown field."),
        (sending(b"1", more=b', "ttl": "x", "ttl": 5'), 400, "twice"),
        (sending(b"1", more=b', "ttl": 0'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": -1'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": 1.5'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": "soon"'), 400, "ttl"),
        (sending(b"1", more=b', "ttl": 1' + b"0" * 40), 400, "ttl"),
        (sending(b"1", more=b', "category": ""'), 400, "category"),
        (sending(b"1", more=b', "category": "a\\u0000"'), 400, "category"),
        (sending(b"1", more=b', "priority": "LOW"'), 400, "low, normal, high or urgent"),
        (sending(b"1", more=b', "priority": null'), 400, "priority"),
        (sending(b"1", more=b', "collapse_key": "a\\u2028"'), 400, "collapse_key"),
        (sending(b"1", more=b', "collapse_key": "' + b"k" * 201 + b'"'), 400, "collapse_key"),
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
        (sending(b"1" * 1001), 400, "1000 digits"),
        (sending(b"1" * 100_000), 400, "1000 digits"),
        (sending(b"[-0." + b"1" * 1001 + b"]"), 400, "1000 digits"),
        (sending(b'{"a": 1e' + b"1" * 1001 + b"}"), 400, "1000 digits"),
        (sending(b'"' + b"1" * 2000 + b'", "x": ' + b"1" * 2000), 400, "1000 digits"),
        (sending(b"1", b"1" * 5000), 400, "1000 digits"),
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
        b"1" * 1000,
        b"-" + b"1" * 1000 + b"." + b"1" * 1000 + b"E+" + b"1" * 1000,
        b'"' + b"1" * 100_000 + b'"',
        b'{"' + b"1" * 2000 + b'": "\\"' + b"1" * 2000 + b'"}',
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
    await server.server.store.submit(SetActive(ann.id, False))
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


@pytest.mark.parametrize(
    "username",
    ["admin\0", "\0", "", "x" * 151, "a\x85", "a b", "a\n", "admin\u2028", "\U0001f600", "\ufffd"],
)
@pytest.mark.parametrize("path", [TOKEN, SESSION])
async def test_names_that_cannot_be(server: Harness, path: str, username: str) -> None:
    """Signing in with what can't be a name is like signing in with a name that nobody has."""
    refused = await server.post({"username": username, "password": ADMIN_PASSWORD}, path)
    assert (refused.status_code, refused.json()["code"]) == (401, "no_active_account")


async def test_passwords_that_cannot_be(server: Harness) -> None:
    """A password is only compared, whatever it is."""
    for password in ("\0", ADMIN_PASSWORD + "\0", "x" * 15_000, ""):
        refused = await server.post({"username": "admin", "password": password}, TOKEN)
        assert (refused.status_code, refused.json()["code"]) == (401, "no_active_account")


ODD_CLAIMS: list[dict[str, object]] = [
    {"user_id": 2**63},
    {"user_id": 2**63 - 1},
    {"user_id": 10**400},
    {"user_id": 0},
    {"user_id": -1},
    {"user_id": "1\0"},
    {"ver": 2**63},
    {"ver": -1},
    {"exp": 1e308},
    {"exp": 253_402_300_800},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"exp": "9" * 5000},
    {"nbf": float("inf")},
]
ODD_TOKENS = ["\0", "a.b.c\0", "\u00e9.\u00e9.\u00e9", "." * 1000, "W1tb" * 3500 + ".e30.x"]


def odd_tokens(kind: str) -> list[str]:
    """Rightly signed tokens that make no sense, and texts that are none."""
    valid = {"user_id": 1, "token_type": kind, "iat": 0, "exp": 2**31}
    return [jwt.encode(valid | claims, SECRET) for claims in ODD_CLAIMS] + ODD_TOKENS


async def test_odd_tokens(server: Harness) -> None:
    """A token that makes no sense is not valid, whatever is wrong with it."""
    for path, field, kind in ((VERIFY, "token", "access"), (REFRESH, "refresh", "refresh")):
        for token in odd_tokens(kind):
            refused = await server.post({field: token}, path)
            assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_odd_credentials(server: Harness, header: str) -> None:
    """Credentials that are no credentials open nothing."""
    for secret in ("ntf_\u00e9", "ntf_\x85", "ntf_" + "x" * 10_000, *odd_tokens("access")):
        if "\0" in secret:
            continue  # no header can carry it
        value = f"Bearer {secret}" if header == "Authorization" else secret
        headers = [(b"Content-Type", b"application/json"), (header.encode(), value.encode())]
        refused = await server.http.post(SEND, content=sending(b"1"), headers=headers)
        assert refused.status_code == 401


async def test_odd_identity(server: Harness) -> None:
    """At the handshake all that is no identity gets 403; as a refresh it gets an error frame."""
    base = f"ws{server.url.removeprefix('http')}/ws/notifications"
    token = server.token(server.admin)
    users = ["%D9%A1", "%C2%B2", "%ff", "%00", "1%00", "+1", "-1", "9" * 30, "9" * 5000, "1%0A"]
    addresses = [f"{base}/{user}/?token={token}" for user in users]
    addresses += [f"{base}/1/?token={token}" for token in ("%00", "%ff", "%D9%A1")]
    for address in addresses:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(address):
                pass
        assert refused.value.response.status_code == 403, address
    async with server.connect(server.admin) as device:
        for odd in odd_tokens("identity"):
            await device.tell({"type": "command", "key": "refresh", "value": odd})
            assert (await device.next()).type == "message_processing_error"
        last = jwt.encode(
            {"user_id": 1, "token_type": "identity", "iat": 0, "exp": 253_402_300_799}, SECRET
        )
        await device.tell({"type": "command", "key": "refresh", "value": last})
        assert (await device.next()).value == "9999-12-31T23:59:59.000Z"


@pytest.mark.parametrize("key", ["\0", "a\0b", "", "a\nb", "\x7f", "k" * 201])
async def test_acks_of_what_cannot_be_a_key(server: Harness, key: str) -> None:
    """Such an acknowledgement gets an error frame, and those beside it are stored."""
    await server.send(server.admin, 1, key="k")
    async with server.connect(server.admin) as device:
        frame = await device.next()
        await device.tell({"type": "message_ack", "key": key})
        await device.ack(frame)
        answer = await device.next()
        assert answer.type == "message_processing_error"
        assert answer.value == "key: Expected the key of a notification."
        while await server.pending(server.admin):  # noqa: ASYNC110 - as others would see it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("key", ["a\x85b", "\x80", "\x9f", "a\u2028b", "\u2029"])
async def test_keys_of_earlier_versions(server: Harness, key: str) -> None:
    """Keys that were taken once and are refused now are delivered and settled all the same."""
    await server.server.store.submit(Append(server.admin.id, key, b"1", key_given=True))
    async with server.connect(server.admin) as device:
        frame = await device.next()
        assert frame.key == key
        await device.ack(frame)
        while await server.pending(server.admin):  # noqa: ASYNC110 - as others would see it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("order-\u00e9".encode(), "order-\u00e9"),
        ("\U0001f600".encode(), "\U0001f600"),
        (b"order-\xe9", "order-\u00e9"),  # no UTF-8: Latin-1
    ],
)
async def test_keys_in_headers(server: Harness, header: bytes, key: str) -> None:
    """A key is the same in the header and in the body, beyond ASCII too."""
    headers = [(b"Content-Type", b"application/json"), (b"Idempotency-Key", header)]
    sent = await server.http.post(SEND, content=sending(b"1"), headers=headers)
    assert (sent.status_code, sent.json()["key"]) == (200, key)
    again = await server.post({"user_id": 1, "payload": 1, "key": key})
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("header", [b"", b"k" * 201, b"a\x85b", "a\x85b".encode(), b"a\tb"])
async def test_keys_that_cannot_be_in_headers(server: Harness, header: bytes) -> None:
    """What can't be a key is none in the header either."""
    headers = [(b"Content-Type", b"application/json"), (b"Idempotency-Key", header)]
    refused = await server.http.post(SEND, content=sending(b"1"), headers=headers)
    assert (refused.status_code, list(refused.json())) == (400, ["key"])


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


@pytest.mark.parametrize(
    "path",
    [
        *("/api/", "/api/nothing", "/api/notifications/send/x", "/ws/x"),
        *("/%ff", "/api/%ff/", "/api/notifications/send/%00"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_path(server: Harness, method: str, path: str) -> None:
    """Unknown paths get 404 as JSON."""
    response = await server.http.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"detail": "Not Found.", "code": "not_found"}


@pytest.mark.parametrize("folder", ["/static/", "/static/swagger/"])
@pytest.mark.parametrize("name", ["%ff", "%00", "a%00.js", "%D9%A1", "%ff.js", "x" * 5000])
async def test_files_that_cannot_be(server: Harness, folder: str, name: str) -> None:
    """A file's name that no file can have gets 404 as JSON."""
    response = await server.http.get(folder + name)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


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
