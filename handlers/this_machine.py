"""Whether a request was sent by a program on this very machine, and directly.

Such requests may send as long as nobody has made an API key. That the peer is on a loopback
address says nothing, because behind a proxy everybody is. So a request has to look as only a
direct one does, and then, once for each connection, the kernel is asked who is at its other end.
"""

import ipaddress
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from notifier.identity.neighbour import Connection, Neighbours

_ADDED_BY_PROXIES: Final = (
    *("Forwarded", "Via", "X-Forwarded", "X-Real-", "X-Client-Ip", "X-Cluster-", "X-Original-"),
    *("X-Envoy-", "X-Amzn-", "X-Azure-", "True-Client-", "Cf-", "Cdn-", "Fastly-", "Fly-"),
)
"""How the names of headers begin that proxies add."""


class ThisMachine:
    """Knows which connections are from here."""

    def __init__(self, *, may_send: bool) -> None:
        self._may_send = may_send
        self._neighbours = Neighbours()
        self._known: WeakKeyDictionary[IOStream, bool] = WeakKeyDictionary()

    def sent(self, request: HTTPServerRequest) -> bool | None:
        """Whether it sent ``request``; None as long as :meth:`ask` has to find that out."""
        if not self._may_send:
            return False
        stream = _stream(request)
        if not _looks_direct(request, stream):
            return False
        return self._known.get(stream)

    async def ask(self, request: HTTPServerRequest) -> bool:
        """The same for a request that looks direct, remembered for its connection."""
        stream = _stream(request)
        try:
            connection = Connection.of(stream.socket)
        except (OSError, AttributeError):
            return False  # the peer has left
        answer = self._known[stream] = await self._neighbours.has(connection)
        return answer


def _stream(request: HTTPServerRequest) -> IOStream:
    assert isinstance(request.connection, HTTP1Connection)
    return request.connection.stream


def _looks_direct(request: HTTPServerRequest, stream: IOStream) -> bool:
    """Whether nothing of ``request`` speaks of a proxy.

    Its Host has to be this machine with our own port, as in the address that people type. A page
    whose name was rebound to 127.0.0.1 sends its own name, and an older protocol may send none.
    """
    return (
        request.version == "HTTP/1.1"
        and _is_loopback(request.remote_ip)
        and stream.socket is not None
        and _is_here(request.headers.get("Host"), stream.socket.getsockname()[1])
        and not any(name.startswith(_ADDED_BY_PROXIES) for name in request.headers)
    )


@lru_cache(maxsize=1024)
def _is_here(host: str | None, port: int) -> bool:
    name, colon, digits = (host or "").rpartition(":")
    if not colon or digits.endswith("]"):
        name, digits = host or "", "80"  # RFC 9110 §4.2.1
    if digits != str(port):
        return False
    if name.startswith("[") and name.endswith("]"):
        return _is_loopback(name[1:-1])
    return name.lower() == "localhost" or (":" not in name and _is_loopback(name))


@lru_cache(maxsize=1024)
def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
