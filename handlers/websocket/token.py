"""The token that opens a WebSocket, wherever the client has put it.

In the address, as in ``?token=…``; as a subprotocol, because browsers let a page set no other
header of a WebSocket, and addresses get into logs and histories; or as a bearer's. Whoever
offers the subprotocols ``notifier, bearer.TOKEN`` is answered with ``notifier``.
"""

from typing import Final

from handlers.base import ApiHandler
from notifier.errors import InvalidField, TokenNotValid

ME: Final = "me"
"""In place of a number: whomever the token names."""
SUBPROTOCOL: Final = "notifier"
INBOX_SUBPROTOCOL: Final = "notifier.inbox"
"""The same, with what happens to the inbox."""

_BEARER: Final = "bearer."


def token_for_me(handler: ApiHandler) -> str:
    """The one token of the request; empty if there is none. Raises TokenNotValid."""
    given = [*handler.get_query_arguments("token"), *_offered(handler), handler.bearer or ""]
    tokens = set(filter(None, given))
    if len(tokens) > 1:
        raise TokenNotValid("The request brings different tokens.")
    return tokens.pop() if tokens else ""


def token_for_id(handler: ApiHandler) -> str:
    """The same for an address with a number.

    A token in the address counts alone, as ever: programs that bring one may add another,
    for HTTP, to all of their requests.
    """
    return handler.get_query_argument("token", "") or token_for_me(handler)


def _offered(handler: ApiHandler) -> list[str]:
    return [
        each.removeprefix(_BEARER) for each in subprotocols(handler) if each.startswith(_BEARER)
    ]


def subprotocols(handler: ApiHandler) -> list[str]:
    """What the client offers to speak."""
    offered = handler.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    return [each.strip() for each in offered]


def wants_events(handler: ApiHandler) -> bool:
    """Whether the client asks to be told what happens to the inbox. Raises InvalidField."""
    events = handler.get_query_argument("events", None)
    if events not in (None, "inbox"):
        raise InvalidField("events", "There are events of the inbox alone: events=inbox.")
    return events is not None or INBOX_SUBPROTOCOL in subprotocols(handler)
