"""The command line as a user runs it: in processes of its own, beside a running server."""

import asyncio
import json
import os
import pty
import pwd
import re
import select
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from servers import postgres
from servers.notifier import ServerProcess
from servers.program import SECONDS
from tests.support.harness import ADMIN_PASSWORD, SECRET, SEND, until
from tests.support.naming import environment_of

PASSWORD = "correct horse"
Processes = Callable[..., ServerProcess]


@pytest.fixture
def offline(server_process: Processes) -> ServerProcess:
    """A data folder without a server: for commands that need none."""
    return server_process()


@pytest.fixture
def running(server_process: Processes) -> ServerProcess:
    """A running server."""
    made = server_process()
    made.start()
    return made


@pytest.fixture
def untouched(server_process: Processes) -> ServerProcess:
    """A running server whose sends are as open as people find them."""
    made = server_process(NOTIFIER_OPEN_SEND="")
    made.start()
    return made


def done(finished: subprocess.CompletedProcess[str]) -> str:
    """What a command that must succeed has printed."""
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def refused(finished: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """What a command that must fail has said: one line, without a traceback."""
    assert finished.returncode == code, (finished.stdout, finished.stderr)
    assert finished.stderr.startswith("notifier: ")
    assert finished.stderr.count("\n") == 1
    return finished.stderr


def create(process: ServerProcess, name: str, command: str = "createuser") -> str:
    return done(
        process.command(command, "--username", name, "--password-stdin", stdin=f"{PASSWORD}\n")
    )


def send(process: ServerProcess, user_id: int = 1, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"user_id": user_id, "payload": "x"}
    return httpx.post(process.url + SEND, json=body, headers=named, timeout=SECONDS)


def sign_in(process: ServerProcess, name: str, password: str) -> httpx.Response:
    body = {"username": name, "password": password}
    return httpx.post(f"{process.url}/api/users/token/", json=body, timeout=SECONDS)


# The first start, the second, and starts that are refused.


def test_first_start(server_process: Processes) -> None:
    """It creates the superuser and prints its password, once, and never into the log."""
    process = server_process(NOTIFIER_ADMIN_PASSWORD="", NOTIFIER_LOG_LEVEL="debug")
    process.start()
    for line in (
        f"Notifier is running on {process.url}\n",
        f"  page  {process.url}/api/notifications/\n",
        f"  docs  {process.url}/api/docs/\n",
        f"  data  {process.folder}/data\n",
        "Created the superuser 'admin' (id 1).\n",
    ):
        assert line in process.output
    (password,) = re.findall(r"password  (\S+) ", process.output)
    assert sign_in(process, "admin", password).status_code == 200
    assert process.stop() == 0
    first = process.output
    process.start()
    second = process.output.removeprefix(first)
    assert "is running on" in second
    assert "superuser" not in second
    assert password not in second
    assert password not in process.log


def test_first_start_with_a_given_password(server_process: Processes) -> None:
    """A given name and password are taken, and the password is not repeated."""
    process = server_process(NOTIFIER_ADMIN_USERNAME="root")
    process.start()
    assert "Created the superuser 'root'" in process.output
    assert ADMIN_PASSWORD not in process.output + process.log
    assert sign_in(process, "root", ADMIN_PASSWORD).status_code == 200


def test_first_start_with_a_password_that_is_too_short(server_process: Processes) -> None:
    """A short NOTIFIER_ADMIN_PASSWORD ends the start with the reason."""
    process = server_process(NOTIFIER_ADMIN_PASSWORD="short")
    assert "A password has 8 to 1024 characters" in refused(process.command())


@pytest.fixture(params=["sqlite", "postgres"])
def stored(request: pytest.FixtureRequest, server_process: Processes) -> ServerProcess:
    """A server to be started, with an empty store of each kind."""
    if request.param == "sqlite":
        return server_process()
    return server_process(DATABASE_URL=postgres.shared().create_database())


def started(process: ServerProcess) -> str:
    """What the next start prints, its log too."""
    process.stop()
    said, logged = len(process.output), len(process.log)
    process.start()
    return process.output[said:] + process.log[logged:]


NO_SUPERUSER = "There is no active superuser: `python -m notifier createsuperuser` makes one.\n"
NO_EFFECT = "NOTIFIER_ADMIN_PASSWORD has no effect, because it is for a first start: "


def test_first_start_after_createuser(stored: ServerProcess) -> None:
    """Users who were made before the first start do not keep it from making the superuser."""
    create(stored, "ann")
    said = started(stored)
    assert "Created the superuser 'admin' (id 2).\n" in said
    assert "active superuser" not in said
    assert sign_in(stored, "admin", ADMIN_PASSWORD).status_code == 200


def test_first_start_after_createsuperuser(stored: ServerProcess) -> None:
    """A superuser who was made before the first start is the only one, and the password unused."""
    create(stored, "boss", "createsuperuser")
    said = started(stored)
    assert "Created" not in said
    assert NO_EFFECT in said
    assert "no active superuser" not in said
    assert "admin" not in done(stored.command("users"))


def test_a_deactivated_superuser_stays_out(stored: ServerProcess) -> None:
    """No start brings them back or replaces them; each says what is missing and how to get it."""
    started(stored)
    done(stored.command("deactivate", "admin"))
    said = started(stored)
    assert "Created" not in said
    assert NO_SUPERUSER in said
    assert "WARNING There is no active superuser action=no_superuser\n" in said
    assert sign_in(stored, "admin", ADMIN_PASSWORD).status_code == 401
    create(stored, "boss", "createsuperuser")
    assert "active superuser" not in started(stored)


def test_an_ordinary_user_of_the_superusers_name(stored: ServerProcess) -> None:
    """They stay ordinary, and the start says that there is no superuser."""
    create(stored, "admin")
    said = started(stored)
    assert NO_SUPERUSER in said
    assert NO_EFFECT in said
    (_, admin) = done(stored.command("users")).splitlines()
    assert admin.split()[:4] == ["1", "admin", "yes", "no"]


def test_a_given_password_that_is_no_longer_taken(stored: ServerProcess) -> None:
    """A start says when NOTIFIER_ADMIN_PASSWORD has no effect: when it is not the password."""
    for _ in "12":
        assert "no effect" not in started(stored)
    arguments = ("changepassword", "--username", "admin", "--password-stdin")
    done(stored.command(*arguments, stdin=PASSWORD))
    said = started(stored)
    assert NO_EFFECT in said
    assert "`python -m notifier changepassword`" in said
    assert "WARNING NOTIFIER_ADMIN_PASSWORD has no effect action=admin_password_unused\n" in said
    assert ADMIN_PASSWORD not in said


def test_a_first_start_that_fails_makes_nobody(server_process: Processes) -> None:
    """A generated password is never lost to a port that is taken: the next start makes it."""
    process = server_process(NOTIFIER_ADMIN_PASSWORD="")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "Cannot listen" in refused(process.command(NOTIFIER_PORT=port))
    said = started(process)
    (password,) = re.findall(r"password  (\S+) ", said)
    assert sign_in(process, "admin", password).status_code == 200


def test_later_starts_are_quick(running: ServerProcess) -> None:
    """The best of three takes far less than the limit here, which allows for a busy machine."""
    took = []
    for _ in range(3):
        running.stop()
        began = time.monotonic()
        running.start()
        took.append(time.monotonic() - began)
    assert min(took) < 4


def test_signing_secret_is_made_and_kept(server_process: Processes) -> None:
    """Without SECRET_KEY tokens stay valid over a restart, because the secret is kept."""
    process = server_process(SECRET_KEY="")
    process.start()
    access = sign_in(process, "admin", ADMIN_PASSWORD).json()["access"]
    process.stop()
    process.start()
    url = f"{process.url}/api/users/token/verify/"
    assert httpx.post(url, json={"token": access}, timeout=SECONDS).status_code == 200
    secret = (process.folder / "data" / "secret_key").read_text().strip()
    assert secret not in process.output + process.log


def test_a_second_server_on_the_same_folder(running: ServerProcess) -> None:
    """It is refused, with the process that holds the folder and the ways out."""
    message = refused(running.command(NOTIFIER_PORT="0"))
    assert f"process {running.pid}" in message
    assert "NOTIFIER_DATA_DIR" in message
    assert send(running).status_code == 200


def test_a_port_that_is_taken(running: ServerProcess, tmp_path: Path) -> None:
    """Start-up is refused with the address, and how to change it."""
    message = refused(running.command(NOTIFIER_DATA_DIR=str(tmp_path / "other")))
    assert f"Cannot listen on 127.0.0.1 port {running.port}" in message
    assert "NOTIFIER_PORT" in message


def test_a_folder_that_cannot_be_used(offline: ServerProcess) -> None:
    """A file in the place of the data folder is named as the reason."""
    (offline.folder / "data").write_text("not a folder")
    for arguments in ((), ("users",)):
        message = refused(offline.command(*arguments, SECRET_KEY=""))
        assert str(offline.folder / "data") in message


# The schema.


def test_migrate(offline: ServerProcess) -> None:
    """It brings the schema up to date, and says so when it is."""
    assert re.match(r"Applied \d+ migrations?\.\n", done(offline.command("migrate")))
    assert done(offline.command("migrate")) == "The schema is up to date.\n"


def test_a_newer_schema(offline: ServerProcess) -> None:
    """A store from the future is refused by every command, with both versions."""
    done(offline.command("migrate"))
    with closing(sqlite3.connect(offline.folder / "data" / "notifier.sqlite3")) as store:
        store.execute("INSERT INTO schema_migrations VALUES (9999, 'from_the_future', 0, 9999)")
        store.commit()
    for arguments in ((), ("users",), ("migrate",)):
        message = refused(offline.command(*arguments))
        assert "version 9999" in message
        assert "newer program" in message


# Who may send.


def test_open_sends_are_announced_and_end_with_the_first_key(untouched: ServerProcess) -> None:
    """The start says that sends are open; the first key closes them, at once and for good."""
    assert "Sends from this machine need no key" in untouched.output
    assert "apikey create" in untouched.output
    assert "number 1" in done(untouched.command("notify", "1", "1"))
    created = done(untouched.command("apikey", "create", "--name", "billing"))
    key = created.splitlines()[-1]
    assert send(untouched).status_code == 401
    assert send(untouched, X_API_Key=key).status_code == 200
    assert send(untouched, Authorization=f"Bearer {key}").status_code == 200
    listed = done(untouched.command("apikey", "list"))
    assert re.search(r"^1 +billing +send +- +- +\S+Z +- +- +-$", listed, re.MULTILINE)
    assert key not in listed
    assert done(untouched.command("apikey", "revoke", "billing")) == (
        "Revoked 1 key.\nNo key that may send is left, and sends without a key stay closed.\n"
    )
    assert send(untouched, X_API_Key=key).status_code == 401
    assert "stay closed" in refused(untouched.command("notify", "1", "1"))
    assert re.search(
        r"^1 +billing +send +- +- +\S+Z +- +- +\S+Z$",
        done(untouched.command("apikey", "list")),
        re.MULTILINE,
    )
    untouched.stop()
    used = done(untouched.command("apikey", "list"))
    assert re.search(r"^1 +billing +send +- +- +\S+Z +\S+Z +- +\S+Z$", used, re.MULTILINE)
    said = len(untouched.output)
    untouched.start()
    assert "need no key" not in untouched.output[said:]
    assert key not in untouched.output + untouched.log


def test_keys_of_one_name_and_keys_by_id(offline: ServerProcess) -> None:
    """A name revokes all its keys, an id just one; revoking again says that there is none."""
    for name in ("a", "a", "b", "c"):
        done(offline.command("apikey", "create", "--name", name))
    assert done(offline.command("apikey", "revoke", "a")) == "Revoked 2 keys.\n"
    assert done(offline.command("apikey", "revoke", "3")) == "Revoked 1 key.\n"
    assert "no active key 'b'" in refused(offline.command("apikey", "revoke", "b"))
    assert "one line" in refused(offline.command("apikey", "create", "--name", "a\nb"))


def test_scopes(offline: ServerProcess) -> None:
    """A key gets the scopes that are named, in one order; the list shows them."""
    for scopes in ("identity", "identity, send"):
        done(offline.command("apikey", "create", "--name", "web", "--scope", scopes))
    rows = done(offline.command("apikey", "list")).splitlines()
    head = "ID NAME SCOPES PREFIX RATE CREATED USED EXPIRES REVOKED"
    assert rows[0].split() == head.split()
    assert [row.split()[2] for row in rows[1:]] == ["identity", "send,identity"]


def test_rights_of_a_key(offline: ServerProcess) -> None:
    """A key gets the users, the rate and the end that are given; list and answer show them."""
    options = ("--user-prefix", "eu:", "--rate", "100/s", "--expires", "90d")
    made = done(offline.command("apikey", "create", "--name", "billing", *options))
    assert re.fullmatch(
        r"API key 1 \(billing\), for send, to users that begin with 'eu:', 100 sends a second, "
        r"until \S+Z, shown only now:\nntf_\S+\n",
        made,
    )
    [_, row] = done(offline.command("apikey", "list")).splitlines()
    assert re.fullmatch(r"1 +billing +send +eu: +100/s +(\S+)Z +- +(\S+)Z +-", row)
    _, _, _, _, _, created, _, expires, _ = row.split()
    lifetime = datetime.fromisoformat(expires) - datetime.fromisoformat(created)
    assert lifetime == timedelta(days=90)


def test_rotating_a_key(running: ServerProcess) -> None:
    """Rotating makes a key with the same rights; the old one works on, or ends at once."""
    old = done(running.command("apikey", "create", "--name", "billing", "--rate", "9/s"))
    new = done(running.command("apikey", "rotate", "billing", "--keep", "30m"))
    assert "API key 2 (billing), for send, 9 sends a second, shown only now:\n" in new
    keys = [each.splitlines()[-1] for each in (old, new)]
    assert [send(running, X_API_Key=key).status_code for key in keys] == [200, 200]
    several = refused(running.command("apikey", "rotate", "billing"))
    assert "Several active keys are named 'billing'; choose by its id: 1, 2." in several
    done(running.command("apikey", "rotate", "2", "--keep", "0s"))
    assert [send(running, X_API_Key=key).status_code for key in keys] == [200, 401]
    for unknown in ("2", "9", "nobody", "", "a\nb"):
        assert "no active key" in refused(running.command("apikey", "rotate", unknown))


def test_who_manages_keys(offline: ServerProcess) -> None:
    """The audit log has the account that ran the command, whatever the environment says."""
    feigned = {"USER": "somebody", "LOGNAME": "somebody"}
    for action in (("create", "--name", "a"), ("rotate", "a"), ("revoke", "a")):
        done(offline.command("apikey", *action, **feigned))
    with closing(sqlite3.connect(offline.folder / "data" / "notifier.sqlite3")) as connection:
        found = connection.execute("SELECT action, actor, subject FROM audit").fetchall()
    me = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    actions = ("key_created", "key_rotated", "key_revoked", "key_revoked")
    assert found == [(action, me, "key:a") for action in actions]


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--rate", "100"), 2, "argument --rate: expected a whole number a second, such as 100/s"),
        (("--rate", "0/s"), 1, "from 1 to 1000000"),
        (("--expires", "90"), 2, "argument --expires: expected a length of time, such as 90d"),
        (("--expires", "3651d"), 1, "from 1 to 315360000"),
        (("--user-prefix", "\udcff"), 1, "1 to 128 characters"),
    ],
)
def test_rights_that_are_none(
    offline: ServerProcess, options: tuple[str, str], code: int, reason: str
) -> None:
    """What is no amount and no prefix is refused with the reason, and no key is made."""
    command = ("apikey", "create", "--name", "web", *options)
    assert reason in refused(offline.command(*command), code)
    assert len(done(offline.command("apikey", "list")).splitlines()) == 1


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [
        ("admin", "no scope 'admin'. The scopes are send, identity"),
        ("send,admin", "no scope 'admin'"),
        ("Send", "no scope 'Send'"),
        ("send;identity", "no scope 'send;identity'"),
        ("send,", "no scope ''"),
        ("", "at least one of the scopes send, identity"),
        (" , ", "at least one of the scopes send, identity"),
        ("send,identity,send", "more than once"),
    ],
)
def test_scopes_that_are_none(offline: ServerProcess, scopes: str, reason: str) -> None:
    """Unknown, missing and repeated scopes are refused with the reason, and no key is made."""
    command = ("apikey", "create", "--name", "web", "--scope", scopes)
    assert reason in refused(offline.command(*command))
    assert len(done(offline.command("apikey", "list")).splitlines()) == 1


