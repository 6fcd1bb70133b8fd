"""Settings for a server whose users are those of an application, or both kinds."""

from typing import Any

from notifier.models import WhoseUsers

_APPLICATION = {
    "jwt_secret": "a secret of the application, of which these tests need no token",
    "jwt_issuer": "https://issuer.example",
    "jwt_audience": "notifier",
}


def users_of(users: WhoseUsers = "both") -> dict[str, Any]:
    """With what a server has these users."""
    return {"users": users} | ({} if users == "accounts" else _APPLICATION)


def environment_of(users: WhoseUsers = "both") -> dict[str, str]:
    """The same for a server that is a process of its own."""
    return {f"NOTIFIER_{name.upper()}": value for name, value in users_of(users).items()}
