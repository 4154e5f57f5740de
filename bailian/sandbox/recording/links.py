"""Signed links of the real service, led through the recorder: the client gets an address here, the file keeps no secret."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from bailian.sandbox.recording.exchanges import RESULTS, UPLOADS
from bailian.sandbox.recording.scrubbing import URL, is_signed, plain_url

_UPLOAD_HOST = re.compile(r'("upload_host"\s*:\s*")(https?:(?:\\?/){2}[^"]+)(")')


class Links:
    """Remembers which real address stands behind a path; only such ones are ever asked."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()

    def led_here(self, text: str, root: str) -> str:
        """Return an answer's text with its signed links and its upload host leading here."""
        text = _UPLOAD_HOST.sub(lambda match: match[1] + root + self._upload(plain_url(match[2])) + match[3], text)
        return URL.sub(lambda match: self._result(match[0], root), text)

    def led_back(self, text: str, root: str) -> str:
        """Return a request's text with the real addresses: the service cannot fetch from here."""
        return re.sub(
            re.escape(root) + r"(/_result/[\w.%-]+/[\w.%-]*)", lambda match: self._real(match[1], match[0]), text
        )

    def real(self, path: str) -> str | None:
        """Return the address behind a path."""
        with self._lock:
            return self._urls.get(path)

    def _real(self, path: str, otherwise: str) -> str:
        return self.real(path) or otherwise

    def _upload(self, url: str) -> str:
        return self._remember(UPLOADS, url, lambda: "")

    def _result(self, found: str, root: str) -> str:
        url = plain_url(found)
        if found.startswith(root) or not is_signed(url):
            return found
        return root + self._remember(RESULTS, url, lambda: "/" + re.sub(r"[^\w.-]", "_", url_name(url)))

    def _remember(self, kind: str, url: str, name: Callable[[], str]) -> str:
        """The same object has the same path in every recording: its signature does not count."""
        digest = hashlib.sha256(urlsplit(url)._replace(query="", fragment="").geturl().encode()).hexdigest()[:16]
        path = f"{kind}{digest}{name()}"
        with self._lock:
            self._urls[path] = url
        return path


def url_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2] or "file"
