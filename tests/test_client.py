"""The Python client: one core for both, against a real server, through failures."""

import asyncio
import json
import math
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest

import notifier.client
import notifier_client
from notifier.errors import Unavailable
from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from notifier.storage.operations.notifications import Pending
from notifier_client import (
    AsyncNotifier,
    InvalidSettings,
    KeyInUse,
    Message,
    NotAllowed,
    Notifier,
    NotifierError,
    NotValid,
    RawJSON,
    Refused,
    SendFailed,
    Sent,
    ServerUnavailable,
    SomeFailed,
    UnexpectedAnswer,
    UnknownRecipient,
    notify_user_by_id,
)
from notifier_client.attempts import Answer, Interrupted, Patience
from notifier_client.batch import BatchDelivery, Entry
from notifier_client.delivery import Delivery
from servers.notifier import ServerProcess
from tests.support.harness import Harness, ServerWith
from tests.support.naming import users_of

API_KEY = "ntf_a-key-that-must-never-be-seen"


class Client:
    """Either client, spoken to in the same way."""

    def __init__(self, kind: str, url: str | None = None, **options: Any) -> None:
        self.real: Any = (Notifier if kind == "blocking" else AsyncNotifier)(url, **options)
        self.blocking = kind == "blocking"

    async def call(self, verb: str, *arguments: Any, **options: Any) -> Any:
        method = getattr(self.real, verb)
        if self.blocking:
            return await asyncio.to_thread(method, *arguments, **options)
        return await method(*arguments, **options)

    async def send(self, *arguments: Any, **options: Any) -> Sent:
        sent: Sent = await self.call("send", *arguments, **options)
        return sent


Clients = Callable[..., Client]


@pytest.fixture(params=["blocking", "asyncio"])
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[Clients]:
    """Makes clients of one kind; both kinds pass every test."""
    made: list[Client] = []

    def make(url: str, **options: Any) -> Client:
        made.append(Client(request.param, url, **options))
        return made[-1]

    yield make
    for each in made:
        await each.call("close")


# The core: what an answer means, and when to try again.


