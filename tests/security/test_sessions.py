"""Attacks on sessions: cookies that nobody was given, copies, and those of other lives."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import TokenNotValid
from notifier.identity.cookies import Cookies, parse
from notifier.models import Session
from notifier.storage.operations.sessions import MOST_SESSIONS, SessionsOf
from tests.support.harness import ADMIN_PASSWORD, SECRET, Harness, running, settings_for
from tests.test_sessions import EVERYWHERE, NAME, REFRESH, SESSION, Browser, later

FOREIGN_SECRET = "the secret of another installation"


@pytest.fixture
async def browser(server: Harness) -> Browser:
    """A browser in which the superuser has signed in."""
    browser = Browser(server)
    await browser.sign_in()
    return browser


@pytest.mark.attack("a stolen refresh token as the session cookie", before="renewed for ever")
async def test_a_stolen_refresh_token(server: Harness) -> None:
    """A refresh token is no cookie: it ends when it ends, and brings no other."""
    credentials = {"username": "admin", "password": ADMIN_PASSWORD}
    tokens = (await server.post(credentials, "/api/users/token/")).json()
    for token in (tokens["refresh"], server.token(server.admin, "refresh")):
        assert await Browser(server).renew(token) == 401


@pytest.mark.attack("a stolen cookie, used beside its owner", before="works for ever, unseen")
async def test_a_stolen_cookie(browser: Browser) -> None:
    """Whoever comes second gives the theft away: the session ends for both."""
    owner, thief = browser, Browser(browser.server, browser.cookie)
    assert await thief.renew() == 200
    assert await thief.renew() == 200
    await later(browser.server)
    assert await owner.renew() == 401
    assert await thief.renew() == 401
    for each in (owner, thief):
        assert not await each.works()


@pytest.mark.attack("forged and foreign session cookies", before="not possible")
async def test_forged_cookies(browser: Browser) -> None:
    """A cookie that was not given for this session and count renews, ends and reveals nothing."""
    session_id, count, mac = browser.cookie.split(".")
    (session,) = await browser.server.server.store.read(SessionsOf(1))
    other_session = Session(2, *[getattr(session, each) for each in Session.__struct_fields__[1:]])
    forged = [
        f"{session_id}.2.{mac}",
        f"2.{count}.{mac}",
        f"0{session_id}.{count}.{mac}",
        f"{session_id}.{count}.{mac[:-1]}",
        f"{session_id}.{count}.{mac}A",
        f"{session_id}.{count}.{mac.swapcase()}",
        f"{session_id}.{count}.{'A' * 43}",
        f"{session_id}.{count}.",
        f"{session_id}.{count}",
        f"{session_id}",
        f"-1.{count}.{mac}",
        f"{2**63}.{count}.{mac}",
        f"{'9' * 400}.{count}.{mac}",
        f"{session_id}.{'9' * 400}.{mac}",
        f"{session_id}.{count}.{mac * 300}",
        f"9.{count}.{mac}",
        Cookies([FOREIGN_SECRET]).make(session),
        Cookies([SECRET]).make(other_session),
        "",
        ".",
        "..",
        f'"{browser.cookie[:-1]}"',
    ]
    for cookie in forged:
        assert await Browser(browser.server).renew(cookie) == 401, cookie
        for path in (SESSION, EVERYWHERE):
            ended = await Browser(browser.server, cookie).ask("DELETE", path)
            assert ended.status_code == 204
    assert await browser.works()
    assert await browser.renew() == 200


@pytest.mark.attack("have somebody sign in to a session that I know", before="not possible")
async def test_fixation(server: Harness) -> None:
    """Signing in begins a session of its own, whatever cookie the browser was given before."""
    await server.user("mallory")
    mallory = Browser(server)
    await mallory.sign_in()
    planted = mallory.cookie
    victim = Browser(server, planted)
    await victim.sign_in()
    assert victim.cookie.split(".")[0] != planted.split(".")[0]
    assert await Browser(server).renew(planted) == 401
    assert await victim.renew() == 200


async def test_a_restored_backup(tmp_path: Path) -> None:
    """Where a backup gives an id once more, the cookie of its former life opens nothing."""
    folder, backup = tmp_path / "data", tmp_path / "backup"
    async with running(settings_for(folder)) as server:
        await server.http.get("/healthz/live/")
    shutil.copytree(folder, backup)
    async with running(settings_for(folder)) as server:
        former = Browser(server)
        await former.sign_in()
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    async with running(settings_for(folder)) as server:
        present = Browser(server)
        await present.sign_in()
        assert present.cookie.split(".")[:2] == former.cookie.split(".")[:2]
        assert await Browser(server).renew(former.cookie) == 401
        assert await present.renew() == 200


@pytest.mark.attack("fill the store with sessions", before="there were none")
async def test_very_many_sign_ins(server: Harness) -> None:
    """Whoever knows a password has so many sessions, and not one more."""
    newest = Browser(server)
    for _ in range(MOST_SESSIONS + 5):
        newest.cookie = ""
        await newest.sign_in()
    assert len(await server.server.store.read(SessionsOf(1))) == MOST_SESSIONS
    assert await newest.renew() == 200


async def test_only_in_its_place(browser: Browser) -> None:
    """The cookie counts on the paths of the session alone, and as a cookie alone."""
    browser.server.http.cookies.clear()
    headers = {"Cookie": f"{NAME}={browser.cookie}"}
    for path in ("/api/users/sessions/", "/api/users/is-authenticated/", "/api/stats/"):
        assert (await browser.server.http.get(path, headers=headers)).status_code == 401
    for name in ("Authorization", "X-API-Key"):
        value = f"Bearer {browser.cookie}" if name == "Authorization" else browser.cookie
        sent = await browser.server.post({"user_id": 1, "payload": 1}, headers={name: value})
        assert sent.status_code == 401
    assert (await browser.server.post({}, REFRESH, headers={})).status_code == 401


SESSIONS = st.builds(
    Session,
    id=st.integers(1, 2**63 - 1),
    user_id=st.just(1),
    nonce=st.binary(min_size=16, max_size=16),
    issued=st.integers(1, 10**15),
    **dict.fromkeys(("address", "user_agent"), st.just("")),
    **dict.fromkeys(("created_at", "used_at", "expires_at", "ends_at"), st.just(0)),
)


@given(SESSIONS, SESSIONS)
def test_a_cookie_is_of_one_session(one: Session, other: Session) -> None:
    """What is made for a session counts for it, and for none with another id or nonce."""
    cookies = Cookies([SECRET])
    cookie = parse(cookies.make(one))
    assert (cookie.session_id, cookie.number) == (one.id, one.issued)
    cookies.check(cookie, one)
    if (one.id, one.nonce) != (other.id, other.nonce):
        with pytest.raises(TokenNotValid):
            cookies.check(cookie, other)


@given(st.text() | st.from_regex(r"\A[0-9]{1,30}\.[0-9]{1,30}\.[\w-]{0,60}\Z"))
def test_any_text(text: str) -> None:
    """Any text is a cookie of the right shape, or refused."""
    try:
        cookie = parse(text)
    except TokenNotValid:
        return
    assert text == f"{cookie.session_id}.{cookie.number}.{cookie.mac}"
    assert 1 <= cookie.session_id < 2**63
