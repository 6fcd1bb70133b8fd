"""How a database would answer a query."""

import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from notifier.storage.contract import Query, ReadSession, Row
from tests.storage.databases import Database

MANY = "WITH RECURSIVE many (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM many WHERE i < 10000) "
"""Begins a statement that makes ten thousand rows, on every database."""


class _Explained:
    """A session that also asks how it would be done."""

    def __init__(self, session: ReadSession, explain: str) -> None:
        self._session = session
        self._explain = explain
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        rows = self._session.run(f"{self._explain} {statement}", parameters)
        self.plans.append("\n".join(str(row[-1]) for row in rows))
        return self._session.run(statement, parameters)


def plan(database: Database, query: Query[Any]) -> str:
    """How the last statement of ``query`` is done."""
    return plans(database, query)[-1]


def plans(database: Database, query: Query[Any]) -> list[str]:
    """How each statement of ``query`` is done that gives more than one row."""
    driver = database.driver()
    explain = "EXPLAIN QUERY PLAN" if driver.name == "sqlite" else "EXPLAIN"
    if driver.name != "sqlite":
        database.execute("ANALYZE")  # which PostgreSQL does by itself, and SQLite never
    with closing(driver.reader()) as session:
        explained = _Explained(session, explain)
        query.ask(explained)  # type: ignore[arg-type]
    return explained.plans


def goes_by(plan: str, index: str) -> bool:
    """Whether it reads only what an index finds whose name is like ``index``."""
    sqlite = re.search(rf"INDEX {index} \(", plan)
    postgres = re.search(rf"(using|Index Scan on) {index}\b", plan) and "Index Cond" in plan
    return bool(sqlite or postgres)


def is_walk(plan: str, index: str) -> bool:
    """Whether it goes along ``index`` as far as it has to, and sorts nothing."""
    return goes_by(plan, index) and "TEMP B-TREE" not in plan and "Sort" not in plan