class Clock:
    """A time that only moves when it is told to."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


def delivery(message: Message | None = None, *, total: float = 30.0, chance: float = 1.0) -> Any:
    clock = Clock()
    made: Any = Delivery(
        message or Message(1, {"a": 1}), Patience(total), now=clock, chance=lambda: chance
    )
    made.clock = clock
    return made


def answer(status: int, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(body).encode())


def test_pauses_grow_and_are_bounded() -> None:
    """Each failure doubles the longest pause, up to five seconds."""
    trying = delivery(total=1000)
    pauses = [trying.judge(Interrupted("refused")) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_pauses_are_spread() -> None:
    """Chance may shorten a pause down to nothing, so that clients do not come back as one."""
    assert delivery(chance=0.0).judge(Interrupted("refused")) == 0.0
    assert delivery(chance=0.5).judge(Interrupted("refused")) == 0.05


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_statuses_that_are_tried_again(status: int) -> None:
    """An overloaded or absent server is tried again, whoever speaks for it."""
    assert delivery().judge(answer(status)) == 0.1


@pytest.mark.parametrize(
    ("value", "least"),
    [
        ("7", 7.0),
        ("Sun, 01 Jan 2090 00:00:00 GMT", 1e9),
        ("Sun, 01 Jan 2090 00:00:00 -0000", 1e9),
        ("Mon, 01 Jan 1990 00:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_honoured(value: str, least: float) -> None:
    """Nothing is sent before the moment that the server asks for, in either form."""
    pause = delivery(total=1e12).judge(answer(503, Retry_After=value))
    assert least + 0.1 <= pause <= least * 10 + 0.1


def test_gives_up_at_the_deadline() -> None:
    """An attempt that could only begin after the deadline is not waited for."""
    trying = delivery(total=10)
    assert trying.judge(answer(503)) == 0.1
    trying.clock.moment += 9.9
    with pytest.raises(ServerUnavailable, match="2 attempts") as failed:
        trying.judge(answer(503, {"detail": "Too much is waiting.", "code": "unavailable"}))
    assert "Too much is waiting" in failed.value.message
    assert failed.value.key == trying.key
    assert failed.value.status == 503


def test_does_not_wait_for_a_server_that_asks_for_too_long() -> None:
    """A Retry-After past the deadline ends the sending at once."""
    with pytest.raises(ServerUnavailable, match="1 attempt"):
        delivery(total=10).judge(answer(429, Retry_After="11"))


def test_an_attempt_gets_what_remains() -> None:
    """No attempt is given more time than the deadline leaves."""
    trying = delivery(total=30)
    assert trying.seconds == 12
    trying.clock.moment += 25
    assert trying.seconds == 5
    trying.clock.moment += 50
    assert 0 < trying.seconds < 0.1


def test_made_keys_are_kept_over_attempts_and_differ_between_sends() -> None:
    """One delivery has one key, and the next one another."""
    one, other = delivery(), delivery()
    body = one.body
    one.judge(Interrupted("refused"))
    assert one.body is body
    assert json.loads(body)["key"] == one.key
    assert one.key != other.key


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"ttl": ["Expected `int` >= 1."]}, NotValid, "ttl: Expected `int` >= 1."),
        (401, {"detail": "Key unknown.", "code": "api_key_not_valid"}, NotAllowed, "Key unknown."),
        (403, {"detail": "No.", "code": "permission_denied"}, NotAllowed, "No."),
        (404, {"detail": "No user.", "code": "unknown_user"}, UnknownRecipient, "No user."),
        (404, {"detail": "Not Found.", "code": "not_found"}, UnexpectedAnswer, "Not Found."),
        (404, None, UnexpectedAnswer, "The server answered with the status 404."),
        (409, {"detail": "Used.", "code": "key_conflict"}, KeyInUse, "Used."),
        (413, {"detail": "Too large.", "code": 7}, NotValid, "Too large."),
        (301, {}, UnexpectedAnswer, "The server answered with the status 301."),
        (500, [], UnexpectedAnswer, "The server answered with the status 500."),
        (200, {"hello": "world"}, UnexpectedAnswer, "is NOTIFIER_URL right?"),
    ],
)
def test_answers_that_are_final(
    status: int, body: object, kind: type[SendFailed], message: str
) -> None:
    """Each refusal has its exception, with the server's words."""
    trying = delivery(Message(1, 1, key="k"))
    with pytest.raises(kind) as failed:
        trying.judge(answer(status, body))
    assert message in failed.value.message
    assert (failed.value.key, failed.value.status) == ("k", status)


def test_an_answer_that_is_not_json() -> None:
    """A proxy's error page is not shown, only its status."""
    with pytest.raises(UnexpectedAnswer, match="the status 405"):
        delivery().judge(Answer(405, {}, b"<html>\xff"))


class Level(Enum):
    INFO = "info"


class Place(IntEnum):
    FIRST = 1


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Order:
    id: UUID
    places: set[Place]
    price: Decimal


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (
            {"a": "\u00e9 \U0001f600", "b": [1.5, True, None]},
            '{"a":"\u00e9 \U0001f600","b":[1.5,true,null]}',
        ),
        (10**30, "1000000000000000000000000000000"),
        ({1: Level.INFO, "point": Point(1, 2)}, '{"1":"info","point":[1,2]}'),
        (
            [Order(UUID(int=1), {Place.FIRST}, Decimal("1.10"))],
            '[{"id":"00000000-0000-0000-0000-000000000001","places":[1],"price":"1.10"}]',
        ),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), '"2026-01-31T12:00:00Z"'),
        (
            datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=-3))),
            '"2026-01-31T12:00:00-03:00"',
        ),
        (date(2026, 1, 31), '"2026-01-31"'),
        (time(12, 30), '"12:30:00"'),
        (RawJSON(b' {"b": 1.10} '), ' {"b": 1.10} '),
        (RawJSON('"\u00e9"'), '"\u00e9"'),
    ],
)
def test_what_is_sent(payload: object, text: str) -> None:
    """Everyday types of Python have their form in JSON; text stays readable."""
    made = delivery(Message(7, payload, "k"))
    assert made.body.decode() == f'{{"payload":{text},"user_id":7,"key":"k"}}'


