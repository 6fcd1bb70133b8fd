"""API keys over HTTP: who manages them, what each may do, for whom, how often and how long."""

import asyncio
from typing import Any

import httpx
import pytest

from notifier import clock
from notifier.errors import (
    ApiKeyExpired,
    ApiKeyNotValid,
    PermissionDenied,
    ScopeMissing,
    TokenNotValid,
    Unauthenticated,
    Unavailable,
    UserNotAllowed,
)
from notifier.identity.keys import MAX_RATE, MAX_SECONDS, digest
from notifier.identity.uses import KeyUses
from notifier.models import SCOPES, TRUSTED, Actor, Authority, Scope, Sender
from notifier.process import server as composition
from notifier.sending.authority import Credentials, Senders, may_name
from notifier.storage.contract import Query, ReadSession, Row
from notifier.storage.operations.keys import ApiKeys, CreateApiKey, RevokeApiKey, RotateApiKey
from tests.support.harness import JSON, SEND, Harness, Person, ServerWith

PATH = "/api/admin/keys/"
FIELDS = {
    "id",
    "name",
    "scopes",
    "user_prefix",
    "rate",
    "created_at",
    "last_used_at",
    "expires_at",
    "revoked_at",
}
DAY = 24 * 60 * 60


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """Each of them."""
    return each_database_url


def superuser(server: Harness) -> dict[str, str]:
    """The header of the first superuser."""
    return {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}


async def make(server: Harness, **fields: object) -> dict[str, Any]:
    """Make a key over HTTP, which has to succeed."""
    answer = await server.post({"name": "web"} | fields, PATH, headers=superuser(server))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(server: Harness) -> list[dict[str, Any]]:
    """All keys."""
    answer = await server.http.get(PATH, headers=superuser(server))
    assert answer.status_code == 200
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


async def rotate(server: Harness, key_id: int, **fields: object) -> httpx.Response:
    """Rotate a key."""
    return await server.post(fields, f"{PATH}{key_id}/rotate/", headers=superuser(server))


async def revoke(server: Harness, key_id: object) -> httpx.Response:
    """Revoke a key."""
    return await server.http.delete(f"{PATH}{key_id}/", headers=superuser(server))


async def send(server: Harness, person: Person, key: str) -> tuple[int, str]:
    """Send to somebody with this key: the status, and what the refusal is called."""
    answer = await server.post({"user_id": person.id, "payload": 1}, headers={"X-API-Key": key})
    return answer.status_code, answer.json().get("code", "")


class Entries(Query[list[Row]], frozen=True):
    """The audit log, in order."""

    def ask(self, session: ReadSession) -> list[Row]:
        return session.run(
            "SELECT action, actor, subject, address, created_at FROM audit "
            "WHERE action LIKE 'key%' ORDER BY id"
        )


async def entries(server: Harness) -> list[Row]:
    """What the audit log has of keys: action, actor, subject, address and moment."""
    return await server.server.store.read(Entries())


def senders(server: Harness) -> Senders:
    """The server's own."""
    assert server.server.application is not None
    return server.server.application.senders


