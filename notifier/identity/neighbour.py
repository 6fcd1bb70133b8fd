"""Which program is at the other end of a connection from this machine, as Linux tells.

A *neighbour* runs under this server's own account and talks to nobody but this server. curl, a
shell script and `notify` are neighbours. A proxy, a tunnel or a web application is none: each
holds another connection, or listens for one, and what it sends may be a stranger's wish.

That is seen in /proc. The table of TCP connections names the account and the inode of the other
end, and every process that has a descriptor of this inode is one of those who may have written.
All their sockets have to be known as harmless: what is not found there, such as a socket of
another network namespace, is not. Where nothing can be found out, nobody is a neighbour.
"""

import asyncio
import ipaddress
import logging
import os
import re
import socket
import struct
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

logger = logging.getLogger(__name__)

_PROC: Final = Path("/proc")
_REST: Final = 3.0
"""How long nobody is looked for after a search, in times of what it took: strangers who open
connections make this machine look, and may have a quarter of a core for that."""

_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")
_RING: Final = "anon_inode:[io_uring]"
"""May hold sockets that are no descriptors of the process. Node.js has one that holds none."""


class Connection(NamedTuple):
    """A connection as its two ends call it, each by IP address and port."""

    theirs: tuple[str, int]
    ours: tuple[str, int]

    @classmethod
    def of(cls, ours: socket.socket) -> "Connection":
        """What our end of a TCP connection belongs to. Raises OSError if it has ended."""
        return cls(ours.getpeername()[:2], ours.getsockname()[:2])


class Neighbours:
    """Tells who is a neighbour, for many connections at a time and with a rest in between."""

    def __init__(self) -> None:
        self._waiting: dict[Connection, asyncio.Future[bool]] = {}
        self._search: asyncio.Task[None] | None = None

    async def has(self, connection: Connection) -> bool:
        """Whether a neighbour is at the other end. Takes some milliseconds, in a thread."""
        answer = self._waiting.get(connection)
        if answer is None:
            answer = self._waiting[connection] = asyncio.get_running_loop().create_future()
        if self._search is None:
            self._search = asyncio.create_task(self._find())
        return await asyncio.shield(answer)

    async def _find(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            found, seconds = await asyncio.to_thread(_search, asked)
            for connection, answer in asked.items():
                answer.set_result(connection in found)
            await asyncio.sleep(_REST * seconds)
        self._search = None


def can_tell(host: str) -> bool:
    """Whether neighbours can be told from others here: asked about a connection of our own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with (
            socket.create_server((host, 0), family=family) as listener,
            socket.create_connection(listener.getsockname()[:2]),
            closing(listener.accept()[0]) as ours,
        ):
            return bool(find_neighbours([Connection.of(ours)]))
    except OSError:
        return False


def _search(connections: Collection[Connection]) -> tuple[set[Connection], float]:
    """The neighbours, and how much CPU time it took to find them, in seconds."""
    began = time.thread_time()
    try:
        found = find_neighbours(connections)
    except Exception:
        logger.exception("Looking for neighbours failed", extra={"action": "no_neighbours"})
        found = set()
    return found, time.thread_time() - began


def find_neighbours(connections: Collection[Connection]) -> set[Connection]:
    """Those of ``connections`` whose other end is a neighbour's, or this very process's."""
    if sys.platform != "linux":
        return set()
    tables = _Tables()
    ends = {
        inode: connection
        for connection in connections
        if (inode := tables.inode_of(connection)) is not None
    }
    # This process is no proxy: what it sends to itself was meant by the program around us.
    ours = ends.keys() & _sockets(os.getpid())
    others = ends.keys() - ours
    neighbours: set[int] = set()
    suspects: set[int] = set()
    for sockets in _other_processes() if others else ():
        for inode in others & sockets:
            harmless = tables.harmless(sockets - {inode}, ends[inode].ours)
            (neighbours if harmless else suspects).add(inode)
    return {ends[inode] for inode in ours | (neighbours - suspects)}


def _other_processes() -> Iterator[set[int]]:
    """The sockets of each other process of this account."""
    account = os.geteuid()
    for entry in os.scandir(_PROC):
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if entry.stat().st_uid == account:
                yield _sockets(int(entry.name))
        except OSError:
            continue  # it has ended, or does not show what it has: so nobody finds it there


def _sockets(pid: int) -> set[int]:
    """The inodes of a process's sockets, with -1 for what may be hidden. Raises OSError."""
    folder = f"{_PROC}/{pid}/fd"
    inodes = set()
    for descriptor in os.listdir(folder):  # noqa: PTH208 - thousands of them: no objects
        try:
            target = os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115 - see above
        except FileNotFoundError:
            continue  # closed meanwhile
        if match := _SOCKET.fullmatch(target):
            inodes.add(int(match[1]))
        elif target == _RING and not _is_empty(f"{_PROC}/{pid}/fdinfo/{descriptor}"):
            inodes.add(-1)
    return inodes


def _is_empty(ring: str) -> bool:
    """Whether an io_uring holds no files of its own, as far as the kernel says."""
    return "\nUserFiles:\t0\n" in Path(ring).read_text()


class _Tables:
    """The kernel's tables of sockets, each read once, when it is needed."""

    def inode_of(self, connection: Connection) -> int | None:
        """The socket at the other end, if this account has made it."""
        for theirs, ours in zip(
            _spellings(connection.theirs), _spellings(connection.ours), strict=True
        ):
            row = re.search(
                rb": %b %b \S\S \S+ \S+ \S+ +(\d+) +\d+ (\d+) " % (theirs, ours), self._tcp
            )
            if row:
                return int(row[2]) if int(row[1]) == os.geteuid() else None
        return None

    def harmless(self, inodes: set[int], ours: tuple[str, int]) -> bool:
        """Whether all of ``inodes`` bring nothing from elsewhere.

        So do connections to ``ours``, our own end; sockets of the kernel; and sockets without
        a name that are between processes: nobody can connect to those.
        """
        return not inodes or inodes <= self._unnamed | self._netlink | self._connected_to(ours)

    def _connected_to(self, end: tuple[str, int]) -> set[int]:
        rows = rb": \S+ (?:%b) \S\S \S+ \S+ \S+ +\d+ +\d+ (\d+) " % b"|".join(_spellings(end))
        return set(map(int, re.findall(rows, self._tcp)))

    @cached_property
    def _tcp(self) -> bytes:
        return _read("tcp") + _read("tcp6")

    @cached_property
    def _unnamed(self) -> set[int]:
        # Num: RefCount Protocol Flags Type St Inode [Path], of which listeners have flags.
        rows = [row.split() for row in _read("unix").splitlines()[1:]]
        return {int(row[6]) for row in rows if len(row) == 7 and row[3] == b"00000000"}

    @cached_property
    def _netlink(self) -> set[int]:
        return {int(row.split()[-1]) for row in _read("netlink").splitlines()[1:]}


def _read(table: str) -> bytes:
    try:
        return (_PROC / "net" / table).read_bytes()
    except OSError:
        return b""  # a kernel without IPv6, for example; what is not found is not harmless


def _spellings(end: tuple[str, int]) -> list[bytes]:
    """An end as the kernel's tables show it; one of IPv4 may be that of an IPv6 socket."""
    address = ipaddress.ip_address(end[0])
    forms = [address.packed]
    if address.version == 4:
        forms.append(ipaddress.ip_address(f"::ffff:{address}").packed)
    return [
        b"".join(b"%08X" % word for (word,) in struct.iter_unpack("=I", form)) + b":%04X" % end[1]
        for form in forms
    ]