def test_a_ttl_is_sent_only_where_there_is_one() -> None:
    """What was not given is left to the server."""
    assert json.loads(delivery(Message("7", 1, "k", 60)).body) == {
        "payload": 1,
        "user_id": "7",
        "key": "k",
        "ttl": 60,
    }


@pytest.mark.parametrize(
    "message",
    [Message(object(), 1), Message(1, 1, key="\ud800"), Message(1, 1, ttl=math.nan)],  # type: ignore[arg-type]
)
def test_fields_that_cannot_be_json(message: Message) -> None:
    """A field of a wrong type is refused before anything is sent."""
    with pytest.raises(NotValid, match=r"user_id, user, key, ttl, .* cannot be JSON"):
        delivery(message)


@pytest.mark.parametrize(
    "payload",
    [
        object(),
        {"a": {1, object()}},
        "\ud800",
        math.nan,
        [math.inf],
        reduce(lambda inner, _: [inner], range(100_000), 0),
        b"{}",
        Order,
        {UUID(int=1): 1},
        RawJSON(b'1, "user_id": 2'),
        RawJSON(b'1}{"user_id": 2'),
        RawJSON(b"{a: 1}"),
        RawJSON(b"[NaN]"),
        RawJSON(b'"\xff"'),
        RawJSON('"\ud800"'),
        RawJSON("[" * 100_000 + "]" * 100_000),
        RawJSON(b""),
    ],
)
def test_what_cannot_be_json_is_not_sent(payload: object) -> None:
    """A payload is one JSON value: it cannot bring fields of its own into the request."""
    with pytest.raises(NotValid, match="cannot be JSON"):
        delivery(Message(1, payload))


# Where the server is.


@pytest.mark.parametrize(
    "url", ["localhost:8002", "ftp://host", "http://", "http://h:99999999", "http://[::1"]
)
def test_an_address_that_cannot_be_right(url: str) -> None:
    """An unusable NOTIFIER_URL is refused when the client is made."""
    with pytest.raises(InvalidSettings, match="NOTIFIER_URL"):
        Notifier(url)


def test_a_key_that_cannot_be_right_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API key that no header can carry is refused without being repeated."""
    monkeypatch.setenv("NOTIFIER_API_KEY", f"{API_KEY}\nx")
    with pytest.raises(InvalidSettings, match="NOTIFIER_API_KEY") as failed:
        Notifier()
    assert API_KEY not in str(failed.value)


def test_the_environment_says_where_and_with_which_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """NOTIFIER_URL and NOTIFIER_API_KEY are used where nothing is given."""
    monkeypatch.setenv("NOTIFIER_URL", "http://example.test/base/")
    monkeypatch.setenv("NOTIFIER_API_KEY", f" {API_KEY}\n")
    seen: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"user_id": 1, "key": "k", "seq": 1})

    with Notifier(transport=httpx.MockTransport(serve)) as notifier:
        notifier.send(1, "x")
    assert str(seen[0].url) == "http://example.test/base/api/notifications/send/"
    assert seen[0].headers["X-API-Key"] == API_KEY


# Against a real server.


async def test_send(server: Harness, clients: Clients) -> None:
    """A notification is stored, and the answer says under which key and number."""
    ann = await server.user()
    notifier = clients(server.url)
    async with server.connect(ann) as device:
        sent = await notifier.send(ann.id, {"title": "Paid"})
        frame = await device.next()
    assert (frame.key, frame.seq, frame.value) == (sent.key, 1, {"title": "Paid"})
    assert sent == Sent(ann.id, sent.key, 1)


async def test_an_id_in_digits_a_key_and_a_ttl(server: Harness, clients: Clients) -> None:
    """The user's id may be a string; key and ttl reach the store."""
    ann = await server.user()
    await clients(server.url).send(str(ann.id), 1, key="k", ttl=60)
    page = await server.server.store.read(Pending(ann.id, 0, rows=10, size=1000))
    (stored,) = page.notifications
    assert stored.key == "k"
    assert stored.expires_at == stored.created_at + 60_000


