"""Any bytes on a connection to a running server: it answers or hangs up, and goes on."""

import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.notifier import ServerProcess
from servers.program import SECONDS
from tests.security.table import Now
from tests.support.frames import handshake
from tests.support.harness import SEND
from tests.support.people import identity_of

pytestmark = pytest.mark.attack("any bytes on a connection", before="not tried")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all of them, which nothing may trouble."""
    process = ServerProcess(tmp_path_factory.mktemp("server"))
    process.start()
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log
    assert " ERROR " not in process.log


def exchange(server: ServerProcess, *sent: bytes) -> bytes:
    """What the server says to this until it hangs up."""
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as stranger:
        try:
            for each in sent:
                stranger.sendall(each)
            stranger.shutdown(socket.SHUT_WR)
            while chunk := stranger.recv(65536):
                said += chunk
        except TimeoutError:
            raise
        except OSError:
            pass  # it hung up before it had read everything
    return said


def words(text: str, between: str | None = None) -> list[str]:
    """Words, or lines with the empty one."""
    return text.split(between)


NAMES = words("""
Host Content-Length Transfer-Encoding Content-Type Content-Encoding Expect Connection Upgrade Range
Authorization X-API-Key Idempotency-Key Cookie Origin X-Forwarded-For X-Forwarded-Proto X-Request-Id
Accept-Encoding If-None-Match If-Modified-Since
Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Extensions
""")
VALUES = words(
    """
0
1
-1
5, 5
chunked
gzip
100-continue
bytes=9-1
application/json
application/x-www-form-urlencoded
multipart/form-data
multipart/form-data; boundary=x
Bearer x
a=b; c
websocket
Upgrade
13
permessage-deflate
permessage-deflate; client_max_window_bits=99
Thu, 01 Jan 1970 00:00:00 GMT
"
*
close
::1
é
""",
    "\n",
)
METHODS = words("GET POST HEAD PUT DELETE OPTIONS PRI CONNECT get")
TARGETS = words("""
/ * //x/ http://[::1/ http://x/api/schema/ /api/notifications/send/ /api/notifications/ /api/schema/
/api/users/token/ /api/users/1/identity/ /api/users/session/ /api/users/session/refresh/?a&a=%ff
/static/notifier.js /static/../setup.cfg /static/%2e%2e/x /ws/notifications/1/ /healthz/ready/
""")
VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "HTTP/1.1 x", ""]
CONTENT = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"-1\r\n",
    b"1;" + b"x" * 99,
    b'{"user_id": 1}',
    b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n",
    b"a=%ff&%",
]

fields = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from([*VALUES, "x" * 5000]) | st.text(st.characters(max_codepoint=255), max_size=20),
).map(lambda field: f"{field[0]}: {field[1]}\r\n".encode("latin-1"))
lines = st.tuples(*map(st.sampled_from, (METHODS, TARGETS, VERSIONS))).map(
    lambda parts: " ".join(parts).encode() + b"\r\n"
)
content = st.binary(max_size=50) | st.sampled_from(CONTENT)
requests = st.builds(
    lambda line, given, body: line + b"".join(given) + b"\r\n" + body,
    lines,
    st.lists(fields, max_size=6),
    content,
)


@given(sent=st.lists(requests | st.binary(max_size=200), min_size=1, max_size=3))
def test_requests(server: ServerProcess, sent: list[bytes]) -> None:
    """Whatever is called a request is answered by a server that knows no fault of its own."""
    said = exchange(server, *sent)
    assert not said or said.startswith(b"HTTP/1.1 "), said
    assert not re.search(rb"^HTTP/1.1 5\d\d", said, re.MULTILINE), said


def frame(flags: int, content: bytes, mask: bytes | None, length: int | None) -> bytes:
    """A WebSocket frame, whatever is wrong with it (RFC 6455 §5.2)."""
    size = len(content) if length is None else length
    masked = 0 if mask is None else 0x80
    if size < 126:
        head = bytes((flags, masked | size))
    elif size < 1 << 16:
        head = bytes((flags, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((flags, masked | 127)) + size.to_bytes(8, "big")
    if mask is None:
        return head + content
    return head + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(content))


frames = st.builds(
    frame,
    st.sampled_from([0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A, 0x09, 0xC1])
    | st.integers(0, 255),
    st.binary(max_size=130)
    | st.sampled_from(
        [
            b'{"type":"command","key":"ping"}',
            b'{"type":"message_ack","key":"k"}',
            b"\x03\xe8",
            b"\xff",
        ]
    ),
    st.binary(min_size=4, max_size=4) | st.none(),
    st.none() | st.sampled_from([0, 125, 126, 1 << 16, 1 << 17, (1 << 63) - 1, 1 << 63]),
)


@given(
    sent=st.lists(frames | st.binary(max_size=20), max_size=6),
    extensions=st.sampled_from(["", "Sec-WebSocket-Extensions: permessage-deflate\r\n"]),
)
def test_frames(server: ServerProcess, sent: list[bytes], extensions: str) -> None:
    """Whatever is sent to a socket, the connection goes on or ends, alone."""
    request = handshake(f"/ws/notifications/1/?token={identity_of(1)}", more=extensions)
    assert exchange(server, request, *sent).startswith((b"HTTP/1.1 101 ", b""))


def test_and_afterwards(server: ServerProcess, now: Now) -> None:
    """The server is as it was."""
    answer = httpx.post(f"{server.url}{SEND}", json={"user_id": 1, "payload": 1})
    assert answer.status_code == 200
    assert httpx.get(f"{server.url}/healthz/ready/").status_code == 200
    now(f"{settings.default.max_examples} times each: no fault of the server, no trace in its log")
