"""Who really asks, when a proxy forwards the request.

Anyone can send X-Forwarded headers, so they hold only where the peer is a proxy that the
settings name. Of several addresses the last one counts that is no such proxy: what stands
before it was written by whoever asks.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

from tornado.httputil import HTTPServerRequest

from handlers.connections.stream import connection_of
from notifier.settings import Network

_REQUEST_ID: Final = "X-Request-Id"
_PEEK: Final = socket.MSG_PEEK | socket.MSG_DONTWAIT


class TrustedProxies:
    """The proxies whose word holds."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def request_id(self, request: HTTPServerRequest) -> str | None:
        """What the proxy calls this request, the same when it tries again elsewhere."""
        return request.headers.get(_REQUEST_ID) if self._networks else None

    def has_given_up(self, request: HTTPServerRequest) -> bool:
        """Whether the proxy has left a request that it names, to try it elsewhere.

        This process hung, and has it from the buffer of a connection that is closed. The key
        of the other attempt does not keep it out for ever: what is acknowledged may be removed.
        """
        if self.request_id(request) is None:
            return False
        stream = connection_of(request).stream
        try:
            # Tornado does not look beyond the request, so it may not know yet.
            return stream.closed() or stream.socket.recv(1, _PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def correct(self, request: HTTPServerRequest) -> None:
        """Give ``request`` the address and protocol of the client that the proxy speaks for."""
        if not self._networks:
            return
        if not self.trusts(request.remote_ip):
            request.headers.pop(_REQUEST_ID, None)
            return
        path = request.headers.get("X-Forwarded-For", "").split(",")
        for address in map(str.strip, reversed(path)):
            if not _is_address(address):
                break
            request.remote_ip = address
            if not self.trusts(address):
                break
        protocol = request.headers.get("X-Forwarded-Proto", "")
        if protocol in ("http", "https"):
            request.protocol = protocol

    def trusts(self, address: str | None) -> bool:
        """Whether ``address`` is that of such a proxy."""
        if not _is_address(address):
            return False
        parsed = ipaddress.ip_address(str(address))
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _is_address(text: str | None) -> bool:
    try:
        ipaddress.ip_address(text or "")
    except ValueError:
        return False
    return True
