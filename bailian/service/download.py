"""Result files: to a temporary file beside the target, resumed after a cut, complete or not at all.

The links are signed and foreign: no key goes there, the query string stays, the answer is not trusted.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from bailian.clock import SYSTEM_CLOCK, Clock
from bailian.errors import SaveError, TransportError
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.service.transport import links, send_tracking
from bailian.service.transport.http import CONNECT_TIMEOUT_S, date_s, new_session, transport_error
from bailian.service.transport.packed import BadPacking, TooLong, Unpacker, limited
from bailian.text.storage_path import ResultPath

READ_TIMEOUT_S = 60.0
# A cut loses the chunk that was being read, so a small one loses little.
CHUNK_BYTES = 16 * 1024
TRIES_WITHOUT_PROGRESS = 4
# A picture has some megabytes, a film of 15 seconds less than a hundred (our guess).
MOST_FILE_BYTES = 2 * 1024**3
# Read into memory to be checked: an unpacked picture of the largest size there is (16,777,216 pixels) has 64 MB.
MOST_PICTURE_BYTES = 256 * 1024**2
# Who sends a byte now and then is not waited for without end; what came is continued by the next run.
ATTEMPT_WITHIN_S = 3600.0
FETCH_WITHIN_S = 7200.0
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
# No other file will find room there, either.
NO_ROOM = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


class LinkExpired(TransportError):
    """The storage host refuses the link (403, 404): ask the service for a fresh one.

    It may be a passing mood, or a proxy's: only `expires_s` says when the link really ends.
    """

    expires_s: float | None = None
    """Seconds since the epoch, as the signed link itself says; None if it does not."""
    server_time_s: float | None = None
    """What time it was for whoever refused."""


class NotTaken(LinkExpired):
    """The link leads where no result is, or to more than a result has: asking there again would give the same."""


class Downloader:
    """Fetches links, keyless. One session for each host."""

    def __init__(self, *, only_public: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        """`only_public`: refuse links into this machine's own network; for an API host that is not there itself."""
        self._sessions: dict[str, requests.Session] = {}
        self._only_public = only_public
        self._clock = clock

    def fetch(self, url: str, part_path: Path, most_bytes: int | None = None) -> int:
        """Download `url` into `part_path`, continuing what is already there; return its size in bytes.

        Args:
            most_bytes: what the file may have at most, if that is less than `MOST_FILE_BYTES`.

        Raises:
            LinkExpired: the host refuses the link.
            NotTaken: we do.
            TransportError: the file could not be completed; `part_path` keeps what came.
            SaveError: it could not be written.
        """
        limit_bytes = min(MOST_FILE_BYTES, most_bytes or MOST_FILE_BYTES)
        fruitless, reached_bytes, ends_at_s = 0, _size(part_path), self._clock.monotonic() + FETCH_WITHIN_S
        while True:
            had_bytes = _size(part_path)
            try:
                return self._attempt(url, part_path, had_bytes, limit_bytes)
            except LinkExpired:
                raise
            except TransportError:
                # Progress is more than there ever was: a host that cuts and refuses Range makes none.
                fruitless = 0 if _size(part_path) > reached_bytes else fruitless + 1
                reached_bytes = max(reached_bytes, _size(part_path))
                if fruitless >= TRIES_WITHOUT_PROGRESS or self._clock.monotonic() > ends_at_s:
                    raise

    def _attempt(self, url: str, part_path: Path, had_bytes: int, most_bytes: int) -> int:
        send_tracking.reset(ATTEMPT_WITHIN_S)
        headers = {"Range": f"bytes={had_bytes}-"} if had_bytes else {}
        try:
            with self._opened(url, headers) as response:
                _raise_if_refused(response, url)
                return _store(response, part_path, had_bytes, most_bytes)
        except (TooLong, BadPacking) as error:
            part_path.unlink(missing_ok=True)
            if isinstance(error, TooLong):
                raise _not_taken(url, tr("it gives more than any result has", "返回的数据超过任何正常结果")) from None
            raise TransportError(tr("the download cannot be unpacked", "下载内容无法解压")) from None
        except (requests.RequestException, HTTPError) as error:
            raise transport_error(error, url, READ_TIMEOUT_S) from None
        except ValueError:
            raise TransportError(tr("the result link is no link", "结果链接无效")) from None

    def _opened(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Ask for a link, wherever it leads; each host on the way is asked as the environment says for it.

        Raises:
            NotTaken: it leads where no result is.
        """
        came_from: str | None = None
        at = url
        for _ in range(MOST_REDIRECTS + 1):
            session = self._session(at)
            request = session.prepare_request(requests.Request("GET", at, headers=headers))
            reason = links.why_not(request.url or "", came_from=came_from) if self._only_public else ""
            if reason:
                raise _not_taken(url, reason)
            response = session.send(
                request, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S), allow_redirects=False
            )
            target = response.headers.get("location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            came_from = request.url or at
            at = urljoin(came_from, target.encode("latin-1").decode("utf-8", "replace"))
        raise _not_taken(url, tr("it leads in a circle", "循环跳转"))

    def _session(self, url: str) -> requests.Session:
        host = "/".join(url.split("/", 3)[:3])
        if host not in self._sessions:
            self._sessions[host] = new_session(url)
        return self._sessions[host]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


def _not_taken(url: str, reason: str) -> NotTaken:
    refused = NotTaken(tr(f"the result link is not followed: {reason}", f"未打开结果链接：{reason}"))
    refused.expires_s = expires_s(url)
    return refused


def _raise_if_refused(response: requests.Response, url: str) -> None:
    if response.status_code not in (401, 403, 404, 410):
        return
    refused = LinkExpired(
        tr(
            f"the result link is refused (HTTP {response.status_code})",
            f"结果链接被拒绝（HTTP {response.status_code}）",
        ),
        http_status=response.status_code,
    )
    refused.expires_s, refused.server_time_s = expires_s(url), date_s(response.headers.get("date"))
    raise refused


def expires_s(url: str) -> float | None:
    """Return when a signed link ends, in seconds since the epoch: `Expires=1764300000` (docs/wire.md "Results and links")."""
    value = parse_qs(urlsplit(url).query).get("Expires", [""])[0]
    return float(value) if _is_number(value) and len(value) <= 12 else None


def _store(response: requests.Response, part_path: Path, had_bytes: int, most_bytes: int) -> int:
    """Four different situations: 206 continues, 200 starts over, 416 has it all or nothing, the rest refuses."""
    if response.status_code == 416:
        part_path.unlink(missing_ok=True)
        raise TransportError(tr("the server cannot continue the download", "服务器无法续传"))
    if response.status_code not in (200, 206):
        raise TransportError(
            tr(f"the storage host answered HTTP {response.status_code}", f"存储服务返回 HTTP {response.status_code}"),
            http_status=response.status_code,
        )
    resumed = response.status_code == 206 and _continues_at(response, had_bytes)
    if response.status_code == 206 and not resumed:
        part_path.unlink(missing_ok=True)
        raise TransportError(tr("the server continued at the wrong place", "服务器续传位置不符"))
    expected = _total_bytes(response, had_bytes if resumed else 0)
    if (expected or 0) > most_bytes:
        raise TooLong(f"{expected} bytes")
    packing = Unpacker(response.headers.get("content-encoding"))
    if packing.is_needed and resumed:  # the place was one in the unpacked file
        raise BadPacking("a part of a packed file")
    try:
        size, came = _append(response, packing, part_path, "ab" if resumed else "wb", most_bytes)
    except (requests.RequestException, HTTPError):
        if packing.is_needed:  # a place in it is no place in what the next answer may be
            part_path.unlink(missing_ok=True)
        raise
    if expected is not None and expected not in (size, came):
        if size > expected or packing.is_needed:
            part_path.unlink(missing_ok=True)
        raise TransportError(
            tr(f"the download ended after {size} of {expected} bytes", f"下载中断：{size}/{expected} 字节")
        )
    return size


def _append(
    response: requests.Response, packing: Unpacker, part_path: Path, mode: str, most_bytes: int
) -> tuple[int, int]:
    """Write what comes, unpacked; what came before a cut stays for the next try.

    Returns:
        The size of the file, and where it ends if what came over the wire is counted.
    """
    came = 0

    def wire() -> Iterator[bytes]:
        nonlocal came
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            came += len(chunk)
            yield chunk

    try:
        part_path.parent.mkdir(parents=True, exist_ok=True)
        with part_path.open(mode) as file:
            begin = file.tell()
            try:
                for chunk in limited(packing.pieces(wire()), most_bytes - begin):
                    file.write(chunk)
            finally:
                file.flush()
                os.fsync(file.fileno())
            return file.tell(), begin + came
    except (requests.RequestException, HTTPError):
        raise
    except OSError as error:
        raise save_error(part_path, error) from None


def save_error(path: ResultPath, error: OSError) -> SaveError:
    """Return the error for a file that could not be written; the result itself is still at the service."""
    failed = SaveError(
        tr(f"cannot write {path}: {reason_of(error)}", f"无法写入 {path}：{reason_of(error)}"),
        advice=tr(
            f"make room or choose another folder, then fetch it with `{how_to().fetch(())}`; it is kept for 24 hours",
            f"请清理磁盘或更换目录，然后用 `{how_to().fetch(())}` 取回；结果保留 24 小时",
        ),
    )
    failed.stops_all = error.errno in NO_ROOM
    return failed


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _continues_at(response: requests.Response, offset: int) -> bool:
    # RFC 9110 §14.4: "Content-Range: bytes 100-199/200"
    return response.headers.get("content-range", "").startswith(f"bytes {offset}-")


def _total_bytes(response: requests.Response, offset: int) -> int | None:
    total = response.headers.get("content-range", "").rpartition("/")[2]
    if _is_number(total):
        return int(total)
    length = response.headers.get("content-length", "")
    return offset + int(length) if _is_number(length) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
