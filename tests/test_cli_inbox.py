"""``notifier inbox``, ``withdraw`` and ``listen``, in processes of their own beside a server."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from servers.notifier import ServerProcess
from servers.program import SECONDS
from tests.support.naming import environment_of

Processes = Callable[..., ServerProcess]
NAME = "auth0|5f7c"
ODD = '{"total": 1.10, "id": 12345678901234567890123,\n "a": "\\u00e9", "b": 1E2, "é": []}'
"""A payload that would be another after it was parsed."""


@pytest.fixture
def server(server_process: Processes) -> ServerProcess:
    """A running server with accounts, and users of an application; devices hear of all soon."""
    made = server_process(**environment_of(), NOTIFIER_SWEEP_SECONDS="0.2")
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


def send(server: ServerProcess, payload: object, key: str, *whose: str) -> None:
    send_text(server, json.dumps(payload), key, *whose)


def send_text(server: ServerProcess, payload: str, key: str, *whose: str) -> None:
    done(server.command("notify", *(whose or ("1",)), payload, "--key", key))


def key_for(server: ServerProcess, scopes: str) -> str:
    said = done(server.command("apikey", "create", "--name", scopes, "--scope", scopes))
    return next(word for word in said.split() if word.startswith("ntf_"))


def items(server: ServerProcess, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    said = done(server.command("inbox", *arguments, "--json", **environment))
    return [json.loads(line) for line in said.splitlines()]


@contextmanager
def listening(server: ServerProcess, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """``notifier listen``, killed at the end as by a crash."""
    process = subprocess.Popen(
        [*server.program, "listen", *arguments],
        cwd=server.folder,
        env=server.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # With the command that it runs.
    end = partial(os.killpg, process.pid, signal.SIGKILL)
    ends = threading.Timer(SECONDS, end)
    ends.start()
    try:
        yield process
    finally:
        ends.cancel()
        with suppress(ProcessLookupError):
            end()
        process.communicate()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def until_pending(server: ServerProcess, count: int, *whose: str) -> None:
    """Wait until so many of a user's notifications are not acknowledged."""
    deadline = time.monotonic() + SECONDS
    while sum(item["acked_at"] is None for item in items(server, *(whose or ("1",)))) != count:
        assert time.monotonic() < deadline, "waited in vain"


def test_inbox(server: ServerProcess) -> None:
    """The newest come first, for people or as JSON, by id or by name; payloads as they are."""
    send(server, {"title": "Paid", "body": "\x1b[31mOrder 7"}, "a")
    send(server, "hello", "b")
    send_text(server, ODD, "c", "--user", NAME)
    first, second = done(server.command("inbox", "1")).splitlines()
    assert first.startswith("* 2  ")
    assert first.endswith("  hello  (b)")
    assert second.endswith("  Paid:  [31mOrder 7  (a)")
    on_one_line = ODD.replace("\n", " ")
    assert f"  {on_one_line}  (c)" in done(server.command("inbox", "--user", NAME))
    [line] = done(server.command("inbox", "--user", NAME, "--json")).splitlines()
    assert f'"payload":{on_one_line},' in line
    [item] = items(server, "1", "--limit", "1")
    assert (item["key"], item["payload"], item["seq"]) == ("b", "hello", 2)
    assert item["created_at"].endswith("Z")


def test_fields_of_a_send(server: ServerProcess) -> None:
    """A notification can be sent with what the inbox filters and replaces by."""
    for n in range(2):
        fields = ("--category", "orders", "--priority", "high", "--collapse-key", "7")
        done(server.command("notify", "1", str(n), *fields))
    [item] = items(server, "1", "--unread")
    assert (item["payload"], item["category"], item["priority"]) == (1, "orders", "high")


def test_with_a_key(server: ServerProcess) -> None:
    """With a key it is a client like any other, which needs the scope."""
    send(server, 1, "a")
    send(server, 2, "b")
    everything = key_for(server, "inbox,withdraw,identity")
    assert len(items(server, "1", NOTIFIER_API_KEY=everything)) == 2
    withdrawn = done(server.command("withdraw", "1", "b", NOTIFIER_API_KEY=everything))
    assert withdrawn == "Withdrawn: number 2, key b.\n"
    assert [each["key"] for each in items(server, "1", NOTIFIER_API_KEY=everything)] == ["a"]
    sends = key_for(server, "send")
    for command in (("inbox", "1"), ("withdraw", "1", "a"), ("listen", "1")):
        assert "scope" in refused(server.command(*command, NOTIFIER_API_KEY=sends))


