"""``python -m notifier.process.healthcheck URL``: exit code 0 if it answers 200.

For containers, whose slim images have no other HTTP client.
"""

import sys
import urllib.error
import urllib.request
from typing import Final

_SECONDS: Final = 2.0


def main(url: str) -> int:
    """The exit code."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - our own
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
