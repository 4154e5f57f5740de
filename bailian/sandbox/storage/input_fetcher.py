"""Gets the input a request names: `data:`, `oss://`, or http(s) from this computer only.

No other computer is ever asked.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import http.client
import ipaddress
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

from bailian.sandbox.http.refusals import invalid, invalid_url, unreadable
from bailian.sandbox.settings import Settings
from bailian.sandbox.storage.uploads import Uploads

FETCH_S = 10.0
MAX_BYTES = 10 * 1024**2
"""D-QIE, D-IE: 10 MB a picture."""

MAX_DATA_URI_CHARS = 10485760
"""D-ERR: counts the encoded text, so about 7 MB of picture."""

_DATA_URI = re.compile(r"data:([a-z]+)/[a-z0-9.+-]+;base64,", re.IGNORECASE)

# Not asyncio's own pool: the server's end would wait for it.
_FETCHERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sandbox-fetcher")


class FetchFailed(Exception):
    """The address is well-formed, but nothing came from it."""


class NotOnLoopback(Exception):
    """The address is of another computer, and a placeholder shall stand in for what is there."""


class InputFetcher:
    """Gets inputs for one call.

    Args:
        uploads: for `oss://` addresses.
        settings: whether placeholders stand in for what is on other computers.
        model: its name; uploads belong to one.
        resolves: whether the call has `X-DashScope-OssResourceResolve: enable`.
        max_bytes: no more than this, and one byte, is read.
        max_chars: of a `data:` address, behind its comma; None: in proportion to `max_bytes`.
        media: what a `data:` address has to say that it is.
    """

    def __init__(
        self, uploads: Uploads, settings: Settings, model: str, *, resolves: bool, max_bytes: int = MAX_BYTES,
        max_chars: int | None = None, media: str = "image",
    ) -> None:  # fmt: skip
        self._uploads = uploads
        self._settings = settings
        self._model = model
        self._resolves = resolves
        self._max_bytes = max_bytes
        self._max_chars = max_chars or MAX_DATA_URI_CHARS * max_bytes // MAX_BYTES
        self._media = media

    async def get(self, url: str) -> bytes:
        """Return what is there.

        Raises:
            Refusal: no address the service takes, or an upload it may not read.
            FetchFailed: nothing came.
            NotOnLoopback: a placeholder shall stand in for it.
        """
        if url[:5].lower() == "data:":
            return _decoded(url, self._media, self._max_chars)
        if url.startswith("oss://"):
            return self._uploads.read(url, self._model, resolves=self._resolves)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise invalid_url() from None
        if parts.scheme.lower() not in ("http", "https") or not host or any(c.isspace() for c in url):
            raise invalid_url()
        if not is_loopback(host):
            if self._settings.fetch_foreign == "placeholder":
                raise NotOnLoopback
            raise FetchFailed
        target = quote(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe="/%:=&?+,;@!$'()*~")
        running = asyncio.get_running_loop()
        where = (parts.scheme.lower(), host, port, target)
        return await running.run_in_executor(_FETCHERS, _fetch, *where, self._max_bytes + 1)


def is_loopback(host: str) -> bool:
    """Names are not looked up: that would ask another computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _decoded(url: str, media: str, max_chars: int) -> bytes:
    match = _DATA_URI.match(url)
    if match is None or match[1].lower() != media:
        raise invalid_url()
    if len(url) - match.end() > max_chars:
        raise invalid(f"Exceeded limit on max bytes per data-uri item : {max_chars}")  # D-ERR
    try:
        return base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise unreadable() from None


def _fetch(scheme: str, host: str, port: int | None, target: str, most_bytes: int) -> bytes:
    try:
        with asked(scheme, host, port, target) as answer:
            if answer.status != http.client.OK:
                raise FetchFailed
            return answer.read(most_bytes)
    except (OSError, http.client.HTTPException):
        raise FetchFailed from None


@contextmanager
def asked(scheme: str, host: str, port: int | None, target: str) -> Iterator[http.client.HTTPResponse]:
    """Send one GET; no proxy, and no redirect: it could lead away from this computer."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=FETCH_S)
    try:
        connection.request("GET", target, headers={"User-Agent": "bailian-sandbox"})
        yield connection.getresponse()
    finally:
        connection.close()
