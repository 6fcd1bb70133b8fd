"""The command line: run the server, and administer what it keeps.

``python -m notifier`` runs the server. Every setting is a flag; see ``--help``. Exit codes:
0 done, 1 refused or failed, 2 bad usage or settings, 130 ended by Ctrl-C.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from notifier import __version__
from notifier.config import SETTINGS, Loaded, load
from notifier.errors import InvalidSettings, NotifierError
from notifier.identity.keys import KEEP_SECONDS
from notifier.models import ACTIONS, PRIORITIES, SCOPES, SEND_ONLY
from notifier.process import logs
from notifier.process.commands import audit, keys, secret, server, users
from notifier.process.commands.amounts import per_second, seconds
from notifier.process.commands.running import Command, Options, Verb, with_identity

_SEND_SECONDS: Final = 10.0
"""How long ``notify`` tries, unless it is told."""

_USER_FLAG: Final = "--user"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser(by_name=_names_a_user(given)).parse_args(given)
    try:
        flags = {setting.field: getattr(options, setting.field, None) for setting in SETTINGS}
        loaded = load(flags, dotenv=Path(".env"))
        settings = loaded.settings
        logs.configure(settings.log_level, settings.log_format, settings.log_rate)
        for warning in loaded.warnings:
            print(f"notifier: {warning}", file=sys.stderr)
        command: Command = options.command
        return command(options, loaded)
    except InvalidSettings as error:
        print(f"notifier: {error.message}", file=sys.stderr)
        return 2
    except NotifierError as error:
        print(f"notifier: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nnotifier: interrupted.", file=sys.stderr)
        return 130


def _names_a_user(arguments: Sequence[str]) -> bool:
    """Whether a command that is about a user gets a name in place of an id."""
    return any(each.partition("=")[0] == _USER_FLAG for each in arguments)


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


def _notify(options: Options, loaded: Loaded) -> int:
    # A server needs no HTTP client, which takes a tenth of an empty one's memory.
    from notifier.process.commands.notify import notify  # noqa: PLC0415

    return notify(options, loaded)


def _inbox(verb: str) -> Command:
    def command(options: Options, loaded: Loaded) -> int:
        from notifier.process.commands import inbox  # noqa: PLC0415 - as above

        run: Command = getattr(inbox, verb)
        return run(options, loaded)

    return command


def _parser(*, by_name: bool) -> argparse.ArgumentParser:
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
    parser.set_defaults(command=server.serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, command: Command, summary: str, **defaults: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=summary, description=summary, parents=[settings], allow_abbrev=False
        )
        added.set_defaults(command=command, **defaults)
        return added

    add("serve", server.serve, "Run the server.")
    add("migrate", server.migrate, "Bring the store's schema up to date.")
    moving = add("copy", server.copy, "Move everything to another, empty database, verified.")
    for flag, dest in (("--from", "source"), ("--to", "target")):
        moving.add_argument(
            flag,
            dest=dest,
            required=True,
            metavar="ADDRESS",
            help="sqlite:///FOLDER or postgresql://…; its password from PGPASSWORD or ~/.pgpass.",
        )
    add("check-config", server.check_config, "Show every setting and where it came from.")
    for name, superuser in (("createuser", False), ("createsuperuser", True)):
        kind = "superuser" if superuser else "user"
        create = add(name, users.create, f"Create a {kind}.", superuser=superuser)
        _add_credentials(create)
    _add_credentials(add("changepassword", users.change_password, "Set a user's password."))
    for name, active in (("deactivate", False), ("activate", True)):
        summary = "Let a user in again." if active else "Lock a user out, at once."
        add(name, with_identity(users.set_active), summary, active=active).add_argument("username")
    add("users", with_identity(users.show), "List the users.")
    _add_audit_options(
        add("audit", with_identity(audit.show), "Who did what, when and from where.")
    )
    _add_api_key_commands(commands, settings)
    _add_secret_commands(commands, settings)
    sending = add("notify", _notify, "Send to a running server (NOTIFIER_URL, NOTIFIER_API_KEY).")
    sending.set_defaults(patience=_SEND_SECONDS)
    _add_user(sending, by_name=by_name)
    sending.add_argument("payload", metavar="JSON", help="What to send; - reads it from stdin.")
    sending.add_argument("--key", help="Identity of the notification, for harmless retries.")
    sending.add_argument("--ttl", type=int, help="Seconds until it expires.")
    sending.add_argument("--category", metavar="NAME", help="What it is about, for filters.")
    sending.add_argument("--priority", choices=PRIORITIES, help="normal if not given.")
    sending.add_argument(
        "--collapse-key", metavar="NAME", help="It takes the place of the one with the same."
    )
    sending.add_argument(
        "--timeout",
        type=float,
        help="Seconds to try for, also where no server is there yet. If not given, that fails "
        f"at once, and a busy server is tried for {_SEND_SECONDS:.0f}.",
    )
    looking = add("inbox", _inbox("show"), "Show somebody's inbox, the newest first.")
    _add_user(looking, by_name=by_name)
    looking.add_argument("--unread", action="store_true", help="Only what was not read.")
    looking.add_argument("--json", action="store_true", help="An object on each line.")
    looking.add_argument(
        "--limit", type=int, default=50, metavar="N", help="How many to show; 50 if not given."
    )
    taking_back = add("withdraw", _inbox("withdraw"), "Take a notification back.")
    _add_user(taking_back, by_name=by_name)
    taking_back.add_argument("key", metavar="KEY")
    listening = add(
        "listen", _inbox("listen"), "Handle what somebody gets, and acknowledge what was handled."
    )
    _add_user(listening, by_name=by_name)
    how = listening.add_mutually_exclusive_group()
    how.add_argument(
        "--exec",
        metavar="CMD",
        help="For the shell: it gets each as JSON on stdin, its NOTIFICATION_KEY and "
        "NOTIFICATION_SEQ, and has handled it with the exit code 0. Else it gets it again.",
    )
    how.add_argument("--json", action="store_true", help="An object on each line.")
    return parser


def _add_user(parser: argparse.ArgumentParser, *, by_name: bool) -> None:
    parser.set_defaults(user_id=None)
    if not by_name:
        parser.add_argument("user_id", metavar="USER_ID", help="An account's.")
    parser.add_argument(
        _USER_FLAG, metavar="NAME", help="In place of USER_ID: a user of your application."
    )


def _add_credentials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", metavar="NAME", help="Asked for if missing.")
    parser.add_argument(
        "--password-stdin", action="store_true", help="Read the password from standard input."
    )


def _add_audit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="Go on with what comes.")
    parser.add_argument("--json", action="store_true", help="An object on each line.")
    parser.add_argument(
        "--action",
        metavar="NAME",
        choices=ACTIONS,
        help=f"Only this: {', '.join(ACTIONS)}.",
    )
    parser.add_argument("--actor", metavar="WHO", help="Only by them, such as user:admin.")
    parser.add_argument(
        "--limit", type=int, default=audit.LIMIT, help=f"Entries to begin with; {audit.LIMIT}."
    )


def _add_api_key_commands(
    commands: "argparse._SubParsersAction[_Parser]",
    settings: _Parser,
) -> None:
    api_key = commands.add_parser("apikey", help="Make, list, rotate and revoke keys for programs.")
    actions = api_key.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, verb: Verb, summary: str) -> Any:
        action = actions.add_parser(
            name, help=summary, description=summary, parents=[settings], allow_abbrev=False
        )
        action.set_defaults(command=with_identity(verb))
        return action

    create = add(
        "create",
        keys.create,
        "Make a key and show it once. The first one closes sends without a key, for good.",
    )
    create.add_argument("--name", required=True, help="What it is for, such as billing.")
    create.add_argument(
        "--scope",
        default=",".join(SEND_ONLY),
        metavar="NAMES",
        help=f"What it may do, with commas: {', '.join(SCOPES)}. Only to send if not given.",
    )
    create.add_argument(
        "--user-prefix",
        metavar="PREFIX",
        help="Only for users of the application whose name begins with this, such as eu:",
    )
    create.add_argument(
        "--rate",
        type=per_second,
        metavar="N/s",
        help="Sends a second, such as 100/s, in place of NOTIFIER_SENDS_PER_SECOND.",
    )
    create.add_argument(
        "--expires", type=seconds, metavar="TIME", help="When it ends, such as 90d, 12h or 30m."
    )
    add("list", keys.show, "List the keys.")
    rotate = add(
        "rotate", keys.rotate, "Make a key with the rights of another one, which ends soon."
    )
    rotate.add_argument("key", metavar="ID|NAME")
    rotate.add_argument(
        "--keep",
        type=seconds,
        default=KEEP_SECONDS,
        metavar="TIME",
        help="How long the old one stays valid, such as 30m; 24h if not given, 0s for no time.",
    )
    add("revoke", keys.revoke, "Revoke a key, at once.").add_argument("key", metavar="ID|NAME")


def _add_secret_commands(
    commands: "argparse._SubParsersAction[_Parser]",
    settings: _Parser,
) -> None:
    signing = commands.add_parser("secret", help="Replace the secret that signs tokens.")
    actions = signing.add_subparsers(title="actions", metavar="ACTION", required=True)
    summary = "Put a new secret first in the file of the data folder. Nobody is signed out."
    rotate = actions.add_parser(
        "rotate", help=summary, description=summary, parents=[settings], allow_abbrev=False
    )
    rotate.set_defaults(command=secret.rotate)
    rotate.add_argument(
        "--keep",
        type=secret.count,
        default=1,
        metavar="N",
        help="How many old ones still verify. One if not given.",
    )
