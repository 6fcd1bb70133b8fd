"""The command line: run the server, and administer what it keeps.

``python -m notifier`` runs the server. Every setting is a flag; see ``--help``. Exit codes:
0 done, 1 refused or failed, 2 bad usage or settings, 130 ended by Ctrl-C.
"""

import argparse
import asyncio
import difflib
import getpass
import json
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from notifier import __version__, client, clock
from notifier.config import SETTINGS, Loaded, load
from notifier.errors import InvalidSettings, NotifierError
from notifier.identity.accounts import Accounts
from notifier.identity.passwords import Passwords
from notifier.models import SCOPES, SEND_ONLY
from notifier.process import logs
from notifier.process.first_key import read_first_key
from notifier.process.parts import make_driver
from notifier.process.run import serve
from notifier.process.server import make_accounts
from notifier.settings import Settings
from notifier.storage.copy import copy, driver_at
from notifier.storage.store import Store

T = TypeVar("T")
Options = argparse.Namespace
Command = Callable[[Options, Loaded], int]

_SEND_SECONDS: Final = 10.0
"""How long ``notify`` tries, unless it is told."""
_CONNECT_SECONDS: Final = 3.0
"""How long it looks whether there is a server at all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        flags = {setting.field: getattr(options, setting.field, None) for setting in SETTINGS}
        loaded = load(flags, dotenv=Path(".env"))
        settings = loaded.settings
        logs.configure(settings.log_level, settings.log_format, settings.log_rate)
        for warning in loaded.warnings:
            print(f"notifier: {warning}", file=sys.stderr)
        command: Command = options.command
        return command(options, loaded)
    except (InvalidSettings, client.InvalidSettings) as error:
        print(f"notifier: {error.message}", file=sys.stderr)
        return 2
    except (NotifierError, client.NotifierError) as error:
        print(f"notifier: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nnotifier: interrupted.", file=sys.stderr)
        return 130


# The server.


def _serve(options: Options, loaded: Loaded) -> int:
    return asyncio.run(serve(loaded.settings))


def _check_config(options: Options, loaded: Loaded) -> int:
    for setting in SETTINGS:
        value = getattr(loaded.settings, setting.field)
        if setting.secret:
            value = "(set)" if value else "(not set)"
        source = loaded.sources.get(setting.field, "default")
        print(f"{setting.variable:<28} {value!s:<20} {source}")
    return 0


def _migrate(options: Options, loaded: Loaded) -> int:
    driver = make_driver(loaded.settings, exclusive=False)
    applied = driver.prepare()
    driver.close()
    what = "1 migration" if applied == 1 else f"{applied} migrations"
    print(f"Applied {what}." if applied else "The schema is up to date.")
    return 0


def _copy(options: Options, loaded: Loaded) -> int:
    source, target = driver_at(options.source, existing=True), driver_at(options.target)
    try:
        report = copy(source, target)
    finally:
        source.close()
        target.close()
    rows = [(name, each.rows, each.checksum) for name, each in report.tables.items()]
    _print_table(("TABLE", "ROWS", "CHECKSUM"), rows)
    return 0


# Users and keys.


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[Accounts]:
    store = Store(make_driver(settings, exclusive=False), readers=1)
    passwords = Passwords()
    await store.open()
    try:
        yield make_accounts(settings, store, passwords)
    finally:
        await store.close()
        passwords.close()


def _run(settings: Settings, verb: Callable[[Accounts], Awaitable[T]]) -> T:
    """What ``verb`` returns, which is given the accounts."""

    async def run() -> T:
        async with _accounts(settings) as accounts:
            return await verb(accounts)

    return asyncio.run(run())


def _with_accounts(verb: Callable[[Options, Accounts], Awaitable[int]]) -> Command:
    """A command that needs the accounts."""
    return lambda options, loaded: _run(loaded.settings, partial(verb, options))


def _create_user(options: Options, loaded: Loaded) -> int:
    username = options.username or _ask_name()
    password = _ask_password(options)
    user = _run(
        loaded.settings,
        lambda accounts: accounts.create_user(username, password, is_superuser=options.superuser),
    )
    kind = "superuser" if user.is_superuser else "user"
    print(f"Created the {kind} {user.username!r} with the id {user.id}.")
    return 0


def _change_password(options: Options, loaded: Loaded) -> int:
    username = options.username or _ask_name()
    _run(loaded.settings, lambda accounts: accounts.find(username))
    password = _ask_password(options)
    _run(loaded.settings, lambda accounts: accounts.change_password(username, password))
    print(f"Changed the password of {username!r}; all sessions have ended.")
    return 0


async def _set_active(options: Options, accounts: Accounts) -> int:
    user = await accounts.set_active(options.username, options.active)
    print(f"{'Activated' if options.active else 'Deactivated'} {user.username!r}.")
    return 0


async def _list_users(options: Options, accounts: Accounts) -> int:
    _print_table(
        ("ID", "USERNAME", "ACTIVE", "SUPERUSER", "CREATED"),
        [
            (
                user.id,
                user.username,
                _yes(user.is_active),
                _yes(user.is_superuser),
                clock.isoformat(user.created_at),
            )
            for user in await accounts.users()
        ],
    )
    return 0


async def _create_api_key(options: Options, accounts: Accounts) -> int:
    scopes = [name.strip() for name in options.scope.split(",")]
    stored, key = await accounts.create_api_key(options.name, scopes)
    allowed = " and ".join(stored.scopes)
    print(f"API key {stored.id} ({stored.name}), for {allowed}, shown only now:\n{key}")
    return 0


async def _list_api_keys(options: Options, accounts: Accounts) -> int:
    _print_table(
        ("ID", "NAME", "SCOPES", "CREATED", "REVOKED"),
        [
            (
                key.id,
                key.name,
                ",".join(key.scopes),
                clock.isoformat(key.created_at),
                "-" if key.revoked_at is None else clock.isoformat(key.revoked_at),
            )
            for key in await accounts.api_keys()
        ],
    )
    return 0


async def _revoke_api_key(options: Options, accounts: Accounts) -> int:
    revoked = await accounts.revoke_api_key(options.key)
    if not revoked:
        print(f"notifier: there is no active key {options.key!r}.", file=sys.stderr)
        return 1
    print(f"Revoked {revoked} key{'s' if revoked > 1 else ''}.")
    active = [key for key in await accounts.api_keys() if key.revoked_at is None]
    if not any("send" in key.scopes for key in active):
        print("No key that may send is left, and sends without a key stay closed.")
    return 0


@contextmanager
def _asking() -> Iterator[None]:
    # Ctrl-C raises here, so that the terminal shows again what is typed.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except EOFError:
        raise NotifierError(
            "Nobody answered: --username and --password-stdin take both from elsewhere."
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _ask_name() -> str:
    with _asking():
        return input("Username: ")


def _ask_password(options: Options) -> str:
    if options.password_stdin:
        # What is no text is refused like any other password that will not do.
        return sys.stdin.buffer.readline().decode(errors="surrogateescape").rstrip("\r\n")
    with _asking():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password (again): ") != password:
            raise NotifierError("The passwords differ.")
    return password


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


# Sending.


def _notify(options: Options, loaded: Loaded) -> int:
    elsewhere = loaded.client.get("NOTIFIER_URL")
    url = (elsewhere or loaded.settings.url).strip()
    api_key = loaded.client.get("NOTIFIER_API_KEY")
    if not elsewhere and not api_key:
        api_key = read_first_key(loaded.settings)  # of that very server, so for no other
    # The very bytes of the argument, whatever the terminal's encoding is.
    given = options.payload
    payload = sys.stdin.buffer.read() if given == "-" else os.fsencode(given)
    timeout = _SEND_SECONDS if options.timeout is None else options.timeout
    with client.Notifier(url, api_key=api_key, timeout=timeout) as notifier:
        if options.timeout is None:
            _check_reachable(url)
        try:
            sent = notifier.send_json(options.user_id, payload, key=options.key, ttl=options.ttl)
        except (client.ServerUnavailable, client.UnexpectedAnswer) as error:
            raise NotifierError(f"{_place(url)}: {error.message}") from error
        except client.NotValid as error:
            raise NotifierError(error.message + _quoting(given)) from error
    print(f"Stored as number {sent.seq} of user {sent.user_id}, key {sent.key}.")
    return 0


def _check_reachable(url: str) -> None:
    """Find out at once that no server is there, for which the client would wait."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if getproxies().keys() & {parts.scheme, "all"} and not proxy_bypass(host):
        return  # the proxy alone knows the way
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise NotifierError(
            f"No server answers at {_place(url)} ({error.strerror or error}). "
            "NOTIFIER_URL says where it is; --timeout SECONDS waits for it."
        ) from error


