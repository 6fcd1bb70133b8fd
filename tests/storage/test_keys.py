"""API keys in the store: who may send under them, how they end, and when they were used."""

import asyncio
import json
from typing import Any

import pytest

from notifier import clock
from notifier.errors import (
    ApiKeyExpired,
    ApiKeyNotValid,
    InvalidRequest,
    ScopeMissing,
    Unauthenticated,
    UnknownApiKey,
)
from notifier.events import Appended
from notifier.models import ANYONE, SCOPES, THE_SERVER, Actor, KeyUse, Sender
from notifier.storage.operations.keys import (
    ApiKeyByDigest,
    ApiKeys,
    CreateApiKey,
    RecordKeyUses,
    RevokeApiKey,
    RotateApiKey,
)
from notifier.storage.operations.notifications import Append
from notifier.storage.store import Store
from tests.storage.databases import Database, opened
from tests.storage.test_contract import pending
from tests.support.moments import Clock

BOSS = Actor("user:boss", "203.0.113.7")


def audit(database: Database) -> list[tuple[Any, ...]]:
    """Everything in the audit log: action, actor, subject, address and details."""
    rows = database.execute(
        "SELECT action, actor, subject, address, details FROM audit ORDER BY id"
    )
    return [(*row[:4], json.loads(row[4])) for row in rows]


def senders(database: Database) -> list[tuple[str, int | None]]:
    """The key of each notification, and the id of the API key that sent it."""
    return database.execute("SELECT key, api_key_id FROM notifications ORDER BY user_id, seq")


class TestKept:
    async def test_listed(self, store: Store, time: Clock):
        """Keys are listed by id, revoked ones too."""
        billing = await store.submit(CreateApiKey("billing", b"\x00\xff" * 16))
        shop = await store.submit(CreateApiKey("shop", b"2" * 32))
        assert (billing.name, billing.created_at, billing.revoked_at) == (
            "billing",
            time.moment,
            None,
        )
        assert await store.submit(RevokeApiKey("billing")) == 1
        listed = await store.read(ApiKeys())
        assert [(key.id, key.name, key.revoked_at) for key in listed] == [
            (billing.id, "billing", time.moment),
            (shop.id, "shop", None),
        ]

    async def test_rights(self, store: Store, time: Clock):
        """A key has the rights that it was made with; without any given, it may send."""
        plain = await store.submit(CreateApiKey("plain", b"plain"))
        assert (plain.scopes, plain.user_prefix, plain.rate) == (("send",), None, None)
        assert (plain.expires_at, plain.last_used_at) == (None, None)
        all_of_it = await store.submit(CreateApiKey("all", b"all", SCOPES, "eu:", 100, 5000))
        assert (all_of_it.scopes, all_of_it.user_prefix, all_of_it.rate) == (SCOPES, "eu:", 100)
        assert all_of_it.expires_at == time.moment + 5000
        assert await store.read(ApiKeys()) == [plain, all_of_it]
        assert await store.read(ApiKeyByDigest(b"all")) == all_of_it
        assert await store.read(ApiKeyByDigest(b"other")) is None

    async def test_revoked_by_name_or_id(self, store: Store):
        """Revoking ends every active key of that name or id, once; a number is an id only."""
        keys = [await store.submit(CreateApiKey(name, name.encode() * 3)) for name in ("a", "b")]
        await store.submit(CreateApiKey("a", b"other"))
        called_one = await store.submit(CreateApiKey(str(keys[0].id), b"number"))
        assert await store.submit(RevokeApiKey("nobody")) == 0
        assert await store.submit(RevokeApiKey("a")) == 2
        assert await store.submit(RevokeApiKey("a")) == 0
        assert await store.submit(RevokeApiKey(str(keys[1].id))) == 1
        assert await store.submit(RevokeApiKey(keys[0].id)) == 0
        key = await store.read(ApiKeyByDigest(b"number"))
        assert key == called_one
        assert await store.submit(RevokeApiKey(str(keys[0].id))) == 1

    async def test_recorded(self, store: Store, database: Database, time: Clock):
        """The audit log has who made, rotated and revoked which key, and no secret."""
        await store.submit(CreateApiKey("a", b"first", ("identity",), "eu:", 5, 1000, BOSS))
        await store.submit(RotateApiKey("a", b"second", 500, BOSS))
        assert await store.submit(RevokeApiKey(1, BOSS)) == 1
        await store.submit(CreateApiKey("b", b"third"))
        rights = {"scopes": ["identity"], "user_prefix": "eu:", "rate": 5}
        rights["expires_at"] = clock.isoformat(time.moment + 1000)
        until = clock.isoformat(time.moment + 500)
        by_boss = (BOSS.name, "key:a", BOSS.address)
        assert audit(database) == [
            ("key_created", *by_boss, {"id": 1, **rights}),
            ("key_rotated", *by_boss, {"replaced": 1, "replaced_until": until, "id": 2, **rights}),
            ("key_revoked", *by_boss, {"id": 1}),
            ("key_created", THE_SERVER.name, "key:b", "", {"id": 3, "scopes": ["send"]}),
        ]


