"""Superusers manage accounts over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from notifier.delivery.closing import CloseCode
from notifier.storage.operations.notifications import Acknowledge, PendingCounts
from tests.storage.plans import MANY
from tests.support.harness import ADMIN_PASSWORD, Harness, Person, until
from tests.support.superuser import USERS, Superuser

PASSWORD = "correct horse"


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """All of it on each store."""
    return each_database_url


@pytest.fixture
def boss(server: Harness) -> Superuser:
    """The admin."""
    return Superuser(server)


async def sign_in(server: Harness, name: str, password: str) -> httpx.Response:
    return await server.post({"username": name, "password": password}, "/api/users/token/")


async def names(boss: Superuser, **query: object) -> list[str]:
    return [user["username"] for user in (await boss.get(USERS, **query))["users"]]


async def test_made(server: Harness, boss: Superuser) -> None:
    """A new user is told of like any, can sign in, and the log says who made them."""
    answer = await boss.ask("POST", USERS, {"username": "ann", "password": PASSWORD})
    assert answer.status_code == 201
    ann = answer.json()
    assert ann == {
        "id": ann["id"],
        "username": "ann",
        "is_active": True,
        "is_superuser": False,
        "created_at": ann["created_at"],
        "online": None,
        "pending": 0,
    }
    made = datetime.fromisoformat(ann["created_at"])
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)
    assert await boss.get(f"{USERS}{ann['id']}/") == ann
    assert (await sign_in(server, "ann", PASSWORD)).status_code == 200
    (entry,) = await boss.entries(action="user_created", actor="user:admin")
    assert (entry["subject"], entry["address"]) == ("user:ann", "127.0.0.1")
    assert entry["details"] == {"is_superuser": False}
    assert PASSWORD not in str(await boss.entries())


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({}, 400, {"username", "password"}),
        ({"username": "a b", "password": PASSWORD}, 400, {"username"}),
        ({"username": "x" * 151, "password": PASSWORD}, 400, {"username"}),
        ({"username": "zoe\n", "password": PASSWORD}, 400, {"username"}),
        ({"username": "zoe", "password": "short"}, 400, {"password"}),
        ({"username": "zoe", "password": "x" * 1025}, 400, {"password"}),
        ({"username": "zoe", "password": PASSWORD, "is_superuser": "yes"}, 400, {"is_superuser"}),
        ({"username": "zoe", "password": PASSWORD, "superuser": True}, 400, {"superuser"}),
        ({"username": "admin", "password": PASSWORD}, 409, {"detail", "code"}),
    ],
    # The order of a set is another one in each process.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
async def test_not_made(boss: Superuser, body: object, status: int, wrong: set[str]) -> None:
    """What does not fit is refused by field, and nobody is made."""
    answer = await boss.ask("POST", USERS, body)
    assert answer.status_code == status
    assert set(answer.json()) == wrong
    assert await names(boss) == ["admin"]


async def test_listed(server: Harness, boss: Superuser) -> None:
    """Page by page in the order of names; a search goes by how a name begins, in any case."""
    for name in ("Zoe", "anna", "Ann", "bob"):
        await server.user(name)
    assert await names(boss) == ["admin", "Ann", "anna", "bob", "Zoe"]
    assert await names(boss, search="AN") == ["Ann", "anna"]
    assert await names(boss, search="nn") == []
    first = await boss.get(USERS, limit=2)
    second = await boss.get(USERS, limit=2, after=first["next"])
    third = await boss.get(USERS, limit=2, after=second["next"])
    assert [user["username"] for page in (second, third) for user in page["users"]] == [
        "anna",
        "bob",
        "Zoe",
    ]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("limit", ""),
        ("after", "x"),
        ("after", "1"),
        ("after", ".ann"),
        ("after", "9" * 30 + ".ann"),
    ],
)
async def test_parameters_that_do_not_fit(boss: Superuser, name: str, value: str) -> None:
    """Each is refused by name."""
    answer = await boss.ask("GET", USERS, **{name: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [name]


@pytest.mark.parametrize("search", ["\x00", "%", "_", "'", "\\", "x" * 5000, "\ud83d", "💥", " "])
async def test_odd_searches(boss: Superuser, search: str) -> None:
    """Whatever is searched for, there is just nobody."""
    query = quote(search.encode("utf-8", "surrogatepass"))
    assert (await boss.get(f"{USERS}?search={query}"))["users"] == []
    assert "users" in await boss.get(f"{USERS}?after=5.{query}")


async def test_pending(server: Harness, boss: Superuser) -> None:
    """How many notifications wait for each."""
    ann, bob = await server.user("ann"), await server.user("bob")
    await server.append(ann, b"1", b"2", b"3")
    await server.send(bob, 1, key="k")
    await server.server.store.submit(Acknowledge(bob.id, "k"))
    page = await boss.get(USERS)
    assert {user["username"]: user["pending"] for user in page["users"]} == {
        "admin": 0,
        "ann": 3,
        "bob": 0,
    }


async def test_online(server: Harness, boss: Superuser) -> None:
    """Who is connected, with how many devices, and since the first of them came."""
    ann = await server.user("ann")
    path = f"{USERS}{ann.id}/"
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    async with server.connect(ann) as first:
        await first.nothing_more()
        between = datetime.now(UTC)
        async with server.connect(ann) as second:
            await second.nothing_more()
            online = (await boss.get(path))["online"]
            assert online["sockets"] == 2
            assert before <= datetime.fromisoformat(online["since"]) <= between
        await until(lambda: server.server.hub.sockets == 1)
        page = await boss.get(USERS)
        assert {user["username"]: user["online"] for user in page["users"]} == {
            "admin": None,
            "ann": {"sockets": 1, "since": online["since"]},
        }
    await until(lambda: server.server.hub.sockets == 0)
    assert (await boss.get(path))["online"] is None


async def test_renamed(server: Harness, boss: Superuser) -> None:
    """A new name ends nothing: the id, the tokens and the connections stay."""
    ann = await server.user("ann")
    async with server.connect(ann) as device:
        answer = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"username": "anna"})
        assert answer.status_code == 200
        assert (answer.json()["id"], answer.json()["username"]) == (ann.id, "anna")
        await server.send(ann, "still here")
        assert (await device.next()).value == "still here"
    access = {"Authorization": f"Bearer {server.token(ann, 'access')}"}
    who = await server.http.get("/api/users/is-authenticated/", headers=access)
    assert who.json()["username"] == "anna"
    (entry,) = await boss.entries(action="user_renamed")
    assert (entry["actor"], entry["subject"]) == ("user:admin", "user:ann")
    assert entry["details"] == {"to": "anna"}
    taken = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"username": "admin"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")


async def test_promoted_and_demoted(server: Harness, boss: Superuser) -> None:
    """Rights change at once, with the token that somebody has."""
    ann = await server.user("ann")
    as_ann = Superuser(server, ann)
    assert (await as_ann.ask("GET", USERS)).status_code == 403
    for rights, status in ((True, 200), (False, 403)):
        answer = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"is_superuser": rights})
        assert answer.json()["is_superuser"] is rights
        assert (await as_ann.ask("GET", USERS)).status_code == status
    assert [entry[0] for entry in (await boss.recorded())[:2]] == ["user_demoted", "user_promoted"]


async def test_deactivated(server: Harness, boss: Superuser) -> None:
    """Whoever is locked out loses connections and tokens, and comes back when let in."""
    ann = await server.user("ann")
    async with server.connect(ann) as device:
        await device.nothing_more()
        answer = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"is_active": False})
        assert answer.json()["is_active"] is False
        assert (await device.closed())[0] == CloseCode.REVOKED
    assert (await server.post({"user_id": ann.id, "payload": 1})).status_code == 404
    assert (await boss.get(f"{USERS}{ann.id}/"))["is_active"] is False
    await boss.ask("PATCH", f"{USERS}{ann.id}/", {"is_active": True})
    await server.send(ann, 1)


async def test_password_reset(server: Harness, boss: Superuser) -> None:
    """A new password ends all sessions; the old one no longer opens, the new one does."""
    await boss.ask("POST", USERS, {"username": "ann", "password": PASSWORD})
    tokens = (await sign_in(server, "ann", PASSWORD)).json()
    ann = Person((await boss.get(USERS, search="ann"))["users"][0]["id"], "ann")
    async with server.connect(ann, token=tokens["identity"]) as device:
        await device.nothing_more()
        answer = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"password": "battery staple"})
        assert answer.status_code == 200
        assert (await device.closed())[0] == CloseCode.REVOKED
    refresh = await server.post({"refresh": tokens["refresh"]}, "/api/users/token/refresh/")
    assert refresh.status_code == 401
    assert (await sign_in(server, "ann", PASSWORD)).status_code == 401
    assert (await sign_in(server, "ann", "battery staple")).status_code == 200
    log = str(await boss.entries())
    assert "password_changed" in log
    assert "battery" not in log


async def test_sessions_ended(server: Harness, boss: Superuser) -> None:
    """All tokens and connections of somebody end, and nothing else changes."""
    ann = await server.user("ann")
    async with server.connect(ann) as device:
        await device.nothing_more()
        answer = await boss.ask("DELETE", f"{USERS}{ann.id}/sessions/")
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await device.closed())[0] == CloseCode.REVOKED
    as_ann = Superuser(server, ann)
    assert (await as_ann.ask("GET", "/api/users/is-authenticated/")).status_code == 401
    assert (await boss.recorded())[0] == ("signed_out_everywhere", "user:admin", "user:ann")


async def test_sessions_listed(server: Harness, boss: Superuser) -> None:
    """Superusers see where somebody is signed in, and can end all of it."""
    await boss.ask("POST", USERS, {"username": "ann", "password": PASSWORD})
    (ann,) = (await boss.get(USERS, search="ann"))["users"]
    path = f"{USERS}{ann['id']}/sessions/"
    assert await boss.get(path) == {"sessions": []}
    for browser in ("Firefox", "Safari"):
        await server.post(
            {"username": "ann", "password": PASSWORD},
            "/api/users/session/",
            headers={"User-Agent": browser},
        )
        server.http.cookies.clear()
    sessions = (await boss.get(path))["sessions"]
    assert [each["user_agent"] for each in sessions] == ["Safari", "Firefox"]
    assert not any(each["current"] for each in sessions)
    assert (await boss.ask("DELETE", path)).status_code == 204
    assert await boss.get(path) == {"sessions": []}
    assert (await boss.ask("GET", f"{USERS}99/sessions/")).status_code == 404


@pytest.mark.parametrize("field", ["is_active", "is_superuser"])
async def test_superusers_keep_their_own_rights(
    server: Harness, boss: Superuser, field: str
) -> None:
    """Nobody locks themself out by mistake; another superuser may do it."""
    answer = await boss.ask("PATCH", f"{USERS}1/", {field: False, "username": "root"})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert (await boss.get(f"{USERS}1/"))["username"] == "admin"
    other = Superuser(server, await server.user("other", is_superuser=True))
    assert (await other.ask("PATCH", f"{USERS}1/", {field: False})).status_code == 200


async def test_deleted(server: Harness, boss: Superuser) -> None:
    """Whoever is deleted is gone with everything, at once; nobody deletes themselves."""
    ann = await server.user("ann")
    await server.append(ann, b"1", b"2")
    async with server.connect(ann) as device:
        await device.next()
        answer = await boss.ask("DELETE", f"{USERS}{ann.id}/")
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await device.closed())[0] == CloseCode.REVOKED
    assert (await boss.ask("GET", f"{USERS}{ann.id}/")).status_code == 404
    assert (await boss.ask("DELETE", f"{USERS}{ann.id}/")).status_code == 404
    assert (await server.post({"user_id": ann.id, "payload": 1})).status_code == 404
    assert await names(boss) == ["admin"]
    assert (await boss.recorded())[0] == ("user_deleted", "user:admin", "user:ann")
    themself = await boss.ask("DELETE", f"{USERS}1/")
    assert (themself.status_code, list(themself.json())) == (400, ["user_id"])
    assert await names(boss) == ["admin"]


async def test_their_own_name_and_password(server: Harness, boss: Superuser) -> None:
    """Superusers may rename themselves, and set a password, which ends their own sessions."""
    renamed = await boss.ask("PATCH", f"{USERS}1/", {"username": "root"})
    assert renamed.json()["username"] == "root"
    same = await boss.ask("PATCH", f"{USERS}1/", {"is_active": True, "is_superuser": True})
    assert same.status_code == 200
    assert (await sign_in(server, "root", ADMIN_PASSWORD)).status_code == 200
    assert (await boss.ask("PATCH", f"{USERS}1/", {"password": PASSWORD})).status_code == 200
    assert (await boss.ask("GET", USERS)).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    ("user_id", "status"), [("99", 404), ("0", 404), ("9" * 40, 404), ("x", 400), ("-1", 400)]
)
async def test_nobody(boss: Superuser, method: str, user_id: str, status: int) -> None:
    """There is nobody of an id that was never given."""
    body = {} if method == "PATCH" else None
    answer = await boss.ask(method, f"{USERS}{user_id}/", body)
    assert answer.status_code == status


async def test_changes_that_do_not_fit(server: Harness, boss: Superuser) -> None:
    """Each fault is named, and nothing is changed."""
    ann = await server.user("ann")
    for body, wrong in (
        ({"username": ""}, {"username"}),
        ({"is_active": 0, "is_superuser": "no"}, {"is_active", "is_superuser"}),
        ({"password": "short", "username": "a b"}, {"password", "username"}),
        ({"id": 7}, {"id"}),
    ):
        answer = await boss.ask("PATCH", f"{USERS}{ann.id}/", body)
        assert answer.status_code == 400
        assert set(answer.json()) == wrong
    unchanged = await boss.ask("PATCH", f"{USERS}{ann.id}/", {"username": None})
    assert unchanged.json() == await boss.get(f"{USERS}{ann.id}/")


async def test_one_of_ten_thousand(server: Harness, boss: Superuser) -> None:
    """Among ten thousand users a page costs one page: one query for names, one for counts."""
    store = server.server.store
    made = f"{MANY} SELECT 'user' || i, 'no hash', 0 FROM many"
    await execute(server, f"INSERT INTO users (username, password_hash, created_at) {made}")
    asked: list[object] = []
    read = store.read

    async def counted(query: object) -> object:
        asked.append(query)
        return await read(query)  # type: ignore[arg-type]

    store.read = counted  # type: ignore[method-assign, assignment]
    page = await boss.get(USERS, search="USER77", limit=100)
    assert len(page["users"]) == 100
    assert page["next"]
    assert [type(query).__name__ for query in asked] == ["UserById", "FindUsers", "PendingCounts"]
    (counts,) = [query for query in asked if isinstance(query, PendingCounts)]
    assert len(counts.user_ids) == 100


async def execute(server: Harness, statement: str) -> None:
    """Run a statement past the store."""
    driver = server.server.store._driver

    def run() -> None:
        session = driver.writer()
        with session.transaction():
            session.run(statement)
        session.close()

    await asyncio.to_thread(run)
