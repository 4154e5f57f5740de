"""What the environment says about the network, read one way for HTTP and sockets alike: the proxy, and whom to trust.

The libraries read these variables each in its own way, so both are told. What cannot work is refused by name, before
anything is sent.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies

from requests.utils import should_bypass_proxies

from bailian.config.endpoints import LOOPBACK_HOSTS
from bailian.errors import SetupError
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to

DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
# What desktops write for a SOCKS proxy that resolves names itself.
SCHEME_ALIASES = {"socks": "socks5h"}
# The package that each library needs for SOCKS.
SOCKS_MODULES = ("socks", "python_socks")
# The first that is set counts: requests' two, then OpenSSL's two.
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Proxy:
    """A proxy that both libraries understand: scheme, percent-encoded credentials, host and port are all there."""

    url: str
    variable: str
    """Where it was found."""

    @property
    def shown(self) -> str:
        """Return its address with the password masked."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return self.url
        return f"{parts.scheme}://{parts.username}:***@{parts.netloc.rpartition('@')[2]}"

    @property
    def is_tls(self) -> bool:
        return self.url.startswith("https:")


class CaBundle(NamedTuple):
    """A file or a folder of certificates to trust."""

    path: Path
    variable: str


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for an address (http, https, ws or wss); None: it is asked directly.

    Raises:
        SetupError: the variable that names it holds no address of a proxy, or of one that needs more packages.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None  # no URL: whoever sends will say so
    if not host or host in LOOPBACK_HOSTS or should_bypass_proxies(url, no_proxy=None):
        return None
    names = ("https" if parts.scheme in ("https", "wss") else "http", "all")
    found = getproxies()
    for name in names:
        if found.get(name):
            return _checked(found[name].strip(), _variable(name, found[name]))
    return None


def check(url: str) -> None:
    """Look at what the environment says about the way to an address.

    Raises:
        SetupError: what it says cannot work.
    """
    proxy = proxy_for(url)
    if url.lower().startswith(("https:", "wss:")) or (proxy and proxy.is_tls):
        ca_bundle()


def proxy_words(url: str) -> str:
    """Return which proxy an address goes through, for a sentence about it: " http://127.0.0.1:7890 (https_proxy)"."""
    proxy = proxy_for(url)
    return f" {proxy.shown} ({proxy.variable})" if proxy else ""


def _variable(name: str, value: str) -> str:
    variables = (f"{name}_proxy", f"{name.upper()}_PROXY")
    return next((one for one in variables if os.environ.get(one) == value), tr("the system's proxy", "系统代理"))


def _checked(value: str, variable: str) -> Proxy:
    """Return the proxy; an address without a scheme is one for HTTP, as curl reads it."""
    written = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(written)
        scheme = SCHEME_ALIASES.get(parts.scheme, parts.scheme)
        port = parts.port or DEFAULT_PORTS[scheme]
        good = (
            scheme in DEFAULT_PORTS
            and bool(parts.hostname)
            and value.isascii()
            and "%" not in parts.netloc.rpartition("@")[2]
        )
    except (ValueError, KeyError):
        good = False
    if not good:
        raise _no_proxy(value, variable)
    if scheme.startswith("socks"):
        _require_socks(variable)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Proxy(f"{scheme}://{_credentials(parts)}{host}:{port}", variable)


def _credentials(parts: SplitResult) -> str:
    """Return user and password as both libraries take them: percent-encoded once, the password perhaps empty."""
    if parts.username is None:
        return ""
    user, password = (quote(unquote(text or ""), safe="") for text in (parts.username, parts.password))
    return f"{user}:{password}@"


def _no_proxy(value: str, variable: str) -> SetupError:
    text = unicodedata.normalize("NFKC", value)
    shown = f"…@{text.rpartition('@')[2]}" if "@" in text else text
    why = (
        tr(", since it has full-width or other non-ASCII characters", "，其中含有全角或其他非 ASCII 字符")
        if not value.isascii()
        else ""
    )
    return SetupError(
        tr(f"{variable} is no address of a proxy{why}: {shown}", f"{variable} 不是有效的代理地址{why}：{shown}"),
        advice=tr(
            f"write {variable}=http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with other signs than letters and "
            f"digits in the password percent-encoded; to use none: `unset {variable}`",
            f"请写成 {variable}=http://主机:端口，或 http://用户:密码@主机:端口（密码中的特殊字符需百分号编码）；"
            f"不使用代理：`unset {variable}`",
        ),
    )


def _require_socks(variable: str) -> None:
    if all(find_spec(name) for name in SOCKS_MODULES):
        return
    raise SetupError(
        tr(
            f"{variable} names a SOCKS proxy, for which two packages are missing",
            f"{variable} 指定了 SOCKS 代理，但缺少所需的两个软件包",
        ),
        advice=tr(
            f"{how_to().with_extra('socks')}; or set HTTPS_PROXY=http://HOST:PORT if your proxy speaks HTTP, too",
            f"{how_to().with_extra('socks')}；若代理也支持 HTTP，可设置 HTTPS_PROXY=http://主机:端口",
        ),
    )


def ca_bundle() -> CaBundle | None:
    """Return whom to trust instead of the public authorities; None: those.

    Raises:
        SetupError: the variable leads nowhere, or to something else.
    """
    for variable in CA_VARIABLES:
        value = os.environ.get(variable, "")
        if not value:
            continue
        places = value.split(os.pathsep) if variable == "SSL_CERT_DIR" else [value]
        path = next((Path(place) for place in places if Path(place).is_dir()), Path(value))
        if not path.is_dir():
            _check_certificates(path, variable)
        return CaBundle(path, variable)
    return None


def _check_certificates(path: Path, variable: str) -> None:
    reason = tr("it holds no certificate", "其中没有证书")
    try:
        if b"-----BEGIN" in path.read_bytes():
            return
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    raise SetupError(
        tr(f"{variable}={path}: {reason}", f"{variable}={path}：{reason}"),
        advice=tr(
            f"set {variable} to a file of certificates (PEM), or unset it to trust the public authorities",
            f"请把 {variable} 设为证书文件（PEM），或取消该变量以使用公共证书",
        ),
    )


def trust_advice() -> str:
    """Return what to do about a certificate that is not trusted."""
    bundle = ca_bundle()
    if bundle is None:
        return tr(
            "if your network looks into TLS, put its CA certificate and the public ones into one file and set "
            "REQUESTS_CA_BUNDLE=/path/to/it.pem; check this machine's date, too",
            "若所在网络会检查 TLS，请把其 CA 证书与公共证书放入同一文件，并设置 REQUESTS_CA_BUNDLE=/文件路径.pem；"
            "同时请检查本机日期",
        )
    return tr(
        f"the certificates to trust come from {bundle.variable}={bundle.path}: add the issuer there (set "
        "REQUESTS_CA_BUNDLE to another file), or unset the variable",
        f"受信任的证书来自 {bundle.variable}={bundle.path}：请在其中加入签发者（可用 REQUESTS_CA_BUNDLE 指定其他文件），"
        "或取消该变量",
    )
