"""The Python client beyond sending: inboxes, and listening through whatever happens."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from notifier_client import (
    AsyncNotifier,
    NotAllowed,
    Notification,
    Notifier,
    NotValid,
    UnexpectedAnswer,
    UnknownChange,
    UnknownNotification,
    UnknownRecipient,
)
from notifier_client.inbox import Identity
from notifier_client.listening import Session
from notifier_client.raw import elements, members
from servers.notifier import ServerProcess
from tests.inbox_live.watcher import watched
from tests.support.harness import Harness, Person, ServerWith, until
from tests.support.naming import users_of

API_KEY = "ntf_a-key-for-everything"
SCOPES = ("send", "identity", "inbox", "withdraw", "revoke")
ODD = [
    b'{"b": 1.10,\n "a": 12345678901234567890123, "\\u00e9": "\xc3\xa9"}',
    b'"\\/"',
    b"1E2",
    b"[ ]",
]
"""Payloads that would be others after they were parsed."""


class Client:
    """Either client, spoken to in the same way."""

    def __init__(self, kind: str, url: str, key: str | None, **options: Any) -> None:
        made = Notifier if kind == "blocking" else AsyncNotifier
        self._real: Any = made(url, api_key=key, timeout=60, **options)
        self.blocking = kind == "blocking"

    async def call(self, verb: str, *arguments: Any, **options: Any) -> Any:
        method = getattr(self._real, verb)
        if self.blocking:
            return await asyncio.to_thread(method, *arguments, **options)
        return await method(*arguments, **options)

    async def iterate(self, verb: str, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        """What an iterator of the client yields; closing this closes that."""
        made = getattr(self._real, verb)(*arguments, **options)
        try:
            if not self.blocking:
                async for each in made:
                    yield each
            else:
                while (each := await asyncio.to_thread(next, made, None)) is not None:
                    yield each
        finally:
            if self.blocking:
                await asyncio.to_thread(made.close)
            else:
                await made.aclose()

    async def collect(self, verb: str, *arguments: Any, **options: Any) -> list[Any]:
        """All that a finite one yields."""
        return [each async for each in self.iterate(verb, *arguments, **options)]

    async def hear(self, count: int, *arguments: Any, **options: Any) -> list[Notification]:
        """The next notifications, each handled: the one after the last is asked for."""
        heard: list[Notification] = []
        listening = self.iterate("listen", *arguments, **options)
        async with contextlib.aclosing(listening):
            async for each in listening:
                if len(heard) == count:
                    break
                heard.append(each)
        return heard


Clients = Callable[..., Client]


@pytest.fixture(params=["blocking", "asyncio"])
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[Clients]:
    """Makes clients of one kind; both kinds pass every test."""
    made: list[Client] = []

    def make(url: str, key: str | None = API_KEY, **options: Any) -> Client:
        made.append(Client(request.param, url, key, **options))
        return made[-1]

    yield make
    for each in made:
        await each.call("close")


@pytest.fixture
async def opened(server: Harness) -> Harness:
    """A server that knows the key, with which the harness sends too."""
    await server.server.store.submit(CreateApiKey("tests", digest(API_KEY), SCOPES))
    server.http.headers["X-API-Key"] = API_KEY
    return server


async def test_inbox(opened: Harness, clients: Clients) -> None:
    """Its pages come as one list; counts, marks and their undoing are those of the API."""
    ann, client = await opened.user(), clients(opened.url)
    await opened.append(ann, *[b"%d" % n for n in range(250)])
    fields = {"category": "a", "priority": "high", "collapse_key": "c", "key": "last"}
    for n in (1, 2):
        sent = await client.call("send", ann.id, {"n": n}, **fields | {"key": f"last {n}"})
    items = await client.collect("inbox", ann.id)
    assert [item.seq for item in items] == [sent.seq, *range(250, 0, -1)]
    assert (items[0].payload, items[0].category, items[0].priority) == ({"n": 2}, "a", "high")
    assert items[0].created_at.tzinfo is not None
    assert items[0].read_at is None
    counts = await client.call("count", ann.id)
    assert (counts.unread, counts.unseen, counts.seq) == (251, 251, sent.seq)
    change = await client.call("mark_read", ann.id, up_to=100)
    assert change.changed
    assert len(await client.collect("inbox", ann.id, status="unread")) == 151
    await client.call("undo", ann.id, change.version)
    assert (await client.call("count", ann.id)).unread == 251
    with pytest.raises(UnknownChange):
        await client.call("undo", ann.id, 999)


async def test_payloads_as_they_were_sent(opened: Harness, clients: Clients) -> None:
    """Beside what a payload means there is its text: numbers, order and escapes as they were."""
    ann, client = await opened.user(), clients(opened.url)
    await opened.append(ann, *ODD)
    items = await client.collect("inbox", ann.id)
    heard = await client.hear(len(ODD) - 1, ann.id)
    assert [item.raw for item in reversed(items)] == ODD
    assert [each.raw for each in heard] == ODD[:-1]
    for each in (*items, *heard):
        assert each.payload == json.loads(each.raw)
        assert "raw" not in repr(each)
    sent = await client.call("send_json", ann.id, heard[0].raw)
    assert (await anext(client.iterate("inbox", ann.id))).seq == sent.seq


async def test_marks(opened: Harness, clients: Clients) -> None:
    """Each verb does what it is called, to keys or up to a place, also of a category."""
    ann, client = await opened.user(), clients(opened.url)
    for n in range(3):
        await client.call("send", ann.id, n, key=f"k{n}", category="odd" if n % 2 else "even")

    async def keys(**wanted: str) -> list[str]:
        return [item.key for item in await client.collect("inbox", ann.id, **wanted)]

    await client.call("mark_read", ann.id, ["k0", "k1"])
    assert await keys(status="unread") == ["k2"]
    await client.call("mark_unread", ann.id, "k1")
    assert await keys(status="unread") == ["k2", "k1"]
    await client.call("mark_seen", ann.id, up_to=3, category="odd")
    assert (await client.call("count", ann.id)).unseen == 1
    await client.call("archive", ann.id, ["k0"])
    assert (await keys(), await keys(archived="only")) == (["k2", "k1"], ["k0"])
    await client.call("unarchive", ann.id, ["k0"])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await client.call("snooze", ann.id, ["k2"], until=tomorrow)
    assert (await keys(), await keys(snoozed="only")) == (["k1", "k0"], ["k2"])
    await client.call("snooze", ann.id, ["k2"], until=None)
    assert await keys(category="even") == ["k2", "k0"]
    with pytest.raises(NotValid, match="time zone"):
        await client.call("snooze", ann.id, ["k2"], until=datetime(2030, 1, 1))  # noqa: DTZ001
    with pytest.raises(NotValid, match="up_to"):
        await client.call("archive", ann.id, up_to=4)


async def test_withdraw(server_with: ServerWith, clients: Clients) -> None:
    """It is taken back, of a user of the application too; what is not there is said."""
    async with server_with(**users_of()) as server:
        await server.server.store.submit(CreateApiKey("tests", digest(API_KEY), SCOPES))
        client = clients(server.url)
        key = "any / key?&#ключ"
        for whose in ({"user": "auth0|5f7c"}, {"user_id": 1}):
            await client.call("send", payload="x", key=key, **whose)
            withdrawn = await client.call("withdraw", key=key, **whose)
            assert (withdrawn.key, withdrawn.seq) == (key, 1)
            assert await client.collect("inbox", **whose) == []
            assert (await client.call("send", payload="x", key=key, **whose)).withdrawn
            with pytest.raises(UnknownNotification) as unknown:
                await client.call("withdraw", key="other", **whose)
            assert unknown.value.key == "other"


async def test_rights(opened: Harness, clients: Clients) -> None:
    """Without the right there is nothing to see, and nobody to listen to."""
    client = clients(opened.url, None)
    for verb in ("count", "withdraw"):
        with pytest.raises(NotAllowed):
            await client.call(verb, 1)
    with pytest.raises(NotAllowed):
        await client.hear(1, 1)
    with pytest.raises(UnknownRecipient):
        await clients(opened.url).hear(1, 99)


async def test_something_else_answers(opened: Harness, clients: Clients) -> None:
    """An address at which no Notifier server is, is not tried again for ever."""
    for client in (clients(f"{opened.url}/nowhere"), clients(f"{opened.url}/api/docs")):
        with pytest.raises(UnexpectedAnswer):
            await client.hear(1, 1)
        with pytest.raises(UnexpectedAnswer):
            await client.call("count", 1)


async def test_tokens(opened: Harness, clients: Clients) -> None:
    """With a token of whoever it is about nobody needs to be named, and with their own no key."""
    ann = await opened.user()
    await opened.append(ann, b"1", b"2")
    client = clients(opened.url, None, token=opened.token(ann))
    assert [item.payload for item in await client.collect("inbox")] == [2, 1]
    assert (await client.call("mark_read", keys=["none"])).changed is False

    def make() -> Identity:
        return Identity(opened.token(ann), datetime.now(UTC) + timedelta(hours=1))

    async def make_later() -> Identity:
        return make()

    identity = make if client.blocking else make_later
    assert [each.payload for each in await client.hear(1, identity=identity)] == [1]


# Listening.


async def test_what_is_pending_and_what_comes(opened: Harness, clients: Clients) -> None:
    """All come in order, each once, with what the inbox has of them, and are acknowledged."""
    ann, client = await opened.user(), clients(opened.url)
    await opened.append(ann, *[b"%d" % n for n in range(300)])
    listening = asyncio.create_task(client.hear(301, ann.id))
    await until(lambda: opened.server.hub.sockets_of(ann.id))
    await opened.send(ann, {"n": 1}, key="k", category="c", priority="urgent", ttl=60)
    await opened.send(ann, "not handled")
    heard = await listening
    assert [each.payload for each in heard] == [*range(300), {"n": 1}]
    last = heard[-1]
    assert (last.key, last.seq, last.category, last.priority) == ("k", 301, "c", "urgent")
    assert last.expires_at == last.created_at + timedelta(seconds=60)
    await pending(opened, ann, [302])


async def test_not_handled(opened: Harness, clients: Clients) -> None:
    """What the code raised over is not acknowledged, and comes again; what was before is not."""
    ann, client = await opened.user(), clients(opened.url)
    await opened.append(ann, b"1", b"2", b"3")
    listening = client.iterate("listen", ann.id)
    with pytest.raises(RuntimeError, match="2"):
        async with contextlib.aclosing(listening):
            async for each in listening:
                if each.payload == 2:
                    raise RuntimeError("2")
    await opened.send(ann, 4)
    assert [each.payload for each in await client.hear(2, ann.id)] == [2, 3]


async def test_withdrawn_before_its_turn(opened: Harness, clients: Clients) -> None:
    """What is taken back while the code is busy with others is not handed to it any more."""
    ann, client = await opened.user(), clients(opened.url)
    for n in range(30):
        await opened.send(ann, n, key=f"k{n}")
    listening = client.iterate("listen", ann.id)
    heard: list[int] = []
    async with contextlib.aclosing(listening), watched(opened, ann) as device:
        async for each in listening:
            heard.append(each.payload)
            if each.payload == 0:
                # Both devices are told in one go, of the first change at the latest.
                await client.call("mark_seen", ann.id, ["k0"])
                await device.until_version(1)
                await client.call("withdraw", ann.id, "k29")
                await device.until_version(2)
                await opened.send(ann, 30)
            if each.payload == 30:
                break
    assert heard == [*range(29), 30]
    await pending(opened, ann, [31])


async def test_by_name(server_with: ServerWith, clients: Clients) -> None:
    """A user of the application is listened to by their name."""
    async with server_with(**users_of()) as server:
        await server.server.store.submit(CreateApiKey("tests", digest(API_KEY), SCOPES))
        client = clients(server.url)
        for n in range(3):
            await client.call("send", user="auth0|5f7c", payload=n)
        assert [each.payload for each in await client.hear(2, user="auth0|5f7c")] == [0, 1]


async def test_restarts(server_process: Callable[..., ServerProcess], clients: Clients) -> None:
    """300 notifications through a kill and a restart of the server: none is lost or repeated."""
    process = server_process()
    await asyncio.to_thread(process.start)
    created = process.command("apikey", "create", "--name", "all", "--scope", ",".join(SCOPES))
    key = next(word for word in created.stdout.split() if word.startswith("ntf_"))
    sender, listener = clients(process.url, key), clients(process.url, key)
    heard: list[int] = []

    async def listen() -> None:
        listening = listener.iterate("listen", 1)
        async with contextlib.aclosing(listening):
            async for each in listening:
                heard.append(each.payload)
                if each.payload == 300:
                    return

    listening = asyncio.create_task(listen())
    for n in range(301):
        await sender.call("send", 1, n)
        if n == 100:
            await until(lambda: len(heard) > 50)
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.start)
        if n == 200:
            await asyncio.to_thread(process.stop)
            await asyncio.to_thread(process.start)
    await asyncio.wait_for(listening, 60)
    assert heard == list(range(301))


async def test_token_is_renewed(
    opened: Harness, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token of a connection is renewed before it ends, and the connection goes on."""
    renewals: list[Identity] = []
    renewed_before = Session.renewed

    def often(session: Session, identity: Identity) -> None:
        renewals.append(identity)
        renewed_before(session, identity)
        session._renewal = session._now() + (0.05 if len(renewals) < 3 else 60)

    monkeypatch.setattr(Session, "renewed", often)
    ann, client = await opened.user(), clients(opened.url)
    listening = asyncio.create_task(client.hear(1, ann.id))
    await until(lambda: len(renewals) == 3)
    for n in range(2):
        await opened.send(ann, n)
    assert [each.payload for each in await listening] == [0]
    assert len(renewals) == 3


