"""Lists in the order of names, whatever their case, page by page along an index."""

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from notifier.storage.contract import ReadSession, Row

T = TypeVar("T")

_LAST: Final = chr(0x10FFFF)
"""The last of all characters."""


class Place(NamedTuple):
    """Where a page ends."""

    lower_name: str
    id: int


class NamePage(NamedTuple, Generic[T]):
    """Some who have a name, in the order of their names."""

    found: Sequence[T]
    next: Place | None
    """Where the next page goes on; None behind the last one."""


def page(
    session: ReadSession,
    beginning: str,
    after: Place | None,
    limit: int,
    *,
    table: str,
    name: str,
    columns: str,
) -> NamePage[Row]:
    """``columns`` of up to ``limit`` rows of ``table`` behind a place.

    Of those whose ``name`` begins with ``beginning``, in any case.
    """
    # By the database, because it is the one that has lowered the names.
    ((beginning,),) = session.run("SELECT lower(?)", (beginning,))
    lower_name, last_id = after or Place(beginning, 0)
    lowered = f"lower({name}) {session.by_bytes}"
    condition = f"{lowered} >= ? AND ({lowered} > ? OR id > ?)"
    values: list[str | int] = [max(lower_name, beginning), lower_name, last_id]
    if (end := _behind(beginning)) is not None:
        condition += f" AND {lowered} < ?"
        values.append(end)
    rows = session.run(
        f"SELECT lower({name}), id, {columns} FROM {table} WHERE {condition} "
        f"ORDER BY {lowered}, id LIMIT ?",
        (*values, limit + 1),
    )
    shown = rows[:limit]
    place = Place(*shown[-1][:2]) if len(rows) > limit else None
    return NamePage([row[2:] for row in shown], place)


def _behind(beginning: str) -> str | None:
    """What comes behind all texts that begin like this, in the order of their bytes, if any."""
    known = beginning.rstrip(_LAST)
    if not known:
        return None
    following = ord(known[-1]) + 1
    return known[:-1] + chr(0xE000 if following == 0xD800 else following)
