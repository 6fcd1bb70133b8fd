"""Runs a server until a signal or a failure ends it, and tells people where it is."""

import asyncio
import gc
import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from notifier.process.descriptors import raise_limit
from notifier.process.server import Server
from notifier.process.signals import ENDING, end_at_once
from notifier.process.systemd import Supervisor
from notifier.settings import Settings

logger = logging.getLogger(__name__)

_SWITCH_INTERVAL: Final = 0.001
"""Seconds after which a busy thread lets another one have the GIL: the writer needs it for
a moment between statements, and should not wait for Python's usual 5 ms each time."""


_SOMEBODY: Final = {"accounts": '"user_id": 1', "both": '"user_id": 1', "external": '"user": "ann"'}
"""To whom somebody could send, to try it out, by whose users they are."""


def run(settings: Settings) -> int:
    """:func:`serve`, on uvloop where it is installed: it spares the loop's own CPU."""
    with asyncio.Runner(loop_factory=_other_loop(settings)) as runner:
        return runner.run(serve(settings))


def _other_loop(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes a loop that is not asyncio's own."""
    if not settings.uvloop:
        return None
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. Before it runs, and for a second time,
    a signal ends the program at once.

    Raises CannotStart or Unavailable.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    raise_limit()
    server = Server(settings)
    await server.start()
    # What start-up made stays for good: the collector need not look at it again.
    gc.freeze()
    failing = asyncio.create_task(server.wait())
    signalled = asyncio.create_task(_first_signal().wait())
    _introduce(server)
    supervisor = Supervisor()
    supervisor.tell("READY=1")
    alive = asyncio.create_task(supervisor.reassure())
    await asyncio.wait([signalled, failing], return_when=asyncio.FIRST_COMPLETED)
    failed = failing.done()
    if failed:
        logger.critical(
            "A part of the service has died; stopping",
            exc_info=failing.exception(),
            extra={"action": "failed"},
        )
    else:
        logger.info("Draining", extra={"action": "draining", "sockets": server.hub.sockets})
    supervisor.tell("STOPPING=1")
    for task in (signalled, failing, alive):
        task.cancel()
    await server.stop()
    logger.info("Stopped", extra={"action": "stopped"})
    return 1 if failed else 0


def _first_signal() -> asyncio.Event:
    """Set from the first signal on. The second one ends the program at once."""
    loop = asyncio.get_running_loop()
    received = asyncio.Event()

    def receive() -> None:
        received.set()
        for number in ENDING:
            loop.remove_signal_handler(number)
        end_at_once()

    for number in ENDING:
        loop.add_signal_handler(number, receive)
    return received


def _introduce(server: Server) -> None:
    """Print where things are; the generated password too, this once."""
    url = server.url
    lines = [
        f"Notifier is running on {url}",
        f"  page  {url}/api/notifications/",
        f"  docs  {url}/api/docs/",
        f"  data  {Path(server.settings.data_dir).resolve()}",
    ]
    if first := server.first_superuser:
        lines.append(f"Created the superuser {first.user.username!r} (id {first.user.id}).")
        if first.generated_password:
            lines.append(
                f"  password  {first.generated_password}   "
                "(shown only now; `python -m notifier changepassword` sets another)"
            )
    lines += server.advice
    if server.settings.open_send:
        lines.append("Sends are open to everyone who reaches this server (NOTIFIER_OPEN_SEND).")
    elif server.sends_are_open:
        lines.append(
            "Sends from this machine need no key until a first one is made: "
            "`python -m notifier apikey create --name NAME` closes that for good."
        )
    elif server.first_key:
        lines.append(
            "Sends need an API key here. One was made, which `python -m notifier notify` finds:\n"
            f"  curl {url}/api/notifications/send/ -H 'Content-Type: application/json' \\\n"
            f'    -H "X-API-Key: $(cat {shlex.quote(str(server.first_key))})" \\\n'
            f"""    -d '{{{_SOMEBODY[server.settings.users]}, "payload": "Hello"}}'"""
        )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
