"""A TCP proxy that loses the connection at a chosen word, before or after passing it on."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class CuttingProxy:
    """Between a client and ``port``. Cuts each connection once, when the client says ``word``."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._word: bytes | None = None
        self._deliver = False
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def cut_at(self, word: bytes, *, delivered: bool) -> None:
        """Cut when ``word`` comes by next, after the server has got it or before."""
        self._deliver = delivered
        self._word = word

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            for work, ends in ((self._forward, (client, server)), (self._back, (server, client))):
                self._threads.append(threading.Thread(target=work, args=ends))
                self._threads[-1].start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(1 << 16):
                if self._word is None or self._word not in data:
                    server.sendall(data)
                    continue
                self._word = None
                if self._deliver:
                    # The answer is lost, but the server has the order.
                    _hang_up(client)
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    return
                break
        except OSError:
            pass
        _hang_up(client)
        _hang_up(server)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(1 << 16):
                client.sendall(data)
        except OSError:
            pass
        _hang_up(client)

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for each in self._sockets:
            _hang_up(each)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
