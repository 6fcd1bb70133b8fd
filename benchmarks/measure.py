"""What the benchmarks share: server processes, their CPU time, and a lean load generator."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECRET = "a secret for benchmarks that nobody relies on"


class Subject:
    """A server process that is measured."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def cpu(self) -> float:
        """CPU time of all its threads so far, user and system, in microseconds."""
        # clock_getcpuclockid(3), which Python does not have; /proc counts in steps of 10 ms.
        return time.clock_gettime_ns((~self.process.pid << 3) | 2) / 1000

    def memory(self) -> int:
        """Resident memory in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def subject(
    module: str, roots: Sequence[Path] = (ROOT,), /, **environment: str
) -> Iterator[Subject]:
    """Run ``python -m module`` in a temporary folder until it says where it listens.

    The module is looked for in ``roots``, in this order.
    """
    with tempfile.TemporaryDirectory(prefix="notifier-benchmark-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(map(str, roots)),
                "NOTIFIER_PORT": "0",
                "NOTIFIER_DATA_DIR": folder,
                "NOTIFIER_DRAIN_SECONDS": "0",
                # Who is at the other end is asked once for each connection, for milliseconds:
                # that is no part of a send.
                "NOTIFIER_OPEN_SEND": "1",
                "NOTIFIER_KEYLESS_SENDS_PER_SECOND": "0",
                # Bursts are for one user.
                "NOTIFIER_MAX_PENDING": "0",
                "SECRET_KEY": SECRET,
                **environment,
            },
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"running on http://\S+:(\d+)", line):
                    yield Subject(process, int(found[1]))
                    return
            raise RuntimeError(f"{module} did not start")
        finally:
            process.terminate()
            process.wait(20)


class Sender:
    """One keep-alive connection that posts the same kind of request again and again."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._head = (
            f"POST /api/notifications/send/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/json\r\n"
        ).encode()

    @classmethod
    async def connect(cls, port: int) -> "Sender":
        return cls(*await asyncio.open_connection("127.0.0.1", port), port)

    async def send(self, body: bytes) -> bytes:
        """POST ``body`` to the send endpoint, which has to answer 200."""
        self._writer.write(b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert found is not None
        answer = await self._reader.readexactly(int(found[1]))
        assert head.startswith(b"HTTP/1.1 200"), head + answer
        return answer

    def close(self) -> None:
        self._writer.close()
