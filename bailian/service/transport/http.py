"""One place sends. Everything it raises says whether the request may have been executed.

`requests` would re-read proxy variables, netrc and cookies for every call; here they are read once per
session (netrc never: it would replace the key's header), which also saves a third of a call's CPU.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3.exceptions

from bailian import __version__
from bailian.errors import MaybeSent, NotSent, TransportError
from bailian.i18n import tr
from bailian.service.json_reader import json_object
from bailian.service.sse import Frame, frames
from bailian.service.transport import network, send_tracking
from bailian.service.transport.keepalive import CompleteAnswer, Exchanges, KeepaliveAdapter, Request, head_of
from bailian.service.transport.packed import MOST_ANSWER_BYTES, PIECE_BYTES, TooLong, Unpacker, limited, unpacked

CONNECT_TIMEOUT_S = 10.0
POOL_CONNECTIONS = 64
# A streamed text of the longest kind takes minutes; who trickles for an hour will not end (our guess).
STREAM_WITHIN_S = 3600.0
# A frame that comes alone is shown at once where the answer is chunked, as streams are.
STREAM_CHUNK_BYTES = 1024
# Paths that are asked again and again; a task's own is asked a few times only.
KEPT_REQUESTS = 16
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False)
JSON_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, whatever it says. `data` is the JSON object, or None if the body is not one."""

    status: int
    headers: Mapping[str, str]
    text: str
    data: dict[str, Any] | None = field(default=None)

    @property
    def request_id(self) -> str | None:
        named = self.data.get("request_id") if self.data else None
        return named if isinstance(named, str) and named else self.headers.get("x-request-id")

    @property
    def retry_after_s(self) -> float | None:
        """Return the pause the server asks for, in seconds, if it is a sane one (up to an hour).

        A moment is one of the server's clock, so it is taken from the answer's own `Date`.
        """
        value = self.headers.get("retry-after")
        if value is None:
            return None
        try:
            pause_s = float(value)
        except ValueError:
            at_s, now_s = date_s(value), self.server_time_s
            if at_s is None or now_s is None:
                return None
            pause_s = at_s - now_s
        return pause_s if 0 <= pause_s <= 3600 else None

    @property
    def server_time_s(self) -> float | None:
        """Return the server's clock (`Date` header, whole seconds since the epoch)."""
        return date_s(self.headers.get("date"))


@lru_cache(maxsize=8)
def date_s(header: str | None) -> float | None:
    """Return an HTTP date in seconds since the epoch, or None. The library stumbles in five ways over one that is none."""
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except (TypeError, ValueError, OverflowError, IndexError, OSError):
        return None


