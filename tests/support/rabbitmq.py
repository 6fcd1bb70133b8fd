"""A real RabbitMQ for tests: on free ports, in a temporary folder, gone afterwards.

``shared()`` is one broker for the whole run; tests isolate themselves by the names of
their exchanges and queues. Everything Erlang leaves behind, its port mapper ``epmd``
too, is a child of ours and is stopped by its process id.
"""

import atexit
import functools
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.servers import MissingServer

_BINARIES = Path("/usr/lib/rabbitmq/bin")
_SECONDS_TO_START = 90.0
_SECONDS_TO_STOP = 30.0
_UNPRIVILEGED = ("rabbitmq", "nobody")
_GREETING = b"AMQP\x00\x00\x09\x01"
_FRAME_METHOD = b"\x01"

# Little is kept in memory and on the disk, and nothing waits for the statistics.
_CONFIGURATION = """
listeners.tcp.default = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
collect_statistics_interval = 1000
raft.wal_max_size_bytes = 16777216
disk_free_limit.absolute = 1MB
log.file.level = warning
log.console = false
"""


def _binary(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([str(_BINARIES), os.environ.get("PATH", "")]))
    if found is None:
        raise MissingServer("RabbitMQ")
    return found


def _account() -> pwd.struct_passwd | None:
    """Whom the broker runs as: not root, whose files it would make."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingServer("RabbitMQ")


class RabbitServer:
    """One broker. ``management`` adds the plugin with the page and the HTTP API."""

    def __init__(self, *, management: bool = False) -> None:
        self._management = management
        self._server, self._control = _binary("rabbitmq-server"), _binary("rabbitmqctl")
        self._mapper = _binary("epmd")
        self._account = _account()
        self._folder: Path | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.management_port = free_port(), free_port()
        self._dist_port, self._epmd_port = free_port(), free_port()

    @property
    def address(self) -> str:
        """Where it listens, as AMQP_URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs, and return when it takes connections."""
        if self.running:
            return
        if self._folder is None:
            self._folder = self._make_folder()
            atexit.register(self.remove)
            self._epmd = self._popen(self._mapper, "-port", str(self._epmd_port))
            _wait_for(lambda: _listens(self._epmd_port), "epmd did not start")
        self._process = self._popen(self._server, new_session=True)
        _wait_for(self._answers, lambda: f"RabbitMQ did not start: {self._output()}")

    def stop(self) -> None:
        """Shut it down in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Let it crash: kill -9, no goodbyes."""
        self._end(signal.SIGKILL)

    def flush(self) -> None:
        """Have it write down which quorum queues it has, which it does every few minutes.

        A crash before that leaves a new queue without a leader (seen with 3.10).
        """
        self.control("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def restart(self) -> None:
        """Stop and start it; every connection is lost, durable things stay."""
        self.stop()
        self.start()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze it: connections stay open, and nobody answers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Raise a memory alarm: whoever publishes is blocked."""
        self.control("set_vm_memory_high_watermark", "0.00001")
        try:
            yield
        finally:
            self.control("set_vm_memory_high_watermark", "0.4")

    def control(self, *command: str) -> str:
        """Run ``rabbitmqctl``; returns what it printed."""
        running = self._popen(self._control, "-q", *command, output=subprocess.PIPE)
        output, _ = running.communicate(timeout=60)
        if running.returncode:
            raise RuntimeError(f"rabbitmqctl {command[0]}: {output.decode(errors='replace')}")
        return output.decode()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the management plugin's HTTP API; its answer, decoded."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management_port, timeout=10)
        credentials = b64encode(b"guest:guest").decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api{path}", json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
            assert response.status < 300, (response.status, answer)
            return json.loads(answer) if answer else None
        finally:
            connection.close()

    def remove(self) -> None:
        """Stop it and delete its folder."""
        atexit.unregister(self.remove)
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _make_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="notifier-rabbitmq-"))
        plugins = "rabbitmq_management" if self._management else ""
        (folder / "enabled_plugins").write_text(f"[{plugins}].\n")
        (folder / "env.conf").write_text("")
        (folder / "rabbitmq.conf").write_text(
            "\n".join(
                line
                for line in _CONFIGURATION.format(**vars(self)).splitlines()
                if self._management or not line.startswith("management.")
            )
        )
        if self._account is not None:
            for path in (folder, *folder.iterdir()):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        return folder

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": folder,  # of the Erlang cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"notifier-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }

    def _popen(
        self, *command: str, output: int | None = None, new_session: bool = False
    ) -> subprocess.Popen[bytes]:
        assert self._folder is not None
        as_whom: dict[str, Any] = {}
        if self._account is not None:
            as_whom = {
                "user": self._account.pw_uid,
                "group": self._account.pw_gid,
                "extra_groups": (),
            }
        with (self._folder / "output").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=subprocess.STDOUT,
                start_new_session=new_session,
                **as_whom,
            )

    def _output(self) -> str:
        assert self._folder is not None
        return (self._folder / "output").read_text(errors="replace")[-2000:]

    def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"RabbitMQ did not start: {self._output()}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.sendall(_GREETING)
            if peer.recv(1) == _FRAME_METHOD:
                return not self._management or _listens(self.management_port)
        return False

    def _end(self, signal_number: int) -> None:
        """End the whole process group, which is ours alone: start script, broker, helpers."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal_number)
        try:
            self._process.wait(_SECONDS_TO_STOP)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        _wait_for(lambda: not _listens(self.port), "the port is still in use")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _wait_for(condition: Callable[[], bool], complaint: str | Callable[[], str]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(complaint if isinstance(complaint, str) else complaint())
        time.sleep(0.05)


@functools.cache
def shared() -> RabbitServer:
    """The broker of this run, started with the first test that needs it."""
    server = RabbitServer(management=True)
    server.start()
    return server
