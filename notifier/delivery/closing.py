"""WebSocket close codes: they tell a client whether to come back (RFC 6455 §7.4)."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Codes that this server gives; docs/protocol.md says what a client should do."""

    PROTOCOL_ERROR = 1002
    """The client broke RFC 6455."""

    INVALID_DATA = 1007
    """A text that is not UTF-8."""

    POLICY_VIOLATION = 1008
    """More than one connection may send: come back with back-off."""

    TOO_LARGE = 1009
    """A larger message than is taken."""

    INTERNAL_ERROR = 1011
    """This connection failed: come back with back-off."""

    GO_ELSEWHERE = 1012
    """Service restart, as registered with IANA: come back soon, to any process."""

    TOKEN_EXPIRED = 4401
    """Get a new identity token and come back."""

    REVOKED = 4403
    """The user's tokens no longer hold: do not come back with them."""
