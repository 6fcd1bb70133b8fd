"""Networks to test relays on."""

from collections.abc import Iterator

import pytest

from servers import redis as redis_support
from tests.relay.networks import Network


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """The address of a Redis cluster of three servers."""
    with redis_support.redis_cluster() as servers:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        yield f"redis+cluster://{hosts}"


@pytest.fixture(params=["local", "redis", "redis cluster"])
def network(request: pytest.FixtureRequest) -> Network:
    """Each kind of network that processes may have between them."""
    if request.param == "local":
        return Network()
    if request.param == "redis":
        return Network(redis_support.shared().url)
    return Network(request.getfixturevalue("cluster_url"))


@pytest.fixture(params=["redis", "redis cluster"])
def wide_network(request: pytest.FixtureRequest) -> Network:
    """Each kind of network that connects several processes."""
    if request.param == "redis":
        return Network(redis_support.shared().url)
    return Network(request.getfixturevalue("cluster_url"))


@pytest.fixture
def redis() -> Iterator[redis_support.RedisServer]:
    """A Redis of this test alone, to be tormented."""
    server = redis_support.RedisServer()
    server.start()
    yield server
    server.remove()
