"""The token that opens a WebSocket, wherever the client has put it.

In the address, as in ``?token=…``; as a subprotocol, because browsers let a page set no other
header of a WebSocket, and addresses get into logs and histories; or as a bearer's. Whoever
offers the subprotocols ``notifier, bearer.TOKEN`` is answered with ``notifier``.
"""

from typing import Final

from handlers.base import ApiHandler
from notifier.errors import TokenNotValid

ME: Final = "me"
"""In place of a number: whomever the token names."""
SUBPROTOCOL: Final = "notifier"

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
    offered = handler.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    return [
        each.strip().removeprefix(_BEARER) for each in offered if each.strip().startswith(_BEARER)
    ]
