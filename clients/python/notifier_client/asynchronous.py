"""The client for asyncio."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import httpx

from notifier_client.batch import Batch, Lane
from notifier_client.connection import PATH, connection
from notifier_client.delivery import (
    DEFAULT_TIMEOUT,
    Answer,
    Delivery,
    Interrupted,
    Patience,
)
from notifier_client.message import Message, RawJSON, Sent


class AsyncNotifier:
    """:class:`~notifier_client.Notifier` for one event loop; the parameters are the same."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        concurrency: int = 8,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        server = connection(url, api_key)
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
    ) -> Sent:
        """Send ``payload``, see :meth:`Notifier.send`. Raises SendFailed."""
        return await self._send(Message(user_id, payload, key, ttl, user))

    async def send_json(
        self,
        user_id: int | str | None = None,
        payload: bytes = b"",
        *,
        user: str | None = None,
        key: str | None = None,
        ttl: int | None = None,
    ) -> Sent:
        """Send ``payload``, which is JSON already and arrives byte for byte. Raises SendFailed."""
        return await self.send(user_id, RawJSON(payload), user=user, key=key, ttl=ttl)

    async def send_many(self, messages: Iterable[Message]) -> list[Sent]:
        """Send all, see :meth:`Notifier.send_many`. Raises SomeFailed."""
        batch = Batch(messages)
        lanes = iter(batch.lanes)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._concurrency, len(batch.lanes))):
                group.create_task(self._send_lanes(batch, lanes))
        return batch.result()

    async def _send_lanes(self, batch: Batch, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            for entry in batch.waiting(lane):
                with entry:
                    entry.outcome = await self._send(entry.message)

    async def _send(self, message: Message) -> Sent:
        delivery = Delivery(message, self._patience)
        while True:
            verdict = delivery.judge(await self._attempt(delivery))
            if isinstance(verdict, Sent):
                return verdict
            await asyncio.sleep(verdict)

    async def _attempt(self, delivery: Delivery) -> Answer | Interrupted:
        try:
            response = await self._http.post(PATH, content=delivery.body, timeout=delivery.seconds)
        except httpx.RequestError as error:
            return Interrupted(str(error) or type(error).__name__)
        return Answer(response.status_code, response.headers, response.content)
