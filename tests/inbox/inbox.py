"""Somebody's inbox over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from notifier.identity.tokens import TokenType
from notifier.storage.operations.inbox.ranges import CarryOut
from tests.support.harness import Harness, Person

PATH = "/api/inbox/"
NOTIFICATIONS = "/api/notifications/"


def in_seconds(seconds: float) -> str:
    """A moment, as requests name it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


class Inbox:
    """What one person asks of their inbox, with a token of theirs."""

    def __init__(self, server: Harness, person: Person, kind: TokenType = "identity") -> None:
        self.server = server
        self.person = person
        self.headers = {"Authorization": f"Bearer {server.token(person, kind)}"}

    async def send(self, *keys: str, **fields: object) -> None:
        """Send notifications with these keys, one after the other; each is its own payload."""
        for key in keys:
            await self.server.send(self.person, key, key=key, **fields)

    async def ask(self, path: str = "", **parameters: object) -> httpx.Response:
        """The answer to a GET, whatever it is."""
        return await self.server.http.get(
            PATH + path,
            params=parameters,  # type: ignore[arg-type]
            headers=self.headers,
        )

    async def get(self, path: str = "", **parameters: object) -> Any:
        """What is there."""
        answer = await self.ask(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def keys(self, **parameters: object) -> list[str]:
        """What a page shows."""
        page = await self.get(**parameters)
        return [item["key"] for item in page["items"]]

    async def item(self, key: str) -> Any:
        """One notification, wherever it is."""
        page = await self.get(archived="include", snoozed="include", limit=100)
        [found] = [item for item in page["items"] if item["key"] == key]
        return found

    async def counts(self) -> tuple[int, int]:
        """How many are unread, and unseen."""
        answer = await self.get("count/")
        return answer["unread"], answer["unseen"]

    async def post(self, verb: str, **body: object) -> httpx.Response:
        """The answer to a change, whatever it is."""
        return await self.server.post(body, f"{PATH}{verb}/", headers=self.headers)

    async def do(self, verb: str, *keys: str, **body: object) -> int:
        """Change something; the version of the change."""
        answer = await self.post(verb, **({"keys": keys} if keys else {}), **body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["changed"] is True
        version: int = answer.json()["version"]
        return version

    async def undo(self, version: int) -> int:
        """Take a change back."""
        return await self.do("undo", version=version)

    async def carried_out(self) -> None:
        """Return when no change is under way any more."""
        while await self.server.server.store.submit(CarryOut(self.person.id)):
            pass

    async def withdraw(self, key: str, **headers: str) -> httpx.Response:
        """The answer when a superuser takes it back, or whoever else brings ``headers``."""
        server = self.server
        access = {"Authorization": f"Bearer {server.token(server.admin, 'access')}"}
        return await server.http.delete(
            NOTIFICATIONS,
            params={"user_id": self.person.id, "key": key},
            headers=headers or access,
        )
