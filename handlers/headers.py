"""The headers that tell browsers and caches what they may do with an answer.

Every answer begins with the strictest: it is no page, nobody frames, embeds, guesses at or
keeps it. What is a page or a file of one says so on top of that, and only once it is known
to be there, so that errors stay strict.

There is no Strict-Transport-Security. It binds everything on this host name, other services
too, and for long; whoever runs the proxy that speaks TLS knows whether that is right.
"""

from collections.abc import Collection, Mapping
from typing import Final

ALWAYS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # For what doesn't know frame-ancestors.
    "X-Frame-Options": "DENY",
}


def _policy(*, styles: str = "'self'", images: str = "'self' data:") -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src {images}; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


REVALIDATED: Final = "no-cache"
"""To be asked for at each use, so that an upgrade is seen at once."""

PAGE: Final[Mapping[str, str]] = {
    "Cache-Control": REVALIDATED,
    # Senders may show pictures of other hosts; who looks has to ask for them (the view menu).
    "Content-Security-Policy": _policy(images="'self' data: https:"),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
}

DOCS: Final[Mapping[str, str]] = {
    **PAGE,
    # Swagger UI sets style attributes from its script; its scripts are ours to serve.
    "Content-Security-Policy": _policy(styles="'self' 'unsafe-inline'"),
}

PUBLIC: Final[Mapping[str, str]] = {
    "Cache-Control": REVALIDATED,
    # Apps of other origins import notifier.js; nothing of this kind is anyone's secret.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

IMMUTABLE: Final[Mapping[str, str]] = {
    **PUBLIC,
    "Cache-Control": "public, max-age=31536000, immutable",
}
"""For an address that will never stand for anything else."""


def is_shared(path: str) -> bool:
    """Whether pages of other origins may be let read what is answered at ``path``."""
    return f"{path}/".startswith("/api/inbox/")


def shared(origin: str | None, allowed: Collection[str]) -> Mapping[str, str]:
    """What lets a page of ``origin`` read it, whoever answers, if that is among those allowed."""
    if not allowed:
        return {}
    found = {"Vary": "Origin"}
    if origin is not None and (origin in allowed or "*" in allowed):
        found["Access-Control-Allow-Origin"] = origin
        found["Access-Control-Expose-Headers"] = "Retry-After"
    return found
