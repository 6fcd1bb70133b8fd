"""Failed sign-ins are counted within bounds, and recorded."""

import asyncio
import itertools
from typing import Any

import pytest

from notifier import clock
from notifier.errors import NotCommitted
from notifier.identity.audit import Audit
from notifier.identity.repetitions import MOST, Repetitions
from notifier.storage.operations.audit import AddRepetitions, AuditEntries, Repetition
from notifier.storage.store import Store
from tests.security.table import Now
from tests.support.harness import ADMIN_PASSWORD, Harness, ServerWith, until
from tests.support.superuser import Superuser

TOKEN = "/api/users/token/"
HOUR = 3600 * clock.SECOND


class Clock:
    """The present moment, as the test wants it."""

    def __init__(self) -> None:
        self.moment = 1_000_000_000_000

    def __call__(self) -> int:
        return self.moment


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(clock, "now", stopped)
    return stopped


class Ledger:
    """What is recorded of failures, as the store would do it."""

    def __init__(self, failures: Repetitions) -> None:
        self.failures = failures
        self.entries: dict[int, Repetition] = {}
        self._ids = itertools.count(1)

    def record(self) -> None:
        """As once a second."""
        taken = self.failures.take()
        ids = [each.entry or next(self._ids) for each in taken]
        for entry, each in zip(ids, taken, strict=True):
            before = self.entries[entry].count if entry in self.entries else 0
            self.entries[entry] = Repetition(
                each.action,
                each.actor,
                each.subject,
                each.address,
                before + each.count,
                self.entries[entry].first_at if before else each.first_at,
                each.last_at,
            )
        self.failures.recorded(taken, ids)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """Subject, address and count of all entries."""
        return [(each.subject, each.address, each.count) for each in self.entries.values()]


def test_one_entry_for_an_hour(time: Clock) -> None:
    """What somebody repeats within an hour is one entry; then another one begins."""
    ledger = Ledger(Repetitions("sign_in_failed"))
    began = time.moment
    for _ in range(6):
        ledger.failures.count("user:ann", "192.0.2.1")
        ledger.failures.count("user:ann", "192.0.2.1")
        ledger.record()
        time.moment += 10 * 60 * clock.SECOND
    assert ledger.counts == [("user:ann", "192.0.2.1", 12)]
    (entry,) = ledger.entries.values()
    assert (entry.first_at, entry.last_at) == (began, began + 50 * 60 * clock.SECOND)
    ledger.failures.count("user:ann", "192.0.2.1")
    ledger.record()
    assert [count for _, _, count in ledger.counts] == [12, 1]


def test_told_apart(time: Clock) -> None:
    """By whom somebody tried to be, and by where they came from."""
    ledger = Ledger(Repetitions("sign_in_failed"))
    for subject, address in itertools.product(("", "user:ann"), ("192.0.2.1", "192.0.2.2")):
        ledger.failures.count(subject, address)
    ledger.record()
    assert len(ledger.counts) == 4


def test_nothing_to_record(time: Clock) -> None:
    """Without failures nothing is written."""
    failures = Repetitions("sign_in_failed")
    assert failures.take() == []
    failures.count("", "192.0.2.1")
    assert len(failures.take()) == 1
    assert failures.take() == []


def test_bounded(time: Clock) -> None:
    """However many addresses try, rows and memory have a bound, and the count stays right."""
    ledger = Ledger(Repetitions("sign_in_failed"))
    tries = 20_000
    for number in range(tries):
        ledger.failures.count("", f"2001:db8:{number:x}::/64")
        if number % 997 == 0:
            ledger.record()
    ledger.record()
    assert len(ledger.entries) == MOST + 1
    assert len(ledger.failures) == MOST + 1
    assert sum(count for _, _, count in ledger.counts) == tries
    assert ("", "", tries - MOST) in ledger.counts


def test_whom_an_attack_is_for_is_seen(time: Clock) -> None:
    """Beyond the bound, failures of a user are told apart by user still, also within a bound."""
    ledger = Ledger(Repetitions("sign_in_failed", most=10))
    for number in range(50):
        ledger.failures.count("", f"192.0.2.{number}")
    for number in range(50):
        ledger.failures.count("user:admin", f"198.51.100.{number}")
    for number in range(50):
        ledger.failures.count(f"user:{number}", "203.0.113.1")
    ledger.record()
    assert ("user:admin", "", 50) in ledger.counts
    assert len(ledger.counts) <= 2 * 10 + 1
    assert sum(count for _, _, count in ledger.counts) == 150


def test_what_was_not_recorded_is_kept(time: Clock) -> None:
    """A store that is away loses no count, and takes no more memory."""
    ledger = Ledger(Repetitions("sign_in_failed", most=2))
    for number in range(10):
        ledger.failures.count("", f"192.0.2.{number}")
        ledger.failures.put_back(ledger.failures.take())
    time.moment += HOUR
    ledger.failures.count("", "192.0.2.9")
    ledger.failures.put_back(ledger.failures.take())
    assert len(ledger.failures) == 3
    ledger.record()
    assert sum(count for _, _, count in ledger.counts) == 11
    first = min(each.first_at for each in ledger.entries.values())
    assert first == time.moment - HOUR


