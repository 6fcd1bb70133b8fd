"""The log: one line for each entry, as text or JSON, and never a secret."""

import asyncio
import json
import logging
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st

from notifier.identity.tokens import Tokens
from notifier.process.logs import Format, JsonFormatter, Sparse, TextFormatter, scrub
from servers.notifier import ServerProcess
from tests.support.harness import ADMIN_PASSWORD, SECONDS, SECRET, SEND

HIDDEN = "hunter2-hunter2"
TOKEN = Tokens(SECRET, {"identity": 60}).issue("identity", 1, 0)
API_KEY = "ntf_0123456789abcdefghijklmnop"
COOKIE = "17.4.5-NQLvanL_7skS171xnoAUlpkSBh6ffKlXbbpCSLK28"


def record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"levelname": "INFO", "name": "notifier.tests", "created": 1.25})
    made.levelno, made.msg, made.args = logging.INFO, message, arguments
    vars(made).update(fields)
    return made


def text(*arguments: Any, **fields: object) -> str:
    return TextFormatter().format(record(*arguments, **fields))


def parsed(*arguments: Any, **fields: object) -> dict[str, Any]:
    line = JsonFormatter().format(record(*arguments, **fields))
    assert "\n" not in line
    entry: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return entry


def test_a_line_of_text() -> None:
    """Time, level, message, and the fields behind it."""
    assert text("Connected", action="connected", user_id=7) == (
        "1970-01-01T00:00:01.250Z INFO    Connected action=connected user_id=7"
    )


def test_a_line_of_json() -> None:
    """The same as an object, with numbers and nothing as such."""
    assert parsed("Connected to %s", "x", action="connected", user_id=7, rest=None) == {
        "time": "1970-01-01T00:00:01.250Z",
        "level": "info",
        "logger": "notifier.tests",
        "message": "Connected to x",
        "action": "connected",
        "user_id": 7,
        "rest": None,
    }


def test_json_is_valid_whatever_is_logged() -> None:
    """Values that JSON has no word for become text; fields do not hide the standard ones."""
    entry = parsed(
        "x", time=5, level=6, ratio=math.nan, size=math.inf, ok=True, what={"a": b"\xff"}
    )
    assert (entry["time"], entry["level"]) == ("1970-01-01T00:00:01.250Z", "info")
    assert (entry["ratio"], entry["size"], entry["ok"]) == ("nan", "inf", True)
    assert entry["what"] == "{'a': b'\\xff'}"
    assert parsed("\ud800 \n \x00")["message"] == "\ud800 \n \x00"


def test_exceptions_follow_without_their_secrets() -> None:
    """A traceback stands below a line of text, and inside an object."""
    try:
        raise ValueError(f"password={HIDDEN}")
    except ValueError:
        raised = sys.exc_info()
    for shown in (text("Failed", exc_info=raised), parsed("Failed", exc_info=raised)["exception"]):
        assert "Traceback" in shown
        assert "ValueError: password=***" in shown
        assert HIDDEN not in shown


def test_nothing_from_outside_begins_a_line() -> None:
    """Line breaks in messages and fields are written as escapes."""
    shown = text("Bad header %s", "x\n1970 ERROR", path="/a\r\n1970 ERROR Faked")
    assert "\n" not in shown
    assert "\r" not in shown
    assert r"/a\r\n1970 ERROR Faked" in shown


@pytest.mark.parametrize(
    "shape",
    [
        "GET /ws/notifications/1/?token={} HTTP/1.1",
        "uri='/ws/?a=1&token={}&b=2'",
        "Authorization: Bearer {}",
        "authorization: Basic {}",
        "'Authorization': 'Bearer {}'",
        "X-API-Key: {}",
        '"X-Api-Key": "{}"',
        "api_key={}",
        "NOTIFIER_API_KEY={}",
        "SECRET_KEY={}",
        '{{"password": "{}"}}',
        '{{"password": "two words {}"}}',
        '"{{\\"password\\": \\"{}\\"}}"',
        "{{'password': '{}', 'username': 'ann'}}",
        "password='it\\'s {}'",
        "password=a@{}",
        "refresh_token={}",
        "Cookie: notifier_session={}",
        "{{'access': '{}', 'refresh': '{}', 'identity': '{}'}}",
        "amqp://guest:{}@rabbit.example:5672/vhost",
        "postgresql://user:{}@db/name?sslmode=require",
        "redis://:{}@redis:6379/0",
        "postgresql://user:p@ss:{}@db/name",
        "bearer {}",
    ],
)
def test_secrets_are_scrubbed(shape: str) -> None:
    """Tokens, keys and passwords are hidden in every shape in which they could be logged."""
    message = shape.format(*[HIDDEN] * shape.count("{}"))
    assert HIDDEN in message
    assert HIDDEN not in scrub(message)
    assert HIDDEN not in text(message)
    assert HIDDEN not in parsed("x", field=message)["field"]


@pytest.mark.parametrize("secret", [TOKEN, API_KEY, COOKIE])
def test_secrets_that_stand_alone(secret: str) -> None:
    """What looks like one of our tokens, keys or cookies is hidden wherever it stands."""
    for message in (f"got {secret}.", f"<{secret}>", f"/path/{secret}/"):
        assert secret not in scrub(message)


