"""Everything that can be set, with its meaning and its bounds.

Every field of :class:`Settings` is one setting, which :mod:`notifier.config` reads.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Seconds = Annotated[float, Meta(ge=0)]
Lifetime = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    ] = 8002
    metrics_port: Annotated[
        int,
        Meta(ge=0, le=65535, description="A port for /metrics without credentials; 0 is none."),
    ] = 0
    metrics_host: Annotated[str, Meta(min_length=1, description="Address that it listens on.")] = (
        "127.0.0.1"
    )
    data_dir: Annotated[
        str, Meta(min_length=1, description="Folder of the embedded store and the secret.")
    ] = "./data"
    secret_key: Annotated[
        str,
        Meta(
            description="Signs tokens and cookies, at least 32 characters. Several, with commas: "
            "the first signs, all verify. Made in the data folder if unset.",
            extra={"secret": True},
        ),
    ] = ""
    admin_username: Annotated[
        str, Meta(min_length=1, description="Name of the superuser that a first start creates.")
    ] = "admin"
    admin_password: Annotated[
        str,
        Meta(
            description="Its password. Generated and printed once if unset.",
            extra={"secret": True},
        ),
    ] = ""
    database_url: Annotated[
        str,
        Meta(
            description="PostgreSQL to use instead of the embedded store: postgresql://…",
            extra={"secret": True},
        ),
    ] = ""
    postgres_host: Annotated[
        str, Meta(description="The same in parts, where DATABASE_URL is unset: the host.")
    ] = ""
    postgres_port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 5432
    postgres_db: Annotated[str, Meta(description="Name of the database.")] = "notifier"
    postgres_user: Annotated[str, Meta(description="Who connects to it.")] = "notifier"
    postgres_password: Annotated[
        str, Meta(description="Their password.", extra={"secret": True})
    ] = ""
    redis_url: Annotated[
        str,
        Meta(
            description="Redis between several processes: redis://, rediss://, "
            "redis+sentinel:// or redis+cluster://…",
            extra={"secret": True},
        ),
    ] = ""
    redis_prefix: Annotated[
        str, Meta(min_length=1, description="Begins the names of our channels in Redis.")
    ] = "notifier:"
    trusted_proxies: Annotated[
        str,
        Meta(description="Addresses or networks whose X-Forwarded headers hold, with commas."),
    ] = ""
    amqp_url: Annotated[
        str,
        Meta(
            description="RabbitMQ to take notifications from: amqp:// or amqps://…",
            extra={"secret": True},
        ),
    ] = ""
    rabbit_host: Annotated[
        str, Meta(description="The same in parts, where AMQP_URL is unset: the host.")
    ] = ""
    rabbit_port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 5672
    rabbit_user: Annotated[str, Meta(description="Who connects to it.")] = "guest"
    rabbit_password: Annotated[str, Meta(description="Their password.", extra={"secret": True})] = (
        "guest"  # noqa: S105 - RabbitMQ's own default, which it takes from its own machine only
    )
    rabbit_vhost: Annotated[str, Meta(description="Its virtual host.")] = "/"
    rabbit_exchange: Annotated[
        str, Meta(min_length=1, max_length=200, description="Exchange for sends and results.")
    ] = "notifications_exchange"
    rabbit_exchange_type: Annotated[
        Literal["direct", "topic"], Meta(description="Its type, as it exists or is to be made.")
    ] = "topic"
    rabbit_queue: Annotated[
        str, Meta(min_length=1, max_length=200, description="Queue that all processes share.")
    ] = "notifications"
    rabbit_prefetch: Annotated[
        int, Meta(ge=1, le=65535, description="Messages that may be unacknowledged at a time.")
    ] = 500
    rabbit_results: Annotated[bool, Meta(description="Publish what became of each message.")] = True
    rabbit_reply_to: Annotated[
        str,
        Meta(
            description="Queues that a message's reply_to may name, with commas; a * at the end "
            "stands for any rest. Others are ignored: a sender could write into any queue."
        ),
    ] = ""
    inbox_origins: Annotated[
        str,
        Meta(
            description="Origins whose pages may show people their inbox, with commas, such as "
            "https://app.example.org; * is any."
        ),
    ] = ""
    open_send: Annotated[
        bool, Meta(description="Let anyone who reaches the server send. For closed networks.")
    ] = False
    access_seconds: Annotated[Lifetime, Meta(description="Lifetime of access tokens.")] = 3600
    refresh_seconds: Annotated[Lifetime, Meta(description="Lifetime of refresh tokens.")] = 86400
    identity_seconds: Annotated[Lifetime, Meta(description="Lifetime of identity tokens.")] = 3600
    session_days: Annotated[
        int,
        Meta(ge=1, description="Days after which a sign-in on the page ends, however much used."),
    ] = 90
    session_idle_days: Annotated[
        int, Meta(ge=1, description="Days after which it ends if nobody comes.")
    ] = 14
    users: Annotated[
        Literal["accounts", "external", "both"],
        Meta(
            description="Whose users: accounts of this server, those of your application, whose "
            "tokens name them, or both."
        ),
    ] = "accounts"
    jwt_public_key: Annotated[
        str,
        Meta(
            description="Verifies your application's tokens: a public key as PEM text (RS256, "
            "ES256 or EdDSA)."
        ),
    ] = ""
    jwt_public_key_file: Annotated[str, Meta(description="A file with that key.")] = ""
    jwks_url: Annotated[
        str,
        Meta(description="Where such keys are published, as a JWK set: https://…, or file:///…"),
    ] = ""
    jwt_secret: Annotated[
        str,
        Meta(
            description="Verifies your application's tokens where it signs with a shared secret "
            "(HS256), at least 32 characters, and not SECRET_KEY.",
            extra={"secret": True},
        ),
    ] = ""
    jwt_issuer: Annotated[
        str, Meta(description="Who must have issued your application's tokens (iss).")
    ] = ""
    jwt_audience: Annotated[str, Meta(description="For whom they must have been issued (aud).")] = (
        ""
    )
    jwt_user_claim: Annotated[
        str, Meta(min_length=1, description="The claim that names the user.")
    ] = "sub"
    audit_days: Annotated[float, Meta(ge=0, description="Days to keep the audit log.")] = 90
    guesses_per_address: Annotated[
        int,
        Meta(
            ge=0,
            description="Wrong passwords a minute from one address (of IPv6, from its /64); "
            "beyond, sign-ins get 429. 0 is no limit.",
        ),
    ] = 60
    guesses_per_name: Annotated[
        int, Meta(ge=0, description="The same for one user name from one address.")
    ] = 10
    sign_ins_waiting: Annotated[
        int,
        Meta(
            ge=1,
            description="Sign-ins that may wait for their turn; beyond, the address that waits "
            "with most gets 429.",
        ),
    ] = 128
    retention_days: Annotated[
        float,
        Meta(
            ge=0,
            description="Days to keep acknowledged and expired notifications; 0 removes at once.",
        ),
    ] = 30
    backlog: Annotated[
        int,
        Meta(
            ge=1,
            le=65535,
            description="Connections that may wait to be accepted; net.core.somaxconn caps it.",
        ),
    ] = 4096
    max_connections: Annotated[
        int,
        Meta(
            ge=0,
            description="Most connections in all; 0 takes what the limit of descriptors allows.",
        ),
    ] = 0
    address_connections: Annotated[
        int,
        Meta(
            ge=0,
            description="Most connections from one address, beyond which it gets 429; "
            "0 is no limit.",
        ),
    ] = 1000
    max_header_bytes: Annotated[
        int, Meta(ge=1024, description="Largest headers of a request, beyond which it gets 431.")
    ] = 32 * 1024
    header_seconds: Annotated[
        float,
        Meta(gt=0, description="Seconds for the headers of a connection's first request."),
    ] = 20.0
    keep_alive_seconds: Annotated[
        float,
        Meta(gt=0, description="Seconds from an answer to the headers of the next request."),
    ] = 75.0
    answer_seconds: Annotated[
        float,
        Meta(gt=0, description="Seconds for each 64 KB of an answer that the client reads slowly."),
    ] = 60.0
    max_body_bytes: Annotated[
        int, Meta(ge=1024, description="Largest request body that is accepted.")
    ] = 1024 * 1024
    small_body_bytes: Annotated[
        int,
        Meta(ge=1024, description="The same for all requests but sends: names, passwords, tokens."),
    ] = 16 * 1024
    body_budget_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            description="Bytes of all large bodies under way, half of it for one address; "
            "beyond, they get 503 or 429.",
        ),
    ] = 64 * 1024 * 1024
    body_seconds: Annotated[
        float, Meta(gt=0, description="Seconds after which a body has to come at a least rate.")
    ] = 10.0
    body_bytes_per_second: Annotated[
        int, Meta(ge=1, description="That rate; a body that is slower gets 408.")
    ] = 16 * 1024
    max_pending: Annotated[
        int,
        Meta(
            ge=0,
            description="Notifications that may be pending for a user; beyond, sends to them get "
            "429. 0 is no limit, also below.",
        ),
    ] = 10_000
    max_pending_bytes: Annotated[
        int, Meta(ge=0, description="Bytes of payloads from which on the same happens.")
    ] = 64 * 1024 * 1024
    sends_per_second: Annotated[
        int,
        Meta(
            ge=0,
            description="HTTP sends that one API key without a rate of its own, or one superuser, "
            "may make, on average over two seconds; beyond, they get 429.",
        ),
    ] = 5000
    keyless_sends_per_second: Annotated[
        int,
        Meta(ge=0, description="The same for all that send without a key, together."),
    ] = 1000
    inbox_changes_per_second: Annotated[
        int,
        Meta(
            ge=0,
            description="Changes to one user's inbox, on average over two seconds; beyond, 429.",
        ),
    ] = 50
    min_free_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes of the embedded store's disk that stay free: below, sends get 503.",
        ),
    ] = 256 * 1024 * 1024
    queue_size: Annotated[
        int, Meta(ge=1, description="Writes that may wait for the store; beyond, sends get 503.")
    ] = 10_000
    ack_seconds: Annotated[
        Seconds,
        Meta(
            description="Seconds for which an acknowledgement may wait for a commit that is made "
            "anyway."
        ),
    ] = 0.05
    request_timeout: Annotated[
        float,
        Meta(
            gt=0, description="Seconds after which a waiting send gets 503, a waiting sign-in 429."
        ),
    ] = 10.0
    high_water_bytes: Annotated[
        int, Meta(ge=1, description="Bytes buffered for a slow reader before it has to catch up.")
    ] = 256 * 1024
    sweep_seconds: Annotated[
        float, Meta(gt=0, description="Seconds between comparisons of connections with the store.")
    ] = 2.0
    ping_seconds: Annotated[
        float, Meta(gt=0, description="Seconds between WebSocket pings; unanswered, they end it.")
    ] = 30.0
    sockets_per_user: Annotated[
        int,
        Meta(
            ge=0,
            description="WebSockets that one user may have in this process; more get 429. "
            "0 is no limit, here and below.",
        ),
    ] = 100
    frames_per_second: Annotated[
        int,
        Meta(
            ge=0,
            description="Frames that one WebSocket may send a second, besides acknowledgements of "
            "what it was given; more end it with 1008.",
        ),
    ] = 100
    frame_bytes_per_second: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes that one WebSocket may send a second; more end it too, "
            "or are read later if they acknowledge.",
        ),
    ] = 1024 * 1024
    drain_seconds: Annotated[
        Seconds, Meta(description="Seconds over which a stopping server sends its clients away.")
    ] = 5.0
    uvloop: Annotated[bool, Meta(description="Run on uvloop where it is installed.")] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level to log.")
    ] = "info"
    log_format: Annotated[Literal["text", "json"], Meta(description="Form of a log line.")] = "text"
    log_rate: Annotated[
        float,
        Meta(
            ge=0,
            description="Lines a second about failed requests, for each status; more are only "
            "counted, so that nobody fills the log. 0 is no limit.",
        ),
    ] = 10

    def __post_init__(self) -> None:
        if problem := _secrets_problem(self.secret_key):
            raise ValueError(f"secret_key: {problem}")
        if self.amqp_url and not self.amqp_url.startswith(("amqp://", "amqps://")):
            raise ValueError("amqp_url: wants an address that begins with amqp:// or amqps://")
        if any("*" in name[:-1] for name in self.reply_queues):
            raise ValueError("rabbit_reply_to: a * can only stand at the end of a name")
        _check_application(self)
        _origins(self.inbox_origins)
        try:
            _networks(self.trusted_proxies)
        except ValueError as error:
            raise ValueError(f"trusted_proxies: {error}") from None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is set as the secret key: the first signs, all verify."""
        return _secrets(self.secret_key)

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Where the proxies are whose forwarding headers hold."""
        return _networks(self.trusted_proxies)

    @property
    def reply_queues(self) -> tuple[str, ...]:
        """Queues that reply_to may name, and beginnings of such, which end in ``*``."""
        return tuple(part.strip() for part in self.rabbit_reply_to.split(",") if part.strip())

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins whose pages may ask for an inbox; ``*`` stands for any."""
        return _origins(self.inbox_origins)

    @property
    def rabbitmq(self) -> bool:
        """Whether RabbitMQ is in use."""
        return bool(self.amqp_url or self.rabbit_host)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def takes_keyless_sends(self) -> bool:
        """Whether programs of this machine may send until a first API key is made.

        Not where a proxy is known to be in front, and not where everybody may anyway.
        """
        return self.loopback and not self.trusted_networks and not self.open_send

    @property
    def url(self) -> str:
        """Where the server can be reached from this machine."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """The same with the port that was found where ``port`` is 0."""
        host = _ANY_ADDRESS.get(self.host, self.host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@cache
def _origins(text: str) -> frozenset[str]:
    """Raises ValueError."""
    origins = frozenset(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ValueError(
                f"inbox_origins: got {origin!r}, expected an origin such as "
                "https://app.example.org, without a path"
            )
    return origins


def _secrets(text: str) -> tuple[str, ...]:
    parts = re.split(r"[,\r\n]", text)
    if len(parts) == 1:
        return (text,) if text else ()  # a space may be a part of it
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _secrets_problem(text: str) -> str | None:
    """What is wrong with a secret key, without a word of it."""
    secrets = _secrets(text)
    if text and not secrets:
        return "holds no secret"
    for number, secret in enumerate(secrets, 1):
        if len(secret) < SECRET_LENGTH:
            which = f"number {number} of the {len(secrets)} " if len(secrets) > 1 else ""
            hint = " (a comma separates)" if len(secrets) > 1 else ""
            return f"{which}wants at least {SECRET_LENGTH} characters{hint}"
    return None


def _check_application(settings: Settings) -> None:
    """What verifies the application's tokens must be said in full. Raises ValueError."""
    if settings.jwks_url and not settings.jwks_url.startswith(("https://", "http://", "file:///")):
        raise ValueError("jwks_url: wants an address that begins with https://, http:// or file://")
    if 0 < len(settings.jwt_secret) < SECRET_LENGTH:
        raise ValueError(f"jwt_secret: wants at least {SECRET_LENGTH} characters")
    if "-----BEGIN" in settings.jwt_secret:
        # Whoever knows a public key could sign with it.
        raise ValueError("jwt_secret: got a key as PEM text; a public key is no secret")
    if settings.users == "accounts":
        return
    sources = (
        settings.jwt_public_key,
        settings.jwt_public_key_file,
        settings.jwks_url,
        settings.jwt_secret,
    )
    if sum(map(bool, sources)) != 1:
        raise ValueError(
            f"users: {settings.users!r} wants your application's key by exactly one of "
            "NOTIFIER_JWT_PUBLIC_KEY, NOTIFIER_JWT_PUBLIC_KEY_FILE, NOTIFIER_JWKS_URL and "
            f"NOTIFIER_JWT_SECRET, and got {sum(map(bool, sources)) or 'none'}"
        )
    if not (settings.jwt_issuer and settings.jwt_audience):
        raise ValueError(
            f"users: {settings.users!r} wants NOTIFIER_JWT_ISSUER and NOTIFIER_JWT_AUDIENCE, so "
            "that a token that was issued for another service opens nothing here"
        )


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


_ANY_ADDRESS: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses to listen on that stand for all, with the one that leads back here."""

SECRET_LENGTH: Final = 32  # RFC 7518 §3.2: a key of at least the size of the hash
