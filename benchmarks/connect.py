"""CPU of the server for each connection, by whose token opens it.

``python -m benchmarks.connect [sockets]``: that many connections a round (300), with tokens of
our own and of an application that signs with ES256: each token new, or all the same; and the
first connections of as many users. In alternating rounds against one server.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.fanout import Listener
from benchmarks.measure import SECRET, Subject, subject
from notifier.identity.tokens import Tokens

ROUNDS = 5
ISSUER, AUDIENCE = "https://app.example", "notifier"


class Application:
    """Signs tokens for its users."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self._signed = 0

    @property
    def settings(self) -> dict[str, str]:
        """With which the server takes its tokens."""
        form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {
            "NOTIFIER_USERS": "both",
            "NOTIFIER_JWT_PUBLIC_KEY": self._key.public_key().public_bytes(*form).decode(),
            "NOTIFIER_JWT_ISSUER": ISSUER,
            "NOTIFIER_JWT_AUDIENCE": AUDIENCE,
        }

    def token(self, user: str) -> str:
        """A new token."""
        self._signed += 1
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + 3600}
        return jwt.encode(claims | {"jti": str(self._signed)}, self._key, algorithm="ES256")

    def newcomer(self) -> str:
        """A token of somebody who was never here."""
        return self.token(f"user {self._signed}")


def kinds(application: Application, sockets: int) -> Iterator[tuple[str, list[str]]]:
    """What is compared, with the tokens of one round."""
    ours = Tokens(SECRET, {"identity": 3600})
    yield "ours", [ours.issue("identity", 1, 0) for _ in range(sockets)]
    yield "ES256, each new", [application.token("ann") for _ in range(sockets)]
    yield "ES256, the same", [application.token("ann")] * sockets
    yield "ES256, newcomers", [application.newcomer() for _ in range(sockets)]


async def round_of(server: Subject, tokens: list[str]) -> float:
    """Microseconds of server CPU per connection."""
    cpu = server.cpu()
    listeners = [await Listener.connect(server.port, token, "me") for token in tokens]
    await asyncio.sleep(0.5)  # the last ones are catching up
    connecting = (server.cpu() - cpu) / len(tokens)
    for each in listeners:
        each.close()
    await asyncio.sleep(0.5)
    return connecting


def main() -> None:
    sockets = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    application = Application()
    with subject("notifier", NOTIFIER_SOCKETS_PER_USER="0", **application.settings) as server:
        rounds: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, tokens in kinds(application, sockets):
                rounds.setdefault(name, []).append(asyncio.run(round_of(server, tokens)))
    ours = statistics.median(rounds["ours"])
    for name, figures in rounds.items():
        median = statistics.median(figures)
        print(f"{name:<17} {median:5.0f} µs per connection, {median / ours:5.2f} of ours")


if __name__ == "__main__":
    main()
