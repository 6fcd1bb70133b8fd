"""Real proxies and tunnels in front of a server, as people set them up."""

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from servers.certificate import make_certificate
from servers.missing import MissingServer
from servers.ports import free_port

_SECONDS = 60.0
_OTHER = "nobody"
"""An account that every system has, and that is not the one the server runs under."""


class Place(NamedTuple):
    """What a proxy is given to work with."""

    port: int
    """Where it listens."""
    target: int
    """Where the server does."""
    folder: Path
    """Its own, also if it runs under another account."""
    account: pwd.struct_passwd
    """Whose it is."""

    def write(self, name: str, text: str) -> Path:
        """Write one of its files."""
        path = self.folder / name
        path.write_text(text)
        return path


class Kind(NamedTuple):
    """One way to put something in front of a server."""

    commands: Callable[[Place], Sequence[Sequence[str | Path]]]
    """What to run, one after the other. Each listens before the next one starts."""
    tls: bool = False


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise MissingServer(name)
    return found


def _nginx(lines: str = "", *, tls: bool = False) -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        folder = place.folder
        secure = f"ssl; ssl_certificate {folder}/c.pem; ssl_certificate_key {folder}/k.pem"
        # Without this line the workers of root would be another account's.
        user = "user root;" if place.account.pw_uid == 0 else ""
        temporary = " ".join(
            f"{what}_temp_path {folder}/{what};"
            for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = place.write(
            "nginx.conf",
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; {temporary} server {{\n"
            f"  listen 127.0.0.1:{place.port} {secure if tls else ''};\n"
            f"  location / {{ proxy_pass http://127.0.0.1:{place.target}; {lines} }} }} }}\n",
        )
        return [(_program("nginx"), "-p", folder, "-c", config, "-e", folder / "error.log")]

    return Kind(commands, tls)


def _haproxy(mode: str, *, tls: bool = False) -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        folder = place.folder
        if tls:
            both = (folder / "c.pem").read_text() + (folder / "k.pem").read_text()
            place.write("both.pem", both)
        config = place.write(
            "haproxy.cfg",
            f"defaults\n  mode {mode}\n  timeout connect 60s\n  timeout client 60s\n"
            f"  timeout server 60s\nlisten all\n"
            f"  bind 127.0.0.1:{place.port} {f'ssl crt {folder}/both.pem' if tls else ''}\n"
            f"  server one 127.0.0.1:{place.target}\n",
        )
        return [(_program("haproxy"), "-db", "-f", config)]

    return Kind(commands, tls)


def _caddy(lines: str = "", *, tls: bool = False) -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        folder = place.folder
        site = f"https://:{place.port}" if tls else f"http://:{place.port}"
        config = place.write(
            "Caddyfile",
            "{\n  admin off\n  auto_https off\n  default_sni 127.0.0.1\n"
            "  servers {\n    protocols h1 h2\n  }\n}\n"
            f"{site} {{\n  {f'tls {folder}/c.pem {folder}/k.pem' if tls else ''}\n"
            f"  reverse_proxy 127.0.0.1:{place.target} {{\n{lines}\n  }}\n}}\n",
        )
        return [(_program("caddy"), "run", "--adapter", "caddyfile", "--config", config)]

    return Kind(commands, tls)


def _apache(lines: str = "") -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        apache = _program("apache2")
        modules = "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core", "proxy", "proxy_http")
        )
        # Compiled without leave to run as root, so that its workers are always somebody else.
        user = f"User {_OTHER}\nGroup #{pwd.getpwnam(_OTHER).pw_gid}\n"
        config = place.write(
            "apache.conf",
            f"{modules}{user if place.account == 'root' else ''}"
            f"ServerRoot {place.folder}\nPidFile {place.folder}/pid\nServerName localhost\n"
            f"ErrorLog {place.folder}/error.log\nListen 127.0.0.1:{place.port}\n{lines}\n"
            f"ProxyPass / http://127.0.0.1:{place.target}/\n",
        )
        return [(apache, "-DFOREGROUND", "-f", config)]

    return Kind(commands)


def _socat(*, tls: bool = False) -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        folder = place.folder
        how = "bind=127.0.0.1,fork,reuseaddr,backlog=64"
        listen = f"TCP-LISTEN:{place.port},{how}"
        if tls:
            certificate = f"cert={folder}/c.pem,key={folder}/k.pem,verify=0"
            listen = f"OPENSSL-LISTEN:{place.port},{how},{certificate}"
        return [(_program("socat"), listen, f"TCP:127.0.0.1:{place.target}")]

    return Kind(commands, tls)


def _pipes(place: Place) -> Sequence[Sequence[str | Path]]:
    # The program at our end has pipes only; the one that knows the stranger is another.
    socat = _program("socat")
    inner = f"SYSTEM:{socat} STDIO TCP\\:127.0.0.1\\:{place.target},pipes"
    listen = f"TCP-LISTEN:{place.port},bind=127.0.0.1,fork,reuseaddr,backlog=64"
    return [(socat, listen, inner)]


def _ssh(direction: str) -> Kind:
    def commands(place: Place) -> Sequence[Sequence[str | Path]]:
        folder, door = place.folder, free_port()
        sshd, ssh = _program("sshd"), _program("ssh")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which it wants as root
        for name in ("host", "me"):
            key = (_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
            subprocess.run(key, check=True)

        config = place.write(
            "sshd_config",
            f"ListenAddress 127.0.0.1:{door}\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/me.pub\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin yes\nAllowTcpForwarding yes\n",
        )
        forward = f"127.0.0.1:{place.port}:127.0.0.1:{place.target}"
        return [
            (sshd, "-D", "-e", "-f", config),
            (
                *(ssh, "-F", "none", "-N", f"-{direction}", forward, "-p", str(door)),
                *("-i", folder / "me", "-o", "StrictHostKeyChecking=no"),
                *("-o", f"UserKnownHostsFile={folder}/known", "-o", "ConnectionAttempts=20"),
                f"{place.account.pw_name}@127.0.0.1",
            ),
        ]

    return Kind(commands)


_WEBSOCKETS = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    'proxy_set_header Connection "upgrade";'
)
_STRIPPED = "\n".join(f"    header_up -X-Forwarded-{name}" for name in ("For", "Proto", "Host"))

KINDS = {
    "nginx": _nginx(),
    "nginx, WebSockets": _nginx(_WEBSOCKETS),
    "nginx, Host $host:PORT": _nginx(_WEBSOCKETS + " proxy_set_header Host $http_host;"),
    "nginx, keep-alive": _nginx('proxy_http_version 1.1; proxy_set_header Connection "";'),
    "nginx, TLS": _nginx(_WEBSOCKETS + " proxy_set_header Host $http_host;", tls=True),
    "HAProxy": _haproxy("http"),
    "HAProxy, TCP": _haproxy("tcp"),
    "HAProxy, TLS": _haproxy("http", tls=True),
    "Caddy": _caddy(),
    "Caddy, no X-Forwarded": _caddy(_STRIPPED),
    "Caddy, TLS": _caddy(_STRIPPED, tls=True),
    "Apache": _apache(),
    "Apache, ProxyAddHeaders Off": _apache("ProxyPreserveHost On\nProxyAddHeaders Off"),
    "socat": _socat(),
    "socat, TLS": _socat(tls=True),
    "ssh -L": _ssh("L"),
    "ssh -R": _ssh("R"),
}
"""What nobody becomes this machine through."""

PIPES = Kind(_pipes)
"""A tunnel that hides behind a pipe, which only its owner can make, and is not defended."""


@cache
def _certificate() -> tuple[str, ...]:
    """The texts of a certificate and of its key."""
    with tempfile.TemporaryDirectory() as folder:
        return tuple(path.read_text() for path in make_certificate(Path(folder)))


@contextmanager
def running(kind: Kind, target: int, *, other_account: bool) -> Iterator[int]:
    """Something in front of the server at ``target``; yields the port where it listens.

    Under the server's account or another one. Raises MissingServer where it, or the right to
    change accounts, is missing.
    """
    account = pwd.getpwuid(os.geteuid())
    if other_account:
        if os.geteuid() != 0:
            raise MissingServer("another account (only root can change to one)")
        account = pwd.getpwnam(_OTHER)
    place = Place(free_port(), target, Path(tempfile.mkdtemp(prefix="notifier-proxy-")), account)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place.folder, ignore_errors=True)
        if kind.tls:
            for name, text in zip(("c.pem", "k.pem"), _certificate(), strict=True):
                place.write(name, text)
        commands = kind.commands(place)
        for path in (place.folder, *place.folder.iterdir()):
            shutil.chown(path, account.pw_uid, account.pw_gid)
        for command in commands:
            stack.enter_context(_started(command, place))
        yield place.port


@contextmanager
def _started(command: Sequence[str | Path], place: Place) -> Iterator[None]:
    log = place.folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(place.folder)},
            user=place.account.pw_uid,
            group=place.account.pw_gid,
            extra_groups=[] if os.geteuid() == 0 else None,
            start_new_session=True,
        )
    try:
        yield
    finally:
        # With whatever it has started for single connections.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_SECONDS)


def ask(port: int, request: bytes, *, tls: bool = False) -> bytes:
    """What is answered to ``request``: all that comes until the first answer is complete.

    Waits until something listens on ``port``.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            answer = _ask_once(port, request, tls)
        except ConnectionError:
            answer = b""
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)


def _ask_once(port: int, request: bytes, tls: bool) -> bytes:
    with ExitStack() as stack:
        link = stack.enter_context(socket.create_connection(("127.0.0.1", port), _SECONDS))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            # Closed also where the handshake fails, because nothing listens yet.
            secure = context.wrap_socket(link, do_handshake_on_connect=False)
            link = stack.enter_context(secure)
            secure.do_handshake()
        link.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer and (more := link.recv(65536)):
            answer += more
        return answer