class TestManaging:
    """What superusers do with keys."""

    async def test_made_and_shown_once(self, server: Harness) -> None:
        """A new key is shown in full, and afterwards only what may be known of it."""
        made = await make(
            server,
            name="billing",
            scopes=["identity", "send"],
            user_prefix="eu:",
            rate=100,
            expires_in=90 * DAY,
        )
        key = made.pop("key")
        assert key.startswith("ntf_")
        assert len(key) > 40
        assert set(made) == FIELDS
        assert (made["id"], made["name"], made["scopes"]) == (1, "billing", ["send", "identity"])
        assert (made["user_prefix"], made["rate"]) == ("eu:", 100)
        assert (made["last_used_at"], made["revoked_at"]) == (None, None)
        [stored] = await server.server.store.read(ApiKeys())
        assert stored.expires_at == stored.created_at + 90 * DAY * 1000
        assert made["created_at"] == clock.isoformat(stored.created_at)
        assert made["expires_at"] == clock.isoformat(stored.expires_at)
        assert await listed(server) == [made]

    async def test_without_more_than_a_name(self, server: Harness) -> None:
        """A key of which nothing else is said may send, to anyone, as often as all and for ever."""
        made = await make(server)
        assert made["scopes"] == ["send"]
        assert (made["user_prefix"], made["rate"], made["expires_at"]) == (None, None, None)
        ann = await server.user()
        assert await send(server, ann, made["key"]) == (200, "")

    async def test_the_first_key_closes_sends_without_one(self, server: Harness) -> None:
        """It does so over HTTP too, at once, and for good."""
        ann = await server.user()
        await server.send(ann, 1)
        made = await make(server, scopes=["metrics"])
        body = {"user_id": ann.id, "payload": 2}
        assert (await server.post(body)).status_code == 401
        assert (await revoke(server, made["id"])).status_code == 204
        assert (await server.post(body)).status_code == 401
        assert await server.pending(ann) == [1]

    async def test_revoked_once(self, server: Harness) -> None:
        """Revoking ends exactly this key, whatever others are called; doing it again is a 404."""
        ann = await server.user()
        first, called_one = await make(server), await make(server, name="1")
        assert await send(server, ann, first["key"]) == (200, "")
        answer = await revoke(server, first["id"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert await send(server, ann, first["key"]) == (401, "api_key_not_valid")
        assert await send(server, ann, called_one["key"]) == (200, "")
        again = await revoke(server, first["id"])
        assert (again.status_code, again.json()["code"]) == (404, "unknown_api_key")
        assert [key["revoked_at"] is None for key in await listed(server)] == [False, True]

    async def test_rotated(self, server: Harness) -> None:
        """Both are valid for a day, or for as long as is said; the new one can do the same."""
        ann = await server.user()
        old = await make(server, rate=7, scopes=["send", "revoke"])
        answer = await rotate(server, old["id"])
        assert answer.status_code == 201
        new = answer.json()
        assert set(new) == FIELDS | {"key"}
        same = ("name", "scopes", "user_prefix", "rate", "expires_at")
        assert [new[field] for field in same] == [old[field] for field in same]
        for key in (old, new):
            assert await send(server, ann, key["key"]) == (200, "")
        before, _ = await server.server.store.read(ApiKeys())
        assert before.expires_at is not None
        assert DAY - 60 < (before.expires_at - clock.now()) / 1000 <= DAY
        newest = (await rotate(server, new["id"], keep_seconds=0)).json()
        assert await send(server, ann, new["key"]) == (401, "api_key_expired")
        assert await send(server, ann, newest["key"]) == (200, "")
        gone = await rotate(server, new["id"])
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_api_key")

    @pytest.mark.parametrize(
        "name",
        [
            "Rechnungen M\u00e4rz",
            "\N{MAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
            "'); DROP TABLE api_keys; --",
            "a" * 100,
            "%s ? {} $1 \\",
            "\N{RIGHT-TO-LEFT OVERRIDE}gnillib",
            "<img src=x onerror=alert(1)>",
            "1",
            "\N{ZERO WIDTH SPACE}",
        ],
    )
    async def test_odd_names(self, server: Harness, name: str) -> None:
        """A name or a prefix comes back as it was given, and is nothing else than a text."""
        ann = await server.user()
        made = await make(server, name=name, user_prefix=name)
        plain = await make(server, name=name)
        assert await send(server, ann, made["key"]) == (403, "user_not_allowed")
        assert await send(server, ann, plain["key"]) == (200, "")
        assert (await rotate(server, made["id"])).json()["user_prefix"] == name
        assert [key["name"] for key in await listed(server)] == [name] * 3
        assert (await revoke(server, plain["id"])).status_code == 204
        assert await send(server, ann, plain["key"]) == (401, "api_key_not_valid")

    async def test_recorded(self, server: Harness) -> None:
        """The audit log has the superuser who did it, and from where."""
        made = await make(server)
        assert (await rotate(server, made["id"])).status_code == 201
        assert (await revoke(server, made["id"])).status_code == 204
        assert made["key"] not in repr(await entries(server))
        assert [entry[:4] for entry in await entries(server)] == [
            (action, "user:admin", "key:web", "127.0.0.1")
            for action in ("key_created", "key_rotated", "key_revoked")
        ]


class TestRefusals:
    """What superusers may not do with keys, and who is none. No database is asked for that."""

    @pytest.fixture
    def database_url(self) -> str:
        """The embedded one."""
        return ""

    @pytest.mark.parametrize("key_id", ["0", "99", "x", "-1", "1.0", "²", "%00", "9" * 40, "web"])
    async def test_ids_that_are_nobodys(self, server: Harness, key_id: str) -> None:
        """What is no key's id is answered like the id of none."""
        await make(server)
        for answer in (
            await revoke(server, key_id),
            await server.post({}, f"{PATH}{key_id}/rotate/", headers=superuser(server)),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_api_key")
        assert len(await listed(server)) == 1

    @pytest.mark.attack("a key or a user that makes keys", before="keys over HTTP did not exist")
    @pytest.mark.parametrize("which", ["nobody", "user", "key", "identity"])
    async def test_by_nobody_else(self, server: Harness, which: str) -> None:
        """No other user manages keys, and no key does, whatever its scopes."""
        made = await make(server, scopes=list(SCOPES))
        ann = await server.user()
        headers: dict[str, dict[str, str]] = {
            "nobody": {},
            "user": {"Authorization": f"Bearer {server.token(ann, 'access')}"},
            "key": {"Authorization": f"Bearer {made['key']}", "X-API-Key": made["key"]},
            "identity": {"Authorization": f"Bearer {server.token(server.admin)}"},
        }
        status = 403 if which == "user" else 401
        for method, path, body in (
            ("GET", PATH, None),
            ("POST", PATH, b'{"name": "mine"}'),
            ("DELETE", f"{PATH}1/", None),
            ("POST", f"{PATH}1/rotate/", b"{}"),
        ):
            answer = await server.http.request(
                method, path, content=body, headers=JSON | headers[which]
            )
            assert answer.status_code == status, answer.text
        [kept] = await listed(server)
        assert (kept["revoked_at"], kept["expires_at"]) == (None, None)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": " web"}, "name"),
            ({"name": "web\n"}, "name"),
            ({"name": "a\u2028b"}, "name"),
            ({"name": "a\x00b"}, "name"),
            ({"name": "a\x85b"}, "name"),
            ({"name": "a" * 101}, "name"),
            ({"name": 5}, "name"),
            ({"name": "web", "scopes": []}, "scopes"),
            ({"name": "web", "scopes": ["admin"]}, "scopes"),
            ({"name": "web", "scopes": ["send", "send"]}, "scopes"),
            ({"name": "web", "scopes": ["Send"]}, "scopes"),
            ({"name": "web", "scopes": "send"}, "scopes"),
            ({"name": "web", "scopes": None}, "scopes"),
            ({"name": "web", "user_prefix": ""}, "user_prefix"),
            ({"name": "web", "user_prefix": "a\n"}, "user_prefix"),
            ({"name": "web", "user_prefix": "a\x00"}, "user_prefix"),
            ({"name": "web", "user_prefix": "a" * 129}, "user_prefix"),
            ({"name": "web", "rate": 0}, "rate"),
            ({"name": "web", "rate": -1}, "rate"),
            ({"name": "web", "rate": 0.5}, "rate"),
            ({"name": "web", "rate": "100/s"}, "rate"),
            ({"name": "web", "rate": MAX_RATE + 1}, "rate"),
            ({"name": "web", "rate": True}, "rate"),
            ({"name": "web", "expires_in": 0}, "expires_in"),
            ({"name": "web", "expires_in": "90d"}, "expires_in"),
            ({"name": "web", "expires_in": MAX_SECONDS + 1}, "expires_in"),
            ({"name": "web", "expires_in": 10**40}, "expires_in"),
            ({"name": "web", "user_prefx": "eu:"}, "user_prefx"),
        ],
    )
    async def test_what_is_refused(
        self, server: Harness, fields: dict[str, object], field: str
    ) -> None:
        """Each wrong field is named, and no key is made, so sends stay as open as they were."""
        answer = await server.post(fields, PATH, headers=superuser(server))
        assert answer.status_code == 400, answer.text
        assert list(answer.json()) == [field]
        assert await listed(server) == []
        ann = await server.user()
        await server.send(ann, 1)

    @pytest.mark.parametrize("keep", [-1, 1.5, "1d", None, MAX_SECONDS + 1])
    async def test_how_long_is_refused(self, server: Harness, keep: object) -> None:
        """A rotation that cannot be understood changes nothing."""
        made = await make(server)
        answer = await rotate(server, made["id"], keep_seconds=keep)
        assert (answer.status_code, list(answer.json())) == (400, ["keep_seconds"])
        [kept] = await listed(server)
        assert kept["expires_at"] is None


class TestRights:
    """What a key may do."""

    @pytest.mark.attack("a key used for what it was not made for", before="refused")
    @pytest.mark.parametrize("scope", SCOPES)
    async def test_scopes(self, server: Harness, scope: Scope) -> None:
        """Each scope opens what it names and nothing else, and a refusal names what is missing."""
        ann = await server.user()
        key = {"X-API-Key": (await make(server, scopes=[scope]))["key"]}
        for wanted, path, body in (
            ("send", SEND, {"user_id": ann.id, "payload": 1}),
            ("identity", f"/api/users/{ann.id}/identity/", {}),
        ):
            answer = await server.post(body, path, headers=key)
            if wanted == scope:
                assert answer.status_code == 200
                continue
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
            assert f"scope '{wanted}'" in answer.json()["detail"]
        assert (await server.http.get("/api/stats/", headers=key)).status_code == 401

    async def test_until_it_expires(self, server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        """An expired key gets 401 that says so, also one that was used a moment before."""
        ann = await server.user()
        remembered, other = [await make(server, expires_in=60) for _ in "12"]
        web = await make(server, scopes=["identity"], expires_in=60)
        assert await send(server, ann, remembered["key"]) == (200, "")
        later = clock.now() + 60_000
        monkeypatch.setattr(clock, "now", lambda: later)
        for key in (remembered, other):
            assert await send(server, ann, key["key"]) == (401, "api_key_expired")
        answer = await server.post(
            {}, f"/api/users/{ann.id}/identity/", headers={"X-API-Key": web["key"]}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "api_key_expired")
        assert "expired" in answer.json()["detail"]
        assert "WWW-Authenticate" in answer.headers
        assert await server.pending(ann) == [1]

    @pytest.mark.attack("a stolen key after it was revoked or rotated", before="no rotation")
    @pytest.mark.parametrize("change", [RevokeApiKey("web"), RotateApiKey("web", b"new", 0)])
    async def test_ended_while_remembered(
        self, server: Harness, change: RevokeApiKey | RotateApiKey
    ) -> None:
        """Whoever ends a key, another process say, is obeyed by the very next send."""
        ann = await server.user()
        made = await make(server)
        assert await send(server, ann, made["key"]) == (200, "")
        await server.server.store.submit(change)
        assert (await send(server, ann, made["key"]))[0] == 401
        assert await server.pending(ann) == [1]

    @pytest.mark.attack(
        "a key of one region that names users of another", before="any key could send to anyone"
    )
    async def test_a_key_for_some_users_names_no_others(self, server: Harness) -> None:
        """A key with a prefix is for external users only: never for an account, by no endpoint."""
        ann = await server.user("eu:ann")
        made = await make(server, user_prefix="eu:", scopes=["send", "identity"])
        key = {"X-API-Key": made["key"]}
        for path, body in (
            (SEND, {"user_id": ann.id, "payload": 1}),
            (SEND, {"user_id": str(ann.id), "payload": 1}),
            (SEND, {"user_id": 999, "payload": 1}),
            (f"/api/users/{ann.id}/identity/", {}),
            ("/api/users/999/identity/", {}),
        ):
            answer = await server.post(body, path, headers=key)
            assert (answer.status_code, answer.json()["code"]) == (403, "user_not_allowed")
            assert "'eu:'" in answer.json()["detail"]
        assert await server.pending(ann) == []

    @pytest.mark.parametrize(
        ("limit", "rate", "passes"),
        [(0, 1, 2), (1000, 1, 2), (1, 4, 8)],
    )
    async def test_rate(self, server_with: ServerWith, limit: int, rate: int, passes: int) -> None:
        """A rate of its own takes the place of the common one, whichever is larger."""
        async with server_with(sends_per_second=limit) as server:
            ann = await server.user()
            made = await make(server, rate=rate)
            answers = [await send(server, ann, made["key"]) for _ in range(passes + 4)]
            assert answers[:passes] == [(200, "")] * passes
            assert (429, "too_many_sends") in answers[passes:]
            other = await make(server)
            assert await send(server, ann, other["key"]) == (200, "")


class TestAuthority:
    """What else programs do for users."""

    async def test_whose_it_is(self, server: Harness) -> None:
        """A key with the scope, or a superuser, with the address that it came from."""
        await make(server, name="web", scopes=["revoke"], user_prefix="eu:")
        made = await make(server, name="all", scopes=["revoke"])
        [stored, _] = await server.server.store.read(ApiKeys())
        key = Credentials(api_key=made["key"], address="203.0.113.7")
        assert await senders(server).authorize_for(key, "revoke") == Authority(
            Actor("key:all", "203.0.113.7")
        )
        token = Credentials(bearer=server.token(server.admin, "access"), address="::1")
        assert await senders(server).authorize_for(token, "revoke") == Authority(
            Actor("user:admin", "::1")
        )
        await server.server.store.submit(
            CreateApiKey("eu", digest("ntf_eu"), ("revoke",), stored.user_prefix)
        )
        found = await senders(server).authorize_for(Credentials(bearer="ntf_eu"), "revoke")
        assert found == Authority(Actor("key:eu"), "eu:")

    async def test_who_has_none(self, server_with: ServerWith) -> None:
        """Nobody else, also where everybody may send; an ended key has none from then on."""
        async with server_with(open_send=True) as server:
            ann = await server.user()
            made = await make(server, scopes=["revoke"])
            authorize = senders(server).authorize_for
            key = Credentials(api_key=made["key"])
            await authorize(key, "revoke")
            for credentials, scope, refusal in (
                (Credentials(from_this_machine=True), "revoke", Unauthenticated),
                (Credentials(api_key="ntf_x"), "revoke", ApiKeyNotValid),
                (Credentials(api_key=""), "revoke", ApiKeyNotValid),
                (key, "identity", ScopeMissing),
                (Credentials(server.token(ann, "access")), "revoke", PermissionDenied),
                (Credentials(server.token(server.admin)), "revoke", TokenNotValid),
            ):
                with pytest.raises(refusal):
                    await authorize(credentials, scope)
            assert (await rotate(server, made["id"], keep_seconds=0)).status_code == 201
            with pytest.raises(ApiKeyExpired):
                await authorize(key, "revoke")
            assert (await revoke(server, made["id"])).status_code == 204
            with pytest.raises(ApiKeyNotValid, match="revoked"):
                await authorize(key, "revoke")

    @pytest.mark.parametrize(
        ("prefix", "user"),
        [
            ("eu:", "eu"),
            ("eu:", "eu1"),
            ("eu:", "europe:1"),
            ("eu:", "EU:1"),
            ("eu:", " eu:1"),
            ("eu:", "\N{FULLWIDTH LATIN SMALL LETTER E}u:1"),
            ("eu:", "eu\N{FULLWIDTH COLON}1"),
            ("eu:", "e\N{ZERO WIDTH SPACE}u:1"),
            ("eu:", ""),
            ("eu:", None),
            ("\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}a"),
            ("1", None),
        ],
    )
    def test_users_of_others(self, prefix: str, user: str | None) -> None:
        """A name has to begin with the prefix, byte for byte; a number is no name."""
        for who in (Sender(user_prefix=prefix), Authority(Actor("key:x"), prefix)):
            with pytest.raises(UserNotAllowed, match="only for"):
                may_name(who, user)

    @pytest.mark.parametrize(
        ("prefix", "user"),
        [
            ("eu:", "eu:"),
            ("eu:", "eu:1"),
            ("eu", "europe"),
            ("%", "%s"),
            (None, "anyone"),
            (None, None),
        ],
    )
    def test_users_of_its_own(self, prefix: str | None, user: str | None) -> None:
        """What begins with the prefix may be named; without one, anybody."""
        may_name(Sender(user_prefix=prefix), user)
        may_name(Authority(Actor("key:x"), prefix), user)
        may_name(TRUSTED, user)


class TestUses:
    """When keys were last used."""

    async def test_written_now_and_then(
        self, server_with: ServerWith, each_database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A use is in the list after a while, and the first one in the audit log."""
        monkeypatch.setattr(composition, "KEY_USES_INTERVAL", 0.02)
        async with server_with(database_url=each_database_url) as server:
            ann = await server.user()
            sends, asks, unused = [
                await make(server, name=name, scopes=[scope])
                for name, scope in (("a", "send"), ("b", "identity"), ("c", "send"))
            ]
            before = clock.isoformat(clock.now())
            assert await send(server, ann, sends["key"]) == (200, "")
            path = f"/api/users/{ann.id}/identity/"
            await server.post({}, path, headers={"X-API-Key": asks["key"]})
            await server.post({}, path, headers={"X-API-Key": unused["key"]})
            async with asyncio.timeout(30):
                while not all(key["last_used_at"] for key in (await listed(server))[:2]):
                    pass
            used = {key["name"]: key["last_used_at"] for key in await listed(server)}
            assert used["a"] >= before
            assert used["c"] is None, "what was refused is no use"
            assert [entry[:4] for entry in await entries(server)][3:] == [
                ("key_first_used", f"key:{name}", f"key:{name}", "127.0.0.1") for name in "ab"
            ]

    async def test_written_at_the_end(
        self, server_with: ServerWith, each_database_url: str
    ) -> None:
        """A server that stops tells what it has not told yet."""
        async with server_with(database_url=each_database_url) as server:
            ann = await server.user()
            made = await make(server)
            assert await send(server, ann, made["key"]) == (200, "")
        async with server_with(database_url=each_database_url) as server:
            [kept] = await listed(server)
            assert kept["last_used_at"] >= made["created_at"]

    async def test_kept_while_the_store_is_away(
        self, server: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What could not be stored is stored the next time, with the first and the last moment."""
        await make(server, name="a")
        await make(server, name="b")
        store = server.server.store
        uses = KeyUses(store)
        moments = iter([10, 20, 30, 40])
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: next(moments))
            uses.note(1, "::1")

            async def away(operation: object) -> None:
                uses.note(1, "::2")
                uses.note(2, "::3")
                raise Unavailable

            patch.setattr(store, "submit", away)
            with pytest.raises(Unavailable):
                await uses.write()
            uses.note(1, "::4")
        await uses.close()
        assert [key.last_used_at for key in await store.read(ApiKeys())] == [40, 30]
        assert [(*entry[1:2], *entry[3:]) for entry in await entries(server)][2:] == [
            ("key:a", "::1", 10),
            ("key:b", "::3", 30),
        ]
        monkeypatch.setattr(store, "submit", away)
        await uses.write()
