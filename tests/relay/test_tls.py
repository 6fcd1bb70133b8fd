"""rediss://: the same over TLS, with the server's certificate checked."""

from pathlib import Path

import pytest

from servers.certificate import make_certificate
from servers.ports import free_port
from servers.redis import RedisServer
from tests.relay.networks import Network, notification

pytestmark = pytest.mark.asyncio


async def test_tls(tmp_path: Path) -> None:
    """Nudges travel over TLS; a certificate that nobody vouches for is refused."""
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    tls = {"cert-file": certificate, "key-file": key, "auth-clients": "no", "port": port}
    server = RedisServer(**{f"tls-{name}": str(value) for name, value in tls.items()})
    server.start()
    try:
        network = Network(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}")
        async with network.process() as sender, network.process(1) as receiver:
            sender.publish(notification(1, 1))
            await receiver.is_told(notification(1, 1))
        async with Network(f"rediss://127.0.0.1:{port}").process() as suspicious:
            assert suspicious.relay.state == "away"
    finally:
        server.remove()
