"""Inboxes over HTTP, as somebody with a token sees them, on each database."""

import pytest
import pytest_asyncio

from tests.inbox.inbox import Inbox
from tests.support.harness import Harness


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """Each of them."""
    return each_database_url


@pytest_asyncio.fixture
async def inbox(server: Harness) -> Inbox:
    """The inbox of a new user."""
    return Inbox(server, await server.user())
