"""The client for asyncio."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TypeVar

import httpx

from notifier_client.attempts import DEFAULT_TIMEOUT, Answer, Attempts, Interrupted, Patience
from notifier_client.batch import Batch, Track
from notifier_client.connection import connection
from notifier_client.delivery import Delivery
from notifier_client.inbox_asynchronous import AsyncInboxes
from notifier_client.message import Message, RawJSON, Sent

T = TypeVar("T")


class AsyncNotifier(AsyncInboxes):
    """:class:`~notifier_client.Notifier` for one event loop; the parameters are the same."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        concurrency: int = 8,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        server = connection(url, api_key, token)
        self._url = server.url
        self._patience = Patience(timeout)
        self._concurrency = concurrency
        self._http = httpx.AsyncClient(
            base_url=server.url, headers=server.headers, transport=transport
        )

    async def __aenter__(self) -> "AsyncNotifier":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
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
        """Send ``payload``, see :meth:`Notifier.send`. Raises SendFailed."""
        return await self.ask(
            Delivery(
                Message(user_id, payload, key, ttl, user, category, priority, collapse_key),
                self._patience,
            )
        )

    async def send_json(
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
        return await self.send(
            user_id,
            RawJSON(payload),
            user=user,
            key=key,
            ttl=ttl,
            category=category,
            priority=priority,
            collapse_key=collapse_key,
        )

    async def send_many(self, messages: Iterable[Message]) -> list[Sent]:
        """Send all, see :meth:`Notifier.send_many`. Raises SomeFailed."""
        batch = Batch(messages, self._patience, self._concurrency)
        async with asyncio.TaskGroup() as group:
            for track in batch.tracks:
                group.create_task(self._send_track(batch, track))
        return batch.result()

    async def _send_track(self, batch: Batch, track: Track) -> None:
        for delivery in batch.deliveries(track):
            await self.ask(delivery)

    async def ask(self, attempts: Attempts[T]) -> T:
        while True:
            verdict = attempts.judge(await self._attempt(attempts))
            if not isinstance(verdict, float):
                return verdict
            await asyncio.sleep(verdict)

    async def _attempt(self, attempts: Attempts[Any]) -> Answer | Interrupted:
        try:
            response = await self._http.request(
                attempts.method,
                attempts.path,
                params=attempts.parameters or None,
                content=attempts.body,
                timeout=attempts.seconds,
            )
        except httpx.RequestError as error:
            return Interrupted(str(error) or type(error).__name__)
        return Answer(response.status_code, response.headers, response.content)
