"""A driver whose writes can be held back, or made to fail, between the store and the database."""

import threading
from collections.abc import Sequence
from typing import Any

from notifier.errors import DiskLow
from notifier.storage.contract import Driver, Operation, Outcome, ReadSession, WriteSession


class HeldDriver:
    """``driver``, but each commit waits while it is held, and raises what it is told to."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.name = driver.name
        self.batches: list[int] = []
        """The sizes of the batches that arrived."""
        self.arrived = threading.Event()
        """A batch waits."""
        self._free = threading.Event()
        self._free.set()
        self.failures: list[BaseException] = []
        """What the next commits raise, instead of committing."""
        self.failures_after: list[BaseException] = []
        """What the next commits raise, after committing."""
        self.refused_connections: list[BaseException] = []
        """What the next attempts to connect raise."""
        self.connections = 0

    def hold(self) -> None:
        """From now on, commits wait."""
        self.arrived.clear()
        self._free.clear()

    def release(self) -> None:
        """Let them go."""
        self._free.set()

    def prepare(self) -> int:
        return self._driver.prepare()

    def writer(self) -> WriteSession:
        if self.refused_connections:
            raise self.refused_connections.pop(0)
        self.connections += 1
        return _HeldSession(self, self._driver.writer())

    def reader(self) -> ReadSession:
        return self._driver.reader()

    def close(self) -> None:
        self._driver.close()

    def pass_through(
        self, session: WriteSession, operations: Sequence[Operation[Any]]
    ) -> list[Outcome]:
        self.batches.append(len(operations))
        self.arrived.set()
        self._free.wait()
        if self.failures:
            raise self.failures.pop(0)
        outcomes = session.commit(operations)
        if self.failures_after:
            raise self.failures_after.pop(0)
        return outcomes


class _HeldSession:
    def __init__(self, driver: HeldDriver, session: WriteSession) -> None:
        self._driver = driver
        self._session = session

    def commit(self, operations: Sequence[Operation[Any]]) -> list[Outcome]:
        return self._driver.pass_through(self._session, operations)

    def check(self) -> DiskLow | None:
        return self._session.check()

    def close(self) -> None:
        self._session.close()
