"""The settings that a server was started with, for the audit log."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from notifier import __version__
from notifier.config import SETTINGS, Setting
from notifier.settings import Settings

_LONGEST: Final = 200
"""Characters of a text that are shown."""


def in_force(settings: Settings) -> Mapping[str, Any]:
    """The release, and the settings that differ from their defaults. Never a secret."""
    return {
        "version": __version__,
        "settings": {
            setting.field: _shown(setting, value)
            for setting in SETTINGS
            if (value := getattr(settings, setting.field)) != setting.default
        },
    }


def _shown(setting: Setting, value: Any) -> Any:
    if setting.secret:
        return "set"
    if not isinstance(value, str):
        return value
    value = without_secrets(value)
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def without_secrets(value: str) -> str:
    """``value``; of an address not what may hold a password: the user, the query, the fragment."""
    if "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "set"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()
