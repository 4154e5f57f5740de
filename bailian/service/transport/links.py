"""Where a link of the service's may lead: out into the world, not into this machine's own network.

Results and uploads have links that a server names. One to 169.254.169.254 (a cloud's secrets) or to a printer in this
house would make the toolkit knock there on a stranger's word. Only what is written as an address is judged: whoever
owns a name can point it anywhere, at any moment.
"""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from urllib.parse import unquote, urlsplit

from bailian.i18n import tr

LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
# Names that no public host has (RFC 6761, RFC 6762, RFC 8375; ICANN reserved `internal` in 2024).
LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
# NAT64 (RFC 6052) has the older address in its last 32 bits.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DOTS = str.maketrans("。．｡", "...")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(base_url: str) -> bool:
    """Return whether an API host is out in the world: by https, at a name or an address that others reach, too.

    A sandbox or a gateway on this machine or in this network links to its own kind.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    named = "." in host or address_of(host) is not None
    return parts.scheme == "https" and named and not is_local(host)


def why_not(link: str, *, came_from: str | None = None) -> str:
    """Return why a link is not followed; nothing if it may be. For links that a public host gives.

    Args:
        link: as it is about to be asked for.
        came_from: the address that redirects there.
    """
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return tr("it is no link", "不是有效链接")
    # What separates host and path is read in two ways where a backslash stands: by this parser, and by who connects.
    if parts.scheme not in ("http", "https") or not host or "\\" in link:
        return tr("it is no link", "不是有效链接")
    if parts.scheme == "http" and came_from and came_from.startswith("https:"):
        return tr("it leads from https to http", "从 https 转到了 http")
    if is_local(host):
        return tr(f"it leads into a private network ({host[:80]})", f"指向内部网络（{host[:80]}）")
    return ""


def is_local(host: str) -> bool:
    """Return whether a host is this machine or in a private network, as far as its spelling tells."""
    name = _plain(host)
    if name in LOCAL_NAMES or name.endswith(LOCAL_ENDINGS):
        return True
    address = address_of(name)
    return address is not None and not _is_everybodys(address)


def address_of(host: str) -> Address | None:
    """Return the address that a host is, in whatever spelling the system's own resolver takes (127.1, 0x7f000001)."""
    try:
        # With this flag nobody is asked: it is an address, or an error.
        found = socket.getaddrinfo(_plain(host), None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return ipaddress.ip_address(str(found[0][4][0]).partition("%")[0])
    except (OSError, ValueError, IndexError):  # UnicodeError is a ValueError
        return None


def _plain(host: str) -> str:
    """Return a host as it is looked up: without escapes, full-width signs, brackets and the last dot."""
    name = unicodedata.normalize("NFKC", unquote(host).translate(_DOTS)).casefold()
    return name.strip("[]").rstrip(".")


def _is_everybodys(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and (address in NAT64 or int(address) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_everybodys(inner)
    return address.is_global and not address.is_multicast
