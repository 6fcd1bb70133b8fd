"""What opens a WebSocket, as RFC 6455 §4.2.1 wants it. Its version is Tornado's to check."""

import base64
import binascii
from typing import Final

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import RequestHandler

from notifier.errors import InvalidRequest

_KEY_BYTES: Final = 16

_NO_HEADERS: Final = HTTPHeaders()


def check_handshake(request: HTTPServerRequest) -> None:
    """Raises InvalidRequest where ``request`` cannot open a WebSocket."""
    headers = request.headers
    if request.version != "HTTP/1.1":
        raise InvalidRequest("A WebSocket wants HTTP/1.1; in nginx: proxy_http_version 1.1.")
    if headers.get("Upgrade", "").strip().lower() != "websocket":
        raise InvalidRequest("Upgrade must be websocket.")
    connection = headers.get("Connection", "").lower().split(",")
    if "upgrade" not in [option.strip() for option in connection]:
        raise InvalidRequest("Connection must be Upgrade.")
    if not _is_nonce(headers.get("Sec-WebSocket-Key", "")):
        raise InvalidRequest("Sec-WebSocket-Key must be 16 bytes in Base64.")


def _is_nonce(text: str) -> bool:
    try:
        return len(base64.b64decode(text.strip(), validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def forget_handshake(handler: RequestHandler) -> None:
    """Let go of what opened a WebSocket: nobody asks for it again, and it would be held as long.

    The token, which may stand in the address, goes with it.
    """
    request = handler.request
    request.uri, request.query = request.path, ""
    request.headers = handler._headers = _NO_HEADERS  # noqa: SLF001
    request.arguments = request.query_arguments = request.body_arguments = {}