def test_what_cannot_be(server: ServerProcess, server_process: Processes) -> None:
    """What is wrong is said in a line."""
    for command in ("inbox", "listen"):
        assert "no active user" in refused(server.command(command, "99"))
        assert "USER_ID" in refused(server.command(command), 2)
    assert "no notification with this key" in refused(server.command("withdraw", "1", "none"))
    assert "--limit" in refused(server.command("inbox", "1", "--limit", "0"))
    assert "not allowed with" in refused(server.command("listen", "1", "--json", "--exec", "x"), 2)
    server.stop()
    assert "No server answers" in refused(server.command("inbox", "1"))
    assert "Not taken" in refused(server.command("inbox", "--user", "x", NOTIFIER_USERS="accounts"))


def test_withdraw_where_the_data_is(server: ServerProcess) -> None:
    """Beside a server, its devices hear of it; a late retry of the send brings nothing back."""
    send(server, 1, "a")
    send(server, 2, "b", "--user", NAME)
    assert done(server.command("withdraw", "1", "a")) == "Withdrawn: number 1, key a.\n"
    done(server.command("withdraw", "--user", NAME, "b"))
    assert items(server, "1") == items(server, "--user", NAME) == []
    send(server, 1, "a")
    assert items(server, "1") == []


def test_listen(server: ServerProcess) -> None:
    """What was printed is acknowledged; what is pending comes first, then what is sent."""
    for n in range(3):
        send(server, n, f"k{n}", "--user", NAME)
    with listening(server, "--user", NAME, "--json") as process:
        assert [json.loads(line)["payload"] for line in lines(process, 3)] == [0, 1, 2]
        until_pending(server, 0, "--user", NAME)
        send_text(server, ODD, "live", "--user", NAME)
        [line] = lines(process, 1)
        assert '"payload":{},'.format(ODD.replace("\n", " ")) in line
        live = json.loads(line)
        assert (live["key"], live["seq"], live["priority"]) == ("live", 4, "normal")
    with listening(server, "--user", NAME) as process:
        send(server, {"title": "Plain"}, "plain", "--user", NAME)
        [line] = lines(process, 1)
        assert line.endswith("  Plain  (plain)\n")


def test_exec(server: ServerProcess) -> None:
    """A command handles each with exit code 0; one that fails gets the same again, in order."""
    send(server, "first", "k0")
    send_text(server, ODD, "k1")
    script = 'cat; echo " $NOTIFICATION_KEY $NOTIFICATION_SEQ"; test -e again || ! touch again'
    with listening(server, "1", "--exec", script) as process:
        said = lines(process, 4)
        assert [line.rpartition("}")[2] for line in said[:2]] == [" k0 1\n"] * 2
        assert json.loads(said[0].rpartition(" k0")[0])["payload"] == "first"
        last = "".join(said[2:])
        assert f'"payload":{ODD},' in last
        assert last.endswith("} k1 2\n")
        until_pending(server, 0)


def test_a_crash(server: ServerProcess) -> None:
    """What a listener was busy with when it died comes again to the next one, and only that."""
    for n in range(3):
        send(server, n, f"k{n}")
    script = 'echo "$NOTIFICATION_KEY"; test "$NOTIFICATION_SEQ" = 1 || exec sleep 60'
    with listening(server, "1", "--exec", script) as process:
        assert lines(process, 2) == ["k0\n", "k1\n"]
        until_pending(server, 2)
    with listening(server, "1", "--json") as process:
        assert [json.loads(line)["key"] for line in lines(process, 2)] == ["k1", "k2"]


def test_a_restart(server: ServerProcess) -> None:
    """It connects again to a server that was away."""
    with listening(server, "1", "--json") as process:
        send(server, 1, "before")
        assert json.loads(lines(process, 1)[0])["key"] == "before"
        server.stop()
        server.start()
        send(server, 2, "after")
        assert json.loads(lines(process, 1)[0])["key"] == "after"


def test_a_reader_that_has_enough(server: ServerProcess) -> None:
    """A pipe that is closed ends it, without a traceback."""
    for n in range(3):
        send(server, n, f"k{n}")
    with listening(server, "1", "--json") as process:
        lines(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        send(server, "more", "more")
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