def test_listening_elsewhere_needs_a_key(server_process: Processes) -> None:
    """On all addresses sends without a key get 401, and the log says what to do."""
    process = server_process(NOTIFIER_HOST="0.0.0.0", NOTIFIER_OPEN_SEND="")
    process.start()
    assert "need no key" not in process.output
    assert send(process).status_code == 401
    assert "apikey create" in process.log
    assert "NOTIFIER_OPEN_SEND=1" in process.log


def test_open_send(server_process: Processes) -> None:
    """NOTIFIER_OPEN_SEND=1 opens sends explicitly, and the start says so."""
    process = server_process(NOTIFIER_HOST="0.0.0.0", NOTIFIER_OPEN_SEND="1")
    process.start()
    assert "Sends are open to everyone" in process.output
    assert send(process).status_code == 200


# Users.


def test_users(offline: ServerProcess) -> None:
    """The table shows who exists, and what they may do."""
    assert create(offline, "boss", "createsuperuser") == (
        "Created the superuser 'boss' with the id 1.\n"
    )
    assert create(offline, "ann") == "Created the user 'ann' with the id 2.\n"
    done(offline.command("deactivate", "ann"))
    head, boss, ann = done(offline.command("users")).splitlines()
    assert head.split() == ["ID", "USERNAME", "ACTIVE", "SUPERUSER", "CREATED"]
    assert boss.split()[:4] == ["1", "boss", "yes", "yes"]
    assert ann.split()[:4] == ["2", "ann", "no", "no"]


