"""Reads the settings: flags, the environment and ``.env``, in this order; once, at start.

The environment variable of a field is ``NOTIFIER_<FIELD>`` unless :data:`PLAIN_NAMES` lists it,
its flag ``--<field>``. A secret has no flag, because process arguments are public:
``--<field>-file`` names a file instead.
"""

import difflib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from dotenv import dotenv_values
from msgspec import Meta
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, Metadata, Type, type_info

from notifier.errors import InvalidSettings
from notifier.settings import Settings

PLAIN_NAMES: Final[Mapping[str, str]] = {
    field: field.upper()
    for field in (
        "secret_key",
        "database_url",
        "postgres_host",
        "postgres_port",
        "postgres_db",
        "postgres_user",
        "postgres_password",
        "redis_url",
        "amqp_url",
        "rabbit_host",
        "rabbit_port",
        "rabbit_user",
        "rabbit_password",
        "rabbit_vhost",
    )
}
"""Settings whose environment variable has no prefix, by field."""

PREFIX: Final = "NOTIFIER_"
CLIENT_NAMES: Final = frozenset({"NOTIFIER_URL", "NOTIFIER_API_KEY"})
"""Variables that :mod:`notifier_client` reads."""


class Setting(msgspec.Struct, frozen=True):
    """How one field of :class:`Settings` is given and explained."""

    field: str
    type: Any
    default: Any
    description: str
    secret: bool
    wants: str
    any_case: bool
    """Its value is one of a few words, which may be written in capitals too."""

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PLAIN_NAMES.get(self.field, PREFIX + self.field.upper())

    @property
    def flag(self) -> str:
        """Its command line flag."""
        return "--" + self.field.replace("_", "-") + ("-file" if self.secret else "")

    def parse(self, text: str, source: str) -> Any:
        """The value that ``text`` means. Raises InvalidSettings, naming ``source``."""
        try:
            written = text.lower() if self.any_case else text
            value = msgspec.convert(written, self.type, strict=False)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(text)
            return value  # noqa: TRY300 - what the try is for
        except ValueError:  # msgspec's ValidationError is one
            got = "a value that does not fit" if self.secret else repr(text)
            raise InvalidSettings(f"{source}: got {got}, wants {self.wants}.") from None


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    meta = next(each for each in reversed(get_args(field.type)) if isinstance(each, Meta))
    info = type_info(field.type)
    while isinstance(info, Metadata):
        info = info.type
    return Setting(
        field.name,
        field.type,
        field.default,
        meta.description or "",
        bool((meta.extra or {}).get("secret")),
        _wants(info),
        isinstance(info, LiteralType),
    )


def _wants(info: Type) -> str:
    match info:
        case BoolType():
            return "1 or 0"
        case LiteralType(values=values):
            return "one of " + ", ".join(sorted(map(str, values)))
        case IntType() | FloatType():
            kind = "a whole number" if isinstance(info, IntType) else "a number"
            if info.ge is not None and info.le is not None:
                return f"{kind} from {info.ge} to {info.le}"
            if info.ge is not None:
                return f"{kind} of at least {info.ge}"
            return f"{kind} above {info.gt}"
        case _:
            return "some text"


SETTINGS: Final = tuple(_setting(field) for field in msgspec.structs.fields(Settings))
"""All settings, in the order of :class:`Settings`."""


class Loaded(msgspec.Struct, frozen=True):
    """Valid settings, where each came from, and what looks like a mistake."""

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...]
    client: Mapping[str, str] = {}
    """What is set of :data:`CLIENT_NAMES`."""


def load(
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
) -> Loaded:
    """Read all settings. ``flags`` are by field. An empty variable counts as unset.

    Raises InvalidSettings, which says which setting, what it got and what it wants.
    """
    flags = flags or {}
    environ = os.environ if environ is None else environ
    from_file = _read_dotenv(dotenv)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        found: tuple[str, str] | None = None
        if text := flags.get(setting.field):
            found = (_read_secret(text, setting.flag) if setting.secret else text, setting.flag)
        elif text := environ.get(setting.variable):
            found = (text, setting.variable)
        elif text := from_file.get(setting.variable):
            found = (text, f"{setting.variable} in {dotenv}")
        if found:
            values[setting.field] = setting.parse(*found)
            sources[setting.field] = found[1]
    try:
        settings = Settings(**values)
    except ValueError as error:
        field, _, problem = str(error).partition(": ")
        raise InvalidSettings(f"{sources.get(field, field)}: {problem}.") from None
    given = from_file | {name: text for name, text in environ.items() if text}
    client = {name: given[name] for name in CLIENT_NAMES if name in given}
    return Loaded(settings, sources, tuple(_unknown(given)), client)


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path}: {_why(error)}.") from None
    return {name: text for name, text in found.items() if text}


def _read_secret(path: str, flag: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{flag}: cannot read {path}: {_why(error)}.") from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else "not valid UTF-8"


def _unknown(names: Mapping[str, Any]) -> list[str]:
    known = {setting.variable for setting in SETTINGS} | CLIENT_NAMES
    # Compared without the prefix, which would make everything alike.
    short = {name.removeprefix(PREFIX): name for name in known}
    found = []
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name.removeprefix(PREFIX), short, 1)
            hint = f"; did you mean {short[near[0]]}?" if near else ""
            found.append(f"{name} is not a setting and has no effect{hint}")
    return found
