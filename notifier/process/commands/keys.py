"""API keys: make, list, rotate and revoke them."""

import sys

from notifier import clock
from notifier.identity import Identity
from notifier.identity.keys import NewKey
from notifier.models import ApiKey
from notifier.process.commands.actor import operator
from notifier.process.commands.output import print_table
from notifier.process.commands.running import Options


async def create(options: Options, identity: Identity) -> int:
    new = NewKey(
        options.name,
        tuple(name.strip() for name in options.scope.split(",")),
        options.user_prefix,
        options.rate,
        options.expires,
    )
    stored, key = await identity.keys.create(new, operator())
    print(f"API key {stored.id} ({stored.name}), {_rights(stored)}, shown only now:\n{key}")
    return 0


def _rights(key: ApiKey) -> str:
    rights = [f"for {' and '.join(key.scopes)}"]
    if key.user_prefix is not None:
        rights.append(f"to users that begin with {key.user_prefix!r}")
    if key.rate is not None:
        rights.append(f"{key.rate} sends a second")
    if key.expires_at is not None:
        rights.append(f"until {clock.isoformat(key.expires_at)}")
    return ", ".join(rights)


async def show(options: Options, identity: Identity) -> int:
    head = ("ID", "NAME", "SCOPES", "PREFIX", "RATE", "CREATED", "USED", "EXPIRES", "REVOKED")
    print_table(head, [_row(key) for key in await identity.keys.all()])
    return 0


def _row(key: ApiKey) -> tuple[object, ...]:
    return (
        key.id,
        key.name,
        ",".join(key.scopes),
        "-" if key.user_prefix is None else key.user_prefix,
        "-" if key.rate is None else f"{key.rate}/s",
        clock.isoformat(key.created_at),
        _moment(key.last_used_at),
        _moment(key.expires_at),
        _moment(key.revoked_at),
    )


def _moment(moment: int | None) -> str:
    return "-" if moment is None else clock.isoformat(moment)


async def rotate(options: Options, identity: Identity) -> int:
    stored, key = await identity.keys.rotate(options.key, options.keep, operator())
    print(f"API key {stored.id} ({stored.name}), {_rights(stored)}, shown only now:\n{key}")
    return 0


async def revoke(options: Options, identity: Identity) -> int:
    revoked = await identity.keys.revoke(options.key, operator())
    if not revoked:
        print(f"notifier: there is no active key {options.key!r}.", file=sys.stderr)
        return 1
    print(f"Revoked {revoked} key{'s' if revoked > 1 else ''}.")
    now = clock.now()
    active = [
        key for key in await identity.keys.all() if key.revoked_at is None and not key.expired(now)
    ]
    if not any("send" in key.scopes for key in active):
        print("No key that may send is left, and sends without a key stay closed.")
    return 0
