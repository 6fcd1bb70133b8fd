"""From a Redis address to the bus behind it.

::

    redis://[[user]:password@]host[:port][/db]                          one server
    unix://path                                                         the same, close by
    redis+sentinel://[[user]:password@]host[:port],…/service[/db]       whom Sentinels name
    redis+cluster://[[user]:password@]host[:port],…                     sharded pub/sub

``rediss`` instead of ``redis`` means TLS. Options behind ``?`` are those of redis-py, such
as ``ssl_ca_certs``; ``sentinel_username`` and ``sentinel_password`` are for the Sentinels
themselves. Host names of Sentinels and of a cluster's servers are only where to begin.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.asyncio.sentinel import Sentinel

from notifier.delivery.relay.cluster import Address, Cluster
from notifier.delivery.relay.connection import Connect, Connection, connect_with
from notifier.delivery.relay.link import Bus, Hear, Link
from notifier.errors import InvalidSettings

MakeBus = Callable[[Hear], Bus]

_SENTINEL_PORT: Final = 26379
_SENTINEL_PATIENCE: Final = 1.0
_SERVER_PORT: Final = 6379
_IDENTITY: Final = ("username", "password")

_OURS: Final[Mapping[str, Any]] = {
    "protocol": 3,
    "decode_responses": False,
    "client_name": "notifier",
    "socket_connect_timeout": 3.0,
    # A link finds out for itself whether anybody is still there.
    "socket_timeout": None,
    "socket_keepalive": True,
}

_WANTED: Final = (
    "expected redis://host:port/db, rediss://…, unix://path, "
    "redis+sentinel://host:port,host:port/service or redis+cluster://host:port,host:port"
)


def bus_for(url: str) -> MakeBus:
    """What makes the bus at ``url``. Raises InvalidSettings, without quoting the address."""
    scheme = url.partition("://")[0]
    plain, _, kind = scheme.partition("+")
    try:
        if kind == "sentinel" and plain in ("redis", "rediss"):
            return _sentinel(url, plain)
        if kind == "cluster" and plain in ("redis", "rediss"):
            return _cluster(url, plain)
        return _single(url)
    except (ValueError, TypeError):
        # From None: the cause may quote the address, and with it a password.
        raise InvalidSettings(f"REDIS_URL: got an address that does not fit, {_WANTED}.") from None


def _single(url: str) -> MakeBus:
    options = {**parse_url(url), **_OURS}
    if url.startswith("unix://"):
        del options["socket_keepalive"]
    connect = connect_with(ConnectionPool(**options))
    return lambda hear: Link(connect, hear)


def _sentinel(url: str, plain: str) -> MakeBus:
    hosts, options, path = _parts(url, plain, _SENTINEL_PORT)
    service, _, database = path.partition("/")
    if not service:
        raise ValueError("no service")
    options["db"] = int(database or 0)
    own = {
        name: options.pop(f"sentinel_{name}") for name in _IDENTITY if f"sentinel_{name}" in options
    }
    # To the Sentinels themselves: the same TLS, names and passwords of their own.
    plainly = {name: value for name, value in options.items() if name not in ("db", *_IDENTITY)}
    guards = {**plainly, **own, "socket_timeout": _SENTINEL_PATIENCE}
    server = _servers(options)

    async def connect() -> Connection:
        sentinel = Sentinel(hosts, sentinel_kwargs=guards)  # type: ignore[no-untyped-call]
        try:
            address = await sentinel.discover_master(service)
        finally:
            await asyncio.gather(*[client.aclose() for client in sentinel.sentinels])
        return await server(address)()

    return lambda hear: Link(connect, hear)


def _cluster(url: str, plain: str) -> MakeBus:
    hosts, options, path = _parts(url, plain, _SERVER_PORT)
    if path:
        raise ValueError("a cluster has no databases")
    return lambda hear: Cluster(hosts, _servers(options), hear)


def _servers(options: dict[str, Any]) -> Callable[[Address], Connect]:
    """How to connect to any server of a group."""
    options = dict(options)
    if options.pop("ssl", False):
        options["connection_class"] = SSLConnection

    def server(address: Address) -> Connect:
        host, port = address
        return connect_with(ConnectionPool(host=host, port=port, **options))

    server(("localhost", _SERVER_PORT))
    return server


def _parts(url: str, plain: str, port: int) -> tuple[list[Address], dict[str, Any], str]:
    """The hosts, redis-py's options, and the path of an address with several hosts."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    found = [_host(each, port) for each in hosts.split(",")]
    options: dict[str, Any] = dict(parse_url(f"{plain}://{user}{at}host?{parts.query}"))
    del options["host"]
    if options.pop("connection_class", None):
        options["ssl"] = True
    return found, {**options, **_OURS}, parts.path.strip("/")


def _host(text: str, port: int) -> Address:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or port