def _place(url: str) -> str:
    """``url`` without what may be a password."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


def _quoting(given: str) -> str:
    """How to write ``given`` if it is a word that was meant as text.

    It is not taken as such, because then ``true`` and ``12`` would be something else than
    ``hello``, and JSON with a typing error would arrive at its user.
    """
    if given[:1].isalnum() and given.isprintable():
        try:
            json.loads(given)
        except ValueError:
            return f" As text it is {shlex.quote(json.dumps(given, ensure_ascii=False))}."
    return ""


# The grammar.


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, instead of behind a page of usage."""

    def error(self, message: str) -> NoReturn:
        choice = re.fullmatch(r"argument \w+: invalid choice: '(.*)' \(choose from (.*)\)", message)
        if choice:
            word, known = choice[1], re.findall(r"[\w-]+", choice[2])
            near = difflib.get_close_matches(word.lower(), known, 1)
            hint = f"; did you mean {near[0]}?" if near else "."
            message = f"there is no command {word!r}{hint}"
        stop = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"notifier: {message}{stop} See `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    settings = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = settings.add_argument_group("settings, also as environment variables and in .env")
    for setting in SETTINGS:
        group.add_argument(
            setting.flag,
            dest=setting.field,
            metavar="PATH" if setting.secret else "VALUE",
            help=f"{setting.description} [{setting.variable}]",
        )
    parser = _Parser(
        prog="python -m notifier",
        description="Notifications that are never lost. Without a command: run the server.",
        parents=[settings],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"notifier {__version__}")
    parser.set_defaults(command=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, command: Command, summary: str, **defaults: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=summary, description=summary, parents=[settings], allow_abbrev=False
        )
        added.set_defaults(command=command, **defaults)
        return added

    add("serve", _serve, "Run the server.")
    add("migrate", _migrate, "Bring the store's schema up to date.")
    moving = add("copy", _copy, "Move everything to another, empty database, verified.")
    for flag, dest in (("--from", "source"), ("--to", "target")):
        moving.add_argument(
            flag,
            dest=dest,
            required=True,
            metavar="ADDRESS",
            help="sqlite:///FOLDER or postgresql://…; its password from PGPASSWORD or ~/.pgpass.",
        )
    add("check-config", _check_config, "Show every setting and where it came from.")
    for name, superuser in (("createuser", False), ("createsuperuser", True)):
        kind = "superuser" if superuser else "user"
        create = add(name, _create_user, f"Create a {kind}.", superuser=superuser)
        _add_credentials(create)
    _add_credentials(add("changepassword", _change_password, "Set a user's password."))
    for name, active in (("deactivate", False), ("activate", True)):
        summary = "Let a user in again." if active else "Lock a user out, at once."
        add(name, _with_accounts(_set_active), summary, active=active).add_argument("username")
    add("users", _with_accounts(_list_users), "List the users.")
    _add_api_key_commands(commands, settings)
    notify = add("notify", _notify, "Send to a running server (NOTIFIER_URL, NOTIFIER_API_KEY).")
    notify.add_argument("user_id", metavar="USER_ID")
    notify.add_argument("payload", metavar="JSON", help="What to send; - reads it from stdin.")
    notify.add_argument("--key", help="Identity of the notification, for harmless retries.")
    notify.add_argument("--ttl", type=int, help="Seconds until it expires.")
    notify.add_argument(
        "--timeout",
        type=float,
        help="Seconds to try for, also where no server is there yet. If not given, that fails "
        f"at once, and a busy server is tried for {_SEND_SECONDS:.0f}.",
    )
    return parser


def _add_credentials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", metavar="NAME", help="Asked for if missing.")
    parser.add_argument(
        "--password-stdin", action="store_true", help="Read the password from standard input."
    )


def _add_api_key_commands(
    commands: "argparse._SubParsersAction[_Parser]",
    settings: _Parser,
) -> None:
    api_key = commands.add_parser("apikey", help="Make, list and revoke keys for programs.")
    actions = api_key.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, verb: Callable[[Options, Accounts], Awaitable[int]], summary: str) -> Any:
        action = actions.add_parser(
            name, help=summary, description=summary, parents=[settings], allow_abbrev=False
        )
        action.set_defaults(command=_with_accounts(verb))
        return action

    create = add(
        "create",
        _create_api_key,
        "Make a key and show it once. The first one closes sends without a key, for good.",
    )
    create.add_argument("--name", required=True, help="What it is for, such as billing.")
    create.add_argument(
        "--scope",
        default=",".join(SEND_ONLY),
        metavar="NAMES",
        help=f"What it may do, with commas: {', '.join(SCOPES)}. Only to send if not given.",
    )
    add("list", _list_api_keys, "List the keys.")
    add("revoke", _revoke_api_key, "Revoke a key, at once.").add_argument("key", metavar="ID|NAME")
