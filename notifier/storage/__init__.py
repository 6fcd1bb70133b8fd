"""Where notifications, users and keys are kept, and how they get there without loss.

- :mod:`~notifier.storage.contract`: what a database driver must do, and the operations;
- :mod:`~notifier.storage.writer`: the group-commit writer thread;
- :mod:`~notifier.storage.store`: the asynchronous face that the service uses;
- :mod:`~notifier.storage.sql`: what the SQL drivers share, :mod:`~notifier.storage.tables`
  what they store;
- :mod:`~notifier.storage.sqlite`: the embedded driver, :mod:`~notifier.storage.postgres`
  that for several processes, :mod:`~notifier.storage.migrations` their schemas;
- :mod:`~notifier.storage.copy`: from one database to another.
"""
