"""Sessions of browsers: the cookie, its renewals, the list, and one's own password."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from notifier import clock
from notifier.storage.contract import Administrative, WriteSession
from notifier.storage.operations.sessions import SessionsOf
from tests.support.harness import (
    ADMIN_PASSWORD,
    JSON,
    SECRET,
    Harness,
    ServerWith,
    running,
    settings_for,
)

TOKEN = "/api/users/token/"
VERIFY = "/api/users/token/verify/"
WHO = "/api/users/is-authenticated/"
SESSION = "/api/users/session/"
REFRESH = SESSION + "refresh/"
EVERYWHERE = SESSION + "everywhere/"
SESSIONS = "/api/users/sessions/"
PASSWORD = "/api/users/password/"
NAME = "notifier_session"
CREDENTIALS = {"username": "admin", "password": ADMIN_PASSWORD}
NEW_PASSWORD = "quite another password"
FOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Sql(Administrative[None], frozen=True):
    """Something that only a test does to the store."""

    statement: str

    def apply(self, session: WriteSession, now: int) -> None:
        session.run(self.statement)


async def sql(server: Harness, statement: str) -> None:
    await server.server.store.submit(Sql(statement))


async def later(server: Harness, milliseconds: int = 60_000) -> None:
    """Let time pass, as far as sessions know."""
    await sql(server, f"UPDATE sessions SET used_at = used_at - {milliseconds}")


@dataclass
class Browser:
    """One that keeps the cookie itself, so that a test can lose or repeat it."""

    server: Harness
    cookie: str = ""
    access: str = ""
    identity: str = ""

    async def sign_in(self, password: str = ADMIN_PASSWORD, username: str = "admin") -> None:
        answer = await self.ask("POST", SESSION, {"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self._keep(answer)

    async def renew(self, cookie: str | None = None) -> int:
        """Renew with the cookie, or another one; the status."""
        answer = await self.ask("POST", REFRESH, {}, cookie=cookie)
        if answer.status_code == 200:
            self._keep(answer)
        else:
            assert NAME not in answer.headers.get("Set-Cookie", "")
        return answer.status_code

    async def ask(
        self, method: str, path: str, body: object = None, *, cookie: str | None = None
    ) -> httpx.Response:
        """Like the page: with the cookie where it belongs, and the access token elsewhere."""
        headers = {"User-Agent": FOX}
        if path.startswith(SESSION):
            headers["Cookie"] = f"{NAME}={self.cookie if cookie is None else cookie}"
        elif self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        # Nothing that the client would remember by itself.
        self.server.http.cookies.clear()
        if body is None:
            return await self.server.http.request(method, path, headers=headers)
        return await self.server.http.request(method, path, json=body, headers=headers)

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.ask("GET", SESSIONS)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["sessions"]
        return found

    async def works(self) -> bool:
        """Whether its access token does."""
        return (await self.ask("GET", WHO)).status_code == 200

    def _keep(self, answer: httpx.Response) -> None:
        self.cookie = answer.cookies[NAME]
        self.access, self.identity = answer.json()["access"], answer.json()["identity"]


@pytest.fixture
async def browser(server: Harness) -> Browser:
    """A browser in which the superuser has signed in."""
    browser = Browser(server)
    await browser.sign_in()
    return browser


@pytest.fixture
async def other(server: Harness, browser: Browser) -> Browser:
    """Another one of the same person."""
    other = Browser(server)
    await other.sign_in()
    return other


async def audit(server: Harness) -> list[tuple[str, str]]:
    """Action and subject of all entries."""

    class Entries(Administrative[list[tuple[str, str]]], frozen=True):
        def apply(self, session: WriteSession, now: int) -> list[tuple[str, str]]:
            rows = session.run("SELECT action, subject FROM audit ORDER BY id")
            return [(row[0], row[1]) for row in rows]

    return await server.server.store.submit(Entries())


class TestCookie:
    async def test_what_it_is(self, server: Harness) -> None:
        """It is no token, scripts cannot read it, other sites not send it, and it lasts."""
        response = await server.post(CREDENTIALS, SESSION)
        assert set(response.json()) == {"access", "identity", "user"}
        assert response.json()["user"] == {"id": 1, "username": "admin", "is_superuser": True}
        cookie = response.headers["Set-Cookie"]
        assert re.match(rf"{NAME}=1\.1\.[\w-]{{43}};", cookie)
        for part in ("HttpOnly", "SameSite=Strict", f"Path={SESSION}", f"Max-Age={14 * 86400}"):
            assert part in cookie

    async def test_max_age_ends_with_the_session(self, server_with: ServerWith) -> None:
        """The browser forgets a cookie when its session is over at the latest."""
        async with server_with(session_days=2) as server:
            response = await server.post(CREDENTIALS, SESSION)
            assert f"Max-Age={2 * 86400};" in response.headers["Set-Cookie"]

    async def test_only_json(self, browser: Browser) -> None:
        """What a foreign page could post without asking is refused."""
        headers = {"Cookie": f"{NAME}={browser.cookie}"}
        form = await browser.server.http.post(REFRESH, content=b"{}", headers=headers)
        assert form.status_code == 415

    async def test_wrong_password(self, server: Harness) -> None:
        """A wrong password begins no session."""
        refused = await server.post(CREDENTIALS | {"password": "wrong"}, SESSION)
        assert refused.status_code == 401
        assert "Set-Cookie" not in refused.headers
        assert await server.server.store.read(SessionsOf(1)) == []

    async def test_no_cookie(self, server: Harness) -> None:
        """Without a cookie there is no session."""
        refused = await server.post({}, REFRESH)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")

    async def test_tokens_say_the_session(self, browser: Browser) -> None:
        """Tokens that were given with a session name it; those of programs have none."""
        for token in (browser.access, browser.identity):
            assert jwt.decode(token, SECRET, algorithms=["HS256"])["sid"] == 1
        programs = (await browser.server.post(CREDENTIALS, TOKEN)).json()
        for token in programs.values():
            assert "sid" not in jwt.decode(token, SECRET, algorithms=["HS256"])

    async def test_no_token_outlasts_its_session(self, server_with: ServerWith) -> None:
        """A token ends with its session, however long tokens live."""
        async with server_with(access_seconds=10**7, session_idle_days=1) as server:
            browser = Browser(server)
            await browser.sign_in()
            claims = jwt.decode(browser.access, SECRET, algorithms=["HS256"])
            assert 86_398 <= claims["exp"] - claims["iat"] <= 86_400


class TestRenewal:
    async def test_chain(self, browser: Browser) -> None:
        """Each renewal brings another cookie, and tokens that work."""
        seen = {browser.cookie}
        for _ in range(3):
            assert await browser.renew() == 200
            assert await browser.works()
            seen.add(browser.cookie)
        assert len(seen) == 4

    async def test_a_lost_answer(self, browser: Browser) -> None:
        """Whoever lost an answer asks with the cookie they have, and gets the same next one."""
        first = browser.cookie
        assert await browser.renew() == 200
        second = browser.cookie
        await later(browser.server, 3 * clock.DAY)
        assert await browser.renew(first) == 200
        assert browser.cookie == second
        assert await browser.renew() == 200

    async def test_two_tabs_at_once(self, browser: Browser) -> None:
        """Tabs that renew at the same moment all stay signed in, with one cookie."""
        tabs = [Browser(browser.server, browser.cookie) for _ in range(8)]
        assert await asyncio.gather(*[tab.renew() for tab in tabs]) == [200] * 8
        assert len({tab.cookie for tab in tabs}) == 1
        assert all([await tab.works() for tab in tabs])
        assert await tabs[0].renew() == 200

    async def test_reuse(self, browser: Browser) -> None:
        """A copy that is used behind the one who was robbed ends the session, tokens and all."""
        stolen = browser.cookie
        for _ in "12":
            await browser.renew()
        await later(browser.server)
        async with browser.server.connect(browser.server.admin, token=browser.identity) as device:
            await device.nothing_more()
            assert await Browser(browser.server).renew(stolen) == 401
            assert (await device.closed())[0] == 4403
        assert not await browser.works()
        assert await browser.renew() == 401
        assert (await audit(browser.server))[-1] == ("session_ended", "session:1")

    async def test_overtaken_twice(self, browser: Browser) -> None:
        """A tab whose request was overtaken is told to try again, and nothing ends."""
        first = browser.cookie
        for _ in "12":
            await browser.renew()
        slow = await browser.ask("POST", REFRESH, {}, cookie=first)
        assert (slow.status_code, slow.json()["code"]) == (503, "unavailable")
        assert slow.headers["Retry-After"] == "1"
        assert await browser.renew() == 200

    async def test_refresh_tokens_are_no_cookies(self, server: Harness) -> None:
        """A refresh token as the cookie renews nothing and ends nothing, and still refreshes."""
        tokens = (await server.post(CREDENTIALS, TOKEN)).json()
        browser = Browser(server)
        for token in tokens.values():
            assert await browser.renew(token) == 401
            for path in (SESSION, EVERYWHERE):
                ended = await browser.ask("DELETE", path, cookie=token)
                assert ended.status_code == 204
        answer = await server.post({"refresh": tokens["refresh"]}, "/api/users/token/refresh/")
        assert answer.status_code == 200
        assert set(answer.json()) == {"access", "identity"}
        assert "Set-Cookie" not in answer.headers

    async def test_cookies_are_no_tokens(self, browser: Browser) -> None:
        """A session cookie opens nothing as a token."""
        for path, field in ((VERIFY, "token"), ("/api/users/token/refresh/", "refresh")):
            assert (await browser.server.post({field: browser.cookie}, path)).status_code == 401
        assert not await Browser(browser.server, access=browser.cookie).works()

    async def test_the_list_shows_the_last_use(self, browser: Browser) -> None:
        """Where a session was used last is what the list says."""
        (before,) = await browser.listed()
        await later(browser.server)
        await browser.renew()
        (after,) = await browser.listed()
        assert after["used_at"] >= before["used_at"]
        assert after["created_at"] == before["created_at"]
        assert after["user_agent"] == FOX


class TestEnds:
    async def test_sign_out(self, browser: Browser, other: Browser) -> None:
        """Signing out ends this session, its tokens and sockets; all others go on."""
        server = browser.server
        tokens = (await server.post(CREDENTIALS, TOKEN)).json()
        admin = server.admin
        async with (
            server.connect(admin, token=browser.identity) as mine,
            server.connect(admin, token=other.identity) as theirs,
            server.connect(admin, token=tokens["identity"]) as programs,
        ):
            await mine.nothing_more()
            ended = await browser.ask("DELETE", SESSION)
            assert (ended.status_code, ended.content) == (204, b"")
            assert f"Path={SESSION}" in ended.headers["Set-Cookie"]
            assert await mine.closed() == (4403, "signed out")
            await theirs.nothing_more()
            await programs.nothing_more()
        assert not await browser.works()
        assert await browser.renew() == 401
        assert await other.works()
        assert await other.renew() == 200
        assert (await server.post({"token": tokens["access"]}, VERIFY)).status_code == 200
        assert (await audit(server))[-1] == ("signed_out", "session:1")
        assert (await browser.ask("DELETE", SESSION)).status_code == 204, "twice is fine"

    async def test_everywhere(self, browser: Browser, other: Browser) -> None:
        """Signing out everywhere ends all sessions, tokens and connections of the user."""
        server = browser.server
        tokens = (await server.post(CREDENTIALS, TOKEN)).json()
        async with server.connect(server.admin, token=other.identity) as device:
            await device.nothing_more()
            ended = await browser.ask("DELETE", EVERYWHERE)
            assert (ended.status_code, ended.content) == (204, b"")
            assert (await device.closed())[0] == 4403
        for each in (browser, other):
            assert not await each.works()
            assert await each.renew() == 401
        assert (await server.post({"token": tokens["refresh"]}, VERIFY)).status_code == 401
        assert (await audit(server))[-1] == ("signed_out_everywhere", "user:admin")
        assert (await browser.ask("DELETE", EVERYWHERE)).status_code == 204, "twice is fine"

    async def test_one_of_the_list(self, browser: Browser, other: Browser) -> None:
        """Who is signed in on two devices sees both, and ends the other one alone."""
        listed = await browser.listed()
        assert [(each["id"], each["current"]) for each in listed] == [(2, False), (1, True)]
        assert set(listed[0]) == {
            "id",
            "created_at",
            "used_at",
            "expires_at",
            "address",
            "user_agent",
            "current",
        }
        assert listed[0]["address"] == "127.0.0.1"
        server = browser.server
        async with server.connect(server.admin, token=other.identity) as device:
            await device.nothing_more()
            ended = await browser.ask("DELETE", f"{SESSIONS}2/")
            assert (ended.status_code, ended.content) == (204, b"")
            assert (await device.closed())[0] == 4403
        assert [each["id"] for each in await browser.listed()] == [1]
        assert await other.renew() == 401

    @pytest.mark.parametrize("session_id", ["99", "0", "-1", "x", "²", "9" * 30, str(2**63), "%00"])
    async def test_none_of_the_list(self, browser: Browser, session_id: str) -> None:
        """What is no session of one's own is not found."""
        refused = await browser.ask("DELETE", f"{SESSIONS}{session_id}/")
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_session")

    async def test_not_of_somebody_else(self, browser: Browser) -> None:
        """Nobody sees or ends the sessions of others, superusers here neither."""
        ann = await browser.server.user()
        token = browser.server.token(ann, "access")
        stranger = Browser(browser.server, access=token)
        assert await stranger.listed() == []
        assert (await stranger.ask("DELETE", f"{SESSIONS}1/")).status_code == 404
        assert await browser.works()

    async def test_not_without_a_token(self, server: Harness) -> None:
        """The list, its entries and the password want an access token."""
        stranger = Browser(server)
        for method, path in (("GET", SESSIONS), ("DELETE", SESSIONS + "1/")):
            assert (await stranger.ask(method, path)).status_code == 401
        body = {"password": ADMIN_PASSWORD, "new_password": NEW_PASSWORD}
        assert (await stranger.ask("POST", PASSWORD, body)).status_code == 401
        identity = Browser(server, access=server.token(server.admin, "identity"))
        assert (await identity.ask("GET", SESSIONS)).status_code == 401

    async def test_signing_in_again(self, browser: Browser) -> None:
        """Signing in always makes a new session, and ends the one of the cookie before it."""
        before = Browser(browser.server, browser.cookie, browser.access)
        await browser.sign_in()
        assert [each["id"] for each in await browser.listed()] == [2]
        assert not await before.works()
        assert await before.renew() == 401

    async def test_handshakes_under_way(self, browser: Browser) -> None:
        """A socket whose token was checked before its session ended is told so."""
        hub = browser.server.server.hub
        hub.end_session(1, 1, "ended")
        async with browser.server.connect(browser.server.admin, token=browser.identity) as device:
            assert await device.closed() == (4401, "credentials changed")

    async def test_a_socket_goes_over_to_another_session(self, browser: Browser) -> None:
        """A socket that has shown the token of another session ends with that one."""
        server = browser.server
        async with server.connect(server.admin, token=browser.identity) as device:
            await browser.sign_in()
            await device.tell({"type": "command", "key": "refresh", "value": browser.identity})
            # The former session has ended by now: whichever comes first, it is no failure.
            frame = await device.next()
            assert frame.key == "refresh"


