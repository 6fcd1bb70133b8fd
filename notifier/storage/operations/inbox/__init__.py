"""What people see of their notifications, and what they do with them.

- :mod:`~.changes`: mark by key, mark all up to a place, undo;
- :mod:`~.ranges`: changes of all up to a place: in force at once, carried out bit by bit;
- :mod:`~.withdrawing`: taking notifications back;
- :mod:`~.reading`: pages, counts, and what has changed.

Each change has a version: the inbox's, which is locked, counts up by one in the same commit.
A row keeps the version of its last change.
"""
