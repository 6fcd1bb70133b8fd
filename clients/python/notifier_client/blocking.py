"""The client for ordinary programs."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import httpx

from notifier_client.attempts import DEFAULT_TIMEOUT, Answer, Attempts, Interrupted, Patience
from notifier_client.batch import Batch, Track
from notifier_client.connection import connection
from notifier_client.delivery import Delivery
from notifier_client.inbox_blocking import Inboxes
from notifier_client.message import Message, RawJSON, Sent

T = TypeVar("T")


class Notifier(Inboxes):
    """Sends to one server. Threads may share it; keep it, because it keeps connections open.

    ``url`` and ``api_key`` default to NOTIFIER_URL and NOTIFIER_API_KEY. In place of a key, a
    ``token`` may be an access token of a superuser, or one of whoever's inbox it is about: then
    nobody needs to be named. ``timeout`` is the
    seconds for one notification with all its attempts; each step of an attempt, such as
    connecting or reading, gets what remains of it. ``transport`` is httpx's, for TLS of one's
    own or for tests. Raises InvalidSettings.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        concurrency: int = 8,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        server = connection(url, api_key, token)
        self._url = server.url
        self._patience = Patience(timeout)
        self._concurrency = concurrency
        self._http = httpx.Client(base_url=server.url, headers=server.headers, transport=transport)

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        user_id: int | str | None = None,
        payload: Any = None,
        *,
        user: str | None = None,
        key: str | None = None,
        ttl: int | None = None,
        category: str | None = None,
        priority: str | None = None,
        collapse_key: str | None = None,
    ) -> Sent:
        """Send ``payload``, anything that can be JSON, to one user.

        That is an account of the server (``user_id``), or whom your application calls ``user``.
        With a ``key`` it is stored once however often it is sent; without, this call makes
        one for its own attempts. After ``ttl`` seconds it is no longer delivered. ``category``,
        ``priority`` and ``collapse_key`` are those of :class:`Message`. Returns when the server
        has stored it. Raises SendFailed.
        """
        return self.ask(
            Delivery(
                Message(user_id, payload, key, ttl, user, category, priority, collapse_key),
                self._patience,
            )
        )

    def send_json(
        self,
        user_id: int | str | None = None,
        payload: bytes = b"",
        *,
        user: str | None = None,
        key: str | None = None,
        ttl: int | None = None,
        category: str | None = None,
        priority: str | None = None,
        collapse_key: str | None = None,
    ) -> Sent:
        """Send ``payload``, which is JSON already and arrives byte for byte. Raises SendFailed."""
        return self.send(
            user_id,
            RawJSON(payload),
            user=user,
            key=key,
            ttl=ttl,
            category=category,
            priority=priority,
            collapse_key=collapse_key,
        )

    def send_many(self, messages: Iterable[Message]) -> list[Sent]:
        """Send all, in order for each user, up to a thousand in one request.

        So many such batches are under way at a time as ``concurrency`` says. Each is tried like
        one of :meth:`send`, and for as long as it gets on; once one has found no server in time,
        the rest is not tried. Raises SomeFailed, which says what became of each.
        """
        batch = Batch(messages, self._patience, self._concurrency)
        with ThreadPoolExecutor(self._concurrency, "notifier-send") as pool:
            try:
                list(pool.map(partial(self._send_track, batch), batch.tracks))
            finally:
                batch.end()
        return batch.result()

    def _send_track(self, batch: Batch, track: Track) -> None:
        for delivery in batch.deliveries(track):
            self.ask(delivery)

    def ask(self, attempts: Attempts[T]) -> T:
        while True:
            verdict = attempts.judge(self._attempt(attempts))
            if not isinstance(verdict, float):
                return verdict
            time.sleep(verdict)

    def _attempt(self, attempts: Attempts[Any]) -> Answer | Interrupted:
        try:
            response = self._http.request(
                attempts.method,
                attempts.path,
                params=attempts.parameters or None,
                content=attempts.body,
                timeout=attempts.seconds,
            )
        except httpx.RequestError as error:
            return Interrupted(str(error) or type(error).__name__)
        return Answer(response.status_code, response.headers, response.content)
