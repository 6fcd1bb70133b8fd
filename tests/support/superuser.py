"""A superuser who administers a server over HTTP."""

from typing import Any

import httpx

from tests.support.harness import Harness, Person

USERS = "/api/admin/users/"
AUDIT = "/api/admin/audit/"


class Superuser:
    """The admin of a server, or whoever else is a superuser there."""

    def __init__(self, server: Harness, person: Person | None = None) -> None:
        self._server = server
        self.headers = {"Authorization": f"Bearer {server.token(person or server.admin, 'access')}"}

    async def ask(
        self, method: str, path: str, body: object = None, **query: object
    ) -> httpx.Response:
        """The answer, whatever it is."""
        return await self._server.http.request(
            method,
            path,
            json=body,
            headers=self.headers,
            params=query or None,  # type: ignore[arg-type]
        )

    async def get(self, path: str, **query: object) -> Any:
        """What is there."""
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def entries(self, **query: object) -> list[dict[str, Any]]:
        """The audit log, the newest first."""
        found: list[dict[str, Any]] = (await self.get(AUDIT, **query))["entries"]
        return found

    async def recorded(self, **query: object) -> list[tuple[str, str, str]]:
        """Action, actor and subject of the entries, the newest first."""
        return [
            (entry["action"], entry["actor"], entry["subject"])
            for entry in await self.entries(**query)
        ]
