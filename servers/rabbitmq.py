"""A real RabbitMQ.

``shared()`` is one broker for the whole run; tests isolate themselves by the names of
their exchanges and queues. Everything Erlang leaves behind, its port mapper ``epmd``
too, is a child of ours and is stopped by its process id.
"""

import functools
import http.client
import json
import os
import signal
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from servers.ports import free_port
from servers.program import SECONDS, Program, listens, wait_for

_BINARIES = Path("/usr/lib/rabbitmq/bin")
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


class RabbitServer(Program):
    """One broker. ``management`` adds the plugin with the page and the HTTP API."""

    NAME = "RabbitMQ"
    ACCOUNTS = ("rabbitmq", "nobody")  # root's files would be of no use to the broker's account

    def __init__(self, *, management: bool = False) -> None:
        super().__init__()
        self._management = management
        self._server, self._control = _binary("rabbitmq-server"), _binary("rabbitmqctl")
        self._mapper = _binary("epmd")
        self._epmd: subprocess.Popen[bytes] | None = None
        self.management_port = free_port()
        self._dist_port, self._epmd_port = free_port(), free_port()

    @property
    def address(self) -> str:
        """Where it listens, as AMQP_URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        plugins = "rabbitmq_management" if self._management else ""
        (self.folder / "enabled_plugins").write_text(f"[{plugins}].\n")
        (self.folder / "env.conf").write_text("")
        (self.folder / "rabbitmq.conf").write_text(
            "\n".join(
                line
                for line in _CONFIGURATION.format(**vars(self)).splitlines()
                if self._management or not line.startswith("management.")
            )
        )
        self.give(self.folder)
        self._epmd = self.popen(self._mapper, "-port", str(self._epmd_port))
        wait_for(lambda: listens(self._epmd_port), lambda: "epmd does not start")

    def _command(self) -> Sequence[str | Path]:
        return [self._server]

    def environment(self) -> Mapping[str, str]:
        """Everything in our folder, nothing of the machine's broker."""
        folder = str(self.folder)
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
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }

    def popen(self, *command: str | Path, **options: Any) -> "subprocess.Popen[bytes]":
        """In a process group of its own: the start script, the broker, its helpers."""
        return super().popen(*command, start_new_session=True, **options)

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.sendall(_GREETING)
            if peer.recv(1) == _FRAME_METHOD:
                return not self._management or listens(self.management_port)
        return False

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self) -> int:
        """Wait for the end of the whole group; returns the exit code of the start script."""
        group = self.pid
        try:
            return super().wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            wait_for(lambda: not listens(self.port), lambda: "the port is still in use")

    def remove(self) -> None:
        """Stop it, and the port mapper, and delete its folder."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        super().remove()

    def flush(self) -> None:
        """Have it write down which quorum queues it has, which it does every few minutes.

        A crash before that leaves a new queue without a leader (seen with 3.10).
        """
        self.control("eval", "[dets:sync(Table) || Table <- dets:all()].")

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
        with self.popen(self._control, "-q", *command, stdout=subprocess.PIPE) as running:
            try:
                output, _ = running.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                raise
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


def _binary(name: str) -> str:
    return RabbitServer.find(name, _BINARIES)


@functools.cache
def shared() -> RabbitServer:
    """The broker of this run, started with the first test that needs it."""
    server = RabbitServer(management=True)
    server.start()
    return server