def test_accounts_beside_an_application(offline: ServerProcess) -> None:
    """Who makes an account is told when nobody can sign in."""
    arguments = ("createsuperuser", "--username", "boss", "--password-stdin")
    said = done(offline.command(*arguments, stdin=PASSWORD, **environment_of("external")))
    assert "Nobody signs in while NOTIFIER_USERS is external" in said


def test_users_that_cannot_be_created(offline: ServerProcess) -> None:
    """Taken names, odd names and short passwords are refused with the reason."""
    create(offline, "ann")
    for name, password, reason in (
        ("ann", PASSWORD, "exists already"),
        ("ann smith", PASSWORD, "letters, digits"),
        ("bob", "short", "8 to 1024"),
        ("bob", "", "8 to 1024"),
    ):
        message = refused(
            offline.command("createuser", "--username", name, "--password-stdin", stdin=password)
        )
        assert reason in message


def test_a_password_that_is_no_text(offline: ServerProcess) -> None:
    """Bytes that are no UTF-8 make no password, and no traceback."""
    finished = subprocess.run(
        [sys.executable, "-m", "notifier", "createuser", "--username", "x", "--password-stdin"],
        cwd=offline.folder,
        env=offline.environment(),
        input=b"\xff" * 10,
        capture_output=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr == b"notifier: password: A password is valid Unicode text.\n"


def test_commands_about_nobody(offline: ServerProcess) -> None:
    """An unknown name is said to be unknown."""
    for arguments in (
        ("deactivate", "nobody"),
        ("activate", "nobody"),
        ("changepassword", "--username", "nobody", "--password-stdin"),
    ):
        assert "no user named 'nobody'" in refused(offline.command(*arguments, stdin=PASSWORD))


@pytest.mark.parametrize("name", ["\udcff", "a\x85b"])
def test_names_that_cannot_be(server_process: Processes, each_database_url: str, name: str) -> None:
    """What can be no name is refused or unknown, on each database, without a traceback."""
    offline = server_process(DATABASE_URL=each_database_url)
    assert "letters, digits" in refused(
        offline.command("createuser", "--username", name, "--password-stdin", stdin=PASSWORD)
    )
    assert "no user named" in refused(offline.command("deactivate", name))
    assert "characters, on one line" in refused(offline.command("apikey", "create", "--name", name))
    assert "no active key" in refused(offline.command("apikey", "revoke", name))


async def close_code(process: ServerProcess, name: str, verb: Callable[[], Any]) -> int | None:
    """Sign in as ``name``, connect, run ``verb``, and wait for the connection's end."""
    tokens = (await asyncio.to_thread(sign_in, process, name, PASSWORD)).json()
    url = f"ws{process.url.removeprefix('http')}/ws/notifications/2/?token={tokens['identity']}"
    async with websockets.connect(url) as device:
        await asyncio.to_thread(verb)
        await asyncio.wait_for(device.wait_closed(), SECONDS)
        return device.close_code


async def test_deactivate_and_activate(running: ServerProcess) -> None:
    """A deactivated user is out at once: connections, tokens, sends; activation lets in again."""
    await asyncio.to_thread(create, running, "ann")

    def deactivate() -> None:
        assert done(running.command("deactivate", "ann")) == "Deactivated 'ann'.\n"
        assert send(running, 2).status_code == 404
        assert sign_in(running, "ann", PASSWORD).status_code == 401

    assert await close_code(running, "ann", deactivate) == 4403
    assert done(await asyncio.to_thread(running.command, "activate", "ann")) == "Activated 'ann'.\n"
    assert send(running, 2).status_code == 200
    assert sign_in(running, "ann", PASSWORD).status_code == 200


async def test_changepassword(running: ServerProcess) -> None:
    """The new password counts at once, the old one and its sessions are over."""
    await asyncio.to_thread(create, running, "ann")

    def change() -> None:
        arguments = ("changepassword", "--username", "ann", "--password-stdin")
        done(running.command(*arguments, stdin="another password"))
        assert sign_in(running, "ann", PASSWORD).status_code == 401
        assert sign_in(running, "ann", "another password").status_code == 200

    assert await close_code(running, "ann", change) == 4403


# On a terminal.

_ADOPT = """
import os, sys
os.close(os.open(sys.argv[1], os.O_RDWR))  # the first terminal that a new session opens is its own
os.execv(sys.executable, [sys.executable, "-m", "notifier", *sys.argv[2:]])
"""


class Terminal:
    """A command on a pseudo terminal, and someone who types."""

    def __init__(self, process: ServerProcess, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._said = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ADOPT, os.ttyname(slave), *arguments],
            cwd=process.folder,
            env=process.environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def answer(self, question: str, text: str) -> None:
        """Wait for ``question``, and type ``text``."""
        self._await(question)
        os.write(self._master, text.encode() + b"\n")

    def interrupt(self, question: str) -> None:
        """Wait for ``question``, and press Ctrl-C, once, when the program waits for an answer."""
        self._await(question)
        deadline = time.monotonic() + SECONDS
        while _state(self._process.pid) != "S":
            assert time.monotonic() < deadline, "the program does not wait"
            time.sleep(0.001)
        os.write(self._master, b"\x03")

    @property
    def echoes(self) -> bool:
        """Whether it shows what is typed."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def _await(self, question: str) -> None:
        while question not in self._said:
            assert self._read(), f"asked {self._said!r} instead of {question!r}"
        self._said = ""

    def finish(self) -> tuple[int, str]:
        """The exit code, and what was said since the last answer."""
        while self._read():
            pass
        return self._process.wait(SECONDS), self._said

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], SECONDS)
        assert ready, f"nothing more after {self._said!r}"
        try:
            self._said += os.read(self._master, 4096).decode()
        except OSError:  # EIO: the other side has closed
            return False
        return True

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


def _state(pid: int) -> str:
    """What the process does: S if it sleeps until something happens."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def terminal(offline: ServerProcess) -> Iterator[Callable[..., Terminal]]:
    """Run commands on a terminal."""
    made: list[Terminal] = []

    def run(*arguments: str) -> Terminal:
        made.append(Terminal(offline, *arguments))
        return made[-1]

    yield run
    for each in made:
        each.close()


def test_createsuperuser_asks(offline: ServerProcess, terminal: Callable[..., Terminal]) -> None:
    """On a terminal it asks for the name and twice for the password, which is not shown."""
    asked = terminal("createsuperuser")
    asked.answer("Username: ", "boss")
    asked.answer("Password: ", PASSWORD)
    asked.answer("Password (again): ", PASSWORD)
    code, said = asked.finish()
    assert code == 0
    assert "Created the superuser 'boss' with the id 1." in said
    assert PASSWORD not in said
    assert "boss" in done(offline.command("users"))


def test_passwords_that_differ(offline: ServerProcess, terminal: Callable[..., Terminal]) -> None:
    """A typing error in either password creates nobody."""
    asked = terminal("createuser", "--username", "ann")
    asked.answer("Password: ", PASSWORD)
    asked.answer("Password (again): ", PASSWORD + "x")
    code, said = asked.finish()
    assert code == 1
    assert "The passwords differ." in said
    assert "ann" not in done(offline.command("users"))


@pytest.mark.parametrize("command", ["createsuperuser", "createuser", "changepassword"])
@pytest.mark.parametrize("question", ["Username: ", "Password: ", "Password (again): "])
def test_ctrl_c_ends_a_question(
    offline: ServerProcess, terminal: Callable[..., Terminal], command: str, question: str
) -> None:
    """Ctrl-C, once, ends the command with 130 and a word, and the terminal is as before."""
    if command == "changepassword":
        create(offline, "boss")
    before = done(offline.command("users"))
    asked = terminal(command)
    for earlier, answer in (("Username: ", "boss"), ("Password: ", PASSWORD)):
        if earlier == question:
            break
        asked.answer(earlier, answer)
    asked.interrupt(question)
    code, said = asked.finish()
    assert code == 130
    assert said.splitlines()[-1] == "notifier: interrupted."
    assert "Traceback" not in said
    assert asked.echoes
    assert done(offline.command("users")) == before


def test_nobody_to_ask(offline: ServerProcess) -> None:
    """Without anybody at a terminal, the command says which options answer its questions."""
    said = refused(offline.command("createuser", stdin=""))
    assert "--username" in said
    assert "--password-stdin" in said


# Ctrl-C before the server runs.


def begin(process: ServerProcess, *options: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the program, and leave it alone; ``options`` are Python's."""
    return subprocess.Popen(
        [sys.executable, *options, "-m", "notifier"],
        cwd=process.folder,
        env=process.environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["argparse", "tornado.web", "notifier.process.server"])
def test_a_signal_during_imports(
    offline: ServerProcess, module: str, number: signal.Signals
) -> None:
    """However early it comes, a signal ends the start at once and without a traceback."""
    with begin(offline, "-X", "importtime") as starting:
        assert starting.stderr is not None
        imported = next((line for line in starting.stderr if line.endswith(f" {module}\n")), "")
        assert imported, f"{module} is never imported"
        starting.send_signal(number)
        said = starting.stderr.read()
    assert starting.returncode == 128 + number
    assert all(line.startswith("import time:") for line in said.splitlines()), said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_while_the_store_is_made(
    offline: ServerProcess, number: signal.Signals
) -> None:
    """A first start that is ended in the middle says nothing, and the next one starts."""
    with begin(offline) as starting:
        await until((offline.folder / "data" / "notifier.sqlite3").exists)
        starting.send_signal(number)
        said = await asyncio.to_thread(starting.communicate)
    assert (starting.returncode, said) == (128 + number, ("", ""))
    await asyncio.to_thread(offline.start)
    assert sign_in(offline, "admin", ADMIN_PASSWORD).status_code == 200


def test_a_signal_while_the_database_does_not_answer(offline: ServerProcess) -> None:
    """Ctrl-C ends a start that waits for a database which takes connections and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://notifier@127.0.0.1:{silent.getsockname()[1]}/notifier"
        with begin(offline, DATABASE_URL=url) as starting:
            silent.settimeout(SECONDS)
            connection, _ = silent.accept()
            starting.send_signal(signal.SIGINT)
            said = starting.communicate(timeout=5)
            connection.close()
    assert (starting.returncode, said) == (130, ("", ""))


# Sending from the console.


def test_notify(running: ServerProcess) -> None:
    """A JSON argument is sent to the server that runs with the same settings, byte for byte."""
    payload = '{"b": 1.10,"a":12345678901234567890123, "e":"\\u00e9 \U0001f600"}'
    said = done(running.command("notify", "1", payload, "--key", "k", "--ttl", "60"))
    assert said == "Stored as number 1 of user 1, key k.\n"
    with closing(sqlite3.connect(running.folder / "data" / "notifier.sqlite3")) as store:
        ((stored,),) = store.execute("SELECT payload FROM notifications").fetchall()
    assert bytes(stored).decode() == payload


def test_notify_from_standard_input(running: ServerProcess) -> None:
    """With ``-`` the payload is what standard input has, byte for byte."""
    payload = ' {"a":  1.10}\n'
    assert "number 1" in done(running.command("notify", "1", "-", stdin=payload))
    with closing(sqlite3.connect(running.folder / "data" / "notifier.sqlite3")) as store:
        ((stored,),) = store.execute("SELECT payload FROM notifications").fetchall()
    assert bytes(stored).decode() == payload.strip()
    for nothing in ("", "hello"):
        message = refused(running.command("notify", "1", "-", stdin=nothing))
        assert "cannot be JSON" in message
        assert "As text" not in message


def test_notify_by_name(server_process: Processes) -> None:
    """``--user`` names a user of the application in place of an id, wherever it stands."""
    process = server_process(**environment_of())
    process.start()
    said = done(process.command("notify", "--user", "auth0|5f7c", "1", "--key", "k"))
    assert said == "Stored as number 1 of user 'auth0|5f7c', key k.\n"
    for arguments in (("2", "--user", "1"), ("--key", "k", "--user=1", "--ttl", "60", "2")):
        said = done(process.command("notify", *arguments))
        assert "of user '1'" in said
    assert "number 1 of user 1," in done(process.command("notify", "1", "--key", "k", "3"))
    assert "user: Expected" in refused(process.command("notify", "--user", "", "1"))
    assert "unrecognized" in refused(process.command("notify", "1", "1", "--user", "x"), 2)
    assert "USER_ID" in refused(process.command("notify"), 2)
    assert process.stop() == 0
    process = server_process()
    process.start()
    message = refused(process.command("notify", "--user", "ann", "1"))
    assert "NOTIFIER_USERS=accounts" in message


def test_notify_elsewhere(untouched: ServerProcess) -> None:
    """NOTIFIER_URL and NOTIFIER_API_KEY say where to and with which right, in .env too."""
    key = done(untouched.command("apikey", "create", "--name", "cli")).splitlines()[-1]
    assert "need an API key" in refused(untouched.command("notify", "1", "1"))
    (untouched.folder / ".env").write_text(
        f"NOTIFIER_URL={untouched.url}\nNOTIFIER_API_KEY={key}\n"
    )
    assert "number 1" in done(untouched.command("notify", "1", "1", NOTIFIER_PORT="9"))
    url = "http://127.0.0.1:9"
    message = refused(untouched.command("notify", "1", "1", "--timeout", "0.1", NOTIFIER_URL=url))
    assert message.startswith(f"notifier: {url}: The server cannot be reached")
    assert key not in message


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://me:hidden-word@127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://[::1]:9/base", "http://[::1]:9/base"),
        ("https://localhost:9", "https://localhost:9"),
    ],
)
def test_notify_without_a_server(offline: ServerProcess, url: str, place: str) -> None:
    """Where nothing listens it fails at once, in one line, with the address it tried."""
    message = refused(offline.command("notify", "1", "1", NOTIFIER_URL=url))
    assert message.startswith(f"notifier: No server answers at {place} (")
    assert "NOTIFIER_URL" in message
    assert "attempts" not in message
    assert "hidden-word" not in message


def test_notify_waits_for_a_server(server_process: Processes) -> None:
    """With --timeout it goes on trying, and finds a server that starts meanwhile."""
    process = server_process()
    arguments = ("notify", "1", "1", "--timeout", str(SECONDS))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(process.command, *arguments)
        process.start()
        assert "number 1" in done(waiting.result())


def test_notify_through_a_proxy(offline: ServerProcess) -> None:
    """Where a proxy is set, only that needs to be reached."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        environment = {
            "NOTIFIER_URL": "http://nowhere.invalid",
            "http_proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}",
        }
        with ThreadPoolExecutor() as pool:
            sending = pool.submit(partial(offline.command, "notify", "1", "1", **environment))
            proxy.settimeout(SECONDS)
            connection, _ = proxy.accept()
            with connection:
                assert connection.recv(100).startswith(b"POST http://nowhere.invalid/api/")
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            message = refused(sending.result())
    assert message.startswith("notifier: http://nowhere.invalid: ")
    assert "404" in message


def test_notify_refusals(running: ServerProcess) -> None:
    """What cannot be sent is refused in the words of the server, or before it is asked."""
    for arguments, reason in (
        (("1", "{'a': 1}"), "cannot be JSON"),
        (("1", "1}, {"), "cannot be JSON"),
        (("1", "null"), "may not be null"),
        (("99", "1"), "no active user"),
        (("ann", "1"), "user_id"),
        (("1", '"\udcff"'), "UTF-8"),
    ):
        assert reason in refused(running.command("notify", *arguments))


def test_notify_with_a_plain_word(running: ServerProcess) -> None:
    """A word is no JSON and is refused, with the argument that sends it as text."""
    for word in ("hello", "it's done", "naïve \U0001f600"):
        message = refused(running.command("notify", "1", word))
        assert "cannot be JSON" in message
        _, _, argument = message.strip().removesuffix(".").partition(" As text it is ")
        assert json.loads(*shlex.split(argument)) == word
    for broken in ("{'a': 1}", "[1", '"open', "a\nb", "\udcff"):
        assert "As text" not in refused(running.command("notify", "1", broken))


# What is mistyped.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("creatuser",), "there is no command 'creatuser'; did you mean createuser? {}"),
        (("Users",), "there is no command 'Users'; did you mean users? {}"),
        (("frobnicate",), "there is no command 'frobnicate'. {}"),
        (("apikey", "lst"), "there is no command 'lst'; did you mean list? {apikey}"),
        (("apikey",), "the following arguments are required: ACTION. {apikey}"),
        (("users", "--all"), "unrecognized arguments: --all. {}"),
    ],
)
def test_a_mistyped_command(offline: ServerProcess, arguments: Sequence[str], message: str) -> None:
    """One line says what is wrong, what was probably meant, and where the help is."""
    see = "See `python -m notifier{} --help`."
    expected = message.format(see.format(""), apikey=see.format(" apikey"))
    assert refused(offline.command(*arguments), 2) == f"notifier: {expected}\n"


