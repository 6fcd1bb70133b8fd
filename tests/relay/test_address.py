"""Redis addresses: which are understood, and what is said about the others."""

import pytest

from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.cluster import Cluster
from notifier.delivery.relay.link import Link
from notifier.errors import InvalidSettings


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost", Link),
        ("redis://user:p%40ss@localhost:6380/3?health_check_interval=5", Link),
        ("rediss://localhost?ssl_cert_reqs=none", Link),
        ("unix:///run/redis.sock?db=1", Link),
        ("redis+sentinel://one,two:26380/main", Link),
        ("rediss+sentinel://:secret@one/main/2?sentinel_password=other", Link),
        ("redis+cluster://one:7000,two:7000,[::1]:7000", Cluster),
        ("rediss+cluster://user:secret@one", Cluster),
    ],
)
def test_understood(url: str, kind: type) -> None:
    """One server, Sentinel and a cluster, each with and without TLS."""
    assert isinstance(bus_for(url)(lambda message: None), kind)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://:hidden@localhost",
        "redis://:hidden@localhost:port",
        "redis://:hidden@localhost?socket_keepalive_nonsense=1",
        "redis+sentinel://:hidden@localhost",
        "redis+sentinel://:hidden@/main",
        "redis+cluster://:hidden@localhost/1",
        "redis+magic://:hidden@localhost",
    ],
)
def test_not_understood(url: str) -> None:
    """An address that does not fit is refused with what would fit, and never quoted."""
    with pytest.raises(InvalidSettings, match="expected redis://") as refused:
        bus_for(url)(lambda message: None)
    assert "hidden" not in str(refused.value)
