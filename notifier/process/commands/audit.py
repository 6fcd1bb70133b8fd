"""The audit log at the terminal."""

import asyncio
import json
import os
import re
from collections.abc import Iterable
from typing import Any, Final

from notifier import clock
from notifier.errors import NotifierError
from notifier.identity import Identity
from notifier.models import AuditEntry
from notifier.process.commands.running import Options

LIMIT: Final = 50
"""Entries that are shown, unless told."""
_MOST: Final = 10_000
_AT_ONCE: Final = 500
_SECONDS: Final = 1.0
"""Between two looks, while following."""


async def show(options: Options, identity: Identity) -> int:
    """Print the newest entries, the last one last; with ``--follow`` also what comes."""
    if not 1 <= options.limit <= _MOST:
        raise NotifierError(f"--limit: expected a number from 1 to {_MOST}.")
    # What is no text in the terminal's encoding is nobody's name.
    actor = options.actor and os.fsencode(options.actor).decode(errors="replace")
    which = {"action": options.action, "actor": actor}
    newest = await identity.audit.entries(options.limit, **which)
    _print(reversed(newest), as_json=options.json)
    last = newest[0].id if newest else 0
    while options.follow:
        fresh = await identity.audit.entries(_AT_ONCE, **which, since=last)
        _print(fresh, as_json=options.json)
        last = fresh[-1].id if fresh else last
        await asyncio.sleep(_SECONDS)
    return 0


def _print(entries: Iterable[AuditEntry], *, as_json: bool) -> None:
    for entry in entries:
        # At once, for whoever reads it from a pipe.
        print(_as_json(entry) if as_json else _as_line(entry), flush=True)


def _as_json(entry: AuditEntry) -> str:
    """As it is over HTTP, on one line."""
    moments = {
        "created_at": clock.isoformat(entry.created_at),
        "last_at": clock.isoformat(entry.last_at),
    }
    fields: dict[str, Any] = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return json.dumps({**fields, "details": json.loads(entry.details), **moments})


def _as_line(entry: AuditEntry) -> str:
    times = f"{entry.count} times until {clock.isoformat(entry.last_at)}" if entry.count > 1 else ""
    details = "" if entry.details == "{}" else entry.details
    parts = (
        clock.isoformat(entry.created_at),
        f"{entry.action:<21}",
        f"{entry.actor or '-':<16}",
        entry.subject,
        entry.address,
        details,
        times,
    )
    return _printable("  ".join(part for part in parts if part))


def _printable(text: str) -> str:
    """``text``, in which nothing tells a terminal what to do."""
    return re.sub(
        r"[^ -~]", lambda found: found[0] if found[0].isprintable() else ascii(found[0])[1:-1], text
    )
