"""What somebody else publishes, fetched without blocking the loop, within a time and a size.

Nobody is followed elsewhere, and nothing is unpacked.
"""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPInputError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

FETCH_SECONDS: Final = 5.0
"""How long it may take."""
MAX_BYTES: Final = 256 * 1024


async def fetch(url: str) -> bytes:
    """The body of the answer, or the file. Raises OSError, or ValueError for too large a one."""
    if url.startswith("file:"):
        async with asyncio.timeout(FETCH_SECONDS):
            return await asyncio.to_thread(_read_file, Path(unquote(urlsplit(url).path)))
    # A client of its own: its connections end with it, and its bounds are nobody else's.
    client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=MAX_BYTES)
    try:
        return (await client.fetch(_request(url))).body
    except (HTTPClientError, HTTPInputError) as error:
        raise OSError(str(error)) from error
    finally:
        client.close()


def _request(url: str) -> HTTPRequest:
    return HTTPRequest(
        url,
        headers={"Accept": "application/jwk-set+json, application/json"},
        connect_timeout=FETCH_SECONDS,
        request_timeout=FETCH_SECONDS,
        follow_redirects=False,
        decompress_response=False,
    )


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError("no such file")
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return body
