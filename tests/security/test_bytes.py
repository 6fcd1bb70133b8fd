"""Any bytes at each of our parsers: they are understood, or refused in the domain's words."""

import asyncio
import json
import struct
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from amqp.broker import Connection, parameters
from amqp.errors import Disconnected
from amqp.frames import BODY, HEADER, METHOD, Deliveries, Delivery
from amqp.messages import Reader
from amqp.topology import SEND_KEY, WITHDRAW_KEY
from handlers.account import PasswordRequest
from handlers.sessions import EmptyRequest
from handlers.users import RefreshRequest, SignInRequest, VerifyRequest
from notifier import wire
from notifier.config import SETTINGS, load
from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.nudges import NotANudge, Nudges
from notifier.errors import InvalidRequest, InvalidSettings, TokenNotValid
from notifier.events import Appended
from notifier.identity.tokens import ALGORITHM, Tokens
from notifier.inbox_wire import ChangeRequest, SnoozeRequest, UndoRequest, check_until
from notifier.models import Notification
from notifier.settings import Settings
from tests.security.table import Now
from tests.support.harness import SECRET

pytestmark = [
    pytest.mark.attack("any bytes at any parser", before="not tried"),
    pytest.mark.usefixtures("_examples"),
]


@pytest.fixture
def _examples(now: Now) -> None:
    now(f"{settings.default.max_examples} each: in the domain's words")


# JSON that is nearly what is wanted finds more than bytes that nobody would call JSON.
names = st.sampled_from(
    [
        *("user_id", "user", "payload", "key", "ttl", "type", "value"),
        *("username", "password", "token"),
        *("category", "priority", "collapse_key", "keys", "up_to", "until", "version"),
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["message_ack", "command", "ping", "refresh", "\ud800", "1" * 1100])
    | st.sampled_from(["2026-12-31T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z"])
    | st.sampled_from(["low", "urgent", 2**63, 2**63 - 1])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner),
    max_leaves=20,
)
objects = st.dictionaries(names, values)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Anything, JSON, and JSON with a wound."""
    body = json.dumps(draw(values | objects | st.lists(objects)), ensure_ascii=draw(st.booleans()))
    text = body.encode("utf-8", "surrogatepass")
    at = draw(st.integers(0, len(text)))
    wound = draw(st.just(b"") | st.binary(max_size=8))
    return draw(st.binary() | st.just(text) | st.just(text[:at] + wound + text[at:]))


@pytest.mark.parametrize(
    "form",
    [
        wire.SendRequest,
        SignInRequest,
        RefreshRequest,
        VerifyRequest,
        EmptyRequest,
        PasswordRequest,
        ChangeRequest,
        SnoozeRequest,
        UndoRequest,
        wire.ClientFrame,
    ],
    ids=lambda form: getattr(form, "__name__", "ClientFrame"),
)
def test_bodies_and_client_frames(form: Any) -> None:
    """A body or a frame is of its form, or an invalid request whose words can be answered."""
    decoders: list[wire.Decoder[Any]] = [wire.Decoder(form, users) for users in wire.NAMED_BY]

    @given(bodies(), st.sampled_from(decoders))
    def test(body: bytes, decode: wire.Decoder[Any]) -> None:
        try:
            understood = decode(body)
            if isinstance(understood, wire.MessageAck):
                for key in [understood.key, *(understood.keys or ())]:
                    if key is not UNSET:
                        wire.check_stored_key(key)
            if isinstance(understood, SnoozeRequest):
                check_until(understood.until)
            if isinstance(understood, wire.SendRequest):
                assert (understood.user_id is UNSET) is not (understood.user is UNSET)
                if understood.user_id is not UNSET:
                    wire.parse_user_id(understood.user_id)
                json.loads(wire.check_payload(understood.payload))
        except InvalidRequest as error:
            wire.encode(error.message)

    test()


@given(bodies(), st.binary(max_size=255), st.sampled_from([SEND_KEY, WITHDRAW_KEY]))
def test_messages_of_rabbitmq(body: bytes, message_id: bytes, key: str) -> None:
    """A message becomes parts and dead letters, and its result can be written."""
    delivery = Delivery(1, key.encode(), b"", b"", b"", message_id, body)
    job, parts = Reader(300, "both").read(delivery)
    assert job.waiting == len(parts)
    for part in parts:
        job.failed(part, InvalidRequest())
    json.loads(job.result())


@given(
    st.lists(
        st.tuples(
            st.sampled_from([METHOD, HEADER, BODY, 8, 0, 255]),
            st.binary(max_size=80)
            | st.binary(max_size=40).map(lambda rest: b"\x00\x3c\x00\x3c" + rest)
            | st.binary(max_size=40).map(lambda rest: b"\x00\x3c\0\0\0\0\0\0\0\0\0\1" + rest),
        )
    )
)
def test_frames_of_rabbitmq(frames: list[tuple[int, bytes]]) -> None:
    """A frame that is cut short is told by what the protocol's layers take for "end it"."""
    reader = Deliveries(lambda delivery: None)
    with suppress(IndexError, struct.error):
        for kind, payload in frames:
            reader.frame(kind, payload)


