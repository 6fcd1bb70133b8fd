"""The WebSocket's transport on a real TLS stream; test_receive.py has the plain one."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from tornado.iostream import IOStream
from tornado.tcpserver import TCPServer

from handlers.websocket.transport import SocketTransport
from servers.certificate import make_certificate
from tests.support.harness import until


class Connection:
    """A WebSocket that is open."""

    def is_closing(self) -> bool:
        return False


async def test_tls(tmp_path: Path) -> None:
    """Large frames to a slow reader arrive whole and in order over TLS as well."""
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    transports: list[SocketTransport] = []

    class Server(TCPServer):
        async def handle_stream(self, stream: IOStream, address: Any) -> None:
            connection: Any = Connection()
            transports.append(SocketTransport(connection, stream))

    server = Server(ssl_options=context)
    server.listen(0, "127.0.0.1")
    (port,) = {socket.getsockname()[1] for socket in server._sockets.values()}
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=ssl.create_default_context(cafile=str(certificate))
    )
    try:
        await until(lambda: transports)
        frames = [bytes((n,)) * 700_000 for n in range(12)]
        for frame in frames:
            transports[0]._gather(frame)
            transports[0].flush()
        assert transports[0].buffered
        assert await reader.readexactly(sum(map(len, frames))) == b"".join(frames)
        await transports[0].drained()
        transports[0]._gather(b"last")
        transports[0].flush()
        assert await reader.readexactly(4) == b"last"
    finally:
        writer.close()
        server.stop()