async def test_users_of_the_application(server_with: ServerWith, clients: Clients) -> None:
    """A user may be named in place of an id, and the answer says so; digits are a name too."""
    async with server_with(**users_of()) as server:
        client = clients(server.url)
        for name in ("auth0|5f7c", "1"):
            sent = await client.send(user=name, payload={"a": 1}, key="k")
            assert sent == Sent(None, "k", 1, user=name)
        again = await client.send(user="1", payload={"a": 1}, key="k")
        assert (again.replayed, again.user) == (True, "1")
        raw = await client.call("send_json", user="1", payload=b'{"a": 1.10}')
        assert (raw.user, raw.seq) == ("1", 2)
        assert await client.send(1, 1, key="k") == Sent(1, "k", 1)
        with pytest.raises(NotValid, match="Only one of user_id and user"):
            await client.send(1, 1, user="ann")
        with pytest.raises(NotValid, match="One of user_id and user"):
            await client.send(payload=1)
        with pytest.raises(NotValid, match="cannot be JSON"):
            await client.send(user="\ud800", payload=1)
    async with server_with() as server:
        with pytest.raises(NotValid, match="NOTIFIER_USERS=accounts"):
            await clients(server.url).send(user="ann", payload=1)


async def test_raw_json_is_byte_exact(server: Harness, clients: Clients) -> None:
    """JSON bytes arrive as they were given: order, spaces, big numbers and escapes."""
    ann = await server.user()
    payload = '{"b": 1.10,"a":[123456789012345678901234567890, "\\u00e9 \U0001f600" ]}'
    async with server.connect(ann) as device:
        await clients(server.url).call("send_json", ann.id, payload.encode())
        assert f'"value":{payload}' in (await device.next()).text


async def test_the_same_key_again(server: Harness, clients: Clients) -> None:
    """A repeated key answers with the first; with another payload it is refused."""
    ann = await server.user()
    notifier = clients(server.url)
    first = await notifier.send(ann.id, "a", key="k")
    again = await notifier.send(ann.id, "a", key="k")
    assert (again.seq, again.replayed, first.replayed) == (first.seq, True, False)
    with pytest.raises(KeyInUse) as failed:
        await notifier.send(ann.id, "b", key="k")
    assert (failed.value.status, failed.value.code) == (409, "key_conflict")
    assert await server.pending(ann) == [1]


async def test_refusals(server: Harness, clients: Clients) -> None:
    """Unknown users, bad fields and null are refused at once, each in its way."""
    notifier = clients(server.url)
    with pytest.raises(UnknownRecipient) as unknown:
        await notifier.send(999, "x")
    assert (unknown.value.status, unknown.value.code) == (404, "unknown_user")
    for arguments in ({"ttl": 0}, {"key": "x" * 201}, {"key": "\n"}):
        with pytest.raises(NotValid) as failed:
            await notifier.send(1, "x", **arguments)
        assert next(iter(arguments)) in failed.value.message
    with pytest.raises(NotValid, match="user_id"):
        await notifier.send("ann", "x")
    with pytest.raises(NotValid, match="null"):
        await notifier.send(1, None)


