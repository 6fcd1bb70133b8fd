"""Tokens that the application signs: which are taken, and everything that is refused."""

import hashlib
import hmac
import json
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from notifier import clock
from notifier.config import SETTINGS, load
from notifier.errors import InvalidSettings, TokenNotValid
from notifier.identity.application import external as module
from notifier.identity.application.external import External, Rules
from notifier.identity.application.header import MAX_TOKEN, header_of
from notifier.identity.application.sources import OneKey
from notifier.identity.application.verifying import from_pem
from notifier.identity.tokens import NamedToken, Tokens
from notifier.process.commands.server import check_config
from notifier.settings import Settings
from notifier.storage.contract import Administrative, WriteSession
from notifier.storage.operations.recipients import RecipientByName
from tests.support.harness import SECRET, Harness, ServerWith, append
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, b64, claims, external

SHARED = "the application's own secret, long enough"
REFUSED = (403, "permission_denied")


def part(value: object) -> str:
    """A part of a token."""
    return b64(json.dumps(value).encode())


def hmac_token(said: dict[str, Any], secret: bytes, **header: Any) -> str:
    """A token made by hand: libraries refuse to use a public key as a secret."""
    text = f"{part({'alg': 'HS256', **header})}.{part(said)}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey("EC", "first")


class TestKinds:
    """Keys of each kind, however they are given."""

    @pytest.mark.parametrize("kind", ["RSA", "EC", "OKP"])
    @pytest.mark.parametrize("given", ["text", "one line", "file"])
    async def test_public_keys(
        self, server_with: ServerWith, tmp_path: Path, kind: str, given: str
    ) -> None:
        """A token signed with RS256, ES256 or EdDSA connects, and brings its user's own."""
        key = SigningKey(kind, None)
        file = tmp_path / "key.pem"
        file.write_text(key.pem)
        source = {
            "text": {"jwt_public_key": key.pem},
            "one line": {"jwt_public_key": key.pem.replace("\n", "\\n")},
            "file": {"jwt_public_key_file": str(file)},
        }[given]
        async with (
            server_with(**external(**source)) as server,
            server.connect_me(key.sign(claims("auth0|5f7c"))) as device,
        ):
            recipient = await server.server.store.read(RecipientByName("auth0|5f7c"))
            assert recipient is not None
            await append(server.server.store, recipient.number, b'"for you"')
            assert (await device.next()).value == "for you"

    @pytest.mark.parametrize("users", ["external", "both"])
    async def test_shared_secret(self, server_with: ServerWith, users: str) -> None:
        """A shared secret signs with HS256, beside our own tokens, which it can't make."""
        settings = external(users=users, jwt_secret=SHARED)
        async with server_with(**settings) as server:
            token = jwt.encode(claims(), SHARED, algorithm="HS256")
            async with server.connect_me(token) as device:
                await device.nothing_more()
            theirs = {"token_type": "identity", "user_id": 1, "ver": 0}
            forged = jwt.encode(claims(None) | theirs, SHARED, algorithm="HS256")
            assert await server.refusal(forged) == REFUSED

    async def test_issuer_that_signs_otherwise(self, server_with: ServerWith) -> None:
        """A shared secret signs with HS256 only, not with a longer hash."""
        async with server_with(**external(jwt_secret=SHARED)) as server:
            token = jwt.encode(claims(), SHARED * 2, algorithm="HS512")
            assert await server.refusal(token) == REFUSED
            token = hmac_token(claims(), SHARED.encode(), alg="HS512")
            assert await server.refusal(token) == REFUSED


