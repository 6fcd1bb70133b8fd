"""A real nginx with the configuration that we ship, in front of processes on this machine."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from servers import ROOT
from servers.program import Program

_SHIPPED: Final = ROOT / "deploy" / "nginx.conf"

_SERVER: Final = re.compile(r"^( +server )notifier-(\d+):8002( .*\n)", re.MULTILINE)

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class NginxServer(Program):
    """One nginx, which forwards to ``processes`` (each host:port)."""

    NAME = "nginx"

    def __init__(self, processes: Sequence[str], *, port: int = 0) -> None:
        super().__init__(port=port)
        self._binary = self.find("nginx", "/usr/sbin")
        self._processes = processes

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has logged."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _prepare(self) -> None:
        (self.folder / "nginx.conf").write_text(self._configuration())

    def _configuration(self) -> str:
        """The shipped file for our processes, with all that it writes in our folder.

        Each line about the first of the shipped servers becomes one for each process.
        """

        def servers(found: re.Match[str]) -> str:
            before, number, after = found.groups()
            lines = [f"{before}{process}{after}" for process in self._processes]
            return "".join(lines) if number == "1" else ""

        text = _SERVER.sub(servers, _SHIPPED.read_text())
        text = text.replace("listen 8002;", f"listen 127.0.0.1:{self.port};")
        text = text.replace("/dev/stderr", str(self.folder / "error.log"))
        text = text.replace("/dev/stdout", str(self.folder / "access.log"))
        paths = "".join(f"    {name}_temp_path {self.folder / name};\n" for name in _TEMPORARY)
        return text.replace("http {\n", f"http {{\n{paths}", 1)

    def _command(self) -> Sequence[str | Path]:
        # As root its workers would change to an account that cannot use our folder.
        account = "user root;" if os.geteuid() == 0 else ""
        return (
            *(self._binary, "-p", self.folder, "-c", self.folder / "nginx.conf"),
            *("-e", self.folder / "error.log"),
            *("-g", f"daemon off; pid {self.folder / 'pid'}; {account}"),
        )