def test_a_clock_that_was_set_back(time: Clock) -> None:
    """An hour does not last for years."""
    ledger = Ledger(Repetitions("sign_in_failed"))
    for moment in (time.moment, time.moment - 1000 * HOUR):
        time.moment = moment
        ledger.failures.count("", "192.0.2.1")
        ledger.record()
    assert len(ledger.entries) == 2


async def test_the_store_is_away_for_a_while(
    server: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be recorded is recorded the next time, once."""
    store = server.server.store
    audit = Audit(store)
    audit.sign_in_failed(None, "192.0.2.1")

    def refuse(operation: Any) -> "asyncio.Future[Any]":
        raise NotCommitted

    with monkeypatch.context() as away:
        away.setattr(store, "submit", refuse)
        with pytest.raises(NotCommitted):
            await audit.write()
        await audit.close()  # which only takes note
    await audit.write()
    await audit.write()
    (entry,) = await store.read(AuditEntries(10, "sign_in_failed"))
    assert (entry.count, entry.address) == (1, "192.0.2.1")


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """Sign-ins on each store."""
    return each_database_url


async def failures_of(store: Store) -> dict[str, int]:
    """How many are recorded, by subject."""
    entries = await store.read(AuditEntries(100, "sign_in_failed"))
    assert {entry.actor for entry in entries} <= {""}
    return {entry.subject: entry.count for entry in entries}


async def test_failed_sign_ins(server: Harness) -> None:
    """They are recorded soon: whom somebody tried to be only if such a user exists."""
    await server.user("locked")
    ann = (await server.user("ann")).id
    boss = Superuser(server)
    await boss.ask("PATCH", f"/api/admin/users/{ann}/", {"is_active": False})
    secret = "my password, typed into the wrong field"
    odd = ["x" * 10_000, "a\nb\x1b[2J", "admin\x00", secret, "Admin", ""]
    for name in ("admin", "admin", "ann", *odd):
        answer = await server.post({"username": name, "password": "wrong one"}, TOKEN)
        assert answer.status_code == 401
    wanted = {"user:admin": 2, "user:ann": 1, "": len(odd)}
    recorded: dict[str, int] = {}
    while recorded != wanted:
        await asyncio.sleep(0.05)
        recorded = await failures_of(server.server.store)
        assert all(count <= wanted[subject] for subject, count in recorded.items())
    log = str(await boss.entries())
    for never in ("wrong one", secret, "\x1b", "xxx"):
        assert never not in log


async def test_programs_that_sign_in(server: Harness) -> None:
    """Whoever gets tokens with the right password again and again is one entry, and no failure."""
    boss = Superuser(server)
    for _ in range(3):
        answer = await server.post({"username": "admin", "password": ADMIN_PASSWORD}, TOKEN)
        assert answer.status_code == 200
    assert server.server.application is not None
    await server.server.application.identity.audit.write()
    (entry,) = [each for each in await boss.entries() if each["actor"] == "user:admin"]
    assert (entry["action"], entry["count"], entry["subject"]) == ("signed_in", 3, "")
    assert entry["address"] == "127.0.0.1"
    assert not await failures_of(server.server.store)


async def test_the_last_second_is_recorded(server_with: ServerWith, each_database_url: str) -> None:
    """What was counted right before the end is recorded at the end."""
    async with server_with(database_url=each_database_url) as server:
        await server.post({"username": "admin", "password": "wrong one"}, TOKEN)
        recorded: list[AddRepetitions] = []
        submit = server.server.store.submit

        def noted(operation: Any) -> "asyncio.Future[Any]":
            if isinstance(operation, AddRepetitions):
                recorded.append(operation)
            return submit(operation)

        server.server.store.submit = noted  # type: ignore[method-assign]
        audit = server.server.application.identity.audit  # type: ignore[union-attr]
        audit.sign_in_failed(None, "192.0.2.9")
    await until(lambda: recorded)
    assert [each.address for one in recorded for each in one.repetitions][-1] == "192.0.2.9"


@pytest.mark.attack(
    "40 networks guess passwords, to fill the audit log",
    before="no audit log",
)
async def test_strangers_add_only_so_much(
    server_with: ServerWith, each_database_url: str, now: Now
) -> None:
    """From however many networks they come, rows are bounded, none is lost, and a /64 is one."""
    unlimited = {"guesses_per_address": 0, "guesses_per_name": 0}
    async with server_with(
        database_url=each_database_url, trusted_proxies="127.0.0.1", **unlimited
    ) as server:
        assert server.server.application is not None
        server.server.application.identity.audit._failed._most = 5
        for number in range(40):
            for address in (f"192.0.2.{number}", f"2001:db8::{number}"):
                for name in ("nobody", "admin"):
                    answer = await server.post(
                        {"username": name, "password": "wrong one"},
                        TOKEN,
                        headers={"X-Forwarded-For": address},
                    )
                    assert answer.status_code == 401
        entries = []
        while sum(entry.count for entry in entries) < 160:
            await asyncio.sleep(0.05)
            entries = await server.server.store.read(AuditEntries(1000, "sign_in_failed"))
        assert sum(entry.count for entry in entries) == 160
        assert len(entries) <= 11
        networks = {entry.address for entry in entries if ":" in entry.address}
        assert networks == {"2001:db8::/64"}
        now(f"{len(entries)} rows where 10 are allowed, and one for the rest; 160 of 160 counted")
