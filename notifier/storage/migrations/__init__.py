"""The numbered migrations of each driver: ``<driver>/<version>_<name>.sql``, beside this file.

A migration that has been released is never edited; a change is a new one. Its first line
says from which schema on a program runs with it: that of the previous release, so that
processes can be replaced one by one. The store keeps it, for programs that came before::

    -- runs_from: 1

So a migration adds, and what it makes superfluous is removed a release later.
"""

import re
from importlib import resources
from typing import Final

import msgspec

from notifier.errors import SchemaTooNew

APPLIED: Final = (
    "SELECT coalesce(max(version), 0), coalesce(max(coalesce(runs_from, version)), 0) "
    "FROM schema_migrations"
)
"""The schema's version, and the oldest one whose programs run with it; 0 if there is none."""

_RUNS_FROM: Final = re.compile(r"-- runs_from: (\d+)\n")
_BETWEEN: Final = re.compile(r"(?<=;)\n(?![ \t])")


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def runs_from(self) -> int:
        """The oldest version whose programs run with this step; its own if it does not say."""
        found = _RUNS_FROM.match(self.sql)
        return int(found[1]) if found else self.version

    @property
    def statements(self) -> list[str]:
        """Its statements: each ends with a semicolon before a line that is not indented."""
        return [text for text in _BETWEEN.split(self.sql) if text.strip()]


def load(driver: str) -> list[Migration]:
    """All migrations of ``driver``, in order."""
    found = []
    for file in resources.files(__name__).joinpath(driver).iterdir():
        stem, _, suffix = file.name.rpartition(".")
        if suffix == "sql":
            version, _, name = stem.partition("_")
            found.append(Migration(int(version), name, file.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.version)


def missing(driver: str, applied: int, runs_from: int) -> list[Migration]:
    """What a store lacks that is at version ``applied``, with programs of ``runs_from`` and newer.

    Raises SchemaTooNew if we are older than those.
    """
    known = load(driver)
    newest = known[-1].version
    if runs_from > newest:
        raise SchemaTooNew(
            f"The store's schema is at version {applied}, for programs that know version "
            f"{runs_from}, and this one knows versions up to {newest}: run the newer program "
            "that made it."
        )
    return [migration for migration in known if migration.version > applied]
