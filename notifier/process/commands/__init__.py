"""What each command of the command line does; its grammar is in :mod:`notifier.process.cli`."""
