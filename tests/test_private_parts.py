"""What we use of pika, redis-py and Tornado beyond what they document is still there.

When one of these tests fails, a library has moved something that it never promised to keep.
Read what it does now, mend the file that is named, and write the version down here.
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from functools import cache
from importlib.metadata import version
from pkgutil import resolve_name
from typing import Any, NamedTuple

import pytest

from servers import ROOT
from tests.test_layers import MODULES

CHECKED = {"pika": "1.4.4", "redis": "8.1.0", "tornado": "6.6.1"}
"""The version of each library whose code was read."""

FRAMES = "amqp/frames.py"
BROKER = "amqp/broker.py"
CONNECTION = "notifier/delivery/relay/connection.py"
ADDRESS = "notifier/delivery/relay/address.py"
CLUSTER = "notifier/delivery/relay/cluster.py"
BODIES = "handlers/connections/bodies.py"
TRANSPORT = "handlers/websocket/transport.py"
SOCKET = "handlers/websocket/socket.py"
STREAM = "handlers/connections/stream.py"
LISTENER = "handlers/connections/listener.py"
CLIENT_FRAMES = "handlers/websocket/frames.py"
PINGS = "handlers/websocket/pings.py"
HANDSHAKE = "handlers/websocket/handshake.py"
CLIENT_CONNECTION = "handlers/websocket/connection.py"


class Part(NamedTuple):
    """Something that we use."""

    user: str
    """Our file."""
    owner: str
    """A module, or ``module:class``."""
    name: str
    parameters: tuple[str, ...] | None = None
    """What is passed, in this order where it has no default; None for what is no function."""


PARTS = [
    Part(FRAMES, "pika.connection:Connection", "_on_data_available", ("data_in",)),
    Part(FRAMES, "pika.connection:Connection", "_frame_buffer"),
    Part(FRAMES, "pika.connection:Connection", "_process_frame", ("frame_value",)),
    Part(FRAMES, "pika.connection:Connection", "bytes_received"),
    Part(FRAMES, "pika.connection:Connection", "_terminate_stream", ("error",)),
    Part(FRAMES, "pika.adapters.base_connection:BaseConnection", "_adapter_emit_data", ("data",)),
    Part(FRAMES, "pika.adapters.base_connection:BaseConnection", "_transport"),
    Part(FRAMES, "pika.frame", "decode_frame", ("data_in",)),
    Part(BROKER, "pika.connection:Connection", "params"),
    Part(BROKER, "pika.connection:Connection", "server_properties"),
    Part(BROKER, "pika.channel:Channel", "connection"),
    Part(BROKER, "pika.channel:Channel", "channel_number"),
    Part(CONNECTION, "redis.asyncio.connection:ConnectionPool", "make_connection", ()),
    Part(CONNECTION, "redis.asyncio.connection:AbstractConnection", "connect", ()),
    Part(CONNECTION, "redis.asyncio.connection:AbstractConnection", "disconnect", ("nowait",)),
    Part(CONNECTION, "redis.asyncio.connection:AbstractConnection", "pack_commands", ("commands",)),
    Part(
        CONNECTION,
        "redis.asyncio.connection:AbstractConnection",
        "send_packed_command",
        ("command", "check_health"),
    ),
    Part(
        CONNECTION,
        "redis.asyncio.connection:AbstractConnection",
        "read_response",
        ("disable_decoding", "push_request"),
    ),
    Part(CONNECTION, "redis.asyncio.connection:AbstractConnection", "_parser"),
    Part(
        CONNECTION,
        "redis._parsers:AsyncPushNotificationsParser",
        "set_pubsub_push_handler",
        ("pubsub_push_handler_func",),
    ),
    Part(ADDRESS, "redis.asyncio.connection", "parse_url", ("url",)),
    Part(ADDRESS, "redis.asyncio.sentinel:Sentinel", "sentinels"),
    Part(CLUSTER, "redis.crc", "key_slot", ("key",)),
    Part("handlers/base.py", "tornado.web:RequestHandler", "_request_summary", ()),
    Part(
        BODIES, "tornado.http1connection:HTTP1Connection", "set_max_body_size", ("max_body_size",)
    ),
    Part(BODIES, "tornado.web:_HandlerDelegate", "handler_class"),
    Part(BODIES, "tornado.http1connection:HTTP1Connection", "close", ()),
    Part(STREAM, "tornado.iostream:BaseIOStream", "_read_buffer_size"),
    Part(STREAM, "tornado.iostream:IOStream", "write_to_fd", ("data",)),
    Part(STREAM, "tornado.iostream:IOStream", "close_fd", ()),
    Part(LISTENER, "tornado.httpserver:HTTPServer", "conn_params"),
    Part(LISTENER, "tornado.http1connection:HTTP1ConnectionParameters", "header_timeout"),
    Part(LISTENER, "tornado.http1connection:HTTP1ServerConnection", "stream"),
    Part(
        LISTENER,
        "tornado.httpserver:HTTPServer",
        "start_request",
        ("server_conn", "request_conn"),
    ),
    Part(LISTENER, "tornado.httpserver:HTTPServer", "on_close", ("server_conn",)),
    Part(LISTENER, "tornado.tcpserver:TCPServer", "handle_stream", ("stream", "address")),
    Part(SOCKET, "tornado.websocket:WebSocketHandler", "ws_connection"),
    Part(SOCKET, "tornado.websocket:WebSocketProtocol", "stream"),
    Part(SOCKET, "tornado.websocket:WebSocketHandler", "get_websocket_protocol", ()),
    Part(CLIENT_FRAMES, "tornado.util", "_websocket_mask"),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol13", "params"),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol13", "_receive_frame_loop", ()),
    Part(
        CLIENT_CONNECTION,
        "tornado.websocket:WebSocketProtocol13",
        "_handle_message",
        ("opcode", "data"),
    ),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol13", "close", ("code", "reason")),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol", "_abort", ()),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol", "client_terminated"),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol", "handler"),
    Part(
        CLIENT_CONNECTION,
        "tornado.websocket:WebSocketHandler",
        "on_ws_connection_close",
        ("close_code", "close_reason"),
    ),
    Part(CLIENT_CONNECTION, "tornado.iostream:IOStream", "socket"),
    Part(HANDSHAKE, "tornado.web:RequestHandler", "_headers"),
    Part(CLIENT_CONNECTION, "tornado.websocket:WebSocketProtocol13", "start_pinging", ()),
    Part(PINGS, "tornado.websocket:WebSocketProtocol", "is_closing", ()),
    Part(TRANSPORT, "tornado.websocket:WebSocketProtocol", "is_closing", ()),
    Part(TRANSPORT, "tornado.iostream:IOStream", "socket"),
]


@cache
def own_attributes(cls: type) -> set[str]:
    """Names that the methods of ``cls`` read or write on ``self``."""
    try:
        source = inspect.getsource(cls)
    except OSError:
        return set()  # a class that was made by a function call
    tree = ast.parse(textwrap.dedent(source))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def has(owner: Any, name: str) -> bool:
    """Whether a module, a class or the instances of a class have ``name``."""
    if hasattr(owner, name):
        return True
    return inspect.isclass(owner) and any(
        name in own_attributes(base) for base in owner.__mro__ if base is not object
    )


def library(of: str) -> str:
    """The top-level package of a module."""
    return re.split("[.:]", of)[0]


def title(part: Part) -> str:
    return f"{part.owner}.{part.name}"


@pytest.mark.parametrize("part", PARTS, ids=title)
def test_it_is_still_there(part: Part) -> None:
    """Each part that we use exists, and takes what we pass."""
    name = library(part.owner)
    told = (
        f"{name} {version(name)}: {title(part)} is gone or is another. {part.user} uses it "
        f"as it is in {name} {CHECKED[name]}."
    )
    try:
        owner = resolve_name(part.owner)
    except (ImportError, AttributeError):
        pytest.fail(told)
    assert has(owner, part.name), told
    if part.parameters is None:
        return
    function: Callable[..., object] = getattr(owner, part.name)
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    required = [
        each.name
        for each in parameters.values()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    assert set(part.parameters) <= parameters.keys(), told
    assert required == list(part.parameters)[: len(required)], told


@pytest.mark.parametrize("part", PARTS, ids=title)
def test_it_is_still_used(part: Part) -> None:
    """The list names nothing that its file does not use any more."""
    assert re.search(rf"\b{part.name}\b", (ROOT / part.user).read_text())


def our_classes() -> Iterator[tuple[type, type]]:
    """Our classes, each with every class of these libraries that it extends."""
    for name in MODULES:
        module = importlib.import_module(name)
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == name:
                yield from (
                    (cls, base) for base in cls.__mro__ if library(base.__module__) in CHECKED
                )


def test_every_private_part_is_listed() -> None:
    """What a class of ours overrides or uses of a library's private names is in the list.

    So is every access that the linter was told to let pass. A name that collides by chance
    is found as well, and is to be another.
    """
    listed = {part.name for part in PARTS}
    used = {
        name
        for cls, base in our_classes()
        for name in set(re.findall(r"\b_[a-z]\w*", inspect.getsource(cls)))
        if has(base, name)
    }
    for file in MODULES.values():
        for line in file.read_text().splitlines():
            if "noqa: SLF001" in line:
                used |= set(re.findall(r"\.(_\w+)", line))
    assert {"_on_data_available", "_frame_buffer", "_parser", "_request_summary"} <= used
    assert used <= listed


@pytest.mark.parametrize("name", ["pika", "redis"])
def test_pinned_as_closely(name: str) -> None:
    """Installing stops before the next minor version, which nobody has read yet."""
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    requirements = configuration["options"]["install_requires"].splitlines()
    [pinned] = [line for line in requirements if re.match(rf"{name}\b", line)]
    major, minor, _ = CHECKED[name].split(".")
    assert pinned.endswith(f",<{major}.{int(minor) + 1}")
    assert f">={major}.{minor}" in pinned


def test_the_image_has_the_checked_versions() -> None:
    """The image is built from the very versions whose code was read."""
    constraints = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    assert {f"{name}=={checked}" for name, checked in CHECKED.items()} <= set(constraints)