async def test_a_wrong_api_key_is_refused_and_not_shown(server: Harness, clients: Clients) -> None:
    """401 becomes NotAllowed, and nothing in the error gives the key away."""
    with pytest.raises(NotAllowed) as failed:
        await clients(server.url, api_key=API_KEY).send(1, "x")
    assert (failed.value.status, failed.value.code) == (401, "api_key_not_valid")
    assert no_secret_in(failed.value)


async def test_an_api_key_opens(server: Harness, clients: Clients) -> None:
    """With a key that the server knows the notification is taken."""
    await server.server.store.submit(CreateApiKey("tests", digest(API_KEY)))
    await clients(server.url, api_key=API_KEY).send(1, "x")
    with pytest.raises(NotAllowed):
        await clients(server.url).send(1, "x")


def no_secret_in(error: BaseException) -> bool:
    """Whether neither the error nor what led to it shows the API key."""
    seen: BaseException | None = error
    while seen is not None:
        if API_KEY in f"{seen!s}{seen!r}{vars(seen)!r}":
            return False
        seen = seen.__cause__ or seen.__context__
    return True


async def test_an_absent_server(clients: Clients) -> None:
    """Without a server the deadline ends it, with the key to try again under."""
    notifier = clients("http://user:pa55@127.0.0.1:9", api_key=API_KEY, timeout=0.3)
    with pytest.raises(ServerUnavailable) as failed:
        await notifier.send(1, "x", key="mine")
    assert failed.value.key == "mine"
    assert "pa55" not in str(failed.value)
    assert no_secret_in(failed.value)


async def test_a_server_that_is_overloaded_for_a_moment(
    server: Harness,
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
    expected_errors: list[str],
) -> None:
    """503 is tried again, and the notification is stored once."""
    expected_errors.append("Request")  # the access log's line of a 503
    ann = await server.user()
    send, refusals = server.server.notifications.send, iter(range(2))

    def refuse_twice(*arguments: Any) -> Awaitable[Any]:
        if next(refusals, None) is not None:
            raise Unavailable(retry_after=0)
        return send(*arguments)

    monkeypatch.setattr(server.server.notifications, "send", refuse_twice)
    sent = await clients(server.url).send(ann.id, "x")
    assert next(refusals, None) is None
    assert (sent.seq, sent.replayed) == (1, False)