class TestSignatures:
    """Who signed it, and how."""

    async def test_confusion(self, server_with: ServerWith) -> None:
        """A public key is no secret: HS256 with its text, in whatever form, is refused."""
        for kind in ("RSA", "EC", "OKP"):
            key = SigningKey(kind, "first")
            der = key.private.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
            async with server_with(**external(users="both", jwt_public_key=key.pem)) as server:
                for secret in (key.pem.encode(), key.pem.strip().encode(), der, b""):
                    token = hmac_token(claims(), secret, kid="first")
                    assert await server.refusal(token) == REFUSED
                    own = {"token_type": "identity", "user_id": 1, "ver": 0}
                    assert await server.refusal(hmac_token(claims() | own, secret)) == REFUSED

    @pytest.mark.parametrize(
        "name", ["none", "None", "NONE", "", "HS256 ", "ES384", "RS256", "PS256"]
    )
    async def test_other_algorithms(
        self, server_with: ServerWith, key: SigningKey, name: str
    ) -> None:
        """`none` is refused, and every algorithm but the one that fits the key."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            _, said, signature = key.sign(claims()).split(".")
            for end in ("", signature):
                assert await server.refusal(f"{part({'alg': name})}.{said}.{end}") == REFUSED

    async def test_altered(self, server_with: ServerWith, key: SigningKey) -> None:
        """Any change of header, claims or signature is refused, however it is written."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            header, said, signature = key.sign(claims()).split(".")
            other = SigningKey("EC", "first")
            for token in (
                other.sign(claims()),
                f"{header}.{part(claims('bob'))}.{signature}",
                f"{header}.{said}.{signature[:-4]}AAAA",
                f"{header}.{said}.",
                f"{header}.{said}",
                f"{header}.{said}.{signature}.",
                f"{header}..{signature}",
                f"{part({'alg': 'ES256', 'kid': 5})}.{said}.{signature}",
                f"{part({'alg': 'ES256', 'crit': ['exp'], 'exp': 1})}.{said}.{signature}",
                f"{part({'alg': ['ES256']})}.{said}.{signature}",
                f"{part([])}.{said}.{signature}",
                f"{b64(b'[' * 3000)}.{said}.{signature}",
                f"AAAA.{said}.{signature}",
                f"A.{said}.{signature}",
                "a.b.c",
            ):
                assert await server.refusal(token) == REFUSED, token

    async def test_keys_that_a_token_brings(self, server_with: ServerWith, key: SigningKey) -> None:
        """A key, or an address of keys, in a token's header is nothing to go by."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            own = SigningKey("EC", "own")
            for brought in ({"jwk": own.jwk}, {"jku": "https://evil.example/"}, {"x5c": ["AA"]}):
                assert await server.refusal(own.sign(claims(), **brought)) == REFUSED

    async def test_critical_extensions(self, server_with: ServerWith, key: SigningKey) -> None:
        """A well signed token that wants an extension to be understood is refused."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            for header in ({"crit": ["b64"], "b64": False}, {"crit": ["x"], "x": 1}):
                assert await server.refusal(key.sign(claims(), **header)) == REFUSED


