"""The secret that signs tokens and cookies: replace it."""

import argparse

from notifier.config import Loaded
from notifier.identity import secret
from notifier.process.commands.running import Options


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
    return 0
