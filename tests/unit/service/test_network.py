"""The environment's proxies and certificates: one reading for HTTP and sockets, and what cannot work is named."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from bailian.errors import NotSent, SetupError
from bailian.service.speech.session import SpeechSocket
from bailian.service.transport import network
from bailian.service.transport.http import Http
from bailian.service.transport.network import ca_bundle, proxy_for
from tests.support.local_web import LocalWeb, http
from tests.support.tls import own_certificate

HTTPS, WSS = "https://dashscope.aliyuncs.com/api/v1", "wss://dashscope.aliyuncs.com/api-ws/v1/inference"
SOCKS = "socks5h://127.0.0.1:1080"


def by_http(tmp_path: Path, url: str = "https://service.test") -> None:
    with closing(Http(url, {})) as client:
        client.send("POST", "/x", body={}, read_timeout_s=5)


def by_socket(tmp_path: Path, url: str = "wss://service.test") -> None:
    SpeechSocket(url.replace("http", "ws"), {}, open_s=5).speak({}, tmp_path / "sound")


WAYS = pytest.mark.parametrize("way", [by_http, by_socket], ids=["http", "socket"])
Way = Callable[..., None]


@pytest.mark.parametrize("url", [HTTPS, WSS])
@pytest.mark.parametrize(
    ("variable", "value", "used"),
    [
        ("https_proxy", "http://127.0.0.1:7890", "http://127.0.0.1:7890"),
        ("HTTPS_PROXY", "http://proxy.example:3128/", "http://proxy.example:3128"),
        ("https_proxy", "127.0.0.1:7890", "http://127.0.0.1:7890"),
        ("https_proxy", "proxy.example", "http://proxy.example:80"),
        ("https_proxy", "HTTP://Proxy.Example:3128", "http://proxy.example:3128"),
        ("https_proxy", "https://proxy.example", "https://proxy.example:443"),
        ("https_proxy", "[::1]:7890", "http://[::1]:7890"),
        ("all_proxy", "127.0.0.1:7890", "http://127.0.0.1:7890"),
        ("ALL_PROXY", "socks5h://127.0.0.1", SOCKS),
        ("all_proxy", "socks://127.0.0.1:1080/", SOCKS),
        ("https_proxy", "user:p@ss@proxy:1", "http://user:p%40ss@proxy:1"),
        ("https_proxy", "http://user:p%40s%2Fs@proxy:1", "http://user:p%40s%2Fs@proxy:1"),
        ("https_proxy", "http://user@proxy:1", "http://user:@proxy:1"),
        ("http_proxy", "http://127.0.0.1:7890", None),
        ("https_proxy", "", None),
    ],
)
def test_both_libraries_are_given_the_same_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str, value: str, used: str | None
) -> None:
    """With a scheme and without, upper or lower case, for one scheme or for all."""
    monkeypatch.setattr(network, "find_spec", lambda _name: True)
    monkeypatch.setenv(variable, value)
    found = proxy_for(url)
    assert (found and (found.url, found.variable)) == (used and (used, variable))


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        (HTTPS, "*"),
        (HTTPS, "aliyuncs.com"),
        (WSS, ".aliyuncs.com"),
        (WSS, "a.example, dashscope.aliyuncs.com"),
        ("https://10.1.2.3/api/v1", "10.0.0.0/8"),
        ("https://127.0.0.1:1/api/v1", ""),
        ("wss://[::1]:1/", ""),
        ("https://localhost/", ""),
        ("https://[", ""),
    ],
)
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_some_hosts_are_asked_directly(monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, variable: str) -> None:
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:7890")
    monkeypatch.setenv(variable, no_proxy)
    assert proxy_for(url) is None


@WAYS
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        "http：//user:secret@127.0.0.1:7890",
        "127.0.0.1：7890",
        "http://user:secret@proxy:port",
        "http://user:sec/ret@proxy:1",
        "ftp://user:secret@proxy:1",
        "http://",
        "http://[::1",
        "http://%",
    ],
)
def test_what_is_no_proxy_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, variable: str, value: str
) -> None:
    """Nothing is sent, and no password is shown."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SetupError, match=f"{variable} is no address of a proxy") as refused:
        way(tmp_path)
    assert "secret" not in str(refused.value)
    assert "sec/" not in str(refused.value)
    assert f"{variable}=http://" in refused.value.advice


@WAYS
def test_a_socks_proxy_without_its_packages_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda _name: None)
    monkeypatch.setenv("all_proxy", SOCKS)
    with pytest.raises(SetupError, match="all_proxy names a SOCKS proxy") as refused:
        way(tmp_path)
    assert "[socks]" in refused.value.advice


@WAYS
def test_a_proxy_that_refuses_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    """407 to the CONNECT: nothing of the request itself has left; both send the same credentials."""
    with LocalWeb(http("407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("https_proxy", f"user:p@ss@127.0.0.1:{proxy.port}")
        with pytest.raises(NotSent, match=r"the proxy http://user:\*\*\*@127\.0\.0\.1:\d+ \(https_proxy\)") as refused:
            way(tmp_path)
    assert "p@ss" not in str(refused.value)
    (seen,) = proxy.seen
    assert seen.line.startswith("CONNECT service.test:443 ")
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


@contextmanager
def socks_server() -> Iterator[tuple[int, list[bytes]]]:
    """Take one SOCKS5 connection and answer its request with a plain 200; yield the port and what was asked for."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(64)
                connection.sendall(b"\x05\x00")
                asked.append(connection.recv(512))
                connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join()


def test_a_socks_proxy_is_used_where_its_packages_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It resolves the name, and the connection notes what it sends as any other."""
    pytest.importorskip("socks")
    pytest.importorskip("python_socks")
    with socks_server() as (port, asked):
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{port}")
        by_http(tmp_path, "http://service.test")
    assert b"service.test" in asked[0]
    assert asked[1].startswith(b"POST /x HTTP/1.1\r\n")


# Certificates.


def missing(place: Path) -> Path:
    return place / "missing.pem"


def empty(place: Path) -> Path:
    (place / "empty.pem").write_bytes(b"")
    return place / "empty.pem"


@WAYS
@pytest.mark.parametrize("variable", network.CA_VARIABLES)
@pytest.mark.parametrize("make", [missing, empty])
def test_certificates_that_lead_nowhere_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, variable: str, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(SetupError, match=f"{variable}={path}: ") as refused:
        way(tmp_path)
    assert variable in refused.value.advice
    with pytest.raises(NotSent):  # without TLS nobody asks for them
        way(tmp_path, "http://127.0.0.1:1")


def test_the_first_that_is_set_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    assert ca_bundle() is None
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere{':' if ':' not in str(tmp_path) else ';'}{tmp_path}")
    assert ca_bundle() == (tmp_path, "SSL_CERT_DIR")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert ca_bundle() == (tmp_path / "ca.pem", "REQUESTS_CA_BUNDLE")


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    """A TLS server whose certificate nobody knows; yield its address."""
    _, context = own_certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.few(1)
@WAYS
def test_a_certificate_that_is_not_trusted_leads_to_the_variable(tmp_path: Path, untrusted: str, way: Way) -> None:
    with pytest.raises(NotSent, match="no secure connection to") as refused:
        way(tmp_path, untrusted)
    assert "REQUESTS_CA_BUNDLE" in refused.value.advice
