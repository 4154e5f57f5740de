"""Takes out of a recording what nobody else may have: keys, cookies, signatures of links, upload policies. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "recorded"
KEY_CHARS_MIN = 4

REQUEST_HEADERS = (
    "content-type", "accept", "range", "anthropic-version", "x-dashscope-async", "x-dashscope-sse",
    "x-dashscope-ossresourceresolve",
)  # fmt: skip
RESPONSE_HEADERS = (
    "content-type", "content-disposition", "etag", "last-modified", "accept-ranges", "content-range", "retry-after",
    "x-request-id", "x-dashscope-request-id", "x-dashscope-timeout", "req-cost-time", "req-arrive-time",
    "x-oss-request-id",
)  # fmt: skip
"""What is kept of the headers; everything else is not, so that no new one can be forgotten here."""

_SECRET_PARAMETER = re.compile(
    r"signature|accesskeyid|credential|security.?token|^(token|sig|sign|auth_key|access_token|api_?key|key|policy)$",
    re.IGNORECASE,
)
_SECRET_FIELD = re.compile(
    r'("(?:policy|signature|oss_access_key_id|access_key_id|access_key_secret|security_token|x_oss_security_token'
    r'|x_oss_signature|x_oss_credential|api_key|apikey|token)"\s*:\s*)"(?:[^"\\]|\\.)*"',
    re.IGNORECASE,
)
URL = re.compile(r'https?:(?:\\?/){2}[^\s"<>]+')
"""An address in a text, or in a JSON string."""


def kept_headers(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: lower[name] for name in names if name in lower}


def keys_in(headers: Mapping[str, str]) -> list[str]:
    """Return the secrets that a request's headers have, the longest first."""
    lower = {name.lower(): value for name, value in headers.items()}
    found = {lower.get(name, "") for name in ("x-api-key", "api-key", "x-dashscope-token")}
    found |= {lower.get("authorization", "").partition(" ")[2].strip()}
    found |= {pair.partition("=")[2].strip() for pair in lower.get("cookie", "").split(";")}
    return sorted((key for key in found if len(key) >= KEY_CHARS_MIN), key=len, reverse=True)


def without_keys(text: str, keys: Iterable[str]) -> str:
    for key in keys:
        text = text.replace(key, "***").replace(json.dumps(key)[1:-1], "***")
    return text


def plain_url(found: str) -> str:
    """Return an address as it is outside of JSON."""
    try:
        return str(json.loads(f'"{found}"'))
    except ValueError:
        return found


def is_signed(url: str) -> bool:
    try:
        return any(_SECRET_PARAMETER.search(name) for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return False


def public_query(query: str) -> str:
    """Return a query without the values of its secrets."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, HIDDEN if _SECRET_PARAMETER.search(name) else value) for name, value in pairs])


def scrubbed(text: str, keys: Iterable[str]) -> str:
    """Return a text that may be kept."""
    text = URL.sub(lambda match: _public(match[0]), text)
    return without_keys(_SECRET_FIELD.sub(rf'\1"{HIDDEN}"', text), keys)


def _public(found: str) -> str:
    url = plain_url(found)
    if not is_signed(url):
        return found
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=public_query(parts.query)))
