"""Ports that nobody uses and nobody else is given.

Several processes look for ports at the same time: the workers of a test run, other runs. So a
port is taken from below those that systems give to outgoing connections and to port 0, and its
number stays reserved while this process lives, by a UDP socket; the servers here speak TCP.
"""

import atexit
import random
import socket

_PORTS = range(10_000, 32_768)


def free_port(*, companion: int = 0) -> int:
    """A port on the loopback interface, free and reserved until this process ends.

    With ``companion``, the port that is higher by so much is free and reserved as well.
    """
    while True:
        port = random.choice(_PORTS[: len(_PORTS) - companion])
        if all(_reserve(each) for each in {port, port + companion}):
            return port


def _reserve(port: int) -> bool:
    reservation = socket.socket(type=socket.SOCK_DGRAM)
    try:
        reservation.bind(("127.0.0.1", port))
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))
    except OSError:
        reservation.close()
        return False
    atexit.register(reservation.close)
    return True