class TestSending:
    async def test_without_the_scope(self, store: Store, ann: int):
        """The transaction that stores refuses a key that may not send, and only that one."""
        await store.submit(CreateApiKey("web", b"web", ("identity",)))
        await store.submit(CreateApiKey("both", b"both", ("identity", "send")))
        senders = [Sender(digest=digest) for digest in (b"web", b"both", b"none")] * 3
        outcomes = await asyncio.gather(
            *(
                store.submit(Append(ann, f"k{n}", b"1", sender=sender))
                for n, sender in enumerate(senders)
            ),
            return_exceptions=True,
        )
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [ScopeMissing, Appended, ApiKeyNotValid] * 3
        assert "'send'" in str(outcomes[0])
        await store.submit(RevokeApiKey("web"))
        with pytest.raises(ApiKeyNotValid):
            await store.submit(Append(ann, "k", b"1", sender=senders[0]))

    async def test_with_a_key(self, store: Store, ann: int):
        """A send under a key is taken exactly while the key is active."""
        await store.submit(CreateApiKey("billing", b"digest"))
        mine = Sender(digest=b"digest")
        await store.submit(Append(ann, "a", b"1", sender=mine))
        with pytest.raises(ApiKeyNotValid):
            await store.submit(Append(ann, "b", b"1", sender=Sender(digest=b"unknown")))
        await store.submit(RevokeApiKey("billing"))
        with pytest.raises(ApiKeyNotValid):
            await store.submit(Append(ann, "c", b"1", sender=mine))
        assert await pending(store, ann) == [(1, "a")]

    async def test_until_it_expires(self, store: Store, ann: int, time: Clock):
        """The transaction that stores refuses a key from the very moment at which it ends."""
        await store.submit(CreateApiKey("brief", b"brief", lifetime=1000))
        await store.submit(CreateApiKey("other", b"other", lifetime=5000))
        time.advance(999)
        mine = Sender(digest=b"brief")
        await store.submit(Append(ann, "a", b"1", sender=mine))
        time.advance(1)
        with pytest.raises(ApiKeyExpired, match="expired"):
            await store.submit(Append(ann, "b", b"1", sender=mine))
        await store.submit(Append(ann, "c", b"1", sender=Sender(digest=b"other")))
        await store.submit(RevokeApiKey("brief"))
        with pytest.raises(ApiKeyNotValid, match="revoked"):
            await store.submit(Append(ann, "d", b"1", sender=mine))

    async def test_senders_are_told_apart(self, store: Store, ann: int):
        """In one batch each sender is judged on its own."""
        await store.submit(CreateApiKey("billing", b"digest"))
        senders = [Sender(digest=b"digest"), Sender(digest=b"bad"), ANYONE, Sender()] * 5
        outcomes = await asyncio.gather(
            *(
                store.submit(Append(ann, f"k{n}", b"1", sender=sender))
                for n, sender in enumerate(senders)
            ),
            return_exceptions=True,
        )
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Appended, ApiKeyNotValid, Unauthenticated, Appended] * 5
        assert [seq for seq, _ in await pending(store, ann)] == list(range(1, 11))

    async def test_which_key_sent_it(self, store: Store, database: Database, ann: int, bob: int):
        """Each notification says which key sent it; sent again, it stays the first one's."""
        ids = [
            (await store.submit(CreateApiKey(name, name.encode()))).id for name in ("one", "two")
        ]
        one, two = Sender(digest=b"one"), Sender(digest=b"two", user_prefix="eu:")
        await asyncio.gather(
            store.submit(Append(ann, "a", b"1", sender=one, key_given=True)),
            store.submit(Append(ann, "b", b"1")),
            store.submit(Append(ann, "a", b"1", sender=two, key_given=True)),
            store.submit(Append(bob, "c", b"1", sender=two)),
        )
        assert senders(database) == [("a", ids[0]), ("b", None), ("c", ids[1])]

    async def test_open_until_the_first_key(self, store: Store, ann: int):
        """Anyone may send until the first key is made, and never again, even if it is revoked."""
        await store.submit(Append(ann, "a", b"1", sender=ANYONE))
        await store.submit(CreateApiKey("billing", b"digest"))
        with pytest.raises(Unauthenticated):
            await store.submit(Append(ann, "b", b"1", sender=ANYONE))
        await store.submit(RevokeApiKey("billing"))
        with pytest.raises(Unauthenticated, match=r"stay closed.*apikey create"):
            await store.submit(Append(ann, "c", b"1", sender=ANYONE))

    async def test_closed_by_a_key_that_has_expired(self, store: Store, ann: int, time: Clock):
        """Sends without a key stay closed when the only key has ended."""
        await store.submit(CreateApiKey("brief", b"brief", lifetime=1))
        time.advance(1)
        with pytest.raises(Unauthenticated):
            await store.submit(Append(ann, "a", b"1", sender=ANYONE))