class _Session(requests.Session):
    """Never even reads where a redirect leads: it would carry the key, and a bad one is not our error."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def new_session(url: str) -> requests.Session:
    """Return a session that asks the environment once: proxy and CA file for this host.

    Raises:
        SetupError: a variable of the environment names no proxy, or no certificates.
    """
    session = _Session()
    session.trust_env = False
    proxy = network.proxy_for(url)
    if proxy is not None:
        session.proxies.update({"http": proxy.url, "https": proxy.url})
    bundle = network.ca_bundle() if url.startswith("https:") or (proxy and proxy.is_tls) else None
    session.verify = str(bundle.path) if bundle else True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = send_tracking.TrackingAdapter(pool_maxsize=POOL_CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # Packed answers save little, and what is counted, continued and limited is easier told from plain ones.
    session.headers.update({"User-Agent": f"bailian-toolkit/{__version__}", "Accept-Encoding": "identity"})
    return session


@dataclass
class _Alike:
    """What requests have in common that differ in their bodies only."""

    request: requests.PreparedRequest
    """Without a body."""
    head: bytes = b""
    """As it is written, once it was."""


class Http:
    """Sends to one API host. Thread-safe: the session's pool is, and nothing else is kept."""

    def __init__(self, base_url: str, headers: Mapping[str, str], key: str = "") -> None:
        self._base_url = base_url
        self._headers = dict(headers)
        self._key = key.encode()
        self._session = new_session(base_url)
        self._adapter = KeepaliveAdapter(pool_maxsize=POOL_CONNECTIONS, max_retries=0)
        self.answered = False
        """Whether anything has come back yet."""
        self._kept: dict[tuple[object, ...], _Alike] = {}
        self._pool: Exchanges | None = None
        """The host's connections, once one was opened."""

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float,
    ) -> Reply:
        """Send once and return whatever comes back.

        Raises:
            NotSent: nothing of the request was handed to a connection.
            MaybeSent: something was, and no complete answer came.
        """
        send_tracking.reset(read_timeout_s)
        content = None if body is None else _json_bytes(body)
        try:
            alike = self._alike(method, path, params, {**(headers or {}), **(JSON_HEADERS if body is not None else {})})
            answer = self._exchanged(alike, content, read_timeout_s) or self._opened(alike, content, read_timeout_s)
            text = self._without_key(unpacked(answer.body, answer.headers.get("content-encoding")))
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise transport_error(error, self._base_url, read_timeout_s) from None
        self.answered = True
        return reply_of(answer.status, answer.headers, text)

    def _alike(self, method: str, path: str, params: Mapping[str, Any] | None, headers: Mapping[str, str]) -> _Alike:
        """Return what requests of a path have in common. What is the same each time (URL, key, agent) is worked out
        once: a third of a call's CPU."""
        name = (method, path, *headers.items())
        kept = self._kept.get(name) if params is None else None
        if kept is None:
            request = requests.Request(
                method, self._base_url + path, headers={**self._headers, **headers}, params=params
            )
            kept = _Alike(self._session.prepare_request(request))
            if "Content-Type" in headers:  # a body comes, and its length with it
                kept.request.headers.pop("Content-Length", None)
            if params is None and len(self._kept) < KEPT_REQUESTS:
                self._kept[name] = kept
        return kept

    def _exchanged(self, alike: _Alike, content: bytes | None, read_timeout_s: float) -> CompleteAnswer | None:
        """Send over a connection that is open; None if none is: nothing was sent."""
        if self._pool is None:
            return None
        request, method = alike.request, alike.request.method or ""
        if not alike.head:
            alike.head = head_of(self._pool, method, self._adapter.request_url(request, None), request.headers)
        return self._pool.exchange(Request(method, alike.head, content), read_timeout_s)

    def _opened(self, alike: _Alike, content: bytes | None, read_timeout_s: float) -> CompleteAnswer:
        """Open a connection, and send over it."""
        request = alike.request.copy()
        if content is not None:
            request.prepare_body(content, None)
        verify, proxies = self._session.verify or True, self._session.proxies
        timeouts_s = (CONNECT_TIMEOUT_S, read_timeout_s)
        # A proxy wants words of its own in each request. Asked before anything is sent: what it raises costs nothing then.
        pool = None if proxies else self._adapter.get_connection_with_tls_context(request, verify)
        # Streamed and closed here: requests would leave the socket of a cut answer to the garbage collector.
        with self._adapter.send(request, True, timeouts_s, verify, proxies=proxies) as response:
            body = b"".join(limited(_plain(response, PIECE_BYTES)))
        self._pool = pool
        return CompleteAnswer(response.status_code, response.headers, body, goes_on=True)

    def stream(
        self, path: str, *, body: Mapping[str, Any], headers: Mapping[str, str], read_timeout_s: float
    ) -> Generator[Frame, None, Reply | None]:
        """POST once and yield the frames as they arrive; close the generator to leave early.

        Returns:
            The whole reply where the server answered with something else than a stream.

        Raises:
            NotSent: nothing of the request was handed to a connection.
            MaybeSent: something was, and the stream broke, or fell silent for `read_timeout_s`.
        """
        all_headers = {**self._headers, **headers, "Content-Type": "application/json"}
        send_tracking.reset(STREAM_WITHIN_S)
        try:
            with self._session.post(
                self._base_url + path,
                data=_json_bytes(body),
                headers=all_headers,
                timeout=(CONNECT_TIMEOUT_S, read_timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self.answered = True
                if "text/event-stream" not in response.headers.get("content-type", ""):
                    return reply_of(response.status_code, response.headers, self._without_key(whole_body(response)))
                for frame in frames(limited(unpacked_pieces(response, STREAM_CHUNK_BYTES))):
                    yield replace(frame, data=self._without_key(frame.data.encode()).decode())
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise transport_error(error, self._base_url, read_timeout_s) from None
        return None

    def _without_key(self, content: bytes) -> bytes:
        """A server that repeats the key ("Incorrect API key provided: …") must not put it into journals and logs."""
        return content.replace(self._key, b"***") if len(self._key) >= 8 else content

    def close(self) -> None:
        self._session.close()
        self._adapter.close()


def whole_body(response: requests.Response, most_bytes: int = MOST_ANSWER_BYTES) -> bytes:
    """Return the body of an answer, unpacked.

    Raises:
        TooLong: it is longer than any answer, packed or unpacked.
        BadPacking: it cannot be unpacked.
        urllib3.exceptions.HTTPError: the rest did not come.
    """
    body = b"".join(limited(_plain(response, PIECE_BYTES), most_bytes))
    return unpacked(body, response.headers.get("content-encoding"))


def unpacked_pieces(response: requests.Response, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the body of an answer as it comes, unpacked; no piece is much larger than a chunk."""
    return Unpacker(response.headers.get("content-encoding")).pieces(_plain(response, chunk_bytes))


def _plain(response: requests.Response, chunk_bytes: int) -> Iterator[bytes]:
    pieces: Iterator[bytes] = response.raw.stream(chunk_bytes, decode_content=False)
    return pieces


def _json_bytes(body: Mapping[str, Any]) -> bytes:
    return _ENCODER.encode(body).encode("utf-8")


def reply_of(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """Return an answer as it is read. Not by `response.text`: without a charset that guesses, for milliseconds."""
    return Reply(status, headers, content.decode("utf-8", "replace"), json_object(content))


def transport_error(error: Exception, url: str, read_timeout_s: float) -> TransportError:
    """Return our error for one of requests' or urllib3's. Whether it was sent is evidence, the rest is wording."""
    host = "/".join(url.split("/", 3)[2:3])
    text = _wording(error, url, host, read_timeout_s)
    if send_tracking.was_sent():
        return MaybeSent(text)
    return NotSent(text, advice=network.trust_advice() if _is_untrusted(error) else None)


def _wording(error: Exception, url: str, host: str, read_timeout_s: float) -> str:
    if isinstance(error, TooLong):
        return tr(f"{host} sent more than any answer has", f"{host} 返回的数据超过任何正常应答的长度")
    is_silence = isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError)
    if isinstance(error, requests.ConnectTimeout) or (is_silence and not send_tracking.was_sent()):
        named = network.proxy_words(url)
        if named:
            return tr(f"the proxy{named} did not connect to {host} in time", f"代理{named}连接 {host} 超时")
        return tr(f"{host} did not accept a connection in time", f"连接 {host} 超时")
    if is_silence:
        return tr(
            f"{host} did not answer within {read_timeout_s:.0f} s", f"{host} 在 {read_timeout_s:.0f} 秒内没有应答"
        )
    reason = _reason(error)
    if send_tracking.was_sent():
        return tr(f"the connection to {host} broke before the answer was complete", f"与 {host} 的连接在应答完成前中断")
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return tr(f"the host name {host} cannot be resolved", f"无法解析域名 {host}")
    if isinstance(reason, urllib3.exceptions.ProxyError):
        named = network.proxy_words(url)
        return tr(f"the proxy{named} did not connect to {host}: {reason}", f"代理{named}无法连接 {host}：{reason}")
    if isinstance(reason, urllib3.exceptions.SSLError):
        return tr(f"no secure connection to {host}: {reason}", f"无法与 {host} 建立安全连接：{reason}")
    if isinstance(error, ValueError):  # no URL, no header: refused by the library. Its text may hold the key.
        return tr(f"no request can be made for {host}", f"无法构造发往 {host} 的请求")
    return tr(f"cannot connect to {host}", f"无法连接 {host}")


def _is_untrusted(error: Exception) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(_reason(error))


def _reason(error: Exception) -> BaseException | None:
    inner = error.args[0] if error.args else None
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        return inner.reason
    return inner if isinstance(inner, BaseException) else None
