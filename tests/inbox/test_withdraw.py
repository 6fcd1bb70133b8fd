"""Taking a notification back over HTTP."""

from notifier.identity.keys import digest
from notifier.storage.operations.keys import CreateApiKey
from tests.inbox.inbox import NOTIFICATIONS, Inbox
from tests.support.harness import ServerWith


async def test_what_was_not_given_yet(inbox: Inbox) -> None:
    """It comes to no device any more, and the inbox shows and counts it no longer."""
    await inbox.send(*"abc")
    answer = await inbox.withdraw("b")
    assert (answer.status_code, answer.json()) == (200, {"key": "b", "seq": 2, "version": 1})
    assert await inbox.keys() == ["c", "a"]
    assert await inbox.keys(archived="include", snoozed="include", status="all") == ["c", "a"]
    assert await inbox.counts() == (2, 2)
    async with inbox.server.connect(inbox.person) as device:
        assert [frame.key for frame in await device.take(2)] == ["a", "c"]
        await device.nothing_more()


async def test_what_was_read_or_put_away(inbox: Inbox) -> None:
    """Whatever state it had, it is gone; no verb brings it back."""
    await inbox.send(*"abc")
    await inbox.do("read", "a")
    await inbox.do("archive", "b")
    for key in "ab":
        assert (await inbox.withdraw(key)).status_code == 200
    for verb in ("unread", "unarchive"):
        assert (await inbox.post(verb, keys=["a", "b"])).json()["changed"] is False
        await inbox.do(verb, up_to=3)
    assert await inbox.keys(archived="include") == ["c"]


async def test_twice(inbox: Inbox) -> None:
    """The second time it is as it was: the same answer, and no further change."""
    await inbox.send("a", "b")
    first = await inbox.withdraw("a")
    await inbox.do("read", "b")
    again = await inbox.withdraw("a")
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await inbox.get("count/"))["version"] == 2


async def test_a_late_retry_of_the_send(inbox: Inbox) -> None:
    """It is answered like the send, says that it was withdrawn, and brings nothing back."""
    first = await inbox.server.send(inbox.person, 1, key="k")
    assert "withdrawn" not in first
    await inbox.withdraw("k")
    again = await inbox.server.post({"user_id": inbox.person.id, "payload": 1, "key": "k"})
    assert again.status_code == 200
    assert again.json() == first | {"withdrawn": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await inbox.keys() == []
    assert await inbox.server.pending(inbox.person) == []
    other = await inbox.server.post({"user_id": inbox.person.id, "payload": 2, "key": "k"})
    assert other.status_code == 409, "the key stays taken"


async def test_unknown(inbox: Inbox) -> None:
    """What there is not, or another has, is not found; whom there is not, neither."""
    await inbox.send("a")
    bob = Inbox(inbox.server, await inbox.server.user("bob"))
    for key in ("b", "A", "a ", "a%00", "\ufffd", "💥" * 100):
        answer = await inbox.withdraw(key)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), key
    assert (await bob.withdraw("a")).status_code == 404
    assert await inbox.counts() == (1, 1)


async def test_odd_keys(inbox: Inbox) -> None:
    """A key may hold any character that a send lets in."""
    keys = ["a/b?c=d&e#f", "100%", "%2F", "a+b", "a b", " ", "'\"\\;--", "é", "é", "😀", "\ufeff"]
    for key in keys:
        await inbox.send(key)
        answer = await inbox.withdraw(key)
        assert (answer.status_code, answer.json()["key"]) == (200, key)
    assert await inbox.keys() == []


async def test_who_may(inbox: Inbox) -> None:
    """A superuser's access token or a key with the scope; not its owner, and not a sender."""
    for scope in ("withdraw", "send", "inbox"):
        create = CreateApiKey(scope, digest(f"ntf_{scope}"), (scope,))  # type: ignore[arg-type]
        await inbox.server.server.store.submit(create)
    admin = inbox.server.token(inbox.server.admin, "access")
    for key in "ab":
        body = {"user_id": inbox.person.id, "payload": 1, "key": key}
        await inbox.server.post(body, headers={"Authorization": f"Bearer {admin}"})
    for scope in ("send", "inbox"):
        refused = await inbox.withdraw("a", **{"X-API-Key": f"ntf_{scope}"})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        assert "'withdraw'" in refused.json()["detail"]
    own = inbox.server.token(inbox.person, "access")
    assert (await inbox.withdraw("a", Authorization=f"Bearer {own}")).status_code == 403
    assert (await inbox.withdraw("a", **inbox.headers)).status_code == 401
    assert (await inbox.withdraw("a", **{"X-API-Key": "ntf_withdraw"})).status_code == 200
    assert await inbox.keys() == ["b"]
    path = f"{NOTIFICATIONS}?user_id={inbox.person.id}&key=b"
    assert (await inbox.server.http.delete(path)).status_code == 401, "an open send does not do"


async def test_parameters(inbox: Inbox) -> None:
    """What is missing, unknown, or can't be a key, is refused by its name."""
    admin = {"Authorization": f"Bearer {inbox.server.token(inbox.server.admin, 'access')}"}
    for query, field in {
        "user_id=1": "query",
        "key=a": "user_id",
        "user_id=x&key=a": "user_id",
        "user_id=1&key=": "key",
        "user_id=1&key=a%0Ab": "key",
        f"user_id=1&key={'k' * 201}": "key",
        "user_id=1&key=a&all=1": "query",
        "user=ann&key=a": "user",
    }.items():
        answer = await inbox.server.http.delete(f"{NOTIFICATIONS}?{query}", headers=admin)
        assert (answer.status_code, list(answer.json())) == (400, [field]), answer.text


async def test_without_retention(server_with: ServerWith, database_url: str) -> None:
    """With no days of retention it is gone at once, and so its key is free."""
    async with server_with(retention_days=0, database_url=database_url) as server:
        inbox = Inbox(server, await server.user())
        await inbox.send("a")
        assert (await inbox.withdraw("a")).status_code == 200
        assert await inbox.keys() == []
        assert (await inbox.withdraw("a")).status_code == 404
        again = await server.send(inbox.person, 2, key="a")
        assert (again["seq"], "withdrawn" in again) == (2, False)
