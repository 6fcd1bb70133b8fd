"""Asking the person at the terminal."""

import getpass
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from notifier.errors import NotifierError


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


def ask_name() -> str:
    with _asking():
        return input("Username: ")


def ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        # What is no text is refused like any other password that will not do.
        return sys.stdin.buffer.readline().decode(errors="surrogateescape").rstrip("\r\n")
    with _asking():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password (again): ") != password:
            raise NotifierError("The passwords differ.")
    return password