class TestClaims:
    """What a token has to say."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "another"},
            {"aud": ["another", "third"]},
            {"aud": []},
            {"aud": None},
            {"aud": {"notifier": 1}},
            {"iss": "https://id.example"},
            {"iss": "https://evil.example/"},
            {"iss": None},
            {"iss": [ISSUER]},
            {"exp": None},
            {"exp": int(time.time()) - 60},
            {"exp": str(int(time.time()) + 60)},
            {"exp": True},
            {"exp": 1e300},
            {"exp": 10**20},
            {"iat": None},
            {"iat": "yesterday"},
            {"iat": str(int(time.time()))},
            {"iat": False},
            {"iat": -5},
            {"iat": int(time.time()) + 3600},
            {"nbf": int(time.time()) + 3600},
            {"sub": None},
        ],
        # Without the moments, which are others in each process.
        ids="-".join,
    )
    async def test_refused(
        self, server_with: ServerWith, key: SigningKey, changes: dict[str, Any]
    ) -> None:
        """What is missing, foreign, over, not yet, or of another type is refused."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            assert await server.refusal(key.sign(claims() | changes)) == REFUSED
            said = {
                name: value for name, value in (claims() | changes).items() if value is not None
            }
            assert await server.refusal(key.sign(said)) == REFUSED

    @pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1" * 5000])
    async def test_numbers_that_are_none(
        self, server_with: ServerWith, key: SigningKey, number: bytes
    ) -> None:
        """What Python's parser takes, and JSON does not, is no moment."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            for name in ("exp", "iat"):
                said = json.dumps(claims() | {name: 0.5}).encode().replace(b"0.5", number)
                assert await server.refusal(key.sign_bytes(said)) == REFUSED

    @pytest.mark.parametrize(
        "said",
        [b"", b"5", b"[]", b"null", b"{", b"\xff", b'{"a":' * 1000 + b"1" + b"}" * 1000],
        ids=lambda said: str(said[:10]),
    )
    async def test_payloads_that_are_none(
        self, server_with: ServerWith, key: SigningKey, said: bytes
    ) -> None:
        """A well signed payload that is no object is refused."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            assert await server.refusal(key.sign_bytes(said)) == REFUSED

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": ["another", AUDIENCE]},
            {"iat": time.time()},
            {"iat": int(time.time()) + 30},
            {"iat": 0},
            {"nbf": int(time.time()) - 5},
            {"jti": 5, "user_id": 1, "token_type": "access", "is_superuser": True},
        ],
        # Without the moments, which are others in each process.
        ids="-".join,
    )
    async def test_taken(
        self, server_with: ServerWith, key: SigningKey, changes: dict[str, Any]
    ) -> None:
        """One audience of several will do, as a clock that is a little wrong; the rest is noise."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            assert await server.refusal(key.sign(claims() | changes)) == (101, "")

    async def test_size(self, server_with: ServerWith, key: SigningKey) -> None:
        """A token of 8 KB is taken, a longer one refused, however good it is."""

        def padded(size: int) -> str:
            token = key.sign(claims(pad=""))
            pad = (size - len(token)) * 3 // 4
            return key.sign(claims(pad="x" * pad))

        async with server_with(**external(jwt_public_key=key.pem)) as server:
            small, large = padded(MAX_TOKEN - 4), padded(MAX_TOKEN + 64)
            assert MAX_TOKEN - 16 < len(small) <= MAX_TOKEN < len(large)
            assert await server.refusal(small) == (101, "")
            assert await server.refusal(large) == REFUSED

    async def test_claim_of_your_choice(self, server_with: ServerWith, key: SigningKey) -> None:
        """Another claim may name the user, and then `sub` does not."""
        claim = "https://app.example/user"
        settings = external(jwt_public_key=key.pem, jwt_user_claim=claim)
        async with server_with(**settings) as server:
            assert await server.refusal(key.sign(claims())) == REFUSED
            assert await me(server, key.sign(claims(**{claim: "bob"}))) == {"user": "bob"}


async def me(server: Harness, token: str) -> dict[str, Any]:
    """Whom the server takes the holder of ``token`` for."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = await server.http.get("/api/users/me/", headers=headers)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    del said["expires_at"]
    return said


class TestUsers:
    """What may name a user."""

    @pytest.mark.parametrize(
        "user",
        [
            "",
            "x" * 129,
            "a\x00b",
            "a\nb",
            "\x7f",
            "\x85",
            "\ud800",
            5.0,
            True,
            ["ann"],
            {"name": "ann"},
            10**128,
        ],
        ids=ascii,
    )
    async def test_nobody(self, server_with: ServerWith, key: SigningKey, user: object) -> None:
        """What is empty, too long, no text, or has control characters or half characters."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            assert await server.refusal(key.sign(claims() | {"sub": user})) == REFUSED

    async def test_somebody(
        self, server_with: ServerWith, key: SigningKey, each_database_url: str
    ) -> None:
        """Names are kept byte for byte, on each database: what looks alike is not the same."""
        names = ["x" * 128, "\U0001f600" * 128, "Ann", "ann", "é", "e\u0301", " ", "42", "\u202e"]
        settings = external(jwt_public_key=key.pem, database_url=each_database_url)
        async with server_with(**settings) as server:
            for name in names:
                assert await me(server, key.sign(claims(name))) == {"user": name}
            store = server.server.store
            found = [await store.read(RecipientByName(name)) for name in names]
            assert len({recipient.number for recipient in found if recipient}) == len(names)

    async def test_integers(self, server_with: ServerWith, key: SigningKey) -> None:
        """An integer counts as its decimal text, and is never an account's number."""
        async with server_with(**external(users="both", jwt_public_key=key.pem)) as server:
            for number in (1, -7, 2**63, 10**127):
                assert await me(server, key.sign(claims(number))) == {"user": str(number)}
            admin = server.token(server.admin)
            assert await me(server, admin) == {"user_id": 1}
            path = server.socket_url(server.admin, key.sign(claims(1)))
            assert (await server.http.get(path.replace("ws", "http", 1))).status_code == 403


