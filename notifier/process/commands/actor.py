"""Who is at the command line, for the audit log."""

import os
import pwd

from notifier.models import Actor


def operator() -> Actor:
    """The account of this machine that runs the command, which the environment cannot feign."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # as in a container
        name = str(number)
    return Actor(f"cli:{name}")
