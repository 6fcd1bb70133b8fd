"""The previous release goes on while this one takes over, one process after the other."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets

from notifier.identity.tokens import Tokens
from servers import ROOT
from servers.notifier import ServerProcess
from tests.storage.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.harness import SECONDS, SECRET, SEND, Device
from tests.support.history import previous_release

ADMIN = 1
"""The id of the user whom the first start makes."""


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the previous release's code."""
    return previous_release(tmp_path_factory.mktemp("previous"))


@pytest.fixture
def programs(
    previous: Path, tmp_path: Path, database: Database
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """The previous release and this one on the same database, not yet started."""
    match database:
        case SqliteDatabase(folder=path):
            store = {"NOTIFIER_DATA_DIR": str(path)}
        case PostgresDatabase(address=address):
            store = {"DATABASE_URL": address}
    made = []
    for name, code in (("previous", previous), ("current", ROOT)):
        folder = tmp_path / name
        folder.mkdir()
        made.append(
            ServerProcess(
                folder,
                PYTHONPATH=str(code),
                NOTIFIER_OPEN_SEND="1",
                NOTIFIER_SWEEP_SECONDS="0.1",
                **store,
            )
        )
    yield made[0], made[1]
    for program in made:
        program.stop()


def send(process: ServerProcess, payload: object) -> None:
    """Send to the administrator, which has to succeed."""
    body = {"user_id": ADMIN, "payload": payload}
    response = httpx.post(process.url + SEND, json=body, timeout=SECONDS)
    assert response.status_code == 200, response.text


@asynccontextmanager
async def connected(process: ServerProcess) -> AsyncIterator[Device]:
    """A device of the administrator."""
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", ADMIN, 0)
    url = f"ws{process.url.removeprefix('http')}/ws/notifications/{ADMIN}/?token={token}"
    async with websockets.connect(url, open_timeout=SECONDS, close_timeout=1) as socket:
        yield Device(socket)


async def receive(device: Device, payload: object) -> None:
    """The next frame is ``payload``; acknowledge it."""
    frame = await device.next()
    assert frame.value == payload
    await device.ack(frame)
    await device.nothing_more()


Programs = tuple[ServerProcess, ServerProcess]


async def test_a_running_process_goes_on(programs: Programs, database: Database):
    """Sends, delivery and acks go on in the previous release while the schema is made newer."""
    previous, current = programs
    previous.start()
    before = database.count("schema_migrations")
    async with connected(previous) as device:
        send(previous, "before")
        await receive(device, "before")
        migrated = current.command("migrate")
        assert migrated.returncode == 0, migrated.stderr
        assert database.count("schema_migrations") > before
        send(previous, "after")
        await receive(device, "after")
    send(previous, "left")
    assert previous.stop() == 0
    current.start()
    async with connected(current) as device:
        await receive(device, "left")


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_side_by_side(programs: Programs):
    """What either release stores is delivered by the other."""
    previous, current = programs
    previous.start()
    async with connected(previous) as old:
        current.start()
        async with connected(current) as new:
            for number, process in enumerate((previous, current, previous, current)):
                send(process, number)
                for device in (old, new):
                    assert (await device.next()).value == number
            await old.nothing_more()
            await new.nothing_more()