@pytest.fixture
def session() -> Iterator[Callable[[Exception], float]]:
    """What a session says of failures, without chance."""
    yield Session(chance=lambda: 1.0).failed


def test_pauses_grow(session: Callable[[Exception], float]) -> None:
    """Each failure doubles the longest pause, up to ten seconds."""
    pauses = [session(OSError()) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_what_no_attempt_can_mend() -> None:
    """A wrong address is said at the first attempt, and tokens that are refused at the second."""
    with pytest.raises(UnexpectedAnswer):
        Session().failed(UnexpectedAnswer())
    refused = partial(Session().failed, OSError(), refused=True)
    refused()
    with pytest.raises(NotAllowed):
        refused()


def test_frames_that_are_not_for_it() -> None:
    """Whatever else a server says is passed over."""
    session = Session()
    for frame in ("", "[]", "nonsense", '{"type": "inbox_state"}', '{"type": 1}', b"\xff"):
        session.read(frame)
    session.read('{"type": "inbox_changed", "seq": 1, "changes": [1, {"up_to": 1}]}')
    assert session.next() is None


def said(seq: int, key: str) -> str:
    """The frame of a notification."""
    moment = '"created_at": "2026-01-31T12:00:00.250Z"'
    return f'{{"type": "server_notification", "key": "{key}", "value": 1, "seq": {seq}, {moment}}}'


def withdrawn(seq: int, *keys: str) -> str:
    """The frame that tells of a withdrawal, at a place in the log."""
    change = {"version": 1, "keys": keys, "withdrawn_at": "2026-01-31T12:00:00.250Z"}
    return json.dumps({"type": "inbox_changed", "seq": seq, "changes": [change]})


def seqs(session: Session) -> list[int]:
    """All that would be handed over now."""
    return [each.seq for each in iter(session.next, None)]


def test_what_is_withdrawn() -> None:
    """It is left out, waiting or on its way; but not what has the same key later."""
    session = Session()
    for frame in (said(1, "a"), said(2, "b"), said(3, "c"), withdrawn(4, "b", "d"), said(4, "d")):
        session.read(frame)
    session.read(said(5, "b"))
    assert seqs(session) == [1, 3, 5]
    session.read(withdrawn(6, *map(str, range(1_000))))
    session.read(said(6, "1000"))
    session.opened(Identity("token", datetime.now(UTC)))
    session.read(said(4, "0"))
    assert seqs(session) == [4], "another connection begins anew"


def test_reading_ahead_has_an_end() -> None:
    """256 notifications wait here, all others at the server; with one there is no waiting."""
    session = Session()
    session.renewed(Identity("token", datetime.now(UTC) + timedelta(hours=1)))
    assert session.patience > 1
    for seq in range(1, 257):
        assert session.has_room
        session.read(said(seq, str(seq)))
        assert session.patience == 0
    assert not session.has_room
    assert session.next() is not None
    assert session.has_room


def test_what_was_acknowledged_is_known() -> None:
    """It is recognised, of the last ten thousand; another one under the same key is not it."""
    session = Session()
    made = [Notification(str(n), n, n, datetime.now(UTC)) for n in range(10_001)]
    for each in made:
        assert not session.known(each)
        assert f'"key": "{each.key}"' in session.acknowledged(each)
    assert not session.known(made[0])
    assert session.known(made[1])
    assert not session.known(Notification("1", 10_002, 1, datetime.now(UTC)))


@pytest.mark.parametrize("text", ['{"a" :[1 , {"b":2}],"c\\"}":"}],{", "d": -1.50e2 }', " { } "])
def test_texts_of_members(text: str) -> None:
    """The text of each member of an object is what stands there, whatever surrounds it."""
    found = members(text)
    assert {name: json.loads(each) for name, each in found.items()} == json.loads(text)
    assert all(each in text for each in found.values())
    assert [members(each) for each in elements(f"[{text},\n{text}]")] == [found, found]
    assert elements(" [] ") == []


async def test_acknowledged_on_a_connection_that_broke(opened: Harness, clients: Clients) -> None:
    """What was handled while the connection went away is acknowledged on the next, unrepeated."""
    ann, client = await opened.user(), clients(opened.url)
    await opened.append(ann, b"1", b"2")
    listening = client.iterate("listen", ann.id)
    heard: list[Any] = []
    async with contextlib.aclosing(listening):
        async for each in listening:
            heard.append(each.payload)
            if len(heard) == 1:
                await disconnect(opened, ann)
            if each.payload == 2:
                break
    assert heard == [1, 2]
    await pending(opened, ann, [2])


async def pending(server: Harness, person: Person, seqs: list[int]) -> None:
    """Wait until these and no others are pending: an acknowledgement owes no answer."""
    while await server.pending(person) != seqs:  # noqa: ASYNC110 - the store has no such event
        await asyncio.sleep(0.01)


async def disconnect(server: Harness, person: Person) -> None:
    """Have the server end all connections of somebody, who may come back."""
    answer = await server.post({"user_id": person.id}, "/api/users/revoke/")
    assert answer.status_code in (200, 204), answer.text
