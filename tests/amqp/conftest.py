"""A broker for all of these tests, and a corner of it for each."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from servers.rabbitmq import RabbitServer, shared
from tests.amqp.broker import Rabbit
from tests.support.harness import Harness, running, settings_for, until

Consuming = Callable[..., AbstractAsyncContextManager[Harness]]


@pytest.fixture
def broker() -> RabbitServer:
    """The broker, running."""
    server = shared()
    server.start()
    return server


@pytest.fixture
def rabbit(broker: RabbitServer) -> Iterator[Rabbit]:
    """Names of this test's own, and a connection to publish and listen."""
    corner = Rabbit(broker)
    yield corner
    broker.start()
    corner.remove()


@pytest.fixture
def consuming(tmp_path: Path, rabbit: Rabbit) -> Consuming:
    """Run a server that consumes: ``async with consuming(rabbit_prefetch=10) as …``."""

    @asynccontextmanager
    async def run(*, wait: bool = True, **changes: Any) -> AsyncIterator[Harness]:
        settings = settings_for(tmp_path, **rabbit.settings | changes)
        async with running(settings) as harness:
            if wait:
                await until(lambda: harness.server.status.rabbitmq() == "consuming", 30)
            yield harness

    return run


@pytest_asyncio.fixture
async def server(consuming: Consuming) -> AsyncIterator[Harness]:
    """A server that consumes, with default settings."""
    async with consuming() as harness:
        yield harness