BROKERS_WORDS = [
    b"",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"AMQP\x00\x00\x09\x01",
    b"AMQP",
    b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\xce",
    b"\x01\x00\x00\x00\x00\x00\x00\xce",
    b"\x01\x00\x00\x00\x00\x00\x01\x00\xce",
    b"\x01\x00\x00\x00\x00\x00\x04\xff\xff\xff\xff\xce",
    b"\x02\x00\x00\x00\x00\x00\x0e" + b"\xff" * 14 + b"\xce",
    b"\x08\x00\x00\x00\x00\x00\x00\x00",
    b"\x63\x00\x00\x00\x00\x00\x00\xce",
    b"\xff" * 100,
]


@pytest.mark.parametrize("said", BROKERS_WORDS)
async def test_what_is_no_broker(said: bytes) -> None:
    """Whatever answers at the broker's address, the connection is lost, and nothing else."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as impostor:
        port = impostor.sockets[0].getsockname()[1]
        no_broker = Settings(amqp_url=f"amqp://guest:guest@127.0.0.1:{port}/?connection_attempts=1")
        with pytest.raises(Disconnected):
            await Connection.open(parameters(no_broker))


NUDGES = Nudges(SECRET)
APPENDED = Appended(Notification(1, 2, "k", b"{}", 3))
packable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["appended", 1, 2]),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers(0, 9), inner, max_size=3),
    max_leaves=20,
)


@given(st.binary(), st.binary(max_size=3), st.integers(0, 200))
def test_nudges_of_strangers(anything: bytes, wound: bytes, at: int) -> None:
    """What was not sealed by one of our processes is no nudge."""
    made = Nudges(SECRET).make(1, [APPENDED])
    wounded = made[:at] + wound + made[at + len(wound) :]
    for message in (anything, wounded):
        if message != made:
            with pytest.raises(NotANudge):
                NUDGES.read(message)


@given(
    st.binary()
    | packable.map(msgspec.msgpack.encode)
    | st.tuples(st.just(1), st.just(2), st.lists(packable)).map(msgspec.msgpack.encode)
)
def test_nudges_of_other_releases(body: bytes) -> None:
    """A sealed one that is not understood is no nudge, or tells only what is understood of it."""
    body = b"another " + body
    try:
        nudge = NUDGES.read(NUDGES._seal(body) + body)
    except NotANudge:
        return
    assert nudge is not None
    list(nudge.events())


TOKENS = Tokens(SECRET, {"identity": 60})
claims = st.dictionaries(
    st.sampled_from(["exp", "iat", "nbf", "jti", "sub", "aud", "iss", "token_type", "user_id"])
    | st.sampled_from(["ver", "x"]),
    scalars
    | st.sampled_from(["access", "identity", 2**31, 1])
    | st.lists(scalars, max_size=2)
    | st.dictionaries(names, scalars, max_size=2),
)
headers = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk"]),
    scalars | st.sampled_from(["none", "HS256", "HS512", "RS256", "JWT"]) | st.just(["b64"]),
)


def signed(header: dict[str, object], content: bytes) -> str:
    """A token with these, signed with our secret: the worst that a thief of it could make."""
    algorithm = jwt.get_algorithm_by_name(ALGORITHM)
    parts = [
        jwt.utils.base64url_encode(part)
        for part in (json.dumps({"alg": ALGORITHM} | header).encode(), content)
    ]
    signature = algorithm.sign(b".".join(parts), algorithm.prepare_key(SECRET))
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


@given(
    st.text()
    | st.text(st.sampled_from("abc._-=e30\0é"))
    | st.builds(signed, headers, claims.map(lambda said: json.dumps(said).encode()) | bodies())
    | st.builds(
        signed,
        st.just({}),
        claims.map(
            lambda said: json.dumps(
                {"exp": 2**31, "iat": 0, "token_type": "identity", "user_id": 1} | said
            ).encode()
        ),
    )
)
def test_tokens(token: str) -> None:
    """A token is valid in each of its parts, or not valid."""
    with suppress(TokenNotValid):
        found = TOKENS.read(token)
        assert 1 <= found.user_id <= wire.MAX_ID
        assert found.token_type in ("access", "refresh", "identity")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | (
    st.sampled_from(["1", "0", "-1", "1e999", "nan", "٣", "1_0", "10.0.0.0/8", "9" * 5000, "::/0"])
)
variables = st.sampled_from([setting.variable for setting in SETTINGS])


@given(
    st.dictionaries(variables | texts.map("NOTIFIER_".__add__), texts),
    st.dictionaries(st.sampled_from([each.field for each in SETTINGS if not each.secret]), texts),
)
def test_settings(environ: dict[str, str], flags: dict[str, str | None]) -> None:
    """Settings are valid, or refused by name."""
    with suppress(InvalidSettings):
        valid = load(flags, environ, Path("/nonexistent")).settings
        assert valid.url
        valid.loopback  # noqa: B018 - it must not fail
        valid.trusted_networks  # noqa: B018


hosts = st.sampled_from(
    ["h", "[::1]", "[::1", "h:1", "h:x", "h:99999", "", "%ff", "é", ":", "@", ","]
)
addresses = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(
        ["amqp", "amqps", "redis", "rediss", "redis+sentinel", "redis+cluster", "http"]
    ),
    st.sampled_from(["", "u:p@", ":p@", "u@", "%ff:%zz@", "a/b:c@", "@"]),
    st.lists(hosts, max_size=3).map(",".join),
    st.sampled_from(["", "/", "/0", "/x", "/%2f", "/é", "/a/b", "/m/0/1"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10).map("?{}=1".format)
    | st.sampled_from(
        ["heartbeat", "ssl_options", "connection_attempts", "socket_timeout", "tcp_options"]
    ).flatmap(lambda name: texts.map(f"?{name}={{}}".format)),
)


@given(addresses | texts.map("amqp://{}".format) | texts.map("redis://{}".format))
def test_addresses(address: str) -> None:
    """An address of RabbitMQ or Redis can be used, or is refused as a setting."""
    with suppress(InvalidSettings):
        bus_for(address)
    with suppress(InvalidSettings):
        parameters(load({}, {"AMQP_URL": address}, Path("/nonexistent")).settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("bytes")


@given(
    content=st.binary()
    | st.lists(st.tuples(variables, st.text(max_size=20))).map(
        lambda lines: "\n".join(f"{name}={text}" for name, text in lines).encode(
            "utf-8", "surrogatepass"
        )
    )
)
def test_dotenv(folder: Path, content: bytes) -> None:
    """So they are when a file holds them, or what should have been a file of them."""
    file = folder / uuid.uuid4().hex
    file.write_bytes(content)
    with suppress(InvalidSettings):
        load({}, {}, file)
    with suppress(InvalidSettings):
        load({"secret_key": str(file)}, {}, Path("/nonexistent"))
    file.unlink()
