"""Runs a server until a signal or a failure ends it, and tells people where it is."""

import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path
from typing import Final

from notifier.config import Settings
from notifier.server import Server

logger = logging.getLogger(__name__)

_SWITCH_INTERVAL: Final = 0.001
"""Seconds after which a busy thread lets another one have the GIL: the writer needs it for
a moment between statements, and should not wait for Python's usual 5 ms each time."""


async def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. A second signal ends at once.

    Raises CannotStart or Unavailable.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    server = Server(settings)
    await server.start()
    # What start-up made stays for good: the collector need not look at it again.
    gc.freeze()
    _introduce(server)
    stopping = asyncio.create_task(_signalled())
    failing = asyncio.create_task(server.wait())
    await asyncio.wait([stopping, failing], return_when=asyncio.FIRST_COMPLETED)
    failed = failing.done()
    if failed:
        logger.critical(
            "A part of the service has died; stopping",
            exc_info=failing.exception(),
            extra={"action": "failed"},
        )
    else:
        logger.info("Draining", extra={"action": "draining", "sockets": server.hub.sockets})
    for task in (stopping, failing):
        task.cancel()
    await server.stop()
    logger.info("Stopped", extra={"action": "stopped"})
    return 1 if failed else 0


async def _signalled() -> None:
    """Return at the first signal, and leave the second one to Python."""
    loop = asyncio.get_running_loop()
    received = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.set)
    await received.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


def _introduce(server: Server) -> None:
    """Print where things are; the generated password too, this once."""
    url = server.url
    lines = [
        f"Notifier is running on {url}",
        f"  page  {url}/api/notifications/",
        f"  docs  {url}/api/docs/",
        f"  data  {Path(server.settings.data_dir).resolve()}",
    ]
    if server.first_user:
        lines.append(f"Created the superuser {server.first_user.username!r} (id 1).")
        if server.first_user.generated_password:
            lines.append(
                f"  password  {server.first_user.generated_password}   "
                "(shown only now; `python -m notifier changepassword` sets another)"
            )
    if server.settings.open_send:
        lines.append("Sends are open to everyone who reaches this server (NOTIFIER_OPEN_SEND).")
    elif server.sends_are_open:
        lines.append(
            "Sends from this machine need no key until a first one is made: "
            "`python -m notifier apikey create --name NAME` closes that for good."
        )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
