"""The endpoints for superusers as the contract has them, in memory."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.async_api import BrowserContext, Request, Route

MOMENT = "2026-11-24T10:00:00.000000Z"
LATER = "2027-02-22T10:00:00.000000Z"


class Contract:
    """What the page asks, answered from lists."""

    def __init__(self) -> None:
        self.users: list[dict[str, Any]] = []
        self.recipients: list[dict[str, Any]] = []
        self.keys: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.notifications: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.add_user("admin", is_superuser=True)

    def add_user(self, name: str, **more: Any) -> dict[str, Any]:
        user = {
            "id": len(self.users) + 1, "username": name, "is_active": True, "is_superuser": False,
            "created_at": MOMENT, "online": None, "pending": 0, **more,
        }  # fmt: skip
        self.users.append(user)
        return user

    async def install(self, context: BrowserContext) -> None:
        await context.route("**/api/admin/**", self.answer)

    async def answer(self, route: Route, request: Request) -> None:
        url = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = json.loads(request.post_data) if request.post_data else {}
        path = [unquote(part) for part in url.path.split("/")[3:-1]]
        self.calls.append(f"{request.method} {url.path}")
        status, answer = self.reply(request.method, path, query, body)
        await route.fulfill(status=status, json=answer) if answer is not None else await route.fulfill(status=status)

    def reply(self, method: str, path: list[str], query: Any, body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", ["users"]:
                found = sorted((u for u in self.users if u["username"].lower().startswith(query.get("search", "").lower())), key=lambda u: u["username"].lower())
                return self.page("users", found, query)
            case "POST", ["users"]:
                if any(u["username"] == body["username"] for u in self.users):
                    return 400, {"detail": "A user of this name exists already.", "code": "username_taken"}
                return 201, self.add_user(body["username"], is_superuser=body.get("is_superuser", False))
            case "GET", ["users", _, "sessions"]:
                return 200, {"sessions": self.sessions}
            case "GET", [("users" | "recipients"), _, "notifications"]:
                return self.page("notifications", self.notifications, query)
            case "DELETE", ["users", _, "sessions"]:
                self.sessions = []
                return 204, None
            case _, ["users", number]:
                user = next((u for u in self.users if str(u["id"]) == number), None)
                if user is None:
                    return 404, {"detail": "No such user.", "code": "unknown_user"}
                if method == "PATCH":
                    user |= {k: v for k, v in body.items() if k != "password"}
                if method == "DELETE":
                    self.users.remove(user)
                    return 204, None
                return 200, user
            case "GET", ["recipients"]:
                return self.page("recipients", [r for r in self.recipients if r["user"].startswith(query.get("search", ""))], query)
            case "DELETE", ["recipients", name]:
                self.recipients = [r for r in self.recipients if r["user"] != name]
                return 204, None
            case "GET", ["keys"]:
                return 200, {"keys": self.keys}
            case "POST", ["keys"]:
                key = {"id": len(self.keys) + 1, "name": body["name"], "scopes": body.get("scopes", ["send"]), "user_prefix": body.get("user_prefix"), "rate": body.get("rate"), "created_at": MOMENT, "last_used_at": None, "expires_at": LATER if "expires_in" in body else None, "revoked_at": None}
                self.keys.append(key)
                return 201, {**key, "key": "ntf_" + "k" * 43}
            case "POST", ["keys", number, "rotate"]:
                return 201, {**self.keys[int(number) - 1], "key": "ntf_" + "r" * 43}
            case "DELETE", ["keys", number]:
                self.keys[int(number) - 1]["revoked_at"] = MOMENT
                return 204, None
            case "GET", ["audit"]:
                found = [e for e in reversed(self.entries) if query.get("action", e["action"]) == e["action"] and query.get("actor", e["actor"]) == e["actor"]]
                return self.page("entries", found, query)
        return 404, {"detail": "Not found.", "code": "not_found"}

    def page(self, name: str, found: list[Any], query: Any) -> tuple[int, Any]:
        start = int(query.get("after", "0"))
        end = start + int(query.get("limit", "50"))
        return 200, {name: found[start:end], "next": str(end) if end < len(found) else None}
