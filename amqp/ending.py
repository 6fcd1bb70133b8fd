"""What a connection and a channel have in common: calls that are answered, until it ends."""

import asyncio
from collections.abc import Callable
from typing import Any

from amqp.errors import Disconnected

Translate = Callable[[Exception], Disconnected]
"""An exception of the client library in our words."""


class Ending:
    """Something that ends once, and whose pending calls end with it."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Exception] = self._loop.create_future()
        """Done when it has ended, with the reason as its result."""
        self._calls: set[asyncio.Future[Any]] = set()

    def end(self, reason: Exception) -> None:
        """It has ended, or is of no more use."""
        if not self.ended.done():
            self.ended.set_result(reason)
        for call in self._calls:
            if not call.done():
                call.set_exception(reason)

    async def call(self, start: Callable[[Callable[[Any], None]], object]) -> Any:
        """Start a call with a callback, and return what the callback is given."""
        if self.ended.done():
            raise self.ended.result()
        reply: asyncio.Future[Any] = self._loop.create_future()
        self._calls.add(reply)
        try:
            try:
                start(lambda frame: None if reply.done() else reply.set_result(frame))
            except Exception as error:
                raise self._translate(error) from error
            return await reply
        finally:
            self._calls.discard(reply)
