"""rediss://: the same over TLS, with the server's certificate checked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.relay.networks import Network, notification
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.servers import MissingServer

pytestmark = pytest.mark.asyncio


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise MissingServer("openssl")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        (
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ),
        check=True,
        capture_output=True,
    )
    return certificate, key


async def test_tls(tmp_path: Path) -> None:
    """Nudges travel over TLS; a certificate that nobody vouches for is refused."""
    certificate, key = _certificate(tmp_path)
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