class TestRevocation:
    """Tokens end when their user's do."""

    async def test_revoked(
        self, server_with: ServerWith, key: SigningKey, each_database_url: str
    ) -> None:
        """A token that was issued before a revocation is refused, a later one is not."""
        settings = external(jwt_public_key=key.pem, database_url=each_database_url)
        async with server_with(**settings) as server:
            old = key.sign(claims(iat=int(time.time()) - 5))
            assert await me(server, old) == {"user": "ann"}
            await revoke(server, "ann", clock.now() - 2000)
            assert await server.refusal(old) == REFUSED
            assert await server.refusal(key.sign(claims(iat=time.time()))) == (101, "")

    async def test_refresh(self, server_with: ServerWith, key: SigningKey) -> None:
        """A connection is prolonged by a new token of the same user, and by no other."""
        token = key.sign(claims(iat=int(time.time()) - 60))
        async with (
            server_with(**external(users="both", jwt_public_key=key.pem)) as server,
            server.connect_me(token) as device,
        ):
            (here,) = server.server.hub.devices()
            before = here.version
            for foreign in (
                key.sign(claims("bob")),
                key.sign(claims(aud="another")),
                server.token(server.admin),
            ):
                await device.tell({"type": "command", "key": "refresh", "value": foreign})
                assert (await device.next()).type == "message_processing_error"
            assert here.version == before
            fresh = key.sign(claims())
            await device.tell({"type": "command", "key": "refresh", "value": fresh})
            assert (await device.next()).type == "command_processing_result"
            assert here.version > before + 30_000

    async def test_end(self, server_with: ServerWith, key: SigningKey) -> None:
        """A connection ends with 4401 when its token does."""
        async with server_with(**external(jwt_public_key=key.pem)) as server:
            async with server.connect_me(key.sign(claims(exp=int(time.time()) + 1))) as device:
                code, _ = await device.closed()
            assert code == 4401


async def revoke(server: Harness, user: str, moment: int) -> None:
    """What a revocation leaves behind."""
    recipient = await server.server.store.read(RecipientByName(user))
    assert recipient is not None
    await server.server.store.submit(SetVersion(recipient.number, moment))


class SetVersion(Administrative[None], frozen=True):
    """Refuse a recipient's tokens that were issued before a moment."""

    number: int
    version: int

    def apply(self, session: WriteSession, now: int) -> None:
        session.run(
            "UPDATE recipients SET token_version = ? WHERE id = ? RETURNING id",
            (self.version, -self.number),
        )


