"""How many files and connections the operating system lets this process have open."""

import logging
import resource
import sys
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

_RESERVED: Final = 64
"""Descriptors for all but clients: the store, Redis, RabbitMQ, logs and files that are served."""


def raise_limit() -> None:
    """Take as many as the system allows without asking: the soft limit is often only 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems call it unlimited, and refuse that
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections(wanted: int) -> int:
    """How many connections of clients there may be: ``wanted``, or fewer; 0 wants all."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = sys.maxsize
    room = max(limit - _RESERVED, limit // 2)
    if wanted > room:
        logger.warning(
            "The limit of descriptors does not allow so many connections",
            extra={"action": "descriptors", "wanted": wanted, "allowed": room, "limit": limit},
        )
    return min(wanted or room, room)
