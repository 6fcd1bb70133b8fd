"""Ports that nobody uses."""

import socket


def free_port() -> int:
    """A port on the loopback interface that is free at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