# Settings.


def test_a_setting_that_does_not_fit(offline: ServerProcess) -> None:
    """The message names the setting, what it got and what it wants; the exit code is 2."""
    assert refused(offline.command(NOTIFIER_PORT="abc"), 2) == (
        "notifier: NOTIFIER_PORT: got 'abc', wants a whole number from 0 to 65535.\n"
    )
    assert refused(offline.command("--port", "70000"), 2) == (
        "notifier: --port: got '70000', wants a whole number from 0 to 65535.\n"
    )
    assert "SECRET_KEY: wants at least 32" in refused(offline.command(SECRET_KEY="hush"), 2)


def test_an_unknown_setting(offline: ServerProcess) -> None:
    """A misspelt variable is warned about, with what was probably meant."""
    finished = offline.command("check-config", NOTIFIER_RETENTION_DAY="3")
    done(finished)
    assert finished.stderr == (
        "notifier: NOTIFIER_RETENTION_DAY is not a setting and has no effect; "
        "did you mean NOTIFIER_RETENTION_DAYS?\n"
    )


def test_flags_over_environment_over_dotenv(offline: ServerProcess) -> None:
    """A flag wins over the environment, the environment over .env; flags go before or after."""
    (offline.folder / ".env").write_text('NOTIFIER_QUEUE_SIZE="1"\nexport NOTIFIER_LOG_LEVEL=error')

    def shown(*arguments: str, **environment: str) -> list[str]:
        said = done(offline.command(*arguments, **environment))
        return next(line for line in said.splitlines() if "QUEUE_SIZE" in line).split(maxsplit=2)

    name = "NOTIFIER_QUEUE_SIZE"
    environment = {name: "2"}
    assert shown("check-config") == [name, "1", f"{name} in .env"]
    assert shown("check-config", **environment) == [name, "2", name]
    for arguments in (("check-config", "--queue-size", "3"), ("--queue-size", "3", "check-config")):
        assert shown(*arguments, **environment) == [name, "3", "--queue-size"]


