"""A real Prometheus, which asks our processes for their figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from servers.program import Program

_SCRAPES: Final = """\
global: {{scrape_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: notifier
    authorization: {{credentials_file: {key_file}}}
    static_configs: [{{targets: {targets}}}]
"""


class PrometheusServer(Program):
    """One that scrapes ``targets``, each host:port, with an API key, and minds a file of rules."""

    NAME = "Prometheus"

    def __init__(self, targets: Sequence[str], key: str, rules: Path) -> None:
        super().__init__()
        self._binary = self.find("prometheus")
        self._targets = targets
        self._key = key
        self._rules = rules

    def _prepare(self) -> None:
        key_file = self.folder / "key"
        key_file.write_text(self._key)
        text = _SCRAPES.format(rules=self._rules, key_file=key_file, targets=list(self._targets))
        (self.folder / "prometheus.yml").write_text(text)

    def _command(self) -> Sequence[str | Path]:
        return [
            self._binary,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]

    def _is_ready(self) -> bool:
        try:
            return self._get("-/ready").is_success
        except httpx.HTTPError:
            return False

    def _get(self, path: str, **parameters: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}/{path}", params=parameters, timeout=10)

    def query(self, expression: str) -> list[Any]:
        """Each series with its labels and value. Raises ValueError for what is no expression."""
        answer = self._get("api/v1/query", query=expression).json()
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        found: list[Any] = answer["data"]["result"]
        return found
