"""What systemd is told of a service: ready, still alive, stopping (sd_notify(3)).

Where something else has started the process, nobody is told.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_MICROSECONDS: Final = 1_000_000


class Supervisor:
    """Who has started the process, if ``environment`` says that they want to know."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An @ stands for the NUL that an address begins with which is no file.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        seconds = environment.get("WATCHDOG_USEC", "0") if mine else "0"
        self._patience = int(seconds) / _MICROSECONDS if seconds.isdecimal() else 0.0

    def tell(self, state: str) -> None:
        """Say ``state``, such as ``READY=1``. Nobody who does not listen does any harm."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.setblocking(False)
            mouth.sendto(state.encode(), self._address)

    async def reassure(self) -> None:
        """Say again and again that the loop goes round, as often as is asked for."""
        while self._address and self._patience:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._patience / 3)