class LossyProxy:
    """Passes requests on to a server, and loses the first answers."""

    def __init__(self, port: int, losses: int) -> None:
        self._port = port
        self._connections: list[asyncio.Task[None]] = []
        self.losses = losses
        self.url = ""

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, in a task that :meth:`close` ends."""
        self._connections.append(asyncio.create_task(self._serve(reader, writer)))

    async def close(self) -> None:
        """End all connections, whoever still holds them."""
        for connection in self._connections:
            connection.cancel()
        await asyncio.wait(self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        # Both ways at once, because a request may come in pieces.
        await asyncio.gather(
            self._pass_on(reader, upstream_writer, lambda: False),
            self._pass_on(upstream_reader, writer, self._loses),
        )

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        loses: Callable[[], bool],
    ) -> None:
        try:
            while (data := await reader.read(1 << 16)) and not loses():
                writer.write(data)
        finally:
            writer.close()  # which ends the other direction too

    def _loses(self) -> bool:
        if self.losses:
            self.losses -= 1
            return True
        return False


@asynccontextmanager
async def losing(server: Harness, losses: int) -> AsyncIterator[LossyProxy]:
    proxy = LossyProxy(server.server.port, losses)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()


async def test_a_lost_answer_does_not_double(server: Harness, clients: Clients) -> None:
    """Stored but unanswered: the retry is told of the first, nothing is stored twice."""
    ann = await server.user()
    await server.server.store.submit(CreateApiKey("tests", digest(API_KEY)))
    async with losing(server, 2) as proxy:
        notifier = clients(proxy.url, api_key=API_KEY)
        sent = await notifier.send(ann.id, "x")
        assert proxy.losses == 0
        assert sent.replayed
        await notifier.call("close")
    assert await server.pending(ann) == [1]


async def test_a_restart_in_between(
    server_process: Callable[..., ServerProcess], clients: Clients
) -> None:
    """A send that begins while the server is down succeeds once it is back, exactly once."""
    process = server_process()
    await asyncio.to_thread(process.start)
    notifier = clients(process.url)
    assert (await notifier.send(1, "before")).seq == 1
    await asyncio.to_thread(process.kill)
    sending = asyncio.create_task(notifier.send(1, "during"))
    await asyncio.to_thread(process.start)
    assert (await sending).seq == 2
    assert (await notifier.send(1, "after")).seq == 3


# Many at once.


async def test_many(server: Harness, clients: Clients) -> None:
    """Several users' notifications arrive in the order given for each; so do the answers."""
    users = [await server.user(name) for name in ("ann", "bob", "eve")]
    messages = [Message(users[n % 3].id, n) for n in range(30)]
    sent = await clients(server.url).call("send_many", iter(messages))
    assert [(each.user_id, each.seq) for each in sent] == [
        (users[n % 3].id, n // 3 + 1) for n in range(30)
    ]
    async with server.connect(users[0]) as device:
        assert [frame.value for frame in await device.take(10)] == list(range(0, 30, 3))


async def test_many_by_name(server_with: ServerWith, clients: Clients) -> None:
    """An account and a user of the application who share their digits are two users."""
    async with server_with(**users_of()) as server:
        messages = [
            Message(payload=n, user="1") if n % 2 else Message(1 if n % 4 else "1", n)
            for n in range(40)
        ]
        sent = await clients(server.url).call("send_many", messages)
        assert [(each.user_id, each.user, each.seq) for each in sent] == [
            (None, "1", n // 2 + 1) if n % 2 else (1, None, n // 2 + 1) for n in range(40)
        ]


async def test_many_of_none(server: Harness, clients: Clients) -> None:
    """Nothing to send is nothing to do."""
    assert await clients(server.url).call("send_many", []) == []


async def test_some_of_many_fail(server: Harness, clients: Clients) -> None:
    """A refused one does not stop the others; the error says what became of each."""
    messages = [Message(1, "a"), Message(999, "b"), Message(1, object()), Message("1", "c")]
    with pytest.raises(SomeFailed, match="2 of 4") as failed:
        await clients(server.url).call("send_many", messages)
    kinds = [type(outcome) for outcome in failed.value.outcomes]
    assert kinds == [Sent, UnknownRecipient, NotValid, Sent]
    assert [type(each) for each in failed.value.failures] == [UnknownRecipient, NotValid]
    assert await server.pending(server.admin) == [1, 2]


async def test_many_without_a_server(clients: Clients) -> None:
    """Once the server was away for the whole time-out, the rest is not tried at all."""
    notifier = clients("http://127.0.0.1:9", timeout=0.2, concurrency=2)
    with pytest.raises(SomeFailed) as failed:
        await notifier.call("send_many", [Message(n % 10, n) for n in range(5000)])
    messages = [each.message for each in failed.value.failures]
    assert len(messages) == 5000
    assert sum("Not tried" in message for message in messages) >= 3000


async def test_more_than_a_batch(server: Harness, clients: Clients) -> None:
    """However many there are, and whoever has most of them, each user's stay in order."""
    users = [await server.user(name) for name in ("ann", "bob", "eve")]
    whose = [users[0] if n % 2 else users[n % 3] for n in range(2500)]
    messages = [Message(user.id, n) for n, user in enumerate(whose)]
    sent = await clients(server.url).call("send_many", messages)
    assert [each.user_id for each in sent] == [user.id for user in whose]
    for user in users:
        seqs = [each.seq for each in sent if each.user_id == user.id]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_large_ones_in_a_batch(server: Harness, clients: Clients) -> None:
    """No request is larger than the server takes, and one that nobody takes is refused alone."""
    texts = ["x" * 300_000] * 4 + ["x" * (1 << 20), "x"]
    with pytest.raises(SomeFailed) as failed:
        await clients(server.url).call("send_many", [Message(1, text) for text in texts])
    assert [type(each) for each in failed.value.outcomes] == [*[Sent] * 4, NotValid, Sent]
    assert failed.value.failures[0].code == "request_too_large"


async def test_one_that_makes_the_batch_unreadable(server: Harness, clients: Clients) -> None:
    """What no server can read is found, and harms nobody."""
    messages = [Message(1, n) for n in range(9)]
    messages[5] = Message(1, RawJSON('"\\ud800"'))
    with pytest.raises(SomeFailed) as failed:
        await clients(server.url).call("send_many", messages)
    outcomes = failed.value.outcomes
    assert [type(each) for each in outcomes] == [*[Sent] * 5, NotValid, *[Sent] * 3]
    assert [each.seq for each in outcomes if isinstance(each, Sent)] == list(range(1, 9))


async def test_a_lost_answer_doubles_none_of_many(server: Harness, clients: Clients) -> None:
    """Stored but unanswered: the retry has the same keys, and nothing is stored twice."""
    ann = await server.user()
    await server.server.store.submit(CreateApiKey("tests", digest(API_KEY)))
    async with losing(server, 2) as proxy:
        notifier = clients(proxy.url, api_key=API_KEY)
        sent = await notifier.call("send_many", [Message(ann.id, n) for n in range(300)])
        assert proxy.losses == 0
        assert all(each.replayed for each in sent)
        await notifier.call("close")
    assert await server.pending(ann) == list(range(1, 301))


def batch_of(count: int, total: float = 30.0) -> tuple[list[Entry], Any]:
    """So many notifications of one user, and the attempts to send them."""
    clock = Clock()
    entries = [Entry(Message(1, n, key=f"k{n}")) for n in range(count)]
    assert all(entry.encode() for entry in entries)
    made: Any = BatchDelivery(entries, Patience(total), now=clock, chance=lambda: 1.0)
    made.clock = clock
    return entries, made


def stored(n: int) -> dict[str, Any]:
    return {"user_id": 1, "key": f"k{n}", "seq": n + 1}


def test_what_is_left_open_is_tried_again() -> None:
    """Only that, under its own key, not before it makes sense, and with all the time there is."""
    entries, trying = batch_of(3, total=10)
    open_one = {"error": "Too much.", "code": "too_many_sends", "retry_after": 3}
    refused = {"error": "Used.", "code": "key_conflict"}
    pause = trying.judge(answer(200, {"results": [refused, open_one, open_one]}))
    assert 3 <= pause < 4
    assert [each["key"] for each in json.loads(trying.body)["notifications"]] == ["k1", "k2"]
    trying.clock.moment += 9
    assert trying.judge(answer(200, {"results": [stored(1), open_one]})) >= 3
    trying.clock.moment += 9
    assert trying.judge(answer(200, {"results": [open_one]})) is None
    assert trying.is_away
    conflict, sent, late = (entry.outcome for entry in entries)
    assert isinstance(conflict, KeyInUse)
    assert (conflict.key, conflict.status, conflict.message) == ("k0", None, "Used.")
    assert sent == Sent(1, "k1", 2)
    assert isinstance(late, ServerUnavailable)
    assert (late.key, "Too much; gave up" in late.message) == ("k2", True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unknown_user", UnknownRecipient),
        ("key_conflict", KeyInUse),
        ("invalid", NotValid),
        ("malformed_json", NotValid),
        ("not_storable", NotValid),
        ("user_not_allowed", NotAllowed),
        ("api_key_not_valid", NotAllowed),
        ("api_key_expired", NotAllowed),
        ("not_authenticated", NotAllowed),
        ("of a later release", Refused),
    ],
)
def test_why_one_of_many_is_refused(code: str, kind: type[SendFailed]) -> None:
    """The server's word says what it is, and is kept."""
    entries, trying = batch_of(2)
    refused = {"error": "No.", "code": code}
    assert trying.judge(answer(200, {"results": [refused, stored(1)]})) is None
    assert type(entries[0].outcome) is kind
    assert entries[0].outcome.code == code
    assert entries[1].outcome == Sent(1, "k1", 2)


@pytest.mark.parametrize(
    "results", [None, [], [stored(0)], [{"key": "k0"}, {"seq": 1}], [1, None], {"0": 1, "1": 2}]
)
def test_answers_that_are_none_to_a_batch(results: object) -> None:
    """Whatever else answers is not taken for the server."""
    entries, trying = batch_of(2)
    assert trying.judge(answer(200, {"results": results})) is None
    assert {type(entry.outcome) for entry in entries} == {UnexpectedAnswer}
    assert [entry.outcome.key for entry in entries if entry.outcome] == ["k0", "k1"]


def test_a_batch_that_is_refused_as_a_whole() -> None:
    """Each hears why, under its own key; what is only too large is halved."""
    entries, trying = batch_of(3)
    refusal = {"detail": "No.", "code": "api_key_not_valid"}
    assert trying.judge(answer(401, refusal)) is None
    assert [type(entry.outcome) for entry in entries] == [NotAllowed] * 3
    assert [entry.outcome.key for entry in entries if entry.outcome] == ["k0", "k1", "k2"]
    entries, trying = batch_of(3)
    assert trying.judge(answer(413, {"detail": "No.", "code": "request_too_large"})) is None
    assert [len(half) for half in trying.halves] == [1, 2]
    assert not any(entry.outcome for entry in entries)
    entries, trying = batch_of(1)
    assert trying.judge(answer(413, {"detail": "No.", "code": "request_too_large"})) is None
    assert isinstance(entries[0].outcome, NotValid)


# The short ways.


async def test_notify_user_by_id(server: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one-line function sends to the server of NOTIFIER_URL."""
    monkeypatch.setenv("NOTIFIER_URL", server.url)
    sent = await asyncio.to_thread(notify_user_by_id, "1", {"test": "hello"})
    assert (sent.user_id, sent.seq) == (1, 1)


async def test_context_managers(server: Harness) -> None:
    """Both clients close their connections at the end of a with block."""
    async with AsyncNotifier(server.url) as asynchronous:
        await asynchronous.send(1, "a")
    with pytest.raises(RuntimeError, match="closed"):
        await asynchronous.send(1, "a")

    def block() -> None:
        with Notifier(server.url) as blocking:
            blocking.send(1, "b")
        with pytest.raises(RuntimeError, match="closed"):
            blocking.send(1, "b")

    await asyncio.to_thread(block)


async def test_errors_survive_pickling() -> None:
    """A task queue or a process pool hands an error on as it was."""
    refused = KeyInUse("Used.", key="k", status=409, code="key_conflict")
    failed = SomeFailed([Sent(1, "a", 1), refused])
    for error in (refused, failed, InvalidSettings()):
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is type(error)
        assert copied.message == error.message
    assert vars(pickle.loads(pickle.dumps(refused))) == vars(refused)
    assert pickle.loads(pickle.dumps(failed)).outcomes[0] == Sent(1, "a", 1)


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    """Every exception of the client stands in its module docstring."""
    names = [
        name
        for name, kind in vars(notifier_client).items()
        if isinstance(kind, type) and issubclass(kind, NotifierError)
    ]
    assert len(names) == 13
    assert all(name in (notifier_client.__doc__ or "") for name in names)


def test_the_servers_installation_has_the_same_client() -> None:
    """notifier.client has all of notifier_client, and not copies of it."""
    for name in notifier_client.__all__:
        assert getattr(notifier.client, name) is getattr(notifier_client, name)
