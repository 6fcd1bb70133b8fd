"""An identity provider of the tests: it signs tokens, and publishes its keys as a JWK set."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from servers.ports import free_port

ISSUER: Final = "https://id.example/"
AUDIENCE: Final = "notifier"
PATH: Final = "/.well-known/jwks.json"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(data: bytes) -> str:
    """As the parts of a token are written."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKey:
    """A key pair of one of the kinds RSA, EC and OKP."""

    def __init__(self, kind: str, kid: str | None) -> None:
        self.kid = kid
        self.private: PrivateKey
        if kind == "RSA":
            self.algorithm, self.private = "RS256", rsa.generate_private_key(65537, 2048)
        elif kind == "EC":
            self.algorithm, self.private = "ES256", ec.generate_private_key(ec.SECP256R1())
        else:
            self.algorithm, self.private = "EdDSA", ed25519.Ed25519PrivateKey.generate()

    @property
    def pem(self) -> str:
        """The public key."""
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwk(self) -> dict[str, Any]:
        """The same as a JWK."""
        algorithm: Any = jwt.get_algorithm_by_name(self.algorithm)
        members: dict[str, Any] = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return members | {"use": "sig"} | ({"kid": self.kid} if self.kid else {})

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A token that says this."""
        return self.sign_bytes(json.dumps(claims).encode(), **header)

    def sign_bytes(self, payload: bytes, **header: Any) -> str:
        """The same of any payload, which no library would sign."""
        headers = {"alg": self.algorithm} | ({"kid": self.kid} if self.kid else {}) | header
        text = f"{b64(json.dumps(headers).encode())}.{b64(payload)}"
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(text.encode(), self.private)
        return f"{text}.{b64(signature)}"


def claims(user: object = "ann", **changes: Any) -> dict[str, Any]:
    """What a valid token says. A claim that is changed to None is left out."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + 600} | changes
    return {name: value for name, value in said.items() if value is not None}


class Issuer:
    """Its keys, and the server that publishes them, which can be made to misbehave."""

    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {}
        self.port = free_port()
        self.fetches = 0
        self.answer: bytes | None = None
        """What to publish in place of the keys."""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.let_go = asyncio.Event()
        self.let_go.set()
        self._server: HTTPServer | None = None

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def add(self, kid: str, kind: str = "EC") -> SigningKey:
        """Publish a new key."""
        self.keys[kid] = SigningKey(kind, kid)
        return self.keys[kid]

    def token(self, user: object = "ann", *, kid: str | None = None, **changes: Any) -> str:
        """A token that is signed with the newest key, or another one."""
        key = self.keys[kid or list(self.keys)[-1]]
        return key.sign(claims(user, **changes))

    @property
    def jwks(self) -> bytes:
        """The set as it should be."""
        return json.dumps({"keys": [key.jwk for key in self.keys.values()]}).encode()

    def open(self, certificate: tuple[Path, Path] | None = None) -> None:
        """Come, or come back; with a certificate and its key, by TLS."""
        tls = None
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
        # Its own errors are meant: nothing is logged of them.
        routes = [(PATH, _Keys, {"issuer": self})]
        application = Application(routes, log_function=lambda handler: None)
        self._server = HTTPServer(application, ssl_options=tls)
        self._server.listen(self.port, "127.0.0.1")

    async def leave(self) -> None:
        """Go away: nobody listens any more."""
        assert self._server is not None
        self._server.stop()
        await self._server.close_all_connections()


class _Keys(RequestHandler):
    def initialize(self, issuer: Issuer) -> None:
        self.issuer = issuer

    async def get(self) -> None:
        issuer = self.issuer
        issuer.fetches += 1
        await issuer.let_go.wait()
        self.set_status(issuer.status)
        for name, value in issuer.headers.items():
            self.set_header(name, value)
        self.write(issuer.jwks if issuer.answer is None else issuer.answer)


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """An issuer with one key, of EC."""
    issuer = Issuer()
    issuer.add("first")
    issuer.open()
    try:
        yield issuer
    finally:
        issuer.let_go.set()
        await issuer.leave()


def external(**changes: Any) -> dict[str, Any]:
    """Settings for users of an issuer."""
    users = {"users": "external", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    return users | changes
