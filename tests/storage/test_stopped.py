"""A server that was stopped for longer than the changes of users are kept."""

import asyncio
import signal
from collections.abc import Callable

import pytest
import websockets

from notifier.identity.tokens import Tokens
from notifier.storage.operations.users import EndSessions, RemoveUserChanges
from notifier.storage.store import Store
from servers.notifier import ServerProcess
from tests.storage.databases import Database, SqliteDatabase, make_user, opened
from tests.support.harness import SECONDS, SECRET

TOKENS = Tokens(SECRET, {"identity": 3600})


@pytest.fixture
def server(database: Database, server_process: Callable[..., ServerProcess]) -> ServerProcess:
    """A process that serves the database."""
    if isinstance(database, SqliteDatabase):
        where = {"NOTIFIER_DATA_DIR": str(database.folder)}
    else:
        where = {"DATABASE_URL": database.address}
    process = server_process(**where)
    process.start()
    return process


def url(server: ServerProcess, user_id: int, version: int = 0) -> str:
    """Where this user connects, with a token of this version."""
    token = TOKENS.issue("identity", user_id, version)
    return f"ws://127.0.0.1:{server.port}/ws/notifications/{user_id}/?token={token}"


async def heard_of(store: Store, server: ServerProcess, user_id: int) -> None:
    """Change this user, and wait until the server has heard of it."""
    async with websockets.connect(url(server, user_id)) as device:
        await store.submit(EndSessions(user_id))
        await asyncio.wait_for(device.wait_closed(), SECONDS)
        assert device.close_code == 4403


@pytest.mark.parametrize("knows", [True, False], ids=["knew-some", "knew-none"])
async def test_no_revoked_connection_lives_on(
    database: Database, server: ServerProcess, knows: bool
) -> None:
    """It ends every connection; who was signed out does not come back, the others do."""
    async with opened(database.driver()) as store:
        ann, bob = await make_user(store, "ann"), await make_user(store, "bob")
        if knows:
            await heard_of(store, server, await make_user(store, "eve"))
        async with (
            websockets.connect(url(server, ann)) as of_ann,
            websockets.connect(url(server, bob)) as of_bob,
        ):
            server.send_signal(signal.SIGSTOP)
            try:
                await store.submit(EndSessions(ann))
                await store.submit(EndSessions(await make_user(store, "zoe")))
                database.execute("UPDATE user_changes SET created_at = 1")
                removed = await store.submit(RemoveUserChanges(before=2, limit=100))
                assert removed == (2 if knows else 1)
            finally:
                server.send_signal(signal.SIGCONT)
            for device in (of_ann, of_bob):
                await asyncio.wait_for(device.wait_closed(), SECONDS)
                assert device.close_code == 4401
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url(server, ann))
        async with websockets.connect(url(server, ann, version=1)) as device:
            await store.submit(EndSessions(ann))
            await asyncio.wait_for(device.wait_closed(), SECONDS)
            assert device.close_code == 4403, "what happens from now on is heard of"
        async with websockets.connect(url(server, bob)):
            pass
        assert server.log.count("revoked_all") == 1
