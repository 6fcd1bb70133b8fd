"""The OpenAPI document: valid, complete, and kept to by the answers."""

import json
import re
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handlers.openapi.document import build
from handlers.routes import DOCUMENTED
from notifier import __version__, wire
from notifier.identity.keys import digest
from notifier.models import SCOPES, WhoseUsers
from notifier.storage.operations.keys import CreateApiKey
from tests.support.harness import ADMIN_PASSWORD, JSON, SEND, Harness, ServerWith

DOCUMENT = build(DOCUMENTED)
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item]
SIGN_IN = {"username": "admin", "password": ADMIN_PASSWORD}


def answers(path: str, method: str) -> dict[str, Any]:
    responses: dict[str, Any] = DOCUMENT["paths"][path][method]["responses"]
    return responses


def conforms(path: str, method: str, status: int, body: object) -> None:
    """Fail unless ``body`` is what the document says of this answer."""
    schema = answers(path, method)[str(status)]["content"]["application/json"]["schema"]
    OAS31Validator(schema | {"components": DOCUMENT["components"]}).validate(body)


def test_valid() -> None:
    """It is an OpenAPI 3.1 document; which release it is of, it tells nobody."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert __version__ not in str(DOCUMENT)
    errors = list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())
    assert not errors


async def test_served(server: Harness) -> None:
    """It is served as JSON, with and without the trailing slash."""
    for path in ("/api/schema/", "/api/schema"):
        answer = await server.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json() == DOCUMENT


def test_from_the_types_that_validate() -> None:
    """What a request may hold is what its type says."""
    schema = DOCUMENT["components"]["schemas"]["SendRequest"]
    assert set(schema["properties"]) == set(wire.SendRequest.__struct_fields__) - {"user"}
    assert schema["required"] == ["user_id", "payload"]
    (key,) = (each for each in schema["properties"]["key"]["anyOf"] if each["type"] == "string")
    assert (key["minLength"], key["maxLength"]) == (1, wire.MAX_KEY_LENGTH)
    re.compile(key["pattern"])
    OAS31Validator(schema).validate({"user_id": "7", "payload": [1, {"any": None}], "ttl": 5})
    assert not OAS31Validator(schema).is_valid({"user_id": 7})
    assert not OAS31Validator(schema).is_valid({"user_id": 7, "payload": 1, "key": "a\nb"})
    assert not OAS31Validator(schema).is_valid({"user_id": 7, "payload": 1, "ttl": 0})
    assert not OAS31Validator(schema).is_valid({"user_id": 7, "payload": 1, "key": "a\x85b"})
    for user_id in ("", "x", "-1", "7\n", None, 1.5):
        assert not OAS31Validator(schema).is_valid({"user_id": user_id, "payload": 1})
    assert not OAS31Validator(schema).is_valid({"user_id": 7, "payload": 1, "tll": 5})
    sign_in = DOCUMENT["components"]["schemas"]["SignInRequest"]
    assert OAS31Validator(sign_in).is_valid(SIGN_IN | {"more": 1}), "old clients send more"


@pytest.mark.parametrize(
    ("users", "taken"),
    [("accounts", [0]), ("external", [1]), ("both", [0, 1])],
)
def test_who_is_named_how(users: WhoseUsers, taken: list[int]) -> None:
    """Whosever the users are: exactly one field names them, in requests and in answers."""
    document = build(DOCUMENTED, users)
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())
    request, response = (
        OAS31Validator(document["components"]["schemas"][name])
        for name in ("SendRequest", "SendResponse")
    )
    named: list[dict[str, object]] = [{"user_id": 7}, {"user": "ann"}]
    for index, who in enumerate(named):
        assert request.is_valid(who | {"payload": 1}) is (index in taken)
        if index in taken:
            response.validate(who | {"payload": 1, "key": "k", "seq": 1})
    for who in ({}, named[0] | named[1]):
        assert not request.is_valid(who | {"payload": 1})
    assert not response.is_valid({"payload": 1, "key": "k", "seq": 1})
    content = document["paths"][SEND]["post"]["requestBody"]["content"]["application/json"]
    request.validate(content["example"])
    if users != "accounts":
        for name in ("", "x" * 129, "a\0b", "a\nb", "a\x85b", 5, None):
            assert not request.is_valid({"user": name, "payload": 1})
        request.validate({"user": "😀" * 128, "payload": 1})


@pytest.mark.parametrize(
    ("users", "taken"),
    [("accounts", [0, 2]), ("external", [1, 3]), ("both", [0, 1, 2, 3])],
)
def test_who_is_named_how_in_a_batch(users: WhoseUsers, taken: list[int]) -> None:
    """The same of each item, or in a list; the example is one."""
    document = build(DOCUMENTED, users)
    item = OAS31Validator(document["components"]["schemas"]["BatchItem"])
    named: list[dict[str, object]] = [
        {"user_id": 7},
        {"user": "ann"},
        {"user_ids": [7, "8"]},
        {"users": ["ann", "bob"]},
    ]
    for index, who in enumerate(named):
        assert item.is_valid(who | {"payload": 1}) is (index in taken)
    for who in ({}, named[0] | named[2], named[1] | named[3], {"user_ids": []}, {"users": [1]}):
        assert not item.is_valid(who | {"payload": 1})
    content = document["paths"][f"{SEND}batch/"]["post"]["requestBody"]["content"]
    [example] = content["application/json"]["example"]["notifications"]
    item.validate(example)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    """The components are just those that the operations need."""
    references = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert references == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
async def test_documented_operations_answer(server: Harness, path: str, method: str) -> None:
    """Each exists, with and without its slash, and refuses nonsense in the documented form."""
    for address in (path, path.rstrip("/")):
        content = b"{}" if method in ("post", "patch") else None
        headers = {"Content-Type": "application/json"} if content else {}
        answer = await server.http.request(method, address, content=content, headers=headers)
        if (path, method) == ("/api/notifications/", "get"):
            assert answer.status_code == 200, "the page, which takes anything"
            continue
        assert answer.status_code in (400, 401)
        conforms(path, method, answer.status_code, answer.json())
    documented = DOCUMENT["paths"][path]
    other = next(each for each in ("get", "post", "put") if each not in documented)
    assert (await server.http.request(other, path)).status_code == 405


async def test_answers_of_users(server: Harness) -> None:
    """Sign-in, refresh, verification and the rest answer as documented, well and badly."""
    base = "/api/users/token/"
    tokens = await server.post(SIGN_IN, base)
    conforms(base, "post", 200, tokens.json())
    for path, body in (
        (f"{base}refresh/", {"refresh": tokens.json()["refresh"]}),
        (f"{base}verify/", {"token": tokens.json()["identity"]}),
    ):
        answer = await server.post(body, path)
        conforms(path, "post", 200, answer.json())
        refused = await server.post(dict.fromkeys(body, "x"), path)
        assert refused.status_code == 401
        conforms(path, "post", 401, refused.json())
    access = {"Authorization": f"Bearer {tokens.json()['access']}"}
    for path in ("/api/users/is-authenticated/", "/api/stats/"):
        answer = await server.http.get(path, headers=access)
        conforms(path, "get", 200, answer.json())
    ann = {"Authorization": f"Bearer {server.token(await server.user(), 'access')}"}
    refused = await server.http.get("/api/stats/", headers=ann)
    conforms("/api/stats/", "get", 403, refused.json())


async def test_an_answer_of_too_many_sign_ins(server_with: ServerWith) -> None:
    """Too many wrong passwords are refused as documented."""
    path = "/api/users/token/"
    async with server_with(guesses_per_name=1) as server:
        for status in (401, 429):
            answer = await server.post(SIGN_IN | {"password": "wrong"}, path)
            assert answer.status_code == status
            conforms(path, "post", status, answer.json())
    assert int(answer.headers["Retry-After"]) > 0


def test_what_says_when_to_try_again() -> None:
    """The documented refusals with Retry-After are just those that have it."""
    with_header = {
        status
        for path, method in OPERATIONS
        for status, answer in answers(path, method).items()
        if "Retry-After" in answer.get("headers", {})
    }
    assert with_header == {"429", "503"}


async def test_answers_of_identity(server: Harness) -> None:
    """A token for a back end is answered as documented, in success and in each refusal."""
    path = "/api/users/{user_id}/identity/"
    headers = {}
    for scope in SCOPES:
        await server.server.store.submit(CreateApiKey(scope, digest(f"ntf_{scope}"), (scope,)))
        headers[scope] = {"X-API-Key": f"ntf_{scope}"}
    cases: list[tuple[int, str, dict[str, str]]] = [
        (200, "1", headers["identity"]),
        (400, "x", headers["identity"]),
        (401, "1", {}),
        (403, "1", headers["send"]),
        (404, "99", headers["identity"]),
    ]
    for status, user_id, header in cases:
        answer = await server.http.post(path.format(user_id=user_id), headers=header)
        assert answer.status_code == status, answer.text
        conforms(path, "post", status, answer.json())
    assert set(answers(path, "post")) == {str(status) for status, _, _ in cases} | {"503"}
    (parameter,) = DOCUMENT["paths"][path]["post"]["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("user_id", "path", True)


async def test_answers_of_keys(server: Harness) -> None:
    """Managing keys is answered as documented, in success and in each refusal."""
    keys = "/api/admin/keys/"
    one, rotation = f"{keys}{{key_id}}/", f"{keys}{{key_id}}/rotate/"
    admin, ann = (
        {"Authorization": f"Bearer {server.token(person, 'access')}"}
        for person in (server.admin, await server.user())
    )
    new = {"name": "web", "scopes": list(SCOPES), "user_prefix": "eu:", "rate": 1, "expires_in": 9}
    cases: list[tuple[str, str, int, object, dict[str, str]]] = [
        ("post", keys, 201, {"name": "plain"}, admin),
        ("post", keys, 201, new, admin),
        ("post", keys, 400, {}, admin),
        ("post", keys, 400, b"{", admin),
        ("post", keys, 401, new, {}),
        ("post", keys, 403, new, ann),
        ("post", keys, 415, new, admin | {"Content-Type": "text/plain"}),
        ("post", rotation, 201, {}, admin),
        ("post", rotation, 400, {"keep_seconds": -1}, admin),
        ("post", rotation.format(key_id=99), 404, {}, admin),
        ("get", keys, 200, None, admin),
        ("get", keys, 401, None, {}),
        ("get", keys, 403, None, ann),
        ("delete", one, 401, None, {}),
        ("delete", one, 403, None, ann),
        ("delete", one.format(key_id=99), 404, None, admin),
    ]
    for method, path, status, body, headers in cases:
        address = path.format(key_id=1)
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        answer = await server.http.request(method, address, content=content, headers=JSON | headers)
        assert answer.status_code == status, answer.text
        conforms(path.replace("/99/", "/{key_id}/"), method, status, answer.json())
    gone = await server.http.delete(one.format(key_id=1), headers=admin)
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content" not in answers(one, "delete")["204"]


async def test_answers_of_send(server: Harness) -> None:
    """A send answers as documented, in success and in each refusal."""
    request = {"user_id": 1, "payload": {"a": 1}, "key": "k"}
    ann = {"Authorization": f"Bearer {server.token(await server.user(), 'access')}"}
    cases: list[tuple[int, object, dict[str, str]]] = [
        (200, request, {}),
        (400, {"user_id": 1}, {}),
        (400, b"{", {}),
        (401, request, {"X-API-Key": "x"}),
        (403, request, ann),
        (404, {"user_id": 99, "payload": 1}, {}),
        (409, request | {"payload": 2}, {}),
        (413, b" " * (1024 * 1024 + 1), {}),
        (415, request, {"Content-Type": "text/plain"}),
    ]
    for status, body, headers in cases:
        answer = await server.post(body, headers=headers)
        assert answer.status_code == status, answer.text
        conforms(SEND, "post", status, answer.json())
    tested = {str(status) for status, _, _ in cases}
    assert set(answers(SEND, "post")) == tested | {"408", "429", "503"}


async def test_answers_of_the_administration_of_users(server: Harness) -> None:
    """Superusers are answered as documented, in success and in each refusal."""
    ann = await server.user()
    access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
    as_ann = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
    users, user = "/api/admin/users/", "/api/admin/users/{user_id}/"
    new = {"username": "bob", "password": "correct horse"}
    cases: list[tuple[str, str, int, str, object, dict[str, str]]] = [
        ("get", users, 200, "", None, access),
        ("get", users, 400, "?limit=x", None, access),
        ("get", users, 401, "", None, {}),
        ("get", users, 403, "", None, as_ann),
        ("post", users, 201, "", new, access),
        ("post", users, 409, "", new, access),
        ("post", users, 400, "", {"username": "zoe"}, access),
        ("get", user, 200, "2", None, access),
        ("get", user, 400, "x", None, access),
        ("get", user, 404, "99", None, access),
        ("patch", user, 200, "2", {"username": "anna"}, access),
        ("patch", user, 400, "1", {"is_active": False}, access),
        ("patch", user, 404, "99", {}, access),
        ("patch", user, 409, "2", {"username": "bob"}, access),
        ("get", "/api/admin/audit/", 200, "", None, access),
        ("get", "/api/admin/audit/", 400, "?action=x", None, access),
    ]
    for method, path, status, part, body, headers in cases:
        address = path.format(user_id=part) if "{" in path else path + part
        answer = await server.http.request(method, address, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        conforms(path, method, status, answer.json())
