"""Accounts: make, list and change them."""

from notifier import clock
from notifier.config import Loaded
from notifier.identity import Identity
from notifier.process.commands.actor import operator
from notifier.process.commands.output import print_table, yes
from notifier.process.commands.prompts import ask_name, ask_password
from notifier.process.commands.running import Options, run


def create(options: Options, loaded: Loaded) -> int:
    username = options.username or ask_name()
    password = ask_password(from_stdin=options.password_stdin)
    user = run(
        loaded.settings,
        lambda identity: identity.accounts.create_user(
            username, password, is_superuser=options.superuser, by=operator()
        ),
    )
    kind = "superuser" if user.is_superuser else "user"
    print(f"Created the {kind} {user.username!r} with the id {user.id}.")
    if loaded.settings.users == "external":
        print("Nobody signs in while NOTIFIER_USERS is external: `both` lets accounts in, too.")
    return 0


def change_password(options: Options, loaded: Loaded) -> int:
    username = options.username or ask_name()
    run(loaded.settings, lambda identity: identity.accounts.find(username))
    password = ask_password(from_stdin=options.password_stdin)
    run(
        loaded.settings,
        lambda identity: identity.accounts.change_password(username, password, operator()),
    )
    print(f"Changed the password of {username!r}; all sessions have ended.")
    return 0


async def set_active(options: Options, identity: Identity) -> int:
    user = await identity.accounts.set_active(options.username, options.active, operator())
    print(f"{'Activated' if options.active else 'Deactivated'} {user.username!r}.")
    return 0


async def show(options: Options, identity: Identity) -> int:
    print_table(
        ("ID", "USERNAME", "ACTIVE", "SUPERUSER", "CREATED"),
        [
            (
                user.id,
                user.username,
                yes(user.is_active),
                yes(user.is_superuser),
                clock.isoformat(user.created_at),
            )
            for user in await identity.accounts.users()
        ],
    )
    return 0
