"""Keys that an issuer publishes: they come, go and change while connections live."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from notifier.identity.application import fetching, jwks
from notifier.identity.application.fetching import MAX_BYTES
from notifier.identity.application.jwks import MAX_KEYS, JwkSet, parse
from servers.certificate import make_certificate
from servers.notifier import ServerProcess
from tests.support.harness import SECONDS, Harness, ServerWith, until
from tests.support.issuer import AUDIENCE, ISSUER, Issuer, SigningKey, claims, external, issuing

REFUSED = (403, "permission_denied")
TAKEN = (101, "")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as issuer:
        yield issuer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is looked at often."""
    monkeypatch.setattr(jwks, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0.05)


@pytest.mark.parametrize("kind", ["RSA", "EC", "OKP"])
async def test_kinds(server_with: ServerWith, issuer: Issuer, kind: str) -> None:
    """Published keys of each kind verify what was signed with them, found by their names."""
    issuer.add("second", kind)
    async with server_with(**external(jwks_url=issuer.url)) as server:
        assert await server.refusal(issuer.token()) == TAKEN
        assert await server.refusal(issuer.token(kid="first")) == TAKEN
        stranger = SigningKey(kind, "second")
        assert await server.refusal(stranger.sign(claims())) == REFUSED


class TestRotation:
    """A key takes another's place."""

    async def test_new_key(self, server_with: ServerWith, issuer: Issuer, quick: None) -> None:
        """A key that nobody has heard of is asked for; connections of the old one live on."""
        async with (
            server_with(**external(jwks_url=issuer.url)) as server,
            server.connect_me(issuer.token()) as device,
        ):
            old = issuer.token("bob")
            issuer.add("second", "RSA")
            assert await eventually(server, issuer.token()) == TAKEN
            assert await server.refusal(old) == TAKEN
            await device.nothing_more()

    async def test_removed_key(self, server_with: ServerWith, issuer: Issuer, quick: None) -> None:
        """A key that is published no longer ends, also for tokens that were taken before."""
        async with server_with(**external(jwks_url=issuer.url)) as server:
            old = issuer.token()
            async with server.connect_me(old) as device:
                issuer.add("second")
                del issuer.keys["first"]
                await until(lambda: "first" not in known(server))
                assert await server.refusal(old) == REFUSED
                assert await server.refusal(issuer.token()) == TAKEN
                await device.nothing_more()
                last = issuer.token()
                issuer.keys.clear()
                await until(lambda: not known(server))
                assert await server.refusal(last) == REFUSED

    async def test_name_that_gets_another_key(
        self, server_with: ServerWith, issuer: Issuer, quick: None
    ) -> None:
        """A name that is used again stands for its new key only."""
        async with server_with(**external(jwks_url=issuer.url)) as server:
            old = issuer.token()
            assert await server.refusal(old) == TAKEN
            version = source(server).version
            issuer.add("first")
            await until(lambda: source(server).version > version)
            assert await server.refusal(old) == REFUSED
            assert await server.refusal(issuer.token()) == TAKEN

    async def test_strangers_cannot_have_it_fetched(
        self, server_with: ServerWith, issuer: Issuer
    ) -> None:
        """However many tokens name keys that nobody has, the issuer is asked once in a while."""
        async with server_with(**external(jwks_url=issuer.url)) as server:
            assert await server.refusal(issuer.token()) == TAKEN
            asked = issuer.fetches
            tokens = [SigningKey("OKP", f"key {n}").sign(claims()) for n in range(20)]
            answers = await asyncio.gather(*map(server.refusal, tokens))
            assert set(answers) == {REFUSED}
            assert issuer.fetches <= asked + 1

    async def test_one_fetch_for_all(self, issuer: Issuer) -> None:
        """All who need the keys meanwhile wait for the same fetch, whoever gives up."""
        keys = JwkSet(issuer.url)
        issuer.let_go.clear()
        asked = [asyncio.create_task(keys.find("ES256", "first")) for _ in range(5)]
        await until(lambda: issuer.fetches)
        asked[0].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked[0]
        issuer.let_go.set()
        assert all(await asyncio.gather(*asked[1:]))
        assert issuer.fetches == 1


