"""The audit log, over HTTP and at the command line."""

import json
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from notifier.models import ACTIONS, Actor
from notifier.process.in_force import in_force
from notifier.storage.operations.audit import AddEntry
from servers import postgres
from servers.notifier import ServerProcess
from servers.program import SECONDS
from tests.support.harness import ADMIN_PASSWORD, SECRET, Harness, ServerWith, settings_for
from tests.support.superuser import AUDIT, Superuser
from tests.test_cli import PASSWORD, create, done, refused

ANN = Actor("user:ann", "192.0.2.1")


@pytest.fixture
def database_url(each_database_url: str) -> str:
    """All of it on each store."""
    return each_database_url


class TestOverHttp:
    async def test_entries(self, server: Harness) -> None:
        """A start is recorded before the superuser that it makes, each as an object."""
        made, started = await Superuser(server).entries()
        assert set(made) == {
            *("id", "action", "actor", "subject", "address"),
            *("details", "count", "created_at", "last_at"),
        }
        assert (made["action"], made["actor"], made["subject"]) == (
            "user_created",
            "server",
            "user:admin",
        )
        assert made["details"] == {"is_superuser": True}
        assert (started["action"], started["actor"], started["subject"]) == (
            "started",
            "server",
            "",
        )
        assert made["created_at"] == made["last_at"]
        assert made["created_at"].endswith("Z")

    async def test_pages(self, server: Harness) -> None:
        """The newest first, page by page, until the first one."""
        store = server.server.store
        for number in range(5):
            await store.submit(AddEntry("signed_in", ANN, f"session:{number}"))
        boss = Superuser(server)
        seen: list[str] = []
        query: dict[str, object] = {}
        for _ in range(3):
            page = await boss.get(AUDIT, limit=2, actor="user:ann", **query)
            seen += [entry["subject"] for entry in page["entries"]]
            query = {"after": page["next"]}
        assert seen == [f"session:{number}" for number in (4, 3, 2, 1, 0)]
        assert page["next"] is None

    async def test_filters(self, server: Harness) -> None:
        """By action, by actor, by both."""
        store = server.server.store
        await store.submit(AddEntry("signed_in", ANN))
        await store.submit(AddEntry("signed_out", ANN))
        boss = Superuser(server)
        assert len(await boss.entries(actor="user:ann")) == 2
        assert len(await boss.entries(action="signed_in")) == 1
        assert len(await boss.entries(action="signed_out", actor="user:ann")) == 1
        assert await boss.entries(action="started", actor="user:ann") == []
        assert await boss.entries(actor="user:ann' OR 1=1") == []

    async def test_following(self, server: Harness) -> None:
        """Behind an entry come the later ones, the oldest first, none of them twice."""
        boss = Superuser(server)
        last = (await boss.entries())[0]["id"]
        assert await boss.entries(since_id=last) == []
        for number in range(5):
            await server.server.store.submit(AddEntry("signed_in", ANN, f"session:{number}"))
        followed: list[str] = []
        while fresh := await boss.entries(since_id=last, limit=2):
            followed += [entry["subject"] for entry in fresh]
            last = fresh[-1]["id"]
        assert followed == [f"session:{number}" for number in range(5)]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("action", "exploded"),
            ("limit", "0"),
            ("limit", "1.5"),
            ("after", "x"),
            ("after", "-1"),
            ("after", "9" * 19),
            ("since_id", "-1"),
            ("since_id", "9" * 40),
        ],
    )
    async def test_parameters_that_do_not_fit(self, server: Harness, name: str, value: str) -> None:
        """Each is refused by name."""
        answer = await Superuser(server).ask("GET", AUDIT, **{name: value})
        assert answer.status_code == 400
        assert list(answer.json()) == [name]

    @pytest.mark.parametrize("actor", ["%00", "%ff", "%ed%a0%80", "x" * 5000, "%1b%5b2J"])
    async def test_odd_actors(self, server: Harness, actor: str) -> None:
        """Whoever is asked for, there is just nothing."""
        assert (await Superuser(server).get(f"{AUDIT}?actor={actor}"))["entries"] == []


class TestSettingsInForce:
    def test_only_what_differs(self, tmp_path: object) -> None:
        """Defaults are not repeated; the release is told."""
        settings = settings_for(tmp_path, secret_key="", admin_password="")  # type: ignore[arg-type]
        found = in_force(settings)
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", found["version"])
        assert found["settings"] == {"port": 0, "data_dir": str(tmp_path), "drain_seconds": 0}

    def test_never_a_secret(self, tmp_path: object) -> None:
        """Of a secret it is told that it is set, of an address all but what may be one."""
        hidden = "hunter2hunter2hunter2hunter2hunter2"
        settings = settings_for(
            tmp_path,  # type: ignore[arg-type]
            secret_key=hidden,
            admin_password=hidden,
            database_url=f"postgresql://me:{hidden}@db/x",
            redis_url=f"redis://:{hidden}@redis",
            jwt_secret=hidden,
            postgres_password=hidden,
            rabbit_password=hidden,
            jwks_url=f"https://me:{hidden}@idp.example:8443/keys?token={hidden}#{hidden}",
            jwt_public_key="-----BEGIN PUBLIC KEY-----\n" + "x" * 1000,
        )
        found = in_force(settings)["settings"]
        assert hidden not in str(found)
        assert found["secret_key"] == found["redis_url"] == found["jwt_secret"] == "set"
        assert found["jwks_url"] == "https://idp.example:8443/keys"
        assert len(found["jwt_public_key"]) == 200

    async def test_recorded(self, server_with: ServerWith, database_url: str) -> None:
        """Each start is an entry with the settings in force then."""
        async with server_with(database_url=database_url, retention_days=7) as server:
            (started,) = await Superuser(server).entries(action="started")
        settings = started["details"]["settings"]
        assert settings["retention_days"] == 7
        assert settings["secret_key"] == settings["admin_password"] == "set"
        assert SECRET not in str(started)
        assert ADMIN_PASSWORD not in str(started)