class TestPassword:
    async def test_changed(self, browser: Browser, other: Browser) -> None:
        """It ends everything but the session that asked, which goes on with new tokens."""
        server = browser.server
        tokens = (await server.post(CREDENTIALS, TOKEN)).json()
        async with (
            server.connect(server.admin, token=browser.identity) as mine,
            server.connect(server.admin, token=other.identity) as theirs,
        ):
            await mine.nothing_more()
            changed = await browser.ask(
                "POST", PASSWORD, {"password": ADMIN_PASSWORD, "new_password": NEW_PASSWORD}
            )
            assert (changed.status_code, changed.content) == (204, b"")
            for device in (mine, theirs):
                assert await device.closed() == (4403, "password changed")
        assert await other.renew() == 401
        assert (await server.post({"token": tokens["access"]}, VERIFY)).status_code == 401
        assert await browser.renew() == 200
        assert await browser.works()
        assert (await server.post(CREDENTIALS, TOKEN)).status_code == 401
        again = CREDENTIALS | {"password": NEW_PASSWORD}
        assert (await server.post(again, TOKEN)).status_code == 200
        assert (await audit(server))[-1] == ("password_changed", "user:admin")

    async def test_by_a_program(self, browser: Browser) -> None:
        """Whoever has no session of their own ends all of them."""
        server = browser.server
        program = Browser(server, access=server.token(server.admin, "access"))
        body = {"password": ADMIN_PASSWORD, "new_password": NEW_PASSWORD}
        assert (await program.ask("POST", PASSWORD, body)).status_code == 204
        assert not await program.works()
        assert await browser.renew() == 401

    @pytest.mark.parametrize(
        ("body", "problems"),
        [
            (
                {"password": ADMIN_PASSWORD, "new_password": "short"},
                {"new_password": ["Expected a password of 8 to 1024 characters."]},
            ),
            ({"password": ADMIN_PASSWORD}, {"new_password": ["This field is required."]}),
            (
                {"password": 1, "new_password": None},
                {
                    "password": ["Expected a string."],
                    "new_password": ["This field may not be null."],
                },
            ),
        ],
    )
    async def test_refused(
        self, browser: Browser, body: dict[str, object], problems: dict[str, list[str]]
    ) -> None:
        """What is missing, mistyped or too short is named, and changes nothing."""
        refused = await browser.ask("POST", PASSWORD, body)
        assert (refused.status_code, refused.json()) == (400, problems)
        assert await browser.works()

    async def test_wrong(self, browser: Browser) -> None:
        """A wrong old one changes nothing, and the session goes on."""
        body = {"password": "wrong", "new_password": NEW_PASSWORD}
        refused = await browser.ask("POST", PASSWORD, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
        assert await browser.works()

    async def test_no_oracle(self, server_with: ServerWith) -> None:
        """Who has a stolen access token guesses no oftener than at the front door."""
        async with server_with(guesses_per_name=3) as server:
            thief = Browser(server, access=server.token(server.admin, "access"))
            for number in range(3):
                guess = {"password": f"guess {number}", "new_password": NEW_PASSWORD}
                assert (await thief.ask("POST", PASSWORD, guess)).status_code == 403
            right = {"password": ADMIN_PASSWORD, "new_password": NEW_PASSWORD}
            refused = await thief.ask("POST", PASSWORD, right)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sign_ins")
            assert int(refused.headers["Retry-After"]) > 0
            front_door = await server.post(CREDENTIALS, TOKEN)
            assert front_door.status_code == 429


async def test_what_a_browser_says_is_bounded(server: Harness) -> None:
    """Of a user agent only so much is kept as can be shown."""
    agent = "Mozilla\tA" + "x" * 5000
    headers = JSON | {"User-Agent": agent}
    answer = await server.http.post(SESSION, json=CREDENTIALS, headers=headers)
    browser = Browser(server, access=answer.json()["access"])
    assert (await browser.listed())[0]["user_agent"] == ("MozillaA" + "x" * 5000)[:200]
    silent = await server.http.post(SESSION, json=CREDENTIALS, headers={"User-Agent": ""})
    browser = Browser(server, access=silent.json()["access"])
    assert (await browser.listed())[0]["user_agent"] == ""


@asynccontextmanager
async def once_more(folder: Path, database_url: str, secret: str) -> AsyncIterator[Harness]:
    """The server, started with another list of secrets."""
    settings = settings_for(folder, database_url=database_url, secret_key=secret)
    async with running(settings) as harness:
        yield harness


NEW_SECRET = "a-new-secret-a-new-secret-a-new-secret"
THIRD_SECRET = "a-third-secret-a-third-secret-a-third"


async def test_nobody_is_signed_out_by_a_new_secret(tmp_path: Path, each_database_url: str) -> None:
    """Tokens, cookies and sockets go on through a rotation, and end when the old secret does."""
    async with once_more(tmp_path, each_database_url, SECRET) as server:
        browser = Browser(server)
        await browser.sign_in()
        programs = (await server.post(CREDENTIALS, TOKEN)).json()
        idle = Browser(server)
        await idle.sign_in()
    earlier = {"user_id": 1, "token_type": "access", "iat": 0, "exp": 2**31, "jti": "x"}
    without_kid = jwt.encode(earlier, SECRET, algorithm="HS256")
    for secrets in (f"{SECRET},{NEW_SECRET}", f"{NEW_SECRET},{SECRET}"):
        async with once_more(tmp_path, each_database_url, secrets) as server:
            browser.server = idle.server = server
            for token in (*programs.values(), browser.access, without_kid):
                assert (await server.post({"token": token}, VERIFY)).status_code == 200
            async with server.connect(server.admin, token=browser.identity) as device:
                await device.nothing_more()
            assert await browser.renew() == 200
    async with once_more(tmp_path, each_database_url, f"{THIRD_SECRET}\n{NEW_SECRET}") as server:
        browser.server = idle.server = server
        assert await browser.works()
        assert await browser.renew() == 200
        for token in (*programs.values(), without_kid):
            assert (await server.post({"token": token}, VERIFY)).status_code == 401
        assert await idle.renew() == 401


async def test_the_key_id(server: Harness) -> None:
    """Tokens say which secret signed them; what names another, or lies, is refused."""
    claims = {"user_id": 1, "token_type": "access", "iat": 0, "exp": 2**31}
    tokens = (await server.post(CREDENTIALS, TOKEN)).json()
    kid = jwt.get_unverified_header(tokens["access"])["kid"]
    assert re.fullmatch(r"[\w-]{8}", kid)

    async def status(key: str, **headers: Any) -> int:
        token = jwt.encode(claims, key, algorithm="HS256", headers=headers)
        return (await server.post({"token": token}, VERIFY)).status_code

    assert await status(SECRET) == 200
    assert await status(SECRET, kid=kid) == 200
    assert await status(SECRET, kid="unknown") == 401
    assert await status(SECRET, kid="") == 401
    assert await status(NEW_SECRET, kid=kid) == 401
    assert await status(NEW_SECRET) == 401