def source(server: Harness) -> JwkSet:
    """The set of a server."""
    assert server.server.application is not None
    found = server.server.application.authentication.external
    assert found is not None
    assert isinstance(found.source, JwkSet)
    return found.source


def known(server: Harness) -> set[str | None]:
    """The names of the keys that a server knows."""
    return {kid for _, kid in source(server)._keys or {}} - {None}


async def eventually(server: Harness, token: str) -> tuple[int, str]:
    """What a token comes to that is tried again as long as it is refused."""
    answers = [await server.refusal(token)]
    while answers[-1] == REFUSED and len(answers) < 1000:
        answers.append(await server.refusal(token))
    return answers[-1]


RUBBISH: list[dict[str, Any]] = [
    {"status": 404},
    {"status": 500},
    {"status": 302, "headers": {"Location": "/elsewhere"}},
    {"answer": b""},
    {"answer": b"<html>"},
    {"answer": b"[]"},
    {"answer": b'{"keys": 5}'},
    {"answer": b'{"keys": ["text"]}'},
    {"answer": b'{"keys": ' + b"[" * 100_000},
    {"answer": b'{"keys": [], "pad": "' + b"x" * MAX_BYTES + b'"}'},
    {"answer": json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode()},
    {"answer": b"\x1f\x8b\x08", "headers": {"Content-Encoding": "gzip"}},
]


