"""The whole topology as plain processes: several Notifiers behind nginx, and what they share."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers.nginx import NginxServer
from servers.notifier import ServerProcess


class Cluster:
    """Processes on one database, and whatever else they were given."""

    def __init__(self, folder: Path, count: int, database: str, **environment: str) -> None:
        self.environment = {
            "DATABASE_URL": database,
            "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
            "NOTIFIER_OPEN_SEND": "1",
            **environment,
        }
        self.processes = []
        for number in range(count):
            own = folder / f"process-{number}"
            own.mkdir()
            self.processes.append(ServerProcess(own, **self.environment))
        self.nginx: NginxServer | None = None

    @property
    def url(self) -> str:
        """Where clients go: to nginx, or the only process."""
        return self.processes[0].url if self.nginx is None else self.nginx.url

    def start(self) -> None:
        """Start all processes, at the same moment."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.start, self.processes))

    def stop(self) -> None:
        """Stop those that still run."""
        for process in self.processes:
            process.stop()

    def add_nginx(self, port: int = 0) -> NginxServer:
        """Put nginx in front of all processes."""
        addresses = [f"127.0.0.1:{process.port}" for process in self.processes]
        self.nginx = NginxServer(addresses, port=port)
        self.nginx.start()
        return self.nginx