class TestCommand:
    @pytest.fixture
    def process(
        self, server_process: Callable[..., ServerProcess], each_database_url: str
    ) -> ServerProcess:
        """A store of each kind, whether or not a server runs on it."""
        return server_process(DATABASE_URL=each_database_url)

    def lines(self, process: ServerProcess, *options: str) -> list[dict[str, object]]:
        """What is printed, as objects."""
        printed = done(process.command("audit", "--json", *options))
        return [json.loads(line) for line in printed.splitlines()]

    def test_without_a_server(self, process: ServerProcess) -> None:
        """The newest come last; who used the command line is told by their account."""
        create(process, "ann")
        done(process.command("deactivate", "ann"))
        done(process.command("activate", "ann"))
        made, deactivated, activated = self.lines(process)
        assert [made["action"], deactivated["action"], activated["action"]] == [
            "user_created",
            "user_deactivated",
            "user_activated",
        ]
        account = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True)
        for entry in (made, deactivated, activated):
            assert entry["actor"] == f"cli:{account.stdout.strip()}"
            assert entry["subject"] == "user:ann"
        assert made["details"] == {"is_superuser": False}
        assert PASSWORD not in str(made)
        assert self.lines(process, "--limit", "1") == [activated]
        assert self.lines(process, "--action", "user_created") == [made]
        assert self.lines(process, "--actor", "user:ann") == []

    def test_as_text(self, process: ServerProcess) -> None:
        """One line for each, for people."""
        create(process, "ann")
        line = done(process.command("audit"))
        assert re.fullmatch(
            r"\d{4}-\S+Z  user_created +cli:\S+ +user:ann  \{\"is_superuser\":false\}\n", line
        )

    def test_beside_a_server(self, process: ServerProcess) -> None:
        """It follows what happens to a running server, from its start to its end."""
        process.start()
        printed = process.folder / "printed"
        with printed.open("wb") as output:
            following = subprocess.Popen(
                [*process.program, "audit", "--follow", "--json"],
                cwd=process.folder,
                env=process.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        try:
            _until(lambda: "started" in printed.read_text())
            create(process, "ann")
            _until(lambda: "user:ann" in printed.read_text())
            create(process, "bob")
            _until(lambda: "user:bob" in printed.read_text())
        finally:
            following.send_signal(signal.SIGINT)
            assert following.wait(SECONDS) == 130
        entries = [json.loads(line) for line in printed.read_text().splitlines()]
        assert [entry["action"] for entry in entries] == [
            "started",
            "user_created",
            "user_created",
            "user_created",
        ]

    def test_nothing_moves_the_cursor(self, process: ServerProcess) -> None:
        """Whatever is stored, a terminal gets text: no control characters, no new lines."""
        create(process, "ann")
        name = "cli:\x1b[2J\n\u202eevil\x9b"
        change = "UPDATE audit SET actor = "
        if address := process.environment().get("DATABASE_URL"):
            postgres.execute(address, f"{change} %s", (name,))
        else:
            file = process.folder / "data" / "notifier.sqlite3"
            with closing(sqlite3.connect(file, isolation_level=None)) as connection:
                connection.execute(f"{change} ?", (name,))
        printed = done(process.command("audit"))
        assert printed.count("\n") == 1
        assert printed.rstrip("\n").isprintable()
        assert "cli:\\x1b[2J\\n\\u202eevil\\x9b" in printed
        (entry,) = self.lines(process)
        assert entry["actor"] == name

    @pytest.mark.parametrize(
        ("options", "code", "word"),
        [
            (["--limit", "0"], 1, "--limit"),
            (["--limit", "100000"], 1, "--limit"),
            (["--limit", "x"], 2, "--limit"),
            (["--action", "exploded"], 2, "--action"),
        ],
    )
    def test_refused(
        self,
        server_process: Callable[..., ServerProcess],
        options: list[str],
        code: int,
        word: str,
    ) -> None:
        """What cannot be meant is said in one line."""
        assert word in refused(server_process().command("audit", *options), code)


def test_every_action_has_a_word() -> None:
    """The command line names them all, and each is a word."""
    assert len(set(ACTIONS)) == len(ACTIONS)
    assert all(re.fullmatch("[a-z_]+", action) for action in ACTIONS)


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
