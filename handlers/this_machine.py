"""Whether a request was sent by a program on this very machine, and directly.

Such requests may send as long as nobody has made an API key. That the peer is on a loopback
address says nothing, because behind a proxy everybody is. So a request has to look as only a
direct one does, and then, once for each connection, the kernel is asked who is at its other end.
"""

from functools import lru_cache
from typing import Final

from tornado.httputil import HTTPServerRequest

from handlers.connections.stream import stream_of
from notifier.addresses import is_loopback
from notifier.identity.neighbour import Connection, Neighbours

_ADDED_BY_PROXIES: Final = (
    *("Forwarded", "Via", "X-Forwarded", "X-Real-", "X-Client-Ip", "X-Cluster-", "X-Original-"),
    *("X-Envoy-", "X-Amzn-", "X-Azure-", "True-Client-", "Cf-", "Cdn-", "Fastly-", "Fly-"),
)
"""How the names of headers begin that proxies add."""


_LONGEST_HOST: Final = 64
"""Characters. No name of this machine is longer, and strangers' names are remembered a while."""


class ThisMachine:
    """Knows which connections are from here."""

    def __init__(self, *, may_send: bool) -> None:
        self._may_send = may_send
        self._neighbours = Neighbours()

    def sent(self, request: HTTPServerRequest) -> bool | None:
        """Whether it sent ``request``; None as long as :meth:`ask` has to find that out."""
        if not self._may_send:
            return False
        port = stream_of(request).neighbour_at
        return None if port is None else port != 0 and _looks_direct(request, port)

    async def ask(self, request: HTTPServerRequest) -> bool:
        """The same, where the kernel is asked. What it says is remembered for the connection."""
        stream = stream_of(request)
        try:
            connection = Connection.of(stream.socket)
        except (OSError, AttributeError):
            return False  # the peer has left
        port = connection.ours[1]
        if not (is_loopback(connection.theirs[0]) and _looks_direct(request, port)):
            return False
        is_neighbour = await self._neighbours.has(connection)
        stream.neighbour_at = port if is_neighbour else 0
        return is_neighbour


def _looks_direct(request: HTTPServerRequest, port: int) -> bool:
    """Whether nothing of ``request``, which came to ``port``, speaks of a proxy.

    Its Host has to be this machine with our own port, as in the address that people type. A page
    whose name was rebound to 127.0.0.1 sends its own name, and an older protocol may send none.
    """
    headers = request.headers
    host = headers.get("Host", "")
    if request.version != "HTTP/1.1" or len(host) > _LONGEST_HOST or not _is_here(host, port):
        return False
    for name in headers:  # noqa: SIM110 - all() takes longer, for each send
        if name.startswith(_ADDED_BY_PROXIES):
            return False
    return True


@lru_cache(maxsize=1024)
def _is_here(host: str, port: int) -> bool:
    name, colon, digits = host.rpartition(":")
    if not colon or digits.endswith("]"):
        name, digits = host, "80"  # RFC 9110 §4.2.1
    if digits != str(port):
        return False
    if name.startswith("[") and name.endswith("]"):
        return is_loopback(name[1:-1])
    return name.lower() == "localhost" or (":" not in name and is_loopback(name))
