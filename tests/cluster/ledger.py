"""Who was promised what, and who got it."""

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

import httpx
import pika
import pika.exceptions
import websockets

from tests.support.harness import SEND, Person


class Place(Protocol):
    """Where senders and devices go: one process, or a cluster behind nginx."""

    @property
    def url(self) -> str:
        """Where to send."""

    def socket_url(self, person: Person) -> str:
        """Where a device of ``person`` connects."""


class Ledger:
    """What senders were promised, and what each connection was given."""

    def __init__(self) -> None:
        self.accepted: dict[int, dict[str, int]] = defaultdict(dict)
        """By user and key, the seq that was promised; 0 where RabbitMQ promised."""
        self.connections: list[tuple[int, list[tuple[int, str]]]] = []
        """For each connection its user, and what it was given in order."""
        self.refused = Counter[str]()

    @property
    def promises(self) -> int:
        """How many notifications were accepted."""
        return sum(map(len, self.accepted.values()))

    def missing(self) -> list[str]:
        """Keys that were promised and that nobody got."""
        delivered = {(user_id, key) for user_id, given in self.connections for _, key in given}
        return [
            key
            for user_id, promised in self.accepted.items()
            for key in promised
            if (user_id, key) not in delivered
        ]

    @property
    def repeated(self) -> int:
        """How many were given again to a user who had them."""
        given = Counter((owner, key) for owner, frames in self.connections for _, key in frames)
        return given.total() - len(given)

    def check(self) -> None:
        """Nothing lost, nothing invented, in order, nothing twice on one connection."""
        assert not self.missing()
        places: dict[int, dict[str, int]] = defaultdict(dict)
        for user_id, given in self.connections:
            seqs = [seq for seq, _ in given]
            assert seqs == sorted(set(seqs)), f"user {user_id}: out of order or twice"
            for seq, key in given:
                assert places[user_id].setdefault(key, seq) == seq, "one key, two places"
        for user_id, promised in self.accepted.items():
            found = places[user_id]
            assert found.keys() == promised.keys(), "nobody was promised that"
            assert sorted(found.values()) == list(range(1, len(found) + 1)), "a hole in the log"
            for key, seq in promised.items():
                assert seq in (0, found[key]), "not where it was promised"


class Watcher:
    """A device that reconnects whenever it is sent away, and keeps what it was given."""

    def __init__(
        self, ledger: Ledger, place: Place, person: Person, *, acknowledges: bool = False
    ) -> None:
        self._ledger = ledger
        self._url = place.socket_url(person)
        self._person = person
        self._acknowledges = acknowledges
        self.codes = Counter[int]()
        """How its connections ended."""
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        pause = itertools.cycle((0.05, 0.1, 0.2, 0.15))
        while True:
            with suppress(OSError, TimeoutError, websockets.WebSocketException):
                await self._watch()
            await asyncio.sleep(next(pause))

    async def _watch(self) -> None:
        given: list[tuple[int, str]] = []
        # Pings find a process that was killed behind nginx, as they do in any client.
        async with websockets.connect(
            self._url, max_queue=None, compression=None, open_timeout=5, close_timeout=0.1
        ) as socket:
            self._ledger.connections.append((self._person.id, given))
            self.connected.set()
            try:
                async for text in socket:
                    frame = json.loads(text)
                    if frame["type"] != "server_notification":
                        continue  # an acknowledgement was not stored: it comes again
                    given.append((frame["seq"], frame["key"]))
                    if self._acknowledges:
                        ack = {"type": "message_ack", "key": frame["key"]}
                        await socket.send(json.dumps(ack))
            finally:
                self.codes[socket.close_code or 0] += 1


class HttpSender:
    """Sends through nginx, and again with the same key whatever went wrong."""

    def __init__(self, ledger: Ledger, place: Place, people: list[Person], name: str) -> None:
        self._ledger = ledger
        self._url = place.url
        self._people = itertools.cycle(people)
        self._name = name
        self.accepted_at = 0.0
        """When the last one was accepted, by the monotonic clock."""

    async def run(self, numbers: Iterable[int], per_second: float) -> None:
        """Send one notification for each of ``numbers``, at most so many in a second."""
        limits = httpx.Limits(max_keepalive_connections=8)
        async with httpx.AsyncClient(base_url=self._url, timeout=20, limits=limits) as http:
            began = time.monotonic()
            for number in numbers:
                await self._send(http, next(self._people), f"{self._name}-{number}")
                ahead = began + number / per_second - time.monotonic()
                if ahead > 0:
                    await asyncio.sleep(ahead)

    async def _send(self, http: httpx.AsyncClient, person: Person, key: str) -> None:
        body = {"user_id": person.id, "payload": {"text": "hello"}, "key": key}
        while True:
            try:
                answer = await http.post(SEND, json=body)
            except httpx.HTTPError as error:
                self._ledger.refused[type(error).__name__] += 1
            else:
                if answer.status_code == 200:
                    self._ledger.accepted[person.id][key] = answer.json()["seq"]
                    self.accepted_at = time.monotonic()
                    return
                self._ledger.refused[str(answer.status_code)] += 1
            await asyncio.sleep(0.2)


class RabbitSender:
    """Publishes with confirms, from a thread of its own, and again whatever went wrong."""

    def __init__(self, ledger: Ledger, address: str, people: list[Person]) -> None:
        self._ledger = ledger
        self._address = address
        self._people = itertools.cycle(people)
        self.accepted_at = 0.0
        """When the last one was confirmed, by the monotonic clock."""

    async def run(self, numbers: Iterable[int], per_second: float) -> None:
        """Publish one message for each of ``numbers``, at most so many in a second."""
        await asyncio.to_thread(self._publish, numbers, per_second)

    def _publish(self, numbers: Iterable[int], per_second: float) -> None:
        connection: pika.BlockingConnection | None = None
        began = time.monotonic()
        for number in numbers:
            person, key = next(self._people), f"rabbit-{number}"
            while self._ledger.accepted[person.id].get(key) is None:
                try:
                    if connection is None:
                        connection = pika.BlockingConnection(pika.URLParameters(self._address))
                        channel = connection.channel()
                        channel.confirm_delivery()
                    self._publish_one(channel, person, key)
                except pika.exceptions.AMQPError as error:
                    self._ledger.refused[type(error).__name__] += 1
                    connection = None
                    time.sleep(0.2)
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        if connection is not None:
            connection.close()

    def _publish_one(self, channel: Any, person: Person, key: str) -> None:
        channel.basic_publish(
            "notifications_exchange",
            "notifications.send",
            json.dumps({"user_id": person.id, "payload": {"text": "hello"}}).encode(),
            pika.BasicProperties(message_id=key, delivery_mode=2),
            mandatory=True,
        )
        self._ledger.accepted[person.id][key] = 0
        self.accepted_at = time.monotonic()
