"""The server that the page talks to, and the sender that the page knows nothing of."""

import json
from pathlib import Path
from typing import Any

import httpx

from servers.notifier import ServerProcess
from tests.support.harness import ADMIN_PASSWORD, JSON, SECONDS, SEND


class Backend(ServerProcess):
    """A server process with a sender beside it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder, **environment)
        self._sender = httpx.Client(headers=JSON, timeout=SECONDS)

    @property
    def page(self) -> str:
        """The page's address."""
        return f"{self.url}/api/notifications/"

    @property
    def database(self) -> Path:
        """The file of the embedded store."""
        return self.folder / "data" / "notifier.sqlite3"

    def send(self, payload: Any, user_id: int = 1, **fields: Any) -> None:
        """Send a notification the way curl does."""
        self.send_raw(json.dumps(payload), user_id, **fields)

    def send_raw(self, payload: str, user_id: int = 1, **fields: Any) -> None:
        """Send JSON text as it is."""
        rest = "".join(
            f", {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()
        )
        body = f'{{"user_id": {user_id}, "payload": {payload}{rest}}}'
        self._sender.post(self.url + SEND, content=body.encode()).raise_for_status()

    def send_to(self, user: str, payload: Any, **fields: Any) -> None:
        """Send to somebody whom an application knows by this name."""
        body = {"user": user, "payload": payload, **fields}
        self._sender.post(self.url + SEND, json=body).raise_for_status()

    def send_with(self, key: str, payload: Any, user_id: int = 1, **fields: Any) -> None:
        """Send on the authority of an API key."""
        assert self._status_with(key, {"user_id": user_id, "payload": payload, **fields}) == 200

    def answer_to(self, key: str) -> int:
        """The status of a send on the authority of an API key."""
        return self._status_with(key, {"user_id": 1, "payload": 1})

    def _status_with(self, key: str, body: Any) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return self._sender.post(self.url + SEND, json=body, headers=headers).status_code

    def create_user(self, name: str) -> None:
        """Create an ordinary user with the administrator's password."""
        arguments = ("createuser", "--username", name, "--password-stdin")
        self.command(*arguments, stdin=f"{ADMIN_PASSWORD}\n").check_returncode()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._sender.close()
