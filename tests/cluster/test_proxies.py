"""Which forwarding headers hold."""

import ipaddress
import socket
import struct
from contextlib import closing

import pytest
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.iostream import IOStream

from handlers.proxies import TrustedProxies


class _Context:
    """Where a request comes from, as Tornado tells."""

    def __init__(self, remote_ip: str) -> None:
        self.remote_ip = remote_ip
        self.protocol = "http"


class _Connection:
    def __init__(self, remote_ip: str) -> None:
        self.context = _Context(remote_ip)


def _request(
    peer: str, connection: HTTP1Connection | None = None, **headers: str
) -> HTTPServerRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPServerRequest(
        start_line=RequestStartLine("GET", "/", "HTTP/1.1"),
        headers=HTTPHeaders(named | {"Host": "localhost"}),
        connection=connection or _Connection(peer),  # type: ignore[arg-type]
    )


PROXIES = TrustedProxies(
    [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "127.0.0.1")]
)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.1.1", "203.0.113.7", "203.0.113.7"),
        ("10.1.1.1", "8.8.8.8, 203.0.113.7", "203.0.113.7"),
        ("10.1.1.1", "8.8.8.8, 203.0.113.7, 10.2.2.2", "203.0.113.7"),
        ("10.1.1.1", "8.8.8.8, nonsense, 10.2.2.2", "10.2.2.2"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "10.3.3.3", "10.3.3.3"),
        ("::ffff:10.1.1.1", "2001:db8::1", "2001:db8::1"),
        ("fd00::1", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "8.8.8.8", "203.0.113.9"),
        ("127.0.0.2", "8.8.8.8", "127.0.0.2"),
    ],
)
def test_addresses(peer: str, forwarded: str, client: str) -> None:
    """The last address counts that is no trusted proxy; a stranger's word does not."""
    request = _request(peer, X_Forwarded_For=forwarded)
    PROXIES.correct(request)
    assert request.remote_ip == client


@pytest.mark.parametrize(
    ("peer", "said", "protocol"),
    [
        ("10.1.1.1", "https", "https"),
        ("10.1.1.1", "gopher", "http"),
        ("203.0.113.9", "https", "http"),
    ],
)
def test_protocol(peer: str, said: str, protocol: str) -> None:
    """A trusted proxy says whether the client came over TLS."""
    request = _request(peer, X_Forwarded_Proto=said)
    PROXIES.correct(request)
    assert request.protocol == protocol


def test_request_ids() -> None:
    """Only a trusted proxy names requests; without any proxy nobody does."""
    for peer, name in (("10.1.1.1", "abc"), ("203.0.113.9", None)):
        request = _request(peer, X_Request_Id="abc")
        PROXIES.correct(request)
        assert PROXIES.request_id(request) == name
    nobody = TrustedProxies([])
    request = _request("127.0.0.1", X_Request_Id="abc", X_Forwarded_For="8.8.8.8")
    nobody.correct(request)
    assert nobody.request_id(request) is None
    assert request.remote_ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("what", "given_up"),
    [("waits", False), ("asks more", False), ("leaves", True), ("resets", True)],
)
@pytest.mark.asyncio
async def test_given_up(what: str, given_up: bool) -> None:
    """A proxy that has closed its connection does not wait for the answer to what it named."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = socket.create_connection(server.getsockname())
        stream = IOStream(server.accept()[0])
    with closing(stream), proxy:
        match what:
            case "asks more":
                proxy.sendall(b"GET")
            case "leaves":
                proxy.close()
            case "resets":
                proxy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                proxy.close()
        connection = HTTP1Connection(stream, is_client=False)
        named = _request("10.1.1.1", connection, X_Request_Id="abc")
        assert PROXIES.has_given_up(named) == given_up
        assert not PROXIES.has_given_up(_request("10.1.1.1", connection))
        stream.close()
        assert PROXIES.has_given_up(named)
