"""``python -m notifier`` and the command ``notifier``: see :mod:`notifier.process.cli`."""

import sys

from notifier.process.signals import end_at_once


def main() -> int:
    """Run the command line; returns the exit code."""
    end_at_once()
    # Only now, because importing everything is most of the time that a command takes.
    from notifier.process import cli  # noqa: PLC0415

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
