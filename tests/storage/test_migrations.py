"""What a migration does to a database that is in use."""

import pytest

from notifier.errors import ApiKeyNotValid
from notifier.events import Appended
from notifier.models import Sender
from notifier.storage import migrations
from notifier.storage.operations.keys import ApiKeys, ScopesOf
from notifier.storage.operations.notifications import Append
from tests.storage.databases import Database, make_user, opened


@pytest.fixture
def first_schema(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database as the first release made it."""
    load = migrations.load
    with monkeypatch.context() as before:
        before.setattr(migrations, "load", lambda driver: load(driver)[:1])
        assert database.driver().prepare() == 1
    return database


def make_key(database: Database, name: str, digest: str, *, revoked_at: str = "NULL") -> None:
    """Make an API key as a program does that knows the first schema only."""
    blob = f"X'{digest}'" if "sqlite" in database.driver().name else f"'\\x{digest}'"
    database.execute(
        "INSERT INTO api_keys (name, digest, created_at, revoked_at) "
        f"VALUES ('{name}', {blob}, 5, {revoked_at})"
    )


async def test_keys_that_exist_may_send(first_schema: Database):
    """Keys of an earlier release are what they were: they may send, and nothing else."""
    make_key(first_schema, "billing", "aa")
    make_key(first_schema, "old", "bb", revoked_at="7")
    async with opened(first_schema.driver()) as store:
        keys = await store.read(ApiKeys())
        assert [(key.name, key.scopes, key.created_at, key.revoked_at) for key in keys] == [
            ("billing", ("send",), 5, None),
            ("old", ("send",), 5, 7),
        ]
        ann = await make_user(store, "ann")
        sent = await store.submit(Append(ann, "k", b"1", sender=Sender(digest=b"\xaa")))
        assert isinstance(sent, Appended)
        with pytest.raises(ApiKeyNotValid):
            await store.submit(Append(ann, "l", b"1", sender=Sender(digest=b"\xbb")))


async def test_earlier_programs_go_on(database: Database):
    """A key that a program of the first release makes in the new schema may send."""
    async with opened(database.driver()) as store:
        make_key(database, "billing", "aa")
        assert await store.read(ScopesOf(b"\xaa")) == ("send",)
