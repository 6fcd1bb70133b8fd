"""``python -m notifier``: see :mod:`notifier.cli`."""

import sys

from notifier.cli import main

if __name__ == "__main__":
    sys.exit(main())
