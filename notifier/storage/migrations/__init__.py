"""The numbered migrations of each driver: ``<driver>/<version>_<name>.sql``, beside this file.

A migration that has been released is never edited; a change is a new one.
"""

from importlib import resources

import msgspec

from notifier.errors import SchemaTooNew


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str


def load(driver: str) -> list[Migration]:
    """All migrations of ``driver``, in order."""
    found = []
    for file in resources.files(__name__).joinpath(driver).iterdir():
        stem, _, suffix = file.name.rpartition(".")
        if suffix == "sql":
            version, _, name = stem.partition("_")
            found.append(Migration(int(version), name, file.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.version)


def missing(driver: str, applied: int) -> list[Migration]:
    """What a store at version ``applied`` lacks. Raises SchemaTooNew if it is ahead of us."""
    known = load(driver)
    newest = known[-1].version
    if applied > newest:
        raise SchemaTooNew(
            f"The store's schema is at version {applied}, and this program knows versions up to "
            f"{newest}: run the newer program that made it."
        )
    return [migration for migration in known if migration.version > applied]
