"""Move an installation from one database to another, whichever they are.

Nobody else can write to either while it is copied. The target must be empty; it is
filled in one transaction, read back, and committed only if every table has the same
number of rows and the same checksum as its source. Ids go on where the source's are.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from notifier.errors import CopyRefused, InvalidSettings
from notifier.storage import migrations
from notifier.storage.contract import Driver, Row, WriteSession
from notifier.storage.postgres import PostgresDriver
from notifier.storage.sqlite import FILE_NAME, SqliteDriver
from notifier.storage.tables import TABLES, Table

_ROWS: Final = 100
"""Rows in memory at a time: payloads may have a megabyte each."""

_PATIENCE: Final = 24 * 60 * 60.0
"""Seconds that the one transaction may take."""


class Contents(msgspec.Struct, frozen=True):
    """What a table holds: how many rows, and a checksum over all of them in order."""

    rows: int
    checksum: str


class CopyReport(msgspec.Struct, frozen=True):
    """What was copied, by table. Source and target agree on it."""

    tables: dict[str, Contents]


def driver_at(address: str, *, existing: bool = False) -> Driver:
    """The driver for ``sqlite:///folder`` (``sqlite:////`` if absolute) or ``postgresql://…``.

    ``existing`` refuses a folder without a store, which would be made otherwise. Raises
    InvalidSettings or CopyRefused.
    """
    scheme, _, rest = address.partition("://")
    if scheme in ("postgresql", "postgres"):
        return PostgresDriver(address, timeout=_PATIENCE)
    if scheme == "sqlite" and rest.startswith("/") and rest != "/":
        path = Path(rest.removeprefix("/"))
        folder = path.parent if path.name == FILE_NAME else path
        driver = SqliteDriver(folder, exclusive=True)
        if existing and not driver.path.exists():
            raise CopyRefused(f"There is no store at {driver.path}.")
        return driver
    # The address may hold a password, so it is not quoted.
    raise InvalidSettings("Expected an address such as sqlite:///data or postgresql://….")


def copy(source: Driver, target: Driver) -> CopyReport:
    """Copy everything from ``source`` to ``target``. Blocks for as long as it takes.

    Raises CopyRefused, Unavailable or CannotStart; nothing has been changed then.
    """
    source.prepare()
    target.prepare()
    with (
        closing(source.writer()) as reading,
        closing(target.writer()) as writing,
        reading.transaction(),
        writing.transaction(),
    ):
        reading.freeze(TABLES)
        writing.freeze(TABLES)
        _check(reading, writing)
        report = CopyReport({table.name: _copy(table, reading, writing) for table in TABLES})
        _verify(report, writing)
        for table in TABLES:
            if table.has_ids:
                writing.continue_ids(table, reading.last_id(table))
    return report


def _check(reading: WriteSession, writing: WriteSession) -> None:
    known = migrations.load("sqlite")[-1].version
    for session in (reading, writing):
        ((applied, _),) = session.run(migrations.APPLIED)
        if applied > known:
            raise CopyRefused(
                f"A schema is at version {applied}, and this program would copy what version "
                f"{known} has: copy with the newer program."
            )
    if not reading.first("SELECT 1 FROM users LIMIT 1"):
        raise CopyRefused("There is nothing to copy: the source has no users.")
    for table in TABLES:
        if writing.first(f"SELECT 1 FROM {table.name} LIMIT 1"):
            raise CopyRefused(f"The target is not empty: it has rows in {table.name}.")


def _copy(table: Table, reading: WriteSession, writing: WriteSession) -> Contents:
    tally = _Tally()
    for rows in _batches(table, reading):
        tally.add(rows)
        writing.insert_rows(table, list(table.columns), rows)
    return tally.contents


def _verify(report: CopyReport, writing: WriteSession) -> None:
    for table in TABLES:
        tally = _Tally()
        for rows in _batches(table, writing):
            tally.add(rows)
        expected = report.tables[table.name]
        if tally.contents != expected:
            raise CopyRefused(
                f"The target did not keep {table.name} as it was: {tally.contents.rows} rows "
                f"of {expected.rows}, checksum {tally.contents.checksum} for {expected.checksum}."
            )


def _batches(table: Table, session: WriteSession) -> Iterator[list[Row]]:
    """All rows of ``table``, in the order of its key, a few at a time."""
    key = ", ".join(table.key)
    marks = ", ".join("?" * len(table.key))
    statement = (
        f"SELECT {', '.join(table.columns)} FROM {table.name} "
        f"WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT {_ROWS}"
    )
    # Keys are the first columns of their tables. The logs of recipients have numbers below zero.
    last: Row = (-(2**63),) * len(table.key)
    while rows := [table.row(tuple(row)) for row in session.run(statement, last)]:
        yield rows
        last = rows[-1][: len(table.key)]


class _Tally:
    """Counts rows and sums them up."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, rows: list[Row]) -> None:
        """Add the next rows."""
        self._rows += len(rows)
        for row in rows:
            self._hash.update(msgspec.msgpack.encode(row))

    @property
    def contents(self) -> Contents:
        """The rows so far."""
        return Contents(self._rows, self._hash.hexdigest())
