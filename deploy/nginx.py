"""deploy/nginx.conf for processes on this machine, instead of containers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).with_name("nginx.conf")

_SERVER: Final = re.compile(r"^( +server )notifier-(\d+):8002( .*\n)", re.MULTILINE)

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(port: int, processes: Sequence[str], folder: Path) -> str:
    """The shipped file, listening on ``port``, for ``processes`` (each host:port).

    Each line about the first of the shipped servers becomes one for each process.
    Logs and temporary files go to ``folder``.
    """

    def servers(found: re.Match[str]) -> str:
        before, number, after = found.groups()
        lines = [f"{before}{process}{after}" for process in processes]
        return "".join(lines) if number == "1" else ""

    text = _SERVER.sub(servers, SHIPPED.read_text())
    text = text.replace("listen 8002;", f"listen 127.0.0.1:{port};")
    text = text.replace("/dev/stderr", str(folder / "error.log"))
    text = text.replace("/dev/stdout", str(folder / "access.log"))
    paths = "".join(f"    {name}_temp_path {folder / name};\n" for name in _TEMPORARY)
    return text.replace("http {\n", f"http {{\n{paths}", 1)
