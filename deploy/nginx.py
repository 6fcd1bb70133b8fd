"""deploy/nginx.conf for processes on this machine, instead of containers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).with_name("nginx.conf")

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(port: int, processes: Sequence[str], folder: Path) -> str:
    """The shipped file, listening on ``port``, for ``processes`` (each host:port).

    Logs and temporary files go to ``folder``.
    """
    text = SHIPPED.read_text()
    servers = re.compile(r"^( +)server \S+:8002 (.*)\n", re.MULTILINE)
    indent, options = servers.findall(text)[0]
    lines = "".join(f"{indent}server {process} {options}\n" for process in processes)
    text = servers.sub(lines, text, count=1)
    text = servers.sub("", text)
    text = text.replace("listen 8002;", f"listen 127.0.0.1:{port};")
    text = text.replace("/dev/stderr", str(folder / "error.log"))
    text = text.replace("/dev/stdout", str(folder / "access.log"))
    paths = "".join(f"    {name}_temp_path {folder / name};\n" for name in _TEMPORARY)
    return text.replace("http {\n", f"http {{\n{paths}", 1)