class TestAway:
    """An issuer that is away, or not itself."""

    async def test_start(self, server_with: ServerWith, issuer: Issuer, quick: None) -> None:
        """The server starts without it: 503 until it comes, and all is well from then on."""
        await issuer.leave()
        async with server_with(**external(users="both", jwks_url=issuer.url)) as server:
            assert await server.refusal(issuer.token()) == (503, "unavailable")
            async with server.connect(server.admin) as device:
                await device.nothing_more()
            issuer.open()
            await until(lambda: known(server))
            assert await server.refusal(issuer.token()) == TAKEN

    async def test_leaves(self, server_with: ServerWith, issuer: Issuer, quick: None) -> None:
        """While it is away the last set goes on, and a new key is unknown."""
        async with server_with(**external(jwks_url=issuer.url)) as server:
            assert await server.refusal(issuer.token()) == TAKEN
            await issuer.leave()
            await until(lambda: source(server)._failure)
            assert await server.refusal(issuer.token("bob")) == TAKEN
            issuer.add("second")
            assert await server.refusal(issuer.token()) == REFUSED
            issuer.open()
            assert await eventually(server, issuer.token()) == TAKEN

    @pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda rubbish: str(rubbish)[:40])
    async def test_rubbish(self, issuer: Issuer, quick: None, rubbish: dict[str, Any]) -> None:
        """What is no set changes nothing, and nobody is followed elsewhere."""
        keys = JwkSet(issuer.url)
        await keys.refresh()
        for name, value in rubbish.items():
            setattr(issuer, name, value)
        await keys.refresh()
        assert issuer.fetches == 2
        assert keys._failure
        assert await keys.find("ES256", "first")

    async def test_slow(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fetch has a time limit, and the loop goes on meanwhile."""
        monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.2)
        issuer.let_go.clear()
        keys = JwkSet(issuer.url)
        await keys.refresh()
        assert keys._failure

    async def test_stop(self, server_with: ServerWith, issuer: Issuer) -> None:
        """A server that stops does not wait for a fetch."""
        issuer.let_go.clear()
        async with asyncio.timeout(4), server_with(**external(jwks_url=issuer.url)):
            await until(lambda: issuer.fetches)


class TestFile:
    """A set in a file."""

    async def test_file(self, server_with: ServerWith, tmp_path: Path, quick: None) -> None:
        """A set from a file, which may be replaced or go away while the server runs."""
        first, second = SigningKey("EC", "first"), SigningKey("OKP", "second")
        file = tmp_path / "key set.json"
        file.write_text(json.dumps({"keys": [first.jwk]}))
        async with server_with(**external(jwks_url=file.as_uri())) as server:
            assert await server.refusal(first.sign(claims())) == TAKEN
            file.write_text(json.dumps({"keys": [second.jwk]}))
            assert await eventually(server, second.sign(claims())) == TAKEN
            await until(lambda: known(server) == {"second"})
            assert await server.refusal(first.sign(claims())) == REFUSED
            file.unlink()
            await until(lambda: source(server)._failure)
            assert await server.refusal(second.sign(claims("bob"))) == TAKEN

    async def test_what_is_no_file(self, tmp_path: Path) -> None:
        """A folder, a device or a huge file is no set."""
        huge = tmp_path / "huge"
        huge.write_bytes(b" " * (MAX_BYTES + 1))
        for path in (tmp_path, Path("/dev/zero"), huge):
            keys = JwkSet(path.as_uri())
            await keys.refresh()
            assert keys._failure


async def test_tls_of_an_authority(
    server_process: Callable[..., ServerProcess], tmp_path: Path, issuer: Issuer
) -> None:
    """A certificate of an authority that the machine trusts is believed."""
    certificate = make_certificate(tmp_path)
    await issuer.leave()
    issuer.open(certificate)
    process = server_process(
        SSL_CERT_FILE=str(certificate[0]),
        NOTIFIER_USERS="external",
        NOTIFIER_JWKS_URL=issuer.url.replace("http:", "https:"),
        NOTIFIER_JWT_ISSUER=ISSUER,
        NOTIFIER_JWT_AUDIENCE=AUDIENCE,
    )
    await asyncio.to_thread(process.start)
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    async with httpx.AsyncClient(base_url=process.url, timeout=SECONDS) as http:
        answer = await http.get("/api/users/me/", headers=headers)
    assert answer.json()["user"] == "ann"


async def test_tls(tmp_path: Path, issuer: Issuer) -> None:
    """A server whose certificate nobody vouches for is not believed."""
    await issuer.leave()
    issuer.open(make_certificate(tmp_path))
    keys = JwkSet(issuer.url.replace("http:", "https:"))
    await keys.refresh()
    assert "certificate" in (keys._failure or "").lower()
    assert issuer.fetches == 0


class TestSets:
    """Which keys of a set count."""

    def test_left_out(self) -> None:
        """Secrets, private keys, other algorithms, uses, curves and rubbish are left out."""
        good = SigningKey("EC", "good").jwk
        rsa = SigningKey("RSA", "rsa").jwk
        bad: list[dict[str, Any]] = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "good", "alg": "HS256"},
            good | {"d": "AAAA"},
            good | {"use": "enc"},
            good | {"key_ops": ["encrypt"]},
            good | {"key_ops": 5},
            good | {"alg": "ES384"},
            good | {"alg": "HS256"},
            good | {"alg": ["ES256"]},
            good | {"crv": "P-384"},
            good | {"crv": "secp256k1"},
            good | {"x": good["y"]},
            good | {"x": 5},
            good | {"kid": 5, "x": "!"},
            rsa | {"alg": "PS256"},
            rsa | {"n": "AQAB"},
            rsa | {"e": None},
            {"kty": "OKP", "crv": "X25519", "x": good["x"]},
            {"kty": "OKP", "crv": "Ed448", "x": good["x"]},
            {"kty": ["EC"]},
            {},
        ]
        assert parse(json.dumps({"keys": bad}).encode()) == {}
        keys = parse(json.dumps({"keys": [*bad, good]}).encode())
        assert set(keys) == {("ES256", "good"), ("ES256", None)}

    async def test_tokens_without_a_name(self, tmp_path: Path) -> None:
        """A token need not name its key where only one has its algorithm."""
        keys = [SigningKey("EC", "a"), SigningKey("EC", "b"), SigningKey("RSA", None)]
        file = tmp_path / "keys.json"
        file.write_text(json.dumps({"keys": [key.jwk for key in keys]}))
        found = JwkSet(file.as_uri())
        assert await found.find("RS256", None) is not None
        assert await found.find("RS256", "a") is None
        assert await found.find("ES256", None) is None
        assert await found.find("ES256", "b") is not None
        assert await found.find("EdDSA", None) is None
