"""A proxy in front of the real service, which writes down what passes.

A request goes on once, with the client's own key, and only to the service or to a link that it gave. Importing this
needs starlette and urllib3.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

import urllib3
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from bailian.sandbox.recording.exchanges import RESULTS, ROOT, UPLOADS, Exchange, RecordingFile, body_of
from bailian.sandbox.recording.links import Links
from bailian.sandbox.recording.scrubbing import (
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    kept_headers,
    keys_in,
    public_query,
    scrubbed,
)

CONNECT_S, READ_S = 10.0, 600.0
CHUNK_BYTES = 65536
_NOT_PASSED_ON = frozenset({
    "host", "connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "accept-encoding", "content-encoding", "x-sandbox-token",
})  # fmt: skip
_KEYS = frozenset({"authorization", "x-api-key", "api-key", "cookie"})


class Recorder:
    """Passes requests on.

    Args:
        upstream: where the service is, without a path.
        file: where exchanges are written.
    """

    def __init__(self, upstream: str, file: RecordingFile) -> None:
        self._upstream = upstream.rstrip("/")
        self._file = file
        self._links = Links()
        self._pool = _pool(upstream)

    async def handle(self, request: Request) -> Response:
        """Answer a request as the service does."""
        root, path = root_of(request), request.url.path
        raw = await request.body()
        led = path.startswith((RESULTS, UPLOADS))
        url = self._links.real(path) if led else f"{self._upstream}{path}?{request.url.query}".rstrip("?")
        if url is None:
            return _failed(400, "Sandbox.NotImitated", f"{path} is no link of this recorder.")
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        if led:  # the object store gets no key
            headers = {name: value for name, value in headers.items() if name not in _KEYS}
        sent = raw if led else self._led_back(raw, root)
        try:
            answer = await asyncio.to_thread(self._send, request.method, url, headers, sent)
        except HTTPError as error:
            return _failed(502, "Sandbox.NoUpstream", f"{urlsplit(url).netloc} did not answer: {type(error).__name__}")
        passed = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
        passed.pop("x-bailian-sandbox", None)
        written = _Written(request, root, raw, answer)
        return StreamingResponse(self._pieces(written, root), answer.status, passed)

    def _led_back(self, raw: bytes, root: str) -> bytes:
        text = raw.decode("utf-8", "surrogateescape")
        return self._links.led_back(text, root).encode("utf-8", "surrogateescape")

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> BaseHTTPResponse:
        """Send once: a request may cost money, and nobody has asked for a second one."""
        told = {**headers, "accept-encoding": "identity"}
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        return self._pool.request(
            method, url, body=body or None, headers=told, retries=False, redirect=False, preload_content=False,
            timeout=timeout,
        )  # fmt: skip

    async def _pieces(self, written: _Written, root: str) -> AsyncIterator[bytes]:
        """Yield what the client gets, and write it all down when it is complete."""
        parts = written.parts(self._links, root)
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part
        self._file.add(written.exchange())

    def close(self) -> None:
        self._pool.clear()
        self._file.close()


class _Written:
    """One exchange while it happens."""

    def __init__(self, request: Request, root: str, raw: bytes, answer: BaseHTTPResponse) -> None:
        self._request = request
        self._root = root
        self._raw = raw
        self._answer = answer
        self._pieces: list[str] = []
        media_type = answer.headers.get("content-type", "").lower()
        self._is_stream = "event-stream" in media_type
        self._is_text = any(word in media_type for word in ("json", "text", "event-stream", "xml"))

    def parts(self, links: Links, root: str) -> Iterator[bytes]:
        """Yield the answer: a stream by lines as they come, a text as a whole, a file by chunks."""
        chunks = self._answer.stream(CHUNK_BYTES, decode_content=True)
        if not self._is_text:
            for chunk in chunks:
                self._pieces.append(base64.b64encode(chunk).decode())
                yield chunk
            return
        texts = _lines(chunks) if self._is_stream else iter([b"".join(chunks).decode("utf-8", "surrogateescape")])
        for text in texts:
            told = links.led_here(text, root)
            self._pieces.append(told)
            yield told.encode("utf-8", "surrogateescape")

    def exchange(self) -> Exchange:
        request, keys = self._request, keys_in(dict(self._request.headers))
        uploaded = request.url.path.startswith(UPLOADS)
        return Exchange(
            method=request.method,
            path=request.url.path,
            query=scrubbed(public_query(request.url.query), keys),
            headers=kept_headers(dict(request.headers), REQUEST_HEADERS),
            body=None if uploaded else kept_body(request, self._raw, self._root, keys),
            status=self._answer.status,
            answer_headers=kept_headers(dict(self._answer.headers), RESPONSE_HEADERS),
            pieces=self._kept_pieces(keys),
            binary=not self._is_text,
        )

    def _kept_pieces(self, keys: list[str]) -> tuple[str, ...]:
        """A secret that two pieces share between them is found in the whole."""
        if not self._is_text:
            return tuple(self._pieces)
        each = tuple(scrubbed(piece, keys).replace(self._root, ROOT) for piece in self._pieces)
        whole = scrubbed("".join(self._pieces), keys).replace(self._root, ROOT)
        return each if "".join(each) == whole else (whole,)


def kept_body(request: Request, raw: bytes, root: str, keys: list[str]) -> object:
    """Return a request's body as it is written down and compared."""
    content_type = request.headers.get("content-type", "")
    text = scrubbed(raw.decode("utf-8", "surrogateescape"), keys).replace(root, ROOT)
    return body_of(content_type, text.encode("utf-8", "surrogateescape"))


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield the complete lines that each chunk brings: no address and no character is cut in two."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")("surrogateescape"), ""
    for chunk in chunks:
        lines, end, rest = (rest + decoder.decode(chunk)).rpartition("\n")
        if end:
            yield lines + end
    if rest:
        yield rest


def root_of(request: Request) -> str:
    parts = urlsplit(str(request.base_url))
    return f"{parts.scheme}://{parts.netloc}"


def _pool(upstream: str) -> urllib3.PoolManager:
    """By the surroundings' proxy, but not to this computer."""
    parts = urlsplit(upstream)
    proxy = getproxies().get(parts.scheme)
    if proxy and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
    return urllib3.PoolManager()


def _failed(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "request_id": ""}, status)