@pytest.mark.parametrize("name", ["password", "api_key", "identity_token", "refresh", "Cookie"])
def test_fields_that_are_secrets(name: str) -> None:
    """A field with the name of a secret shows nothing of it, in either form."""
    assert HIDDEN not in text("x", **{name: f"a {HIDDEN}"})
    assert parsed("x", **{name: f"a {HIDDEN}"})[name] == "***"


@pytest.mark.parametrize(
    "message",
    [
        "Notifier is running on http://127.0.0.1:8002/api/notifications/",
        "Refused user_id=7 path=/api/users/token/ status=401",
        "Make a key with `python -m notifier apikey create --name NAME`; NOTIFIER_OPEN_SEND=1",
        "mail to ann@example.org",
        "amqp://rabbit.example:5672/vhost",
    ],
)
def test_what_is_no_secret_stays(message: str) -> None:
    """Addresses, ports and plain words are left as they are."""
    assert scrub(message) == message


def test_long_things_are_cut() -> None:
    """Of a message or a field that is long the log has its beginning and its end."""
    long = "begin" + "x" * 60_000 + "end"
    for shown in (text("Failed"), text("%s", long, path=long), json.dumps(parsed(long, path=long))):
        assert len(shown) < 2500
    assert re.fullmatch(r"beginx+ … 59008 characters … x+end", parsed("x", path=long)["path"])
    assert len(text("\0" * 60_000)) < 5000


def test_traces_are_cut() -> None:
    """An error that repeats what it was given does not fill the log, and what it is remains."""
    try:
        raise ValueError("x" * 1_000_000 + " is no number")
    except ValueError:
        raised = sys.exc_info()
    shown = text("Failed", exc_info=raised)
    assert len(shown) < 21_000
    assert "Traceback" in shown
    assert shown.endswith("is no number")


def test_floods_of_a_kind_are_thinned() -> None:
    """Of each kind so many lines a second pass, and the next one says how many did not."""
    sparse = Sparse(rate=2)
    seconds = 0.0
    sparse._buckets._now = lambda: seconds
    lines = [record("Request", status=401) for _ in range(1000)]
    passed = [line for line in lines if sparse.filter(line)]
    assert len(passed) == 20
    assert sparse.filter(record("Request", status=500)), "another kind"
    debug = record("Request", status=401)
    debug.levelno = logging.DEBUG
    assert sparse.filter(debug), "which was asked for"
    seconds = 0.5
    line = record("Request", status=401)
    assert sparse.filter(line)
    assert vars(line)["left_out"] == 980
    seconds = 1.0
    assert sparse.filter(record("Request", status=401))
    unbounded = Sparse(rate=0)
    assert all(unbounded.filter(line) for line in lines)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_scrubbing_never_fails(anything: str) -> None:
    """Any text can be logged, on one line."""
    assert "\n" not in text("%s", scrub(anything))
    assert parsed("%s", anything)["level"] == "info"


def test_long_words_are_no_burden() -> None:
    """A megabyte without a space is looked through in passing."""
    for word in ("a" * 1_000_000, "http://" * 100_000, "token" * 100_000, "a:" * 300_000):
        scrub(word)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_a_server_logs_no_secret(
    server_process: Callable[..., ServerProcess], log_format: Format
) -> None:
    """At the most talkative level, sockets, sign-ins and sends leave no secret behind."""
    process = server_process(
        NOTIFIER_LOG_LEVEL="debug", NOTIFIER_LOG_FORMAT=log_format, PYTHONASYNCIODEBUG="1"
    )
    await asyncio.to_thread(process.start)
    expired = Tokens(SECRET, {"identity": -60}).issue("identity", 1, 0)
    for token in (TOKEN, expired, HIDDEN):
        url = f"ws{process.url.removeprefix('http')}/ws/notifications/1/?token={token}"
        try:
            async with websockets.connect(url) as device:
                await device.send(
                    json.dumps({"type": "command", "key": "refresh", "value": HIDDEN})
                )
                await device.recv()
        except websockets.InvalidStatus as refusal:
            assert refusal.response.status_code == 403
    async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
        tokens = []
        for password in (ADMIN_PASSWORD, HIDDEN):
            form = {"username": "admin", "password": password}
            answer = await http.post("/api/users/session/", json=form)
            tokens += [answer.json().get("access"), answer.cookies.get("notifier_session")]
        await http.post("/api/users/token/refresh/", json={"refresh": HIDDEN})
        for headers in (
            {"X-API-Key": API_KEY},
            {"X-API-Key": HIDDEN},
            {"Authorization": f"Bearer {tokens[0]}"},
            {"Authorization": f"Bearer {HIDDEN}"},
        ):
            await http.post(SEND, json={"user_id": 1, "payload": "x"}, headers=headers)
    assert await asyncio.to_thread(process.stop) == 0
    log = process.log
    assert "/ws/notifications/1/" in log
    for secret in (TOKEN, expired, HIDDEN, API_KEY, ADMIN_PASSWORD, SECRET, *filter(None, tokens)):
        assert secret not in log
    if log_format == "json":
        assert all(json.loads(line)["level"] for line in log.splitlines())
