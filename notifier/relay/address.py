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

from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from notifier.errors import InvalidSettings
from notifier.relay.cluster import Cluster, Slots
from notifier.relay.link import Bus, Connect, Connection, Hear, Link

MakeBus = Callable[[Hear], Bus]

_SENTINEL_PORT: Final = 26379
_SERVER_PORT: Final = 6379

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
    connect = _from_pool(ConnectionPool(**options))
    return lambda hear: Link(connect, hear)


def _from_pool(pool: ConnectionPool) -> Connect:
    async def connect() -> Connection:
        # The pool only knows how to make them: ours is never shared or returned.
        return await _opened(pool.make_connection())  # type: ignore[no-untyped-call]

    return connect


def _sentinel(url: str, plain: str) -> MakeBus:
    hosts, options, path = _parts(url, plain, _SENTINEL_PORT)
    service, _, database = path.partition("/")
    if not service:
        raise ValueError("no service")
    options["db"] = int(database or 0)
    own = {
        name: options.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in options
    }
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        hosts,
        sentinel_kwargs={**own, **tls, "socket_timeout": 1.0, "socket_connect_timeout": 1.0},
        **options,
    )
    pool = SentinelConnectionPool(service, sentinel, **options)  # type: ignore[no-untyped-call]
    connect = _from_pool(pool)
    return lambda hear: Link(connect, hear)


def _cluster(url: str, plain: str) -> MakeBus:
    hosts, options, path = _parts(url, plain, _SERVER_PORT)
    if path:
        raise ValueError("a cluster has no databases")
    known = dict.fromkeys(hosts)

    async def discover() -> Slots:
        # Those met before too: the first ones may have left the cluster long ago.
        nodes = [ClusterNode(host, port) for host, port in known]
        cluster = RedisCluster(startup_nodes=nodes, **options)
        manager = cluster.nodes_manager
        try:
            await manager.initialize()
            owners = {slot: nodes[0] for slot, nodes in manager.slots_cache.items()}
        finally:
            await manager.aclose()
            await manager.aclose("startup_nodes")
        servers = set(owners.values())
        known.update(dict.fromkeys((node.host, int(node.port)) for node in servers))
        return Slots(
            {slot: node.name for slot, node in owners.items()},
            {node.name: _from_node(node) for node in servers},
        )

    return lambda hear: Cluster(discover, hear)


def _from_node(node: ClusterNode) -> Connect:
    async def connect() -> Connection:
        return await _opened(node.connection_class(**node.connection_kwargs))

    return connect


async def _opened(connection: Any) -> Connection:
    await connection.connect()
    # Theirs logs each message that comes in, in full, also where nobody reads the log.
    connection._parser.set_pubsub_push_handler(_pass)  # noqa: SLF001 - there is no other way
    return cast("Connection", connection)


async def _pass(push: Any) -> Any:
    return push


def _parts(url: str, plain: str, port: int) -> tuple[list[tuple[str, int]], dict[str, Any], str]:
    """The hosts, redis-py's options, and the path of an address with several hosts."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    found = [_host(each, port) for each in hosts.split(",")]
    options: dict[str, Any] = dict(parse_url(f"{plain}://{user}{at}host?{parts.query}"))
    for name in ("host", "connection_class"):
        options.pop(name, None)
    if plain == "rediss":
        options["ssl"] = True
    return found, {**options, **_OURS}, parts.path.strip("/")


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or port
