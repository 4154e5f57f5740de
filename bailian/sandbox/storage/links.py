"""Result links as the object store signs them, and the store's refusals (D-T2I, CAP multimodal-generation-image).

`?Expires=…&OSSAccessKeyId=…&Signature=…` with a base64 HMAC-SHA1, percent-escaped.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import secrets
import threading
from collections.abc import Mapping
from urllib.parse import quote

from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.refusals import Refusal

_SIGNING_KEY = b"bailian sandbox: signs links to made-up pictures, protects nothing"


def signature_of(text: str, key: bytes) -> str:
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha1).digest()).decode()


def _sign(verb: str, path: str, expires: int, access_key_id: str) -> str:
    return signature_of(f"{verb}\n\n\n{expires}\n{access_key_id}{path}", _SIGNING_KEY)


def no_right() -> Refusal:
    return Refusal(403, "AccessDenied", "You have no right to access this object because of bucket acl.")


def wrong_signature() -> Refusal:
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )
    return Refusal(403, "SignatureDoesNotMatch", message)


class Links:
    """Signs links, and checks them."""

    def __init__(self) -> None:
        self._start = secrets.randbelow(10**9)
        self._numbers = itertools.count(self._start)
        self._revoked: set[str] = set()
        self._lock = threading.Lock()

    def sign(self, root: str, path: str, expires: float) -> str:
        """Return a link to `path`; every call gives another one.

        The signatures of real links often have `+` and `/` besides the final `=`. They break clients that
        unquote too much or too little. Here every signature has all three.
        """
        for number in self._numbers:
            access_key_id = f"LTAI-sandbox-{number}"
            signature = _sign("GET", path, int(expires), access_key_id)
            if "+" in signature and "/" in signature:
                break
        query = f"Expires={int(expires)}&OSSAccessKeyId={access_key_id}&Signature={quote(signature, safe='')}"
        return f"{root}{path}?{query}"

    def clear(self) -> None:
        """Forget which links were revoked."""
        with self._lock:
            self._revoked.clear()

    def revoke(self, query: Mapping[str, str]) -> None:
        """Make one link expired for ever."""
        with self._lock:
            self._revoked.add(query.get("Signature", ""))

    def refusal(self, verb: str, path: str, query: Mapping[str, str], now: float) -> Refusal | None:
        """Return why the store refuses a link, or None."""
        signature, key_id = query.get("Signature", ""), query.get("OSSAccessKeyId", "")
        if not signature or not key_id or not query.get("Expires", "").isdecimal():
            return no_right()
        expires = int(query["Expires"])
        if now >= expires or signature in self._revoked:
            return Refusal(403, "AccessDenied", "Request has expired.")
        if not hmac.compare_digest(signature, _sign(verb, path, expires, key_id)):
            return wrong_signature()
        return None


def oss_id(request_id: str) -> str:
    """Return a request's id as the object store writes it."""
    return request_id.replace("-", "").upper()[:24]


def oss_error(refusal: Refusal, request_id: str, host: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with the object store's error document."""
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n'
        f"  <Code>{refusal.code}</Code>\n  <Message>{refusal.message}</Message>\n"
        f"  <RequestId>{request_id}</RequestId>\n  <HostId>{host}</HostId>\n</Error>\n"
    )
    return Answer(refusal.status, xml.encode(), headers or {}, "application/xml")


def byte_range(header: str | None, length: int) -> tuple[int, int] | None:
    """Return first and last byte of a `Range` header, or None to send everything.

    Several ranges, another unit or nonsense: everything, as the object store does.

    Raises:
        ValueError: a well-formed range outside the file (416).
    """
    unit, _, spec = (header or "").partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in spec:
        return None
    if not all(part == "" or part.isdecimal() for part in (first, last)) or not (first or last):
        return None
    if not first:
        if int(last) == 0:
            raise ValueError("no byte asked for")
        return max(0, length - int(last)), length - 1
    begin, end = int(first), int(last) if last else length - 1
    if last and end < begin:
        return None
    if begin >= length:
        raise ValueError("beyond the end")
    return begin, min(end, length - 1)