class TestRotation:
    async def test_both_are_valid_for_a_while(self, store: Store, ann: int, time: Clock):
        """The new key has the rights of the old one, which goes on until it ends."""
        old = await store.submit(CreateApiKey("billing", b"old", ("send", "revoke"), "eu:", 5))
        time.advance(10)
        new = await store.submit(RotateApiKey("billing", b"new", 1000))
        assert new.id != old.id
        rights = (old.name, old.scopes, old.user_prefix, old.rate, old.expires_at)
        assert (new.name, new.scopes, new.user_prefix, new.rate, new.expires_at) == rights
        assert (new.created_at, new.last_used_at) == (time.moment, None)
        for number, digest in enumerate((b"old", b"new")):
            await store.submit(Append(ann, f"{number}", b"1", sender=Sender(digest=digest)))
        time.advance(1000)
        with pytest.raises(ApiKeyExpired):
            await store.submit(Append(ann, "a", b"1", sender=Sender(digest=b"old")))
        await store.submit(Append(ann, "b", b"1", sender=Sender(digest=b"new")))

    async def test_without_a_while(self, store: Store, ann: int, time: Clock):
        """A key that leaked can end at once."""
        await store.submit(CreateApiKey("billing", b"old"))
        await store.submit(RotateApiKey("billing", b"new", 0))
        with pytest.raises(ApiKeyExpired):
            await store.submit(Append(ann, "a", b"1", sender=Sender(digest=b"old")))

    async def test_lives_as_long_again(self, store: Store, time: Clock):
        """A key that was made for so long is followed by one for as long; none is prolonged."""
        made = time.moment
        await store.submit(CreateApiKey("brief", b"1", lifetime=1000))
        time.advance(900)
        second = await store.submit(RotateApiKey("brief", b"2", 5000))
        assert second.expires_at == made + 1900
        first = await store.read(ApiKeyByDigest(b"1"))
        assert first is not None
        assert first.expires_at == made + 1000

    async def test_by_name_or_id(self, store: Store):
        """One that several have is refused with their ids; a number is an id first."""
        a, b = [await store.submit(CreateApiKey("a", digest)) for digest in (b"1", b"2")]
        with pytest.raises(InvalidRequest, match=rf"by its id: {a.id}, {b.id}\."):
            await store.submit(RotateApiKey("a", b"3", 0))
        assert await store.read(ApiKeyByDigest(b"3")) is None
        called_b = await store.submit(CreateApiKey(str(b.id), b"4"))
        rotated = await store.submit(RotateApiKey(str(b.id), b"5", 0))
        assert rotated.name == "a"
        assert (await store.submit(RotateApiKey(called_b.id, b"6", 0))).name == str(b.id)
        with pytest.raises(InvalidRequest, match="Several"):
            await store.submit(RotateApiKey("a", b"7", 0))

    async def test_of_nothing_valid(self, store: Store, time: Clock):
        """Only a key that is valid can be rotated, so that no right comes back."""
        with pytest.raises(UnknownApiKey):
            await store.submit(RotateApiKey("a", b"1", 0))
        await store.submit(CreateApiKey("a", b"2"))
        await store.submit(CreateApiKey("b", b"3", lifetime=5))
        await store.submit(RevokeApiKey("a"))
        time.advance(5)
        for which in ("a", "b", 1, 2, 99):
            with pytest.raises(UnknownApiKey):
                await store.submit(RotateApiKey(which, b"4", 0))


class TestUses:
    async def used(self, store: Store) -> list[int | None]:
        """When each key was last used."""
        return [key.last_used_at for key in await store.read(ApiKeys())]

    async def test_the_latest_counts(self, store: Store, database: Database):
        """Several processes may tell; the first use is recorded once, with its moment."""
        for name in "abc":
            await store.submit(CreateApiKey(name, name.encode()))
        await store.submit(
            RecordKeyUses([KeyUse(1, "::1", 5, 70), KeyUse(2, "203.0.113.9", 60, 60)])
        )
        async with opened(database.driver()) as other:
            await other.submit(RecordKeyUses([KeyUse(1, "::2", 50, 65), KeyUse(2, "::2", 1, 90)]))
        assert await self.used(store) == [70, 90, None]
        first = [row for row in audit(database) if row[0] == "key_first_used"]
        assert first == [
            ("key_first_used", "key:a", "key:a", "::1", {"id": 1}),
            ("key_first_used", "key:b", "key:b", "203.0.113.9", {"id": 2}),
        ]
        moments = "SELECT created_at, last_at FROM audit WHERE action = 'key_first_used'"
        assert sorted(database.execute(moments)) == [(5, 5), (60, 60)]

    async def test_of_many(self, store: Store, database: Database):
        """However many were used is one operation; keys that are gone are no trouble."""
        for n in range(3):
            await store.submit(CreateApiKey(f"k{n}", f"k{n}".encode()))
        uses = [KeyUse(n, "", 10 + n, 10 + n) for n in range(1, 1203)]
        await store.submit(RecordKeyUses(uses))
        assert await self.used(store) == [11, 12, 13]
        assert len([row for row in audit(database) if row[0] == "key_first_used"]) == 3

    async def test_of_none(self, store: Store):
        """Nothing to store is no trouble either."""
        await store.submit(RecordKeyUses([]))
