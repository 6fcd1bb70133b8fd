"""Messages for the application's own users, by their names."""

from notifier.models import THE_SERVER
from notifier.sending.removal import Removal
from notifier.storage.operations.notifications import Pending
from notifier.storage.operations.recipients import RecipientByName
from tests.amqp.broker import Rabbit
from tests.amqp.conftest import Consuming
from tests.support.harness import Harness, until
from tests.support.naming import users_of

NAME = "auth0|5f7c"


async def pending(server: Harness, name: str = NAME) -> list[tuple[int, bytes]]:
    """Places and payloads of what waits for a recipient."""
    recipient = await server.server.store.read(RecipientByName(name))
    if recipient is None:
        return []
    query = Pending(recipient.number, 0, rows=10_000, size=1 << 30)
    page = await server.server.store.read(query)
    return [(each.seq, each.payload) for each in page.notifications]


async def test_results(consuming: Consuming, rabbit: Rabbit) -> None:
    """A result names the user as its message did, in an array too, and never by a number."""
    async with consuming(**users_of()):
        rabbit.listen()
        rabbit.publish({"user": NAME, "payload": {"a": 1}}, message_id="k")
        people: list[dict[str, object]] = [{"user": NAME}, {"user_id": 1}, {"user": "1"}]
        rabbit.publish(
            [each | {"payload": n} for n, each in enumerate(people, start=2)], message_id="batch"
        )
        one, batch = await rabbit.results(2)
        assert one.json == {"user": NAME, "payload": {"a": 1}, "key": "k", "seq": 1}
        assert batch.json == [
            {"user": NAME, "payload": 2, "key": "batch#0", "seq": 2},
            {"user_id": 1, "payload": 3, "key": "batch#1", "seq": 1},
            {"user": "1", "payload": 4, "key": "batch#2", "seq": 1},
        ]


async def test_order(consuming: Consuming, rabbit: Rabbit) -> None:
    """Messages for names that were never heard of keep their order, among all others."""
    async with consuming(**users_of(), rabbit_prefetch=100) as server:
        rabbit.listen()
        names = ["ann", "bob", "eve"]
        for n in range(100):
            for name in names:
                rabbit.publish({"user": name, "payload": n})
        await rabbit.results(300)
        for name in names:
            assert await pending(server, name) == [(n + 1, b"%d" % n) for n in range(100)]
        await until(lambda: rabbit.ready() == 0)


async def test_a_batch_of_new_names(consuming: Consuming, rabbit: Rabbit) -> None:
    """An array for a thousand new names is stored whole, also through a short queue."""
    async with consuming(**users_of(), queue_size=10) as server:
        rabbit.listen()
        rabbit.publish([{"user": f"user {n % 500}", "payload": n} for n in range(1000)])
        [result] = await rabbit.results(1)
        assert [each["seq"] for each in result.json] == [1] * 500 + [2] * 500
        assert await pending(server, "user 499") == [(1, b"499"), (2, b"999")]


async def test_removed_meanwhile(consuming: Consuming, rabbit: Rabbit) -> None:
    """Messages for somebody who was removed go to a new log, in order, and none is laid aside."""
    async with consuming(**users_of()) as server:
        rabbit.listen()
        rabbit.publish({"user": NAME, "payload": "before"})
        await rabbit.results(1)
        store = server.server.store
        recipient = await store.read(RecipientByName(NAME))
        assert recipient is not None
        await Removal(store).remove(recipient.number, THE_SERVER)
        for n in range(50):
            rabbit.publish({"user": NAME, "payload": n})
        await rabbit.results(50)
        assert await pending(server) == [(n + 1, b"%d" % n) for n in range(50)]
    assert rabbit.ready(f"{rabbit.queue}.dead") == 0


async def test_dead_letters(consuming: Consuming, rabbit: Rabbit) -> None:
    """What names nobody, or in a way that is not taken, is laid aside with the reason."""
    both = [
        (b'{"payload": 1}', "One of user_id and user is required."),
        (b'{"user": "a", "user_id": 1, "payload": 1}', "Only one of user_id and user"),
        (b'{"user": "", "payload": 1}', "user: Expected a string of 1 to 128 characters"),
        (b'{"user": "a\\u0000", "payload": 1}', "user: Expected a string of 1 to 128"),
        (b'{"user": "\\ud800", "payload": 1}', "Not valid JSON"),
        (b'{"user": 1, "payload": 1}', "user: Expected a string of 1 to 128 characters"),
    ]
    only = [(b'{"user": "a", "payload": 1}', "user: Not taken with NOTIFIER_USERS=accounts")]
    for users, bad in (("both", both), ("accounts", only)):
        async with consuming(**users_of(users)) as server:
            rabbit.listen()
            for body, _ in bad:
                rabbit.publish(body)
            results, letters = await rabbit.results(len(bad)), await rabbit.dead(len(bad))
            for (body, reason), result, letter in zip(bad, results, letters, strict=True):
                assert reason in result.json["error"]
                assert reason in letter.headers["reason"]
                assert letter.body == body
            assert await pending(server, "a") == []