def test_secrets_come_from_files_and_are_not_shown(offline: ServerProcess) -> None:
    """A secret has no flag of its own, only one for a file; check-config shows none."""
    (offline.folder / "secret").write_text("a-secret-that-stays-in-its-file-forever\n")
    arguments = ("check-config", "--secret-key-file", "secret")
    said = done(offline.command(*arguments, NOTIFIER_API_KEY="ntf_123"))
    assert re.search(r"^SECRET_KEY +\(set\) +--secret-key-file$", said, re.MULTILINE)
    assert re.search(r"^NOTIFIER_ADMIN_PASSWORD +\(set\) +NOTIFIER_ADMIN_P", said, re.MULTILINE)
    for secret in ("stays-in-its-file", SECRET, ADMIN_PASSWORD, "ntf_123"):
        assert secret not in said
    keys = {"NOTIFIER_JWKS_URL": "https://ann:hidden@id.example/keys?token=hidden"}
    said = done(offline.command("check-config", **keys))
    assert re.search(r"^NOTIFIER_JWKS_URL +https://id.example/keys +", said, re.MULTILINE)
    assert "hidden" not in said
    finished = offline.command("check-config", "--secret-key", SECRET)
    assert finished.returncode == 2
    missing = refused(offline.command("check-config", "--secret-key-file", "nowhere"), 2)
    assert "cannot read nowhere" in missing


def test_version_and_help(offline: ServerProcess) -> None:
    """Both answer without settings or a store; every setting and command is explained."""
    assert re.match(r"notifier \d+\.\d+\.\d+", done(offline.command("--version")))
    said = done(offline.command("--help", NOTIFIER_PORT="abc"))
    for word in ("NOTIFIER_PORT", "SECRET_KEY", "createsuperuser", "apikey", "notify", "migrate"):
        assert word in said
    assert not (offline.folder / "data").exists()
