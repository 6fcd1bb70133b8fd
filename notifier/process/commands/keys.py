"""API keys: make, list and revoke them."""

import sys

from notifier import clock
from notifier.identity import Identity
from notifier.process.commands.output import print_table
from notifier.process.commands.running import Options


async def create(options: Options, identity: Identity) -> int:
    scopes = [name.strip() for name in options.scope.split(",")]
    stored, key = await identity.keys.create(options.name, scopes)
    allowed = " and ".join(stored.scopes)
    print(f"API key {stored.id} ({stored.name}), for {allowed}, shown only now:\n{key}")
    return 0


async def show(options: Options, identity: Identity) -> int:
    print_table(
        ("ID", "NAME", "SCOPES", "CREATED", "REVOKED"),
        [
            (
                key.id,
                key.name,
                ",".join(key.scopes),
                clock.isoformat(key.created_at),
                "-" if key.revoked_at is None else clock.isoformat(key.revoked_at),
            )
            for key in await identity.keys.all()
        ],
    )
    return 0


async def revoke(options: Options, identity: Identity) -> int:
    revoked = await identity.keys.revoke(options.key)
    if not revoked:
        print(f"notifier: there is no active key {options.key!r}.", file=sys.stderr)
        return 1
    print(f"Revoked {revoked} key{'s' if revoked > 1 else ''}.")
    active = [key for key in await identity.keys.all() if key.revoked_at is None]
    if not any("send" in key.scopes for key in active):
        print("No key that may send is left, and sends without a key stay closed.")
    return 0