class TestMemory:
    """What is remembered of tokens that were verified."""

    @pytest.fixture
    def external(self, key: SigningKey) -> External:
        return External(OneKey(from_pem(key.pem)), Rules(ISSUER, AUDIENCE, "sub"))

    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Tokens whose signature was checked."""
        seen: list[str] = []
        decode = jwt.decode

        def watch(token: str, *arguments: Any, **options: Any) -> Any:
            seen.append(token)
            return decode(token, *arguments, **options)

        monkeypatch.setattr(jwt, "decode", watch)
        return seen

    async def test_verified_once(
        self, external: External, key: SigningKey, verified: list[str]
    ) -> None:
        """A token is verified once; another spelling of it is another token."""
        token = key.sign(claims())
        first = await read(external, token)
        assert await read(external, token) == first
        assert verified == [token]

    async def test_only_valid_ones(
        self, external: External, key: SigningKey, verified: list[str]
    ) -> None:
        """A token that was refused is refused again, and takes no place."""
        token = key.sign(claims(aud="another"))
        for _ in range(2):
            with pytest.raises(TokenNotValid):
                await read(external, token)
        assert len(verified) == 2
        assert not external._remembered

    async def test_end(
        self, external: External, key: SigningKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A remembered token ends when it says."""
        token = key.sign(claims())
        found = await read(external, token)
        monkeypatch.setattr(clock, "now", lambda: found.expires_at + 5000)
        with pytest.raises(TokenNotValid):
            await read(external, token)
        assert not external._remembered

    async def test_change_of_keys(
        self, external: External, key: SigningKey, verified: list[str]
    ) -> None:
        """When the keys change, everything is verified anew."""
        token = key.sign(claims())
        await read(external, token)
        external.source.version += 1
        await read(external, token)
        assert len(verified) == 2

    async def test_bounded(
        self, external: External, key: SigningKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The memory is bounded: what was used longest ago goes."""
        monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)
        first, second, third = (key.sign(claims(name)) for name in ("a", "b", "c"))
        for token in (first, second, first, third):
            await read(external, token)
        kept = {found.user for found in external._remembered.values()}
        assert kept == {"a", "c"}


async def read(external: External, token: str) -> NamedToken:
    return await external.read(token, header_of(token))


class TestStart:
    """Settings with which nothing starts."""

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({}, "exactly one of"),
            ({"jwt_public_key": "x", "jwks_url": "https://id.example/"}, "exactly one of"),
            ({"jwt_secret": SHARED, "jwt_issuer": ""}, "NOTIFIER_JWT_ISSUER"),
            ({"jwt_secret": SHARED, "jwt_audience": ""}, "NOTIFIER_JWT_AUDIENCE"),
            ({"jwt_secret": "short"}, "at least 32"),
            ({"jwt_secret": SigningKey("EC", None).pem}, "public key is no secret"),
            ({"jwks_url": "ftp://id.example/"}, "https://"),
            ({"jwks_url": "file:jwks.json"}, "file://"),
        ],
    )
    @pytest.mark.parametrize("users", ["external", "both"])
    def test_settings(self, changes: dict[str, Any], says: str, users: str) -> None:
        """What is missing, said twice, or dangerous is refused, with the reason."""
        with pytest.raises(ValueError, match=says) as refused:
            Settings(**external(users=users, **changes))
        assert "BEGIN PUBLIC" not in str(refused.value)

    @pytest.mark.parametrize("users", ["external", "both"])
    async def test_own_secret(self, server_with: ServerWith, users: str) -> None:
        """The secret that signs our own tokens is not shared."""
        with pytest.raises(InvalidSettings, match="NOTIFIER_JWT_SECRET") as refused:
            async with server_with(**external(users=users, jwt_secret=SECRET)):
                pass
        assert SECRET not in refused.value.message

    async def test_keys(self, server_with: ServerWith, tmp_path: Path) -> None:
        """A key that is private, weak, of another kind, or none at all is refused."""
        weak = rsa.generate_private_key(65537, 1024).public_key()
        other = ec.generate_private_key(ec.SECP384R1()).public_key()
        private = SigningKey("EC", None).private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        texts = [weak.public_bytes(*form), other.public_bytes(*form), private, b"no key"]
        for text in texts:
            with pytest.raises(InvalidSettings, match=r"NOTIFIER_JWT_PUBLIC_KEY: wants"):
                async with server_with(**external(jwt_public_key=text.decode())):
                    pass
        file = tmp_path / "key.pem"
        with pytest.raises(InvalidSettings, match=r"_FILE: cannot read .*No such file"):
            async with server_with(**external(jwt_public_key_file=str(file))):
                pass
        file.write_bytes(b"\xff" * 100)
        with pytest.raises(InvalidSettings, match="_FILE: wants a public key"):
            async with server_with(**external(jwt_public_key_file=str(file))):
                pass

    def test_check_config(self, key: SigningKey, capsys: pytest.CaptureFixture[str]) -> None:
        """A key as PEM text is one line of the table, and is read back from it."""
        given = {"NOTIFIER_JWT_PUBLIC_KEY": key.pem}
        check_config(Namespace(), load({}, given, Path("/nonexistent")))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(SETTINGS)
        (text,) = [line for line in lines if "BEGIN PUBLIC KEY" in line]
        again = text.removeprefix("NOTIFIER_JWT_PUBLIC_KEY").removesuffix("NOTIFIER_JWT_PUBLIC_KEY")
        assert from_pem(again) == from_pem(key.pem)

    async def test_accounts_need_nothing(self, server_with: ServerWith, key: SigningKey) -> None:
        """Where all users have accounts, the application's tokens open nothing."""
        settings = external(users="accounts", jwt_public_key=key.pem)
        async with server_with(**settings) as server:
            assert await server.refusal(key.sign(claims())) == REFUSED
            named = Tokens(SECRET, {"identity": 60}).issue_named("ann")
            assert await server.refusal(named) == REFUSED
