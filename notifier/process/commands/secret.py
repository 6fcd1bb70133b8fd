"""The secret that signs tokens and cookies: replace it."""

import argparse
import asyncio
import sys

from notifier.config import Loaded
from notifier.errors import NotifierError
from notifier.identity import secret
from notifier.process.commands.actor import operator
from notifier.process.commands.running import Options
from notifier.process.parts import make_driver
from notifier.settings import Settings
from notifier.storage.operations.audit import AddEntry
from notifier.storage.store import Store


def count(text: str) -> int:
    """How many old secrets to keep."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def rotate(options: Options, loaded: Loaded) -> int:
    path, kept = secret.rotate(loaded.settings, options.keep)
    print(f"{path} has a new secret. It signs from the next start of the server: restart it.")
    if kept:
        days = loaded.settings.session_idle_days
        print(
            "Nobody is signed out: what the one before has signed still counts. So that it does "
            f"till its end, rotate again in {days} days at the earliest, or with --keep {kept + 1}."
        )
    else:
        print("No old one is kept, so that this start ends all sessions and tokens.")
    try:
        asyncio.run(_record(loaded.settings, kept))
    except NotifierError as error:
        # It has happened all the same.
        print(f"notifier: not in the audit log: {error.message}", file=sys.stderr)
    return 0


async def _record(settings: Settings, kept: int) -> None:
    store = Store(make_driver(settings, exclusive=False), readers=1)
    await store.open()
    try:
        await store.submit(AddEntry("secret_rotated", operator(), details={"kept": kept}))
    finally:
        await store.close()
